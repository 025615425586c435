/* What a collector needs of the storage: all repositories, and many manifests taken away at once. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "registry/server/repository.h"
#include "registry/server/repository_list.h"

int repositories_each(struct storage *s, repository_fn *fn, void *arg, struct err *e)
{
	cleanup_dir DIR *list = repository_list_open(s, e);
	int rc = list ? 0 : -1;
	for (char name[REPOSITORY_NAME_MAX + 1]; rc == 0 && repository_list_next(list, name);) {
		struct err why = ERR_INIT;
		cleanup_repository struct repository *r = repository_get(s, name, false, &why);
		if (r)
			rc = fn(arg, r);
		else if (why.kind != ERR_NOT_FOUND)
			log_line(LOG_LEVEL_WARN, "%s", why.msg);
	}
	return rc;
}

int manifests_drop(
        struct repository *r, char *const *tags, const struct digest *gone, size_t n, struct err *e)
{
	struct index_change c;
	struct digest *subjects = n ? calloc(n, sizeof(*subjects)) : NULL;
	if (n && !subjects)
		return err_no_memory(e);
	for (size_t i = 0; i < n; i++)
		manifest_subject(r, &gone[i], &subjects[i]);
	int rc = index_change_begin(r, &c, e);
	if (rc == 0) {
		strv_foreach (tag, tags)
			index_change_untag(&c, *tag);
		for (size_t i = 0; i < n; i++)
			index_change_remove(&c, &gone[i]);
		rc = index_change_commit(r, &c, e);
	}
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (digest_is_set(&subjects[i]))
			referrers_remove(r, &subjects[i], &gone[i], NULL);
	free(subjects);
	return rc;
}
