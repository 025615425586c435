/* The catalog: names of repositories, from the directory that holds them; and their sum for the quotas. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "registry/server/quota.h"
#include "registry/server/repository.h"
#include "registry/server/repository_list.h"

/* Names with the room of a vector that doubles: a catalog may be long. */
struct names {
	char **v;
	size_t n;
};

static int add(struct names *list, const char *name)
{
	if ((list->n & (list->n + 1)) == 0) { /* n + 1 entries with the end: a power of two is full */
		char **grown = realloc(list->v, 2 * (list->n + 1) * sizeof(*grown));
		if (!grown)
			return -1;
		list->v = grown;
	}
	list->v[list->n] = strdup(name);
	if (!list->v[list->n])
		return -1;
	list->v[++list->n] = NULL;
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Only what has an index is a repository to others. */
static bool is_layout(const struct storage *s, const char *directory)
{
	char path[REPOSITORY_NAME_MAX + sizeof("/index.json")];
	if (strlen(directory) > REPOSITORY_NAME_MAX)
		return false;
	strcpy(stpcpy(path, directory), "/index.json");
	return faccessat(s->repositories, path, F_OK, 0) == 0;
}

static int read_names(struct storage *s, const char *last, struct names *list, struct err *e)
{
	cleanup_dir DIR *all = repository_list_open(s, e);
	if (!all)
		return -1;
	for (char name[REPOSITORY_NAME_MAX + 1]; repository_list_next(all, name);)
		if ((!last || strcmp(name, last) > 0) && add(list, name) < 0)
			return err_no_memory(e);
	return 0;
}

static int add_local(struct storage *s, const char *last, struct names *list, struct err *e)
{
	cleanup_strv char **local = s->local ? local_images_names(s->local, s) : NULL;
	strv_foreach (name, local)
		if ((!last || strcmp(*name, last) > 0) && add(list, *name) < 0)
			return err_no_memory(e);
	return 0;
}

/* Is this name, which is in the list once or twice, one to show? */
static bool shown(struct storage *s, const char *name, bool twice)
{
	char directory[REPOSITORY_NAME_MAX + 1];
	repository_directory(name, directory);
	if (twice || is_layout(s, directory))
		return true;
	if (!s->local || faccessat(s->repositories, directory, F_OK, 0) == 0)
		return false;
	return true;
}

int storage_catalog(struct storage *s, const char *last, size_t n, bool (*want)(void *arg, const char *name),
        void *arg, char ***names, bool *more, struct err *e)
{
	struct names all = {0}, out = {0};
	int rc = read_names(s, last, &all, e);
	if (rc == 0)
		rc = add_local(s, last, &all, e);
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), by_text);
	*more = false;
	for (size_t i = 0; rc == 0 && i < all.n && !*more; i++) {
		bool twice = i + 1 < all.n && strcmp(all.v[i], all.v[i + 1]) == 0;
		if (shown(s, all.v[i], twice) && (!want || want(arg, all.v[i]))) {
			if (out.n == n)
				*more = true;
			else if (add(&out, all.v[i]) < 0)
				rc = err_no_memory(e);
		}
		i += twice;
	}
	strv_free(all.v);
	*names = out.v;
	if (rc < 0) {
		strv_free(out.v);
		*names = NULL;
	}
	return rc;
}

/* ------------------------------------------------------------------ what is there */

struct count {
	struct quota *quota;
	enum quota_of of;
	const char *repository;
};

static int count_blob(void *arg, const struct digest *d, uint64_t size, unsigned links, int64_t touched)
{
	struct count *c = arg;
	(void)d, (void)links, (void)touched;
	quota_add(c->quota, c->of, c->repository, size);
	return 0;
}

int storage_count(struct storage *s, struct quota *q, struct err *e)
{
	struct names all = {0};
	struct count c = {q, QUOTA_STORAGE, ""};
	int rc = blobs_each(s, NULL, count_blob, &c, e);
	if (rc == 0)
		rc = read_names(s, NULL, &all, e);
	for (size_t i = 0; rc == 0 && i < all.n; i++) {
		cleanup_repository struct repository *r = repository_get(s, all.v[i], false, e);
		c = (struct count){q, QUOTA_REPOSITORY, all.v[i]};
		rc = r ? blobs_each(s, r, count_blob, &c, e) : -1;
	}
	strv_free(all.v);
	return rc < 0 ? rc : uploads_count(s, q, e);
}
