/* Blobs: one file in the storage, hard links to it in the repositories that have it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "registry/server/quota.h"
#include "registry/server/repository.h"
#include "registry/server/repository_list.h"

#define TOUCH_AGAIN                                                                                          \
	1 /* seconds: a blob that was asked for within them is not touched again; below any grace */
#define COPY_CHUNK ((size_t)1 << 30)

struct blob_path {
	char text[sizeof("blobs/") + DIGEST_TEXT_SIZE];
};

/* "blobs/sha256/HEX": beneath a repository's directory or the storage's. */
static const char *path_of(const struct digest *d, struct blob_path *p)
{
	char tail[DIGEST_TEXT_SIZE];
	strcpy(stpcpy(p->text, "blobs/"), digest_path(d, tail));
	return p->text;
}

static int compare(const void *a, const void *b)
{
	const struct digest *x = a, *y = b;
	int c = strcmp(x->hex, y->hex);
	return c ? c : strcmp(x->alg, y->alg);
}

/* A local store has one heap of blobs for all its images: a repository of it has only what its own manifests
 * name. */
static bool is_reachable(const struct repository *r, const struct digest *d)
{
	return !r->read_only ||
	       (r->n_reachable && bsearch(d, r->reachable, r->n_reachable, sizeof(*d), compare));
}

