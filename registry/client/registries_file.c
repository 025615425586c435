/* The files of registries.conf: which are read, and in which order. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "registry/client/registry_rules.h"
#include "registry/client/toml.h"

/* 1: read; 0: there is none. */
static int read_file(struct registries *r, const char *path, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(TOML_MAX_BYTES + 1);
	struct err why = ERR_INIT;
	if (file_read_at(AT_FDCWD, path, &text, &why) < 0) {
		if (why.sys == ENOENT || why.sys == ENOTDIR)
			return 0;
		if (e)
			*e = why;
		return -1;
	}
	cleanup_toml struct toml *doc = toml_parse(buf_str(&text), text.len, path, e);
	return doc && registries_read_document(r, doc, path, e) == 0 ? 1 : -1;
}

static int is_conf(const struct dirent *d)
{
	size_t len = strlen(d->d_name);
	return d->d_name[0] != '.' && len > 5 && strcmp(d->d_name + len - 5, ".conf") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* DIR/registries.conf.d/ *.conf in the order of their names. */
static int read_drop_ins(struct registries *r, const char *dir, struct err *e)
{
	cleanup_free char *path = str_printf("%s/registries.conf.d", dir);
	struct dirent **list = NULL;
	int n = path ? scandir(path, &list, is_conf, by_name) : -1, rc = 0;
	if (!path)
		return err_no_memory(e);
	if (n < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(e, "cannot read %s", path);
	for (int i = 0; i < n; i++) {
		cleanup_free char *file = str_printf("%s/%s", path, list[i]->d_name);
		if (rc == 0)
			rc = !file ? err_no_memory(e) : read_file(r, file, e) < 0 ? -1 : 0;
		free(list[i]);
	}
	free(list);
	return rc;
}

/* The one main file: named by the environment, the user's, or the host's. */
static int read_main(struct registries *r, const char *own, const char *host, struct err *e)
{
	const char *named = getenv("CONTAINERS_REGISTRIES_CONF");
	cleanup_free char *file = str_printf("%s/registries.conf", own ? own : host);
	cleanup_free char *other = str_printf("%s/registries.conf", host);
	if (!file || !other)
		return err_no_memory(e);
	if (named && *named) {
		int rc = read_file(r, named, e);
		return rc == 0 ? err_set(e, ERR_NOT_FOUND,
		                         "CONTAINERS_REGISTRIES_CONF names %s, which isn't there", named)
		               : rc;
	}
	int rc = read_file(r, file, e);
	return rc == 0 ? read_file(r, other, e) : rc;
}

int registries_read_files(struct registries *r, struct err *e)
{
	cleanup_free char *config = registries_home_config();
	cleanup_free char *own = config ? str_printf("%s/containers", config) : NULL;
	cleanup_free char *host = str_printf("%s/containers", registries_etc());
	if (!host)
		return err_no_memory(e);
	if (read_main(r, own, host, e) < 0 || read_drop_ins(r, host, e) < 0)
		return -1;
	return own ? read_drop_ins(r, own, e) : 0;
}
