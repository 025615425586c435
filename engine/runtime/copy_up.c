#include "engine/runtime/copy_up.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/text.h"

#define DEPTH_MAX 200 /* directories; each level holds two descriptors */
#define XATTR_MAX 65536

struct copy {
	char xattr_names[XATTR_MAX], xattr_value[XATTR_MAX];
	struct buf path; /* of the directory that is being copied, "a/b/" */
	void *links;     /* tsearch(3)'s: files with several names, by where the first one went */
	int volume;      /* the top of the copy */
};

struct linked {
	dev_t dev; /* in the image */
	ino_t ino;
	ino_t copy; /* in the volume */
	char *path;
};

static int failed(struct err *e, const char *name)
{
	char shown[256];
	int saved = errno;

	text_harmless_to(shown, sizeof shown, name);
	errno = saved;
	return err_sys(e, "cannot copy \"%s\" into the volume", shown);
}

/* An overlay's own attributes would mean something else to the next overlay that the volume becomes part of
 * (attack 19). */
static bool may_copy_xattr(const char *name)
{
	return strncmp(name, "trusted.overlay.", 16) != 0 && strncmp(name, "user.overlay.", 13) != 0;
}

static int copy_xattrs(struct copy *c, int from, int to)
{
	ssize_t n = flistxattr(from, c->xattr_names, sizeof c->xattr_names);

	if (n < 0)
		return errno == ENOTSUP ? 0 : -1;
	for (const char *name = c->xattr_names; name < c->xattr_names + n; name += strlen(name) + 1) {
		if (!may_copy_xattr(name))
			continue;
		ssize_t len = fgetxattr(from, name, c->xattr_value, sizeof c->xattr_value);
		if (len < 0)
			return -1;
		if (fsetxattr(to, name, c->xattr_value, (size_t)len, 0) && errno != ENOTSUP)
			return -1;
	}
	return 0;
}

/* Owner first: changing it clears set-id bits and file capabilities. */
static int copy_attributes(struct copy *c, int from, int to, const struct stat *st)
{
	struct timespec times[2] = {st->st_atim, st->st_mtim};

	if (fchown(to, st->st_uid, st->st_gid) || fchmod(to, st->st_mode & 07777) || copy_xattrs(c, from, to))
		return -1;
	return futimens(to, times);
}

/* ------------------------------------------------------------------ files with several names */

static int compare_linked(const void *a, const void *b)
{
	const struct linked *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static void free_linked(void *p)
{
	struct linked *l = p;

	free(l->path);
	free(l);
}

/* Who has the volume mounted already may have put something else there meanwhile: it must be the very file
 * that was made, reached without a link that leads out. Otherwise it is copied once more. */
static bool link_again(struct copy *c, int to_dir, const char *name, const struct stat *st)
{
	const struct linked key = {.dev = st->st_dev, .ino = st->st_ino};
	struct linked **found = st->st_nlink > 1 ? tfind(&key, &c->links, compare_linked) : NULL;
	struct stat copied;

	if (!found)
		return false;
	cleanup_fd int fd = open_beneath(c->volume, (*found)->path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	return fd >= 0 && fstat(fd, &copied) == 0 && copied.st_ino == (*found)->copy &&
	       linkat(fd, "", to_dir, name, AT_EMPTY_PATH) == 0;
}

/* Without memory there are only more copies. */
static void remember(struct copy *c, int to, const char *name, const struct stat *st)
{
	struct linked *l = st->st_nlink > 1 ? calloc(1, sizeof *l) : NULL;
	struct stat copied;

	if (!l)
		return;
	*l = (struct linked){.dev = st->st_dev, .ino = st->st_ino};
	l->path = str_printf("%s%s", buf_str(&c->path), name);
	if (l->path && fstat(to, &copied) == 0) {
		l->copy = copied.st_ino;
		struct linked **kept = tsearch(l, &c->links, compare_linked);
		if (kept && *kept == l)
			return;
	}
	free_linked(l);
}

/* ------------------------------------------------------------------ contents */

static int copy_range(int from, int to, off_t start, off_t end)
{
	off_t in = start, out = start;
	ssize_t n = 0;

	while (in < end && (n = copy_file_range(from, &in, to, &out, (size_t)(end - in), 0)) > 0)
		;
	if (n >= 0 || (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS))
		return n < 0 ? -1 : 0;
	if (lseek(to, in, SEEK_SET) < 0)
		return -1;
	while (in < end && (n = sendfile(to, from, &in, (size_t)(end - in))) > 0)
		;
	return n < 0 ? -1 : 0;
}

/* What is a hole stays one. */
static int copy_content(int from, int to, off_t size)
{
	for (off_t at = 0; at < size;) {
		off_t data = lseek(from, at, SEEK_DATA), hole;
		if (data < 0 && errno == ENXIO)
			break; /* a hole up to the end */
		data = data < 0 ? at : data;
		hole = lseek(from, data, SEEK_HOLE);
		hole = hole < 0 ? size : hole;
		if (copy_range(from, to, data, hole))
			return -1;
		at = hole;
	}
	return ftruncate(to, size);
}

static int copy_file(struct copy *c, int from_dir, int to_dir, const char *name, const struct stat *st)
{
	if (link_again(c, to_dir, name, st))
		return 0;
	cleanup_fd int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	cleanup_fd int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (from < 0 || to < 0 || copy_content(from, to, st->st_size) || copy_attributes(c, from, to, st))
		return -1;
	remember(c, to, name, st);
	return 0;
}

static int copy_special(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	struct timespec times[2] = {st->st_atim, st->st_mtim};
	char target[PATH_MAX];

	if (S_ISLNK(st->st_mode)) {
		ssize_t n = readlinkat(from_dir, name, target, sizeof target - 1);
		if (n < 0)
			return -1;
		target[n] = 0;
		if (symlinkat(target, to_dir, name))
			return -1;
	} else {
		/* The mode comes with the making: to change it afterwards by name would be to follow a link
		 * that another user of the volume has put there meanwhile. */
		mode_t mask = umask(0);
		int rc = mknodat(to_dir, name, st->st_mode, st->st_rdev);
		umask(mask);
		if (rc)
			return -1;
	}
	if (fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW))
		return -1;
	return utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW);
}

