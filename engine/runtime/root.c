#include "engine/runtime/root.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"

static int attach(struct container_root *r, int rootfs_fd, struct err *e)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return err_sys(e, "cannot make the mounts private");
	if (move_mount(rootfs_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH))
		return err_sys(e, "cannot attach the container's root file system");
	r->fd = fcntl(rootfs_fd, F_DUPFD_CLOEXEC, 0);
	return r->fd < 0 ? err_sys(e, "cannot open the container's root") : 0;
}

int root_pivot(struct container_root *r, struct err *e)
{
	struct mount_options private = {.propagation = MS_PRIVATE, .recursive = true};
	cleanup_fd int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (old < 0 || fchdir(r->fd) || syscall(SYS_pivot_root, ".", "."))
		return err_sys(e, "cannot make the container's root file system the root");
	if (fchdir(old) || umount2(".", MNT_DETACH) || chdir("/"))
		return err_sys(e, "cannot leave the host's root");
	return mount_change(r, r->fd, &private, e);
}

/* The root file system goes on top of "/" itself, so no directory of the host is needed for it, and becomes
 * the root by pivot_root(".", "."); the old one then lies on top and is let go. All that before the first
 * mount is made in it: no link of the image's, and none that a neighbour swaps in a shared volume meanwhile,
 * leads to the host, which is not there any more (CVE-2021-30465, CVE-2024-45310). Test:
 * test_runtime_mounts.c, a_racing_link_leads_nowhere. */
int root_enter(struct container_root *r, int rootfs_fd, struct err *e)
{
	if (attach(r, rootfs_fd, e))
		return -1;
	return DEFENCE("root-first") ? root_pivot(r, e) : 0;
}

int root_make_readonly(struct container_root *r, struct err *e)
{
	struct mount_options ro = {.set = MOUNT_ATTR_RDONLY};

	return mount_change(r, r->fd, &ro, e) ? err_wrap(e, "cannot make the root read-only") : 0;
}
