#include "engine/runtime/copy_up.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/text.h"

#define DEPTH_MAX  200 /* directories; each level holds two descriptors */
#define XATTR_MAX  65536
#define COPY_CHUNK (1 << 30)

struct copy {
	char xattr_names[XATTR_MAX], xattr_value[XATTR_MAX];
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

static int copy_file(struct copy *c, int from_dir, int to_dir, const char *name, const struct stat *st)
{
	cleanup_fd int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	cleanup_fd int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	ssize_t n;

	if (from < 0 || to < 0)
		return -1;
	while ((n = copy_file_range(from, NULL, to, NULL, COPY_CHUNK, 0)) > 0)
		;
	if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS))
		while ((n = sendfile(to, from, NULL, COPY_CHUNK)) > 0)
			;
	return n < 0 ? -1 : copy_attributes(c, from, to, st);
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
	if (copy_directory(c, from, to, depth + 1, e))
		return -1;
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

int copy_up(int image, int volume, struct err *e)
{
	static struct copy c;
	cleanup_fd int from = openat(image, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int to = openat(volume, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (from < 0 || to < 0 || flock(to, LOCK_EX) || fstat(from, &st))
		return err_sys(e, "cannot fill the volume");
	if (fgetxattr(to, FILLING, NULL, 0) >= 0) {
		if (clear(to))
			return err_sys(e, "cannot clear the volume, which was filled only in part");
	} else if (!is_empty(to)) {
		return 0;
	}
	if (fsetxattr(to, FILLING, "1", 1, 0) && errno == ENOSPC)
		return err_sys(e, "cannot fill the volume");
	if (copy_directory(&c, from, to, 0, e)) {
		clear(to); /* the mark stays: as long as it does, nothing in here counts */
		return -1;
	}
	if (copy_attributes(&c, from, to, &st))
		return failed(e, ".");
	fremovexattr(to, FILLING);
	return 0;
}
