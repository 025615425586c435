#include "engine/runtime/root.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"

/* The root file system goes on top of "/" itself, so no directory of the host is needed for it, and becomes
 * the root by pivot_root(".", "."); the old one then lies on top and is let go. */
int root_enter(struct container_root *r, int rootfs_fd, struct err *e)
{
	struct mount_options private = {.propagation = MS_PRIVATE, .recursive = true};
	cleanup_fd int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (old < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return err_sys(e, "cannot make the mounts private");
	if (move_mount(rootfs_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH))
		return err_sys(e, "cannot attach the container's root file system");
	if (fchdir(rootfs_fd) || syscall(SYS_pivot_root, ".", "."))
		return err_sys(e, "cannot make the container's root file system the root");
	if (fchdir(old) || umount2(".", MNT_DETACH) || chdir("/"))
		return err_sys(e, "cannot leave the host's root");
	r->fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->fd < 0)
		return err_sys(e, "cannot open the container's root");
	return mount_change(r, r->fd, &private, e);
}

int root_make_readonly(struct container_root *r, struct err *e)
{
	struct mount_options ro = {.set = MOUNT_ATTR_RDONLY};

	return mount_change(r, r->fd, &ro, e) ? err_wrap(e, "cannot make the root read-only") : 0;
}
