/* The storage as a whole: its directories, its lock, and the table of repositories in memory. */
#include "registry/server/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"
#include "registry/server/repository.h"

#define FORMAT "1\n"

/* ------------------------------------------------------------------ opening */

static int check_format(struct storage *s, struct err *e)
{
	char text[16];
	if (file_read_small(s->dir, "format", text, sizeof(text)) >= 0)
		return strcmp(text, "1") == 0 ? 0
		                              : err_set(e, ERR_UNSUPPORTED,
		                                        "the storage has format %s, which this version does "
		                                        "not know; use the one that made it",
		                                        text);
	if (errno != ENOENT || s->read_only)
		return err_sys(e, "cannot read the storage's format");
	return file_write_at(s->dir, "format", FORMAT, sizeof(FORMAT) - 1, 0644, FILE_SYNC, e);
}

static int open_part(const struct storage *s, int parent, const char *name, struct err *e)
{
	int fd = s->read_only ? openat(parent, name, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
	                      : open_dir_make(parent, name, 0755);
	return fd < 0 ? err_sys(e, "cannot open %s of the storage", name) : fd;
}

static int open_parts(struct storage *s, struct err *e)
{
	static const char *const algorithms[] = {"sha256", "sha512"};
	if (!s->read_only) {
		s->lock = lock_try(s->dir, "lock", LOCK_EXCLUSIVE);
		if (s->lock < 0 && errno == EWOULDBLOCK)
			return err_set(e, ERR_CONFLICT,
			        "another registry serves this storage; stop it with 'tare registry stop', or "
			        "choose another directory with --storage");
		if (s->lock < 0)
			return err_sys(e, "cannot lock the storage");
	}
	if (check_format(s, e) < 0 || (s->blobs = open_part(s, s->dir, "blobs", e)) < 0 ||
	        (s->repositories = open_part(s, s->dir, "repositories", e)) < 0 ||
	        (s->uploads_dir = open_part(s, s->dir, "uploads", e)) < 0)
		return -1;
	for (int i = 0; i < 2 && !s->read_only; i++) {
		cleanup_fd int fd = open_part(s, s->blobs, algorithms[i], e);
		if (fd < 0)
			return -1;
	}
	return 0;
}

struct storage *storage_open(int dirfd, bool read_only, struct err *e)
{
	struct storage *s = calloc(1, sizeof(*s));
	if (!s)
		return err_no_memory(e), NULL;
	s->read_only = read_only;
	s->dir = s->blobs = s->repositories = s->uploads_dir = s->lock = -1;
	pthread_mutex_init(&s->table_lock, NULL);
	pthread_rwlock_init(&s->links, NULL);
	s->uploads = uploads_new();
	s->dir = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
	if (!s->uploads)
		err_no_memory(e);
	else if (s->dir < 0)
		err_sys(e, "cannot open the storage");
	else if (open_parts(s, e) == 0)
		return s;
	storage_close(s);
	return NULL;
}

void storage_close(struct storage *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < REPOSITORY_TABLE; i++) {
		for (struct repository *r = s->table[i], *next; r; r = next) {
			next = r->next;
			repository_free(r);
		}
	}
	uploads_free(s->uploads);
	local_images_free(s->local);
	int *const fds[] = {&s->dir, &s->blobs, &s->repositories, &s->uploads_dir, &s->lock};
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		close_fd(fds[i]);
	pthread_mutex_destroy(&s->table_lock);
	pthread_rwlock_destroy(&s->links);
	free(s);
}

void storage_collect_begin(struct storage *s)
{
	pthread_rwlock_wrlock(&s->links);
}

void storage_collect_end(struct storage *s)
{
	pthread_rwlock_unlock(&s->links);
}

/* ------------------------------------------------------------------ repositories */

struct repository *repository_new(struct storage *s, const char *name, int dir)
{
	cleanup_fd int fd = dir;
	struct repository *r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->storage = s;
	r->dir = steal_fd(&fd);
	strcpy(r->name, name);
	pthread_mutex_init(&r->change, NULL);
	pthread_rwlock_init(&r->swap, NULL);
	return r;
}

void repository_free(struct repository *r)
{
	if (!r)
		return;
	index_free(&r->index);
	free(r->reachable);
	close_fd(&r->dir);
	pthread_mutex_destroy(&r->change);
	pthread_rwlock_destroy(&r->swap);
	free(r);
}

/* FNV-1a; the names are those of directories that exist, so nobody fills one chain from outside for nothing.
 */
