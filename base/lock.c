/* Locks by flock(2) on what the path names when the lock is held, not when it was asked for. */
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/file.h"

static int lock_open(int dirfd, const char *path, int access)
{
	int flags = access | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	int fd = openat(dirfd, path, flags);

	/* O_CREAT fails on a directory, so it is only for what is missing. */
	if (fd < 0 && errno == ENOENT)
		fd = openat(dirfd, path, flags | O_CREAT, 0600);
	return fd;
}

/* Whether `path` still names the file behind fd: its last owner may have removed it while we waited,
 * and a lock on a removed file keeps nobody out. */
static bool lock_is_current(int fd, int dirfd, const char *path)
{
	struct stat held, named;

	return !fstat(fd, &held) && !fstatat(dirfd, path, &named, AT_SYMLINK_NOFOLLOW) &&
	       held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

static int lock_with(int dirfd, const char *path, int operation)
{
	int access = O_RDONLY;

	for (;;) {
		cleanup_fd int fd = lock_open(dirfd, path, access);
		if (fd < 0)
			return -1;
		int rc = flock(fd, operation);
		/* NFS wants a file that is locked exclusively to be open for writing; a directory cannot be.
		 */
		bool once_more = rc < 0 && (errno == EINTR || (errno == EBADF && access == O_RDONLY));
		if (rc < 0 && errno == EBADF)
			access = O_RDWR;
		if (rc < 0 && !once_more)
			return -1;
		if (rc == 0 && lock_is_current(fd, dirfd, path))
			return steal_fd(&fd);
	}
}

static int lock_operation(enum lock_mode mode)
{
	return mode == LOCK_EXCLUSIVE ? LOCK_EX : LOCK_SH;
}

int lock_take(int dirfd, const char *path, enum lock_mode mode, struct err *e)
{
	int fd = lock_with(dirfd, path, lock_operation(mode));

	return fd < 0 ? err_sys(e, "cannot lock %s", path) : fd;
}

int lock_try(int dirfd, const char *path, enum lock_mode mode)
{
	return lock_with(dirfd, path, lock_operation(mode) | LOCK_NB);
}
