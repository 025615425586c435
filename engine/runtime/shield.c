#include "engine/runtime/shield.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/oci/runtime_spec.h"

/* -1 with errno; a path that isn't there needs no shield. */
static int open_shielded(struct container_root *r, const char *path)
{
	int fd = open_in_root(r->fd, path, O_PATH | O_CLOEXEC, 0);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
		errno = 0;
	return fd;
}

/* One empty read-only tmpfs serves all directories. */
static int empty_directory(int *shared, struct err *e)
{
	bool first = *shared < 0;

	if (first)
		*shared = mount_new("tmpfs", "tmpfs", (char *[]){(char[]){"mode=755"}}, 1,
		        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, e);
	if (*shared < 0)
		return -1;
	/* The first place gets the mount itself: closing one that was never attached waits for a grace
	 * period. */
	int fd = first ? fcntl(*shared, F_DUPFD_CLOEXEC, 0) : mount_copy(*shared, false);
	return fd < 0 ? err_sys(e, "cannot copy an empty directory") : fd;
}

static int mask(struct container_root *r, const char *path, int *shared, struct err *e)
{
	cleanup_fd int target = open_shielded(r, path);
	struct stat st;

	if (target < 0)
		return errno ? err_sys(e, "cannot mask %s", path) : 0;
	if (fstat(target, &st))
		return err_sys(e, "cannot mask %s", path);
	cleanup_fd int cover =
	        S_ISDIR(st.st_mode) ? empty_directory(shared, e) : mount_copy(r->null_fd, false);
	if (cover < 0)
		return S_ISDIR(st.st_mode) ? -1 : err_sys(e, "cannot mask %s", path);
	return mount_attach(r, cover, target, NULL, e) ? err_wrap(e, "cannot mask %s", path) : 0;
}

static int make_readonly(struct container_root *r, const char *path, struct err *e)
{
	struct mount_options ro = {.set = MOUNT_ATTR_RDONLY, .recursive = true};
	cleanup_fd int target = open_shielded(r, path);

	if (target < 0)
		return errno ? err_sys(e, "cannot make %s read-only", path) : 0;
	cleanup_fd int copy = mount_copy(target, true);
	if (copy < 0)
		return err_sys(e, "cannot make %s read-only", path);
	return mount_attach(r, copy, target, &ro, e) ? err_wrap(e, "cannot make %s read-only", path) : 0;
}

/* What /proc and /sys tell of the host, and by what it is ruled (sysrq-trigger, core_pattern): hidden or not
 * to be written. Test: test_runtime_launch.c, hidden_paths_are_empty_or_readonly; isolation.bats. */
int shield_apply(struct container_root *r, const struct runtime_spec *spec, struct err *e)
{
	cleanup_fd int shared = -1;

	strv_foreach (path, spec->readonly_paths) {
		if (DEFENCE("readonly-paths") && make_readonly(r, *path, e))
			return -1;
	}
	strv_foreach (path, spec->masked_paths) {
		if (DEFENCE("masked-paths") && mask(r, *path, &shared, e))
			return -1;
	}
	return 0;
}