static int copy_directory(struct copy *c, int from, int to, unsigned depth, struct err *e);

static int copy_subdirectory(struct copy *c, int from_dir, int to_dir, const char *name,
        const struct stat *st, unsigned depth, struct err *e)
{
	cleanup_fd int from = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (from < 0 || mkdirat(to_dir, name, 0700))
		return failed(e, name);
	cleanup_fd int to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return failed(e, name);
	size_t above = c->path.len;
	buf_printf(&c->path, "%s/", name);
	if (copy_directory(c, from, to, depth + 1, e))
		return -1;
	if (!c->path.failed) {
		c->path.len = above;
		c->path.data[above] = '\0';
	}
	return copy_attributes(c, from, to, st) ? failed(e, name) : 0;
}

static int copy_entry(struct copy *c, int from, int to, const char *name, unsigned depth, struct err *e)
{
	struct stat st;
	int rc;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW))
		return failed(e, name);
	if (S_ISDIR(st.st_mode))
		return copy_subdirectory(c, from, to, name, &st, depth, e);
	if (S_ISREG(st.st_mode))
		rc = copy_file(c, from, to, name, &st);
	else
		rc = copy_special(from, to, name, &st);
	return rc ? failed(e, name) : 0;
}

static int copy_directory(struct copy *c, int from, int to, unsigned depth, struct err *e)
{
	if (depth > DEPTH_MAX)
		return err_set(
		        e, ERR_OTHER, "cannot fill the volume: directories nest deeper than %d", DEPTH_MAX);
	int list_fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = list_fd < 0 ? NULL : fdopendir(list_fd);
	if (!d)
		return failed(e, ".");
	for (;;) {
		errno = 0;
		struct dirent *entry = readdir(d);
		if (!entry)
			return errno ? failed(e, ".") : 0;
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (copy_entry(c, from, to, entry->d_name, depth, e))
			return -1;
	}
}

/* What keeps a volume that was filled halfway from passing for a full one: on its directory from the first
 * file to the last. Containers cannot see it, nor set it, without CAP_SYS_ADMIN. A file system without such
 * attributes has no mark, and no second try. */
#define FILLING "trusted.tare.filling"

bool copy_up_is_unfinished(const char *path)
{
	return getxattr(path, FILLING, NULL, 0) >= 0;
}

void copy_up_give_up(int volume)
{
	cleanup_fd int fd = openat(volume, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		fremovexattr(fd, FILLING);
}

static int clear(int fd)
{
	int list_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = list_fd < 0 ? NULL : fdopendir(list_fd);
	int rc = d ? 0 : -1;

	for (struct dirent *entry; d && (entry = readdir(d));)
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			rc |= remove_tree_at(fd, entry->d_name);
	return rc;
}

static bool is_empty(int fd)
{
	int list_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = list_fd < 0 ? NULL : fdopendir(list_fd);

	for (struct dirent *entry; d && (entry = readdir(d));)
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			return false;
	return d != NULL;
}

/* What a mount point is that was only just made for the volume: nothing of it says how the volume is to be,
 * whose own (a tmpfs's mode=) then stay. */
static bool says_nothing(int from, const struct stat *st)
{
	return st->st_uid == 0 && st->st_gid == 0 && (st->st_mode & 07777) == 0755 && is_empty(from);
}

static int copy_all(int from, int to, const struct stat *st, struct err *e)
{
	static struct copy c;

	c = (struct copy){.volume = to};
	obey_quotas(true); /* an image could fill the disk past the limit of the volume */
	int rc = copy_directory(&c, from, to, 0, e);
	obey_quotas(false);
	if (rc == 0 && copy_attributes(&c, from, to, st))
		rc = failed(e, ".");
	tdestroy(c.links, free_linked);
	buf_free(&c.path);
	return rc;
}

int copy_up(int image, int volume, struct err *e)
{
	cleanup_fd int from = openat(image, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int to = openat(volume, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (from < 0 || to < 0 || flock(to, LOCK_EX) || fstat(from, &st))
		return err_sys(e, "cannot fill the volume");
	if (fgetxattr(to, FILLING, NULL, 0) >= 0) {
		if (clear(to))
			return err_sys(e, "cannot clear the volume, which was filled only in part");
	} else if (!is_empty(to) || says_nothing(from, &st)) {
		return 0;
	}
	if (fsetxattr(to, FILLING, "1", 1, 0) && errno == ENOSPC)
		return err_sys(e, "cannot fill the volume");
	if (copy_all(from, to, &st, e)) {
		clear(to); /* the mark stays: as long as it does, nothing in here counts */
		return -1;
	}
	fremovexattr(to, FILLING);
	return 0;
}