int blob_get(struct repository *r, const struct digest *d, uint64_t *size)
{
	struct blob_path path;
	struct stat st;
	if (!is_reachable(r, d)) {
		errno = ENOENT;
		return -1;
	}
	int fd = openat(r->dir, path_of(d, &path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close_fd(&fd);
		errno = ENOENT;
		return -1;
	}
	*size = (uint64_t)st.st_size;
	return fd;
}

static bool stat_here(struct repository *r, const struct digest *d, struct stat *st)
{
	struct blob_path path;
	return is_reachable(r, d) && fstatat(r->dir, path_of(d, &path), st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st->st_mode);
}

bool blob_has(struct repository *r, const struct digest *d, uint64_t *size)
{
	struct stat st;
	if (!stat_here(r, d, &st))
		return false;
	*size = (uint64_t)st.st_size;
	return true;
}

bool blob_stat(struct repository *r, const struct digest *d, uint64_t *size)
{
	struct blob_path path;
	struct stat st;
	if (!stat_here(r, d, &st))
		return false;
	*size = (uint64_t)st.st_size;
	if (r->read_only || r->storage->read_only || st.st_mtime + TOUCH_AGAIN >= time(NULL))
		return true;
	/* Between look and touch nobody may collect it: who was told that it is here may rely on it.
	 * tests/unit/test_registry_gc.c */
	pthread_rwlock_rdlock(&r->storage->links);
	int rc = utimensat(r->dir, path_of(d, &path), NULL, AT_SYMLINK_NOFOLLOW);
	bool gone = rc < 0 && errno == ENOENT;
	pthread_rwlock_unlock(&r->storage->links);
	return !gone;
}

/* ------------------------------------------------------------------ linking */

static int sync_parent(int dir, const struct digest *d, struct err *e)
{
	char path[sizeof("blobs/sha512")];
	strcpy(stpcpy(path, "blobs/"), d->alg);
	cleanup_fd int fd = openat(dir, path, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? err_sys(e, "cannot sync the blobs' directory") : 0;
}

static int copy_bytes(int from, int to)
{
	for (;;) {
		ssize_t n = copy_file_range(from, NULL, to, NULL, COPY_CHUNK, 0);
		if (n <= 0)
			return (int)n;
	}
}

/* Where a file has all the links that its file system allows, the repository gets a copy. */
static int copy_into(struct repository *r, const char *path, struct err *e)
{
	char name[48] = ".tmp-";
	random_hex(name + 5, 16);
	cleanup_fd int from = openat(r->storage->dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	cleanup_fd int to = openat(r->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (from >= 0 && to >= 0 && copy_bytes(from, to) == 0 && fsync(to) == 0 &&
	        renameat(r->dir, name, r->dir, path) == 0)
		return 0;
	err_sys(e, "cannot copy a blob");
	unlinkat(r->dir, name, 0);
	return -1;
}

/* Storage to repository. 1: it is new here, 0: it was here. */
static int link_into(struct repository *r, const struct digest *d, struct err *e)
{
	struct blob_path path;
	path_of(d, &path);
	if (linkat(r->storage->dir, path.text, r->dir, path.text, 0) < 0) {
		if (errno == EEXIST)
			return 0;
		if (errno != EMLINK)
			return err_sys(e, "cannot link a blob");
		if (copy_into(r, path.text, e) < 0)
			return -1;
	}
	return sync_parent(r->dir, d, e) < 0 ? -1 : 1;
}

static bool has_size(struct storage *s, const char *path, uint64_t size)
{
	struct stat st;
	return fstatat(s->dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && (uint64_t)st.st_size == size;
}

/* The storage's own file of that digest. 1: this one became it; 0: there was one, ours is gone. One with
 * another size is the remains of a damaged disk, and is replaced. Of two that come at once the first is the
 * one: a repository must not have linked what the second then replaces. tests/unit/test_registry_storage.c */
static int place(struct storage *s, int fromdir, const char *from, uint64_t size, const struct digest *d,
        struct err *e)
{
	struct blob_path path;
	int rc = renameat2(fromdir, from, s->dir, path_of(d, &path), RENAME_NOREPLACE);
	if (rc < 0 && errno == EEXIST && has_size(s, path.text, size)) {
		if (unlinkat(fromdir, from, 0) < 0)
			return err_sys(e, "cannot remove an upload");
		return 0;
	}
	if (rc < 0 && errno == EEXIST)
		rc = renameat(fromdir, from, s->dir, path.text);
	if (rc < 0)
		return err_sys(e, "cannot store a blob");
	return sync_parent(s->dir, d, e) < 0 ? -1 : 1;
}

int blob_adopt(struct repository *r, int fromdir, const char *from, int fd, const struct digest *d,
        unsigned *fresh, struct err *e)
{
	struct storage *s = r->storage;
	struct stat st;
	*fresh = 0;
	if (fstat(fd, &st) < 0 || fsync(fd) < 0)
		return err_sys(e, "cannot sync a blob");
	pthread_rwlock_rdlock(&s->links);
	int placed = place(s, fromdir, from, (uint64_t)st.st_size, d, e);
	int linked = placed < 0 ? -1 : link_into(r, d, e);
	pthread_rwlock_unlock(&s->links);
	if (linked < 0)
		return -1;
	*fresh = (placed ? QUOTA_STORAGE : 0) | (linked ? QUOTA_REPOSITORY : 0);
	return 0;
}

int blob_write(struct repository *r, const void *data, size_t len, const struct digest *d, unsigned *fresh,
        struct err *e)
{
	char name[48] = ".tmp-";
	uint64_t size;
	*fresh = 0;
	if (blob_has(r, d, &size) && size == len)
		return 0;
	random_hex(name + 5, 16);
	cleanup_fd int fd = openat(
	        r->storage->uploads_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return err_sys(e, "cannot write a blob");
	if (write_all(fd, data, len) < 0)
		err_sys(e, "cannot write a blob");
	else if (blob_adopt(r, r->storage->uploads_dir, name, fd, d, fresh, e) == 0)
		return 0;
	unlinkat(r->storage->uploads_dir, name, 0);
	return -1;
}

/* ------------------------------------------------------------------ mounting */

struct mount_search {
	struct repository *target;
	const struct digest *digest;
	bool (*may_read)(void *arg, const char *repository);
	void *arg;
};

/* A mount must not tell whether a repository that somebody may not read has a blob: to him that is "not
 * found", and the blob has to be uploaded. tests/e2e/registry_spec.py "mount", registry-spec.bats */
static bool has_readable(const struct mount_search *m, const char *name)
{
	uint64_t size;
	if (m->may_read && !m->may_read(m->arg, name))
		return false;
	cleanup_repository struct repository *r = repository_get(m->target->storage, name, false, NULL);
	return r && !r->read_only && blob_has(r, m->digest, &size);
}

static int find_readable(const struct mount_search *m, struct err *e)
{
	struct blob_path path;
	struct stat st;
	if (fstatat(m->target->storage->dir, path_of(m->digest, &path), &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	cleanup_dir DIR *list = repository_list_open(m->target->storage, e);
	if (!list)
		return -1;
	for (char name[REPOSITORY_NAME_MAX + 1]; repository_list_next(list, name);) {
		char dir[REPOSITORY_NAME_MAX + 1], probe[sizeof(dir) + sizeof(path.text) + 1];
		repository_directory(name, dir);
		snprintf(probe, sizeof(probe), "%s/%s", dir, path.text);
		if (faccessat(m->target->storage->repositories, probe, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
		        has_readable(m, name))
			return 1;
	}
	return 0;
}

int blob_mount(struct repository *r, const struct digest *d, const char *from,
        bool (*may_read)(void *arg, const char *repository), void *arg, uint64_t *fresh, struct err *e)
{
	struct mount_search m = {r, d, may_read, arg};
	struct err why = ERR_INIT;
	uint64_t size = 0;
	*fresh = 0;
	int found = from ? has_readable(&m, from) : find_readable(&m, e);
	if (found <= 0)
		return found;
	pthread_rwlock_rdlock(&r->storage->links);
	int linked = link_into(r, d, &why);
	pthread_rwlock_unlock(&r->storage->links);
	if (linked < 0 && why.kind == ERR_NOT_FOUND) /* collected in between */
		return 0;
	if (linked < 0) {
		if (e)
			*e = why;
		return -1;
	}
	if (blob_stat(r, d, &size) && linked)
		*fresh = size;
	return 1;
}

/* ------------------------------------------------------------------ removing */

int blob_delete(struct repository *r, const struct digest *d, uint64_t *size, struct err *e)
{
	struct blob_path path;
	int rc = 0;
	pthread_mutex_lock(&r->change);
	if (r->read_only)
		rc = err_set(
		        e, ERR_NOT_FOUND, "%s is of the local images, which are only read here", r->name);
	else if (index_find(&r->index, d))
		rc = err_set(e, ERR_CONFLICT, "it is a manifest; delete it under /manifests/");
	else if (!blob_has(r, d, size))
		rc = err_set(e, ERR_NOT_FOUND, "no such blob in %s", r->name);
	if (rc == 0) {
		pthread_rwlock_rdlock(&r->storage->links);
		if (unlinkat(r->dir, path_of(d, &path), 0) < 0)
			rc = err_sys(e, "cannot delete the blob");
		pthread_rwlock_unlock(&r->storage->links);
	}
	pthread_mutex_unlock(&r->change);
	return rc;
}

int blob_drop(struct storage *s, struct repository *r, const struct digest *d, struct err *e)
{
	struct blob_path path;
	if (unlinkat(r ? r->dir : s->dir, path_of(d, &path), 0) < 0 && errno != ENOENT)
		return err_sys(e, "cannot remove a blob");
	return 0;
}

static int64_t later(const struct stat *st)
{
	int64_t m = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
	int64_t c = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;
	return m > c ? m : c;
}

static int each_of(int parent, const char *alg, blob_fn *fn, void *arg, struct err *e)
{
	char path[sizeof("blobs/sha512")];
	strcpy(stpcpy(path, "blobs/"), alg);
	int fd = openat(parent, path, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_dir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		close_fd(&fd);
		return errno == ENOENT ? 0 : err_sys(e, "cannot list the blobs");
	}
	for (struct dirent *entry; (entry = readdir(dir));) {
		char text[DIGEST_TEXT_SIZE];
		struct digest d;
		struct stat st;
		if (snprintf(text, sizeof(text), "%s:%s", alg, entry->d_name) >= (int)sizeof(text) ||
		        !digest_read(text, &d) ||
		        fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		int rc = fn(arg, &d, (uint64_t)st.st_size, (unsigned)st.st_nlink, later(&st));
		if (rc)
			return rc;
	}
	return 0;
}

int blobs_each(struct storage *s, struct repository *r, blob_fn *fn, void *arg, struct err *e)
{
	int dir = r ? r->dir : s->dir;
	int rc = each_of(dir, "sha256", fn, arg, e);
	return rc ? rc : each_of(dir, "sha512", fn, arg, e);
}
