#include "engine/store/partial.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"
#include "engine/store/pull.h"

static const char *const algorithms[] = {"sha256", "sha512"};

/* partial/ALG, made when missing. -1 with errno. */
static int open_room(const struct store *s, const char *alg)
{
	cleanup_fd int all = open_dir_make(s->root_fd, "partial", 0700);
	return all < 0 ? -1 : open_dir_make(all, alg, 0700);
}

/* -1 with errno when there is none. */
static int find_room(const struct store *s, const char *alg)
{
	char path[32];
	snprintf(path, sizeof(path), "partial/%s", alg);
	return openat(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int room_error(const struct store *s, const struct digest *d, struct err *e)
{
	return err_sys(e, "cannot use %s/partial/%s/%.12s", s->root, d->alg, d->hex);
}

/* Does `name` still lead to the open file? Whoever had it before us may have removed it. */
static bool is_current(int room, const char *name, int fd)
{
	struct stat open, there;
	return fstat(fd, &open) == 0 && fstatat(room, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       open.st_dev == there.st_dev && open.st_ino == there.st_ino;
}

static int lock_file(int fd, bool wait)
{
	int rc;
	do
		rc = flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB));
	while (rc < 0 && errno == EINTR);
	return rc;
}

/* 1 with *fd: ours. 0: somebody else's. -1 with errno. */
static int open_locked(int room, const char *name, bool wait, int *fd)
{
	for (;;) {
		cleanup_fd int file =
		        openat(room, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
		if (file < 0)
			return -1;
		if (lock_file(file, wait) < 0)
			return errno == EWOULDBLOCK ? 0 : -1;
		if (is_current(room, name, file)) {
			*fd = steal_fd(&file);
			return 1;
		}
	}
}

/* A link, fifo or device in its place would be followed or waited for. */
static int measure(int fd, uint64_t *size)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -1;
	*size = (uint64_t)st.st_size;
	errno = EINVAL;
	return S_ISREG(st.st_mode) ? 0 : -1;
}

int partial_open(const struct store *s, const struct digest *d, bool wait, struct partial *p, struct err *e)
{
	cleanup_fd int room = open_room(s, d->alg);
	*p = (struct partial){.fd = -1, .digest = *d};
	if (room < 0)
		return room_error(s, d, e);
	int rc = open_locked(room, d->hex, wait, &p->fd);
	if (rc > 0 && measure(p->fd, &p->have) < 0) {
		close_fd(&p->fd);
		rc = -1;
	}
	return rc < 0 ? room_error(s, d, e) : rc;
}

bool partial_exists(const struct store *s, const struct digest *d)
{
	cleanup_fd int room = find_room(s, d->alg);
	return room >= 0 && faccessat(room, d->hex, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* One is there: it might be the half-written one of a crash, and ours is known to be right. It might be right
 * as well, and be in use: there is one at every moment. A link that is left over is swept like a draft. */
static int replace_blob(const struct store *s, int room, const struct digest *d, const char *path)
{
	char link[DIGEST_TEXT_SIZE + 8];
	cleanup_fd int pulls = pull_dir_open(s, NULL);
	snprintf(link, sizeof(link), "blob-%s", d->hex);
	if (pulls < 0 || (unlinkat(pulls, link, 0) < 0 && errno != ENOENT))
		return -1;
	return linkat(room, d->hex, pulls, link, 0) < 0 ? -1 : renameat(pulls, link, s->blobs_fd, path);
}

int partial_publish(const struct store *s, const struct partial *p, struct err *e)
{
	char path[DIGEST_TEXT_SIZE];
	cleanup_fd int room = open_room(s, p->digest.alg);
	if (room < 0)
		return room_error(s, &p->digest, e);
	digest_path(&p->digest, path);
	if (is_current(s->blobs_fd, path, p->fd))
		return 0; /* who had it before us was not cut until after this */
	if (mkdirat(s->blobs_fd, p->digest.alg, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "cannot add blob %s to the image store", path);
	if (linkat(room, p->digest.hex, s->blobs_fd, path, 0) == 0)
		return 0;
	if (errno == EEXIST && replace_blob(s, room, &p->digest, path) == 0)
		return 0;
	return err_sys(e, "cannot add blob %s to the image store", path);
}

int partial_restart(const struct store *s, struct partial *p, struct err *e)
{
	struct digest d = p->digest;
	partial_drop(s, p);
	return partial_open(s, &d, true, p, e) < 0 ? -1 : 0;
}

void partial_unlock(const struct partial *p)
{
	flock(p->fd, LOCK_UN);
}

void partial_close(struct partial *p)
{
	close_fd(&p->fd);
}

void partial_drop(const struct store *s, struct partial *p)
{
	if (p->fd >= 0)
		partial_forget(s, &p->digest);
	close_fd(&p->fd);
}

void partial_forget(const struct store *s, const struct digest *d)
{
	cleanup_fd int room = find_room(s, d->alg);
	if (room >= 0)
		unlinkat(room, d->hex, 0);
}

/* ------------------------------------------------------------------ sweep */

static void sweep_one(int room, const char *name, int64_t older_than, uint64_t *freed)
{
	struct stat st;
	cleanup_fd int lock = lock_try(room, name, LOCK_EXCLUSIVE);
	if (lock < 0 || fstat(lock, &st) < 0 || !is_current(room, name, lock))
		return;
	int64_t written = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	if (written >= older_than || unlinkat(room, name, 0) < 0)
		return;
	if (st.st_nlink == 1) /* else it lives on as a blob */
		*freed += (uint64_t)st.st_blocks * 512;
}

static int sweep_room(const struct store *s, const char *alg, int64_t older_than, uint64_t *freed)
{
	int fd = find_room(s, alg);
	cleanup_dir DIR *list = fd < 0 ? NULL : fdopendir(fd);
	if (!list) {
		close_fd(&fd);
		return errno == ENOENT ? 0 : -1;
	}
	for (struct dirent *entry; (entry = readdir(list));)
		if (entry->d_name[0] != '.')
			sweep_one(dirfd(list), entry->d_name, older_than, freed);
	return 0;
}

int partial_sweep(const struct store *s, int64_t older_than, uint64_t *freed, struct err *e)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++)
		if (sweep_room(s, algorithms[i], older_than, freed) < 0)
			return err_sys(e, "cannot sweep %s/partial/%s", s->root, algorithms[i]);
	return 0;
}