static struct repository **chain_of(struct storage *s, const char *name)
{
	uint32_t h = 2166136261u;
	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return &s->table[h % REPOSITORY_TABLE];
}

/* Under table_lock: forget what nobody uses, so that memory and descriptors stay bounded. */
static void make_room(struct storage *s)
{
	for (size_t i = 0; i < REPOSITORY_TABLE && s->n_repositories >= REPOSITORY_KEPT; i++) {
		for (struct repository **at = &s->table[i]; *at;) {
			struct repository *r = *at;
			if (r->refs > 0) {
				at = &r->next;
				continue;
			}
			*at = r->next;
			s->n_repositories--;
			repository_free(r);
		}
	}
}

/* Directories of a repository; the layout's own files come with its first manifest. One that a kill or a
 * power cut left half made is completed: else no push would ever go into it.
 * tests/unit/test_registry_storage.c */
static int make_directories(struct storage *s, const char *directory, struct err *e)
{
	bool fresh = false;
	static const char *const parts[] = {
	        "blobs", "blobs/sha256", "blobs/sha512", "referrers", "referrers/sha256", "referrers/sha512"};
	cleanup_fd int fd = open_dir_make(s->repositories, directory, 0755);
	if (fd < 0)
		return err_sys(e, "cannot make the repository");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (mkdirat(fd, parts[i], 0755) == 0)
			fresh = true;
		else if (errno != EEXIST)
			return err_sys(e, "cannot make the repository");
	}
	return fresh && (fsync(fd) < 0 || fsync(s->repositories) < 0)
	               ? err_sys(e, "cannot sync the repository")
	               : 0;
}

static struct repository *load(struct storage *s, const char *name, bool make, struct err *e)
{
	char directory[REPOSITORY_NAME_MAX + 1];
	repository_directory(name, directory);
	if (make && make_directories(s, directory, e) < 0)
		return NULL;
	int fd = openat(s->repositories, directory, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys_null(e, "cannot open the repository %s", name);
	struct repository *r = repository_new(s, name, fd);
	if (!r)
		return err_no_memory(e), NULL;
	r->complete = make;
	if (repository_index_read(r, e) == 0)
		return r;
	repository_free(r);
	return NULL;
}

/* One that was looked at before somebody pushes to it. */
static int complete(struct storage *s, struct repository *r, struct err *e)
{
	char directory[REPOSITORY_NAME_MAX + 1];
	repository_directory(r->name, directory);
	if (!r->complete && make_directories(s, directory, e) < 0)
		return -1;
	r->complete = true;
	return 0;
}

static struct repository *get_own(struct storage *s, const char *name, bool make, struct err *e)
{
	pthread_mutex_lock(&s->table_lock);
	struct repository **chain = chain_of(s, name), *r = *chain;
	while (r && strcmp(r->name, name) != 0)
		r = r->next;
	if (!r) {
		if (s->n_repositories >= REPOSITORY_KEPT)
			make_room(s);
		r = load(s, name, make, e);
		if (r) {
			r->next = *chain;
			*chain = r;
			s->n_repositories++;
		}
	}
	if (r && make && complete(s, r, e) < 0)
		r = NULL;
	if (r)
		r->refs++;
	pthread_mutex_unlock(&s->table_lock);
	return r;
}

struct repository *repository_get(struct storage *s, const char *name, bool make, struct err *e)
{
	struct err why = ERR_INIT;
	if (!repository_name_ok(name))
		return err_set_null(e, ERR_NOT_FOUND, "\"%.300s\" is not the name of a repository", name);
	struct repository *r = get_own(s, name, make && !s->read_only, &why);
	if (!r && why.kind == ERR_NOT_FOUND && s->local)
		return local_images_get(s->local, s, name, e);
	if (!r && e)
		*e = why;
	return r;
}

struct repository *repository_get_local(struct storage *s, const char *name)
{
	return s->local && repository_name_ok(name) ? local_images_get(s->local, s, name, NULL) : NULL;
}

void repository_put(struct repository *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->storage->table_lock);
	unsigned left = --r->refs;
	pthread_mutex_unlock(&r->storage->table_lock);
	if (r->read_only && left == 0) /* of a local store: in no table */
		repository_free(r);
}

void repository_put_ptr(struct repository **r)
{
	repository_put(*r);
}

bool repository_has_index(const struct repository *r)
{
	return r->has_index;
}

bool repository_is_local(const struct repository *r)
{
	return r->read_only;
}

void repository_freeze(struct repository *r)
{
	pthread_mutex_lock(&r->change);
}

void repository_thaw(struct repository *r)
{
	pthread_mutex_unlock(&r->change);
}
