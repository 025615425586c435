/* Files, as only Linux can: paths that cannot leave the directory they start from, and ranges of descriptors.
 */
#include "base/defence.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_LINKS        40  /* as the kernel's MAXSYMLINKS */
#define MAX_TRIES        128 /* openat2(2) says EAGAIN when a rename anywhere races with ".." */
#define DEFAULT_DIR_MODE 0755

static int open_resolved(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	/* openat2(2) refuses a mode without a file to make. */
	bool makes = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
	struct open_how how = {
	        .flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
	        .mode = makes ? mode & 07777 : 0,
	        .resolve = resolve | RESOLVE_NO_MAGICLINKS,
	};
	long fd = -1;

	for (int i = 0; i < MAX_TRIES; i++) {
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return (int)fd;
}

int open_beneath(int dirfd, const char *path, int flags, mode_t mode)
{
	return open_resolved(dirfd, path, flags, mode, DEFENCE("beneath") ? RESOLVE_BENEATH : 0);
}

int open_in_root(int rootfd, const char *path, int flags, mode_t mode)
{
	if (!DEFENCE("in-root") || !DEFENCE("root-first")) {
		path += strspn(path, "/");
		return open_resolved(rootfd, *path ? path : ".", flags, mode, 0);
	}
	return open_resolved(rootfd, path, flags, mode, RESOLVE_IN_ROOT);
}

int open_in_root_fs(int rootfd, const char *path, int flags)
{
	return open_resolved(rootfd, path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_XDEV);
}

/* A link at path[start..end) leads to something missing: put its target there, so that the walk makes
 * the target. An absolute one starts again at the root. 0 or -1 with errno. */
static int splice_link(int parent, const char *name, char path[PATH_MAX], size_t start, size_t end)
{
	char target[PATH_MAX], joined[PATH_MAX];
	ssize_t len = readlinkat(parent, name, target, sizeof(target) - 1);
	int n;

	if (len < 0)
		return -1;
	target[len] = '\0';
	n = snprintf(joined, sizeof(joined), "%.*s%s/%s", target[0] == '/' ? 0 : (int)start, path, target,
	        path + end);
	if (n < 0 || (size_t)n >= sizeof(joined)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(path, joined, (size_t)n + 1);
	return 0;
}

enum step { STEP_FAILED = -1, STEP_DOWN, STEP_AGAIN };

/* Open, or make and open, the directory that ends at path[end]; *cur moves to it. */
static enum step step_in_root(
        int rootfd, int *cur, char path[PATH_MAX], size_t start, size_t end, mode_t mode)
{
	char kept = path[end], name[NAME_MAX + 1];
	cleanup_fd int next = -1;

	path[end] = '\0';
	next = open_in_root(rootfd, path, O_PATH | O_DIRECTORY, 0);
	if (next < 0 && errno == ENOENT && end - start <= NAME_MAX) {
		memcpy(name, path + start, end - start + 1);
		if (!mkdirat(*cur, name, mode) || errno == EEXIST)
			next = open_in_root(rootfd, path, O_PATH | O_DIRECTORY, 0);
		if (next < 0 && errno == ENOENT) {
			path[end] = kept;
			return splice_link(*cur, name, path, start, end) < 0 ? STEP_FAILED : STEP_AGAIN;
		}
	}
	path[end] = kept;
	if (next < 0)
		return STEP_FAILED;
	close_fd(cur);
	*cur = steal_fd(&next);
	return STEP_DOWN;
}

int mkdir_in_root(int rootfd, const char *path, mode_t mode)
{
	char work[PATH_MAX];
	cleanup_fd int cur = -1;
	size_t start = 0, end;
	int links = 0;

	if (snprintf(work, sizeof(work), "%s", path) >= (int)sizeof(work)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	cur = open_in_root(rootfd, ".", O_PATH | O_DIRECTORY, 0);
	while (cur >= 0) {
		start += strspn(work + start, "/");
		if (!work[start])
			return steal_fd(&cur);
		end = start + strcspn(work + start, "/");
		switch (step_in_root(rootfd, &cur, work, start, end, mode ? mode : DEFAULT_DIR_MODE)) {
		case STEP_DOWN:
			start = end;
			break;
		case STEP_AGAIN:
			if (++links > MAX_LINKS) {
				errno = ELOOP;
				return -1;
			}
			start = 0;
			close_fd(&cur);
			cur = open_in_root(rootfd, ".", O_PATH | O_DIRECTORY, 0);
			break;
		case STEP_FAILED:
			return -1;
		}
	}
	return -1;
}

int close_fd_range(unsigned first, unsigned last, unsigned flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

int file_in_memory(void)
{
	return memfd_create("tare", MFD_CLOEXEC);
}
