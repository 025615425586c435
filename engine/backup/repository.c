#include "engine/backup/repository.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"
#include "engine/backup/repository_own.h"

/* ------------------------------------------------------------------ open */

/* What a maker that was killed may have left: still as good as empty. */
static bool is_ours(const char *name)
{
	static const char *const names[] = {".", "..", "packs", "snapshots", "lock", "lost+found"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return strncmp(name, ".tmp-", 5) == 0;
}

static int check_empty(const struct repository *r, struct err *e)
{
	cleanup_fd int fd = openat(r->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return err_sys(e, "cannot list %s", r->dir);
	fd = -1;
	for (struct dirent *d; (d = readdir(dir));)
		if (!is_ours(d->d_name))
			return err_set(e, ERR_CONFLICT,
			        "%s holds other files and is no backup repository; name an empty directory",
			        r->dir);
	return 0;
}

static bool has_config(const struct repository *r)
{
	struct stat st;
	return fstatat(r->dirfd, "config", &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Two that make one at the same time: the second finds the first's. The config comes last. */
static int make(struct repository *r, const char *key_file, struct err *e)
{
	if (has_config(r))
		return 0;
	if (check_empty(r, e) < 0)
		return -1;
	cleanup_fd int lock = lock_take(r->dirfd, "lock", LOCK_EXCLUSIVE, e);
	if (lock < 0)
		return err_wrap(e, "repository %s", r->dir);
	if (has_config(r))
		return 0;
	cleanup_fd int packs = open_dir_make(r->dirfd, "packs", 0700);
	cleanup_fd int snapshots = open_dir_make(r->dirfd, "snapshots", 0700);
	if (packs < 0 || snapshots < 0)
		return err_sys(e, "cannot make the repository %s", r->dir);
	return repository_config_make(r, key_file, e);
}

static int open_parts(struct repository *r, const struct repository_options *o, struct err *e)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
	if (!has_config(r))
		return err_set(
		        e, ERR_NOT_FOUND, "%s is no backup repository: it has no file \"config\"", r->dir);
	r->exclusive = o->lock == REPOSITORY_EXCLUSIVE;
	r->lock = lock_take(r->dirfd, "lock", r->exclusive ? LOCK_EXCLUSIVE : LOCK_SHARED, e);
	if (r->lock < 0)
		return err_wrap(e, "repository %s", r->dir);
	if (repository_config_read(r, o->key_file, e) < 0)
		return -1;
	r->packs = openat(r->dirfd, "packs", flags);
	r->snapshots = r->packs < 0 ? -1 : openat(r->dirfd, "snapshots", flags);
	return r->snapshots < 0 ? err_sys(e, "the repository %s has lost its packs or snapshots", r->dir) : 0;
}

static int open_dir(struct repository *r, const struct repository_options *o, struct err *e)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	if (seal_start(e) < 0)
		return -1;
	r->dirfd = open(r->dir, flags);
	if (r->dirfd < 0 && errno == ENOENT && o->make) {
		if (mkdir_all(r->dir, 0700) < 0)
			return err_sys(e, "cannot make the repository %s", r->dir);
		r->dirfd = open(r->dir, flags);
	}
	if (r->dirfd < 0)
		return err_sys(e, "cannot open the repository %s", r->dir);
	if (o->make && make(r, o->key_file, e) < 0)
		return -1;
	return open_parts(r, o, e);
}

struct repository *repository_open(const char *dir, const struct repository_options *o, struct err *e)
{
	struct repository *r = calloc(1, sizeof(*r));
	if (!r) {
		err_no_memory(e);
		return NULL;
	}
	r->dirfd = r->packs = r->snapshots = r->lock = -1;
	r->progress = o->progress;
	pthread_mutex_init(&r->mutex, NULL);
	r->dir = strdup(dir);
	if (!r->dir)
		err_no_memory(e);
	if (!r->dir || open_dir(r, o, e) < 0) {
		repository_close(r);
		return NULL;
	}
	return r;
}

void repository_drop_index(struct repository *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->list[i].why);
	free(r->list);
	r->list = NULL;
	r->n = r->cap = 0;
	chunk_index_free(&r->index);
	r->indexed = false;
}

void repository_close(struct repository *r)
{
	if (!r)
		return;
	repository_drop_index(r);
	seal_forget(&r->seal);
	close_fd(&r->packs);
	close_fd(&r->snapshots);
	close_fd(&r->lock);
	close_fd(&r->dirfd);
	pthread_mutex_destroy(&r->mutex);
	free(r->dir);
	free(r);
}

void repository_close_ptr(struct repository **r)
{
	repository_close(*r);
}

int repository_needs_exclusive(const struct repository *r, struct err *e)
{
	return r->exclusive ? 0 : err_set(e, ERR_OTHER, "the repository %s is not locked for that", r->dir);
}

/* ------------------------------------------------------------------ the index */

long repository_add_pack(struct repository *r, const struct pack_name *n, uint64_t size, struct err *e)
{
	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 64;
		struct repository_pack *grown = realloc(r->list, cap * sizeof(*grown));
		if (!grown)
			return err_no_memory(e);
		r->list = grown;
		r->cap = cap;
	}
	r->list[r->n] = (struct repository_pack){.name = *n, .size = size};
	return (long)r->n++;
}

