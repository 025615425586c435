/* Certificates of single registries: the directories named in certs.h. */
#include "registry/client/certs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "registry/client/registry_rules.h"

#define PEM_MAX     (1 << 20)
#define BUNDLES_MAX 64

struct cert_bundles {
	int fds[BUNDLES_MAX];
	size_t n;
};

struct cert_bundles *cert_bundles_new(void)
{
	return calloc(1, sizeof(struct cert_bundles));
}

void cert_bundles_free(struct cert_bundles *b)
{
	for (size_t i = 0; b && i < b->n; i++)
		close_fd(&b->fds[i]);
	free(b);
}

static int read_all(char *const *files, struct buf *all, struct err *e)
{
	strv_foreach (file, files) {
		if (file_read_at(AT_FDCWD, *file, all, e) < 0)
			return -1;
		buf_char(all, '\n');
	}
	return all->failed ? err_set(e, ERR_NO_SPACE, "the certificates beside %s are too large", files[0])
	                   : 0;
}

int certs_bundle(const struct registries *r, char *const *files, char **path, struct err *e)
{
	cleanup_buf struct buf all = BUF_INIT_MAX(PEM_MAX);
	struct cert_bundles *b = r->bundles;
	free(*path);
	*path = NULL;
	if (!files || !files[0])
		return 0;
	if (!files[1]) {
		*path = strdup(files[0]);
		return *path ? 0 : err_no_memory(e);
	}
	if (b->n == BUNDLES_MAX)
		return err_set(e, ERR_NO_SPACE, "too many registries with several CA certificates");
	if (read_all(files, &all, e) < 0)
		return -1;
	cleanup_fd int fd = memfd_create("tare-ca", MFD_CLOEXEC);
	if (fd < 0 || write_all(fd, all.data, all.len) < 0)
		return err_sys(e, "cannot keep CA certificates in memory");
	*path = str_printf("/proc/self/fd/%d", fd);
	if (!*path)
		return err_no_memory(e);
	b->fds[b->n++] = steal_fd(&fd);
	return 0;
}

static bool has_ending(const char *name, const char *ending)
{
	size_t len = strlen(name), n = strlen(ending);
	return len > n && strcmp(name + len - n, ending) == 0;
}

static int is_pem(const struct dirent *d)
{
	return has_ending(d->d_name, ".crt") || has_ending(d->d_name, ".cert") ||
	       has_ending(d->d_name, ".key");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* NAME.cert and NAME.key are of use only together; the first pair counts. */
static int take_client(const char *dir, const char *name, struct registry_endpoint *p, struct err *e)
{
	bool cert = has_ending(name, ".cert");
	int stem = (int)(strlen(name) - (cert ? 5 : 4));
	cleanup_free char *file = str_printf("%s/%.*s.cert", dir, stem, name);
	cleanup_free char *key = str_printf("%s/%.*s.key", dir, stem, name);
	if (!file || !key)
		return err_no_memory(e);
	if (access(cert ? key : file, F_OK) < 0)
		return err_set(e, ERR_NOT_FOUND, "%s/%s has no %s beside it; both are needed", dir, name,
		        cert ? strrchr(key, '/') + 1 : strrchr(file, '/') + 1);
	if (p->cert_file)
		return 0;
	p->cert_file = steal_ptr(&file);
	p->key_file = steal_ptr(&key);
	return 0;
}

static int take_file(
        const char *dir, const char *name, struct registry_endpoint *p, char ***authorities, struct err *e)
{
	if (!has_ending(name, ".crt"))
		return take_client(dir, name, p, e);
	char *file = str_printf("%s/%s", dir, name);
	return file && strv_take(authorities, file) == 0 ? 0 : err_no_memory(e);
}

/* 1: there is such a directory. */
static int take_directory(
        const struct registries *r, const char *dir, struct registry_endpoint *p, struct err *e)
{
	cleanup_strv char **authorities = NULL;
	struct dirent **list = NULL;
	int n = scandir(dir, &list, is_pem, by_name), rc = 0;
	if (n < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
		return 0;
	if (n < 0)
		return err_sys(e, "cannot read %s", dir);
	for (int i = 0; i < n; i++) {
		if (rc == 0)
			rc = take_file(dir, list[i]->d_name, p, &authorities, e);
		free(list[i]);
	}
	free(list);
	if (rc < 0 || certs_bundle(r, authorities, &p->ca_file, e) < 0)
		return -1;
	return 1;
}

int certs_find(const struct registries *r, const char *domain, struct registry_endpoint *p, struct err *e)
{
	cleanup_free char *home = registries_home_config();
	const char *etc = registries_etc();
	const struct {
		const char *root, *tool;
	} places[] = {{etc, "tare"}, {home, "containers"}, {etc, "containers"}, {etc, "docker"}};
	if (r->certs_dir) {
		int rc = take_directory(r, r->certs_dir, p, e);
		return rc == 0  ? err_set(e, ERR_NOT_FOUND, "--cert-dir %s: there is no such directory",
		                          r->certs_dir)
		       : rc < 0 ? -1
		                : 0;
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (!places[i].root)
			continue;
		cleanup_free char *dir =
		        str_printf("%s/%s/certs.d/%s", places[i].root, places[i].tool, domain);
		int rc = dir ? take_directory(r, dir, p, e) : err_no_memory(e);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
	}
	return 0;
}
