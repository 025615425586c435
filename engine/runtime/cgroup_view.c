/* What a container sees below /sys/fs/cgroup: its own cgroup as the root, through its cgroup namespace. */
#include "engine/runtime/cgroup_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"

#define INITIAL_CGROUP_NS 0xEFFFFFFBU /* the kernel's PROC_CGROUP_INIT_INO */
#define VIEW_ATTR         (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* The system calls by number: the C library of the oldest distributions has no names for them. */
static int config(int fs, unsigned cmd, const char *key, const char *value)
{
	return (int)syscall(SYS_fsconfig, fs, cmd, key, value, 0);
}

static int new_fs(const char *type)
{
	return (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
}

/* A detached mount of the configured file system. */
static int new_mount(int fs, bool writable)
{
	if (config(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
		return -1;
	return (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, VIEW_ATTR | (writable ? 0 : MOUNT_ATTR_RDONLY));
}

static int attach(int mount, int dir, const char *name)
{
	unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | (*name ? 0 : MOVE_MOUNT_T_EMPTY_PATH);
	return (int)syscall(SYS_move_mount, mount, "", dir, name, flags);
}

/* In the initial cgroup namespace (--cgroupns host) a mount of its own would set the options of the one
 * hierarchy anew: nsdelegate, on which delegation to containers rests, would be gone on the host. */
static bool in_initial_namespace(void)
{
	struct stat st;
	return !stat("/proc/self/ns/cgroup", &st) && st.st_ino == INITIAL_CGROUP_NS;
}

/* Before 5.12, and only once it is attached: mount(2) takes a path, which "." is from within. */
static int restrict_by_remount(int mount_fd, bool writable)
{
	cleanup_fd int cwd = open(".", O_PATH | O_CLOEXEC);
	unsigned long flags =
	        MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC | (writable ? 0 : MS_RDONLY);
	if (cwd < 0 || fchdir(mount_fd) < 0)
		return -1;
	int rc = mount(NULL, ".", NULL, flags, NULL), saved = errno;
	if (fchdir(cwd) < 0)
		return -1;
	errno = saved;
	return rc;
}

static int copy_v2(int dir, const char *name, bool writable)
{
	const struct cgroup_layout *l = cgroup_layout();
	struct mount_attr attr = {.attr_set = VIEW_ATTR | (writable ? 0 : MOUNT_ATTR_RDONLY)};
	cleanup_fd int mount = (int)syscall(
	        SYS_open_tree, AT_FDCWD, l->h[l->of[CG_UNIFIED]].mount, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (mount < 0)
		return -1;
	if (!syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH, &attr, sizeof attr))
		return attach(mount, dir, name);
	if (errno != ENOSYS || attach(mount, dir, name) < 0)
		return -1;
	return restrict_by_remount(mount, writable);
}

static int mount_v2(int dir, const char *name, bool writable)
{
	if (in_initial_namespace())
		return copy_v2(dir, name, writable);
	cleanup_fd int fs = new_fs("cgroup2");
	cleanup_fd int mount = fs < 0 ? -1 : new_mount(fs, writable);
	return mount < 0 ? -1 : attach(mount, dir, name);
}

/* The same hierarchy as the host's: the kernel finds it by its set of controllers, and the cgroup
 * namespace makes our cgroup its root. */
static int mount_v1(int dir, const char *name, unsigned controllers, bool writable)
{
	cleanup_fd int fs = new_fs("cgroup");
	if (fs < 0)
		return -1;
	for (int c = 0; c < CG_SYSTEMD; c++)
		if ((controllers & CG_BIT(c)) &&
		        config(fs, FSCONFIG_SET_FLAG, cgroup_controller_name(c, false), NULL) < 0)
			return -1;
	if ((controllers & CG_BIT(CG_SYSTEMD)) &&
	        (config(fs, FSCONFIG_SET_FLAG, "none", NULL) < 0 ||
	                config(fs, FSCONFIG_SET_STRING, "name", "systemd") < 0))
		return -1;
	cleanup_fd int mount = new_mount(fs, writable);
	return mount < 0 ? -1 : attach(mount, dir, name);
}

/* "cpu,cpuacct" for a joint hierarchy, with the single names as links to it. */
static void view_name(unsigned controllers, char dst[64])
{
	dst[0] = '\0';
	for (int c = 0; c < CG_UNIFIED; c++)
		if (controllers & CG_BIT(c)) {
			size_t n = strlen(dst);
			const char *name = c == CG_SYSTEMD ? "systemd" : cgroup_controller_name(c, false);
			snprintf(dst + n, 64 - n, "%s%s", n ? "," : "", name);
		}
}

static int view_hierarchy(int dir, const struct cgroup_hierarchy *h, bool writable, struct err *e)
{
	char name[64] = "unified";
	bool v2 = h->controllers & CG_BIT(CG_UNIFIED);
	if (!v2)
		view_name(h->controllers, name);
	if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "cannot make /sys/fs/cgroup/%s in the container", name);
	int rc = v2 ? mount_v2(dir, name, writable) : mount_v1(dir, name, h->controllers, writable);
	/* A hierarchy that carries controllers which we do not know as well cannot be named exactly; the
	 * kernel says EBUSY, and the container does not see it. */
	if (rc < 0 && errno == EBUSY && !v2)
		return unlinkat(dir, name, AT_REMOVEDIR);
	if (rc < 0)
		return err_sys(e, "cannot mount the container's cgroup hierarchy \"%s\"", name);
	for (int c = 0; c < CG_SYSTEMD && strchr(name, ','); c++)
		if ((h->controllers & CG_BIT(c)) &&
		        symlinkat(name, dir, cgroup_controller_name(c, false)) < 0)
			return err_sys(e, "cannot link /sys/fs/cgroup/%s in the container",
			        cgroup_controller_name(c, false));
	return 0;
}

/* The tmpfs that carries the hierarchies needs no more writing. Its super block is ours alone. */
static int make_readonly(int mount)
{
	cleanup_fd int fs = (int)syscall(SYS_fspick, mount, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH);
	if (fs < 0 || config(fs, FSCONFIG_SET_FLAG, "ro", NULL) < 0)
		return -1;
	return config(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL);
}

static int mount_tmpfs(int target_fd)
{
	cleanup_fd int fs = new_fs("tmpfs");
	if (fs < 0 || config(fs, FSCONFIG_SET_STRING, "mode", "755") < 0 ||
	        config(fs, FSCONFIG_SET_STRING, "size", "64k") < 0)
		return -1;
	cleanup_fd int mount = new_mount(fs, true);
	if (mount < 0 || attach(mount, target_fd, "") < 0)
		return -1;
	return steal_fd(&mount);
}

int cgroup_mount_view(int target_fd, bool writable, struct err *e)
{
	const struct cgroup_layout *l = cgroup_layout();
	writable |= !DEFENCE("cgroup-readonly");
	if (l->mode == CGROUP_NONE || l->outside)
		return 0;
	if (l->mode == CGROUP_V2)
		return mount_v2(target_fd, "", writable) < 0
		               ? err_sys(e, "cannot mount the container's cgroup tree")
		               : 0;
	cleanup_fd int dir = mount_tmpfs(target_fd);
	if (dir < 0)
		return err_sys(e, "cannot mount a tmpfs on the container's /sys/fs/cgroup");
	for (int i = 0; i < l->n; i++)
		if (view_hierarchy(dir, &l->h[i], writable, e) < 0)
			return -1;
	return make_readonly(dir) < 0 ? err_sys(e, "cannot make the container's /sys/fs/cgroup read-only")
	                              : 0;
}