static int index_blobs(struct repository *r, long pack, const struct pack_directory *d, struct err *e)
{
	uint32_t at = PACK_FIRST;
	for (size_t i = 0; i < d->n; i++) {
		const struct blob *b = &d->blobs[i];
		struct chunk_row *row;
		int rc = chunk_index_add(&r->index, &b->id, &row, e);
		if (rc < 0)
			return -1;
		if (rc > 0) {
			row->pack = (uint32_t)pack;
			row->offset = at;
			row->stored = b->stored & 0xfffffff;
			row->plain = b->plain;
			row->zstd = b->zstd & 1;
		}
		at += b->stored;
	}
	r->list[pack].chunks = (uint32_t)d->n;
	return 0;
}

/* One that is broken is remembered: what it held is stored again, or missed by whoever needs it. */
static int index_pack(struct repository *r, const struct pack_name *n, struct err *e)
{
	struct err why = ERR_INIT;
	cleanup_pack_directory struct pack_directory d = {0};
	long pack = repository_add_pack(r, n, 0, e);
	if (pack < 0)
		return -1;
	cleanup_fd int fd = pack_open(r->packs, n, &why);
	if (fd >= 0 && pack_read_directory(fd, n, &r->seal, &d, &why) == 0) {
		r->list[pack].size = d.size;
		return index_blobs(r, pack, &d, e);
	}
	r->list[pack].size = d.size;
	r->list[pack].broken = true;
	r->list[pack].why = strdup(why.msg);
	return r->list[pack].why ? 0 : err_no_memory(e);
}

static int index_folder(struct repository *r, const char *name, struct err *e)
{
	struct pack_name pack;
	cleanup_fd int fd = openat(r->packs, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return err_sys(e, "cannot list %s/packs/%.2s", r->dir, name);
	fd = -1;
	for (struct dirent *d; (errno = 0, d = readdir(dir));)
		if (pack_name_parse(d->d_name, &pack) && strncmp(d->d_name, name, 2) == 0 &&
		        index_pack(r, &pack, e) < 0)
			return -1;
	return errno ? err_sys(e, "cannot list %s/packs/%.2s", r->dir, name) : 0;
}

int repository_load_index(struct repository *r, struct err *e)
{
	if (r->indexed)
		return 0;
	cleanup_fd int fd = openat(r->packs, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return err_sys(e, "cannot list %s/packs", r->dir);
	fd = -1;
	for (struct dirent *d; (errno = 0, d = readdir(dir));)
		if (strlen(d->d_name) == 2 && strspn(d->d_name, "0123456789abcdef") == 2 &&
		        index_folder(r, d->d_name, e) < 0)
			return -1;
	if (errno)
		return err_sys(e, "cannot list %s/packs", r->dir);
	r->indexed = true;
	return 0;
}

bool repository_find_chunk(struct repository *r, const struct chunk_id *id, struct chunk_row *row)
{
	pthread_mutex_lock(&r->mutex);
	const struct chunk_row *found = chunk_index_find(&r->index, id);
	/* length 0: somebody is about to store it (pipeline.c) */
	bool there = found && found->stored > 0;
	if (there)
		*row = *found;
	pthread_mutex_unlock(&r->mutex);
	return there;
}
