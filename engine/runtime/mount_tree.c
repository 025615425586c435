#include "engine/runtime/mount_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/runtime/mount_below.h"

#define LINKS_MAX 16 /* of dangling links followed to make a file; the kernel's own limit is 40 */

int open_no_links(int dirfd, const char *path, int flags)
{
	struct open_how how = {.flags = (uint64_t)(unsigned)flags,
	        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};

	return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof how);
}

/* The file system context keeps a line about what it disliked: "e tmpfs: Bad value for 'size'". */
static int config_error(int fs, const char *type, const char *option, struct err *e)
{
	char text[256], shown[256];
	int saved = errno;
	ssize_t n = read(fs, text, sizeof text - 1);

	errno = saved;
	if (n <= 2)
		return err_sys(e, "cannot mount %s%s%s", type, *option ? ": option " : "", option);
	text[n] = 0;
	text[strcspn(text, "\n")] = 0;
	text_harmless_to(shown, sizeof shown, text + 2);
	return err_set(
	        e, ERR_OTHER, "cannot mount %s%s%s: %s", type, *option ? ": option " : "", option, shown);
}

static int config_option(int fs, const char *type, const char *option, struct err *e)
{
	const char *eq = strchr(option, '=');
	char key[64];
	int rc;

	if (!eq) {
		rc = fsconfig(fs, FSCONFIG_SET_FLAG, option, NULL, 0);
	} else {
		snprintf(key, sizeof key, "%.*s", (int)(eq - option), option);
		rc = fsconfig(fs, FSCONFIG_SET_STRING, key, eq + 1, 0);
	}
	return rc ? config_error(fs, type, option, e) : 0;
}

int mount_new(
        const char *type, const char *source, char *const *data, size_t n_data, uint64_t attr, struct err *e)
{
	cleanup_fd int fs = fsopen(type, FSOPEN_CLOEXEC);

	if (fs < 0)
		return err_sys(e, "cannot mount %s: this kernel lacks it", type);
	if (fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0))
		return config_error(fs, type, "source", e);
	for (size_t i = 0; i < n_data; i++)
		if (config_option(fs, type, data[i], e))
			return -1;
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return config_error(fs, type, "", e);
	int fd = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)attr);
	if (fd < 0)
		return err_sys(e, "cannot mount %s", type);
	return fd;
}

int mount_copy(int fd, bool recursive)
{
	return open_tree(
	        fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0));
}

/* CVE-2025-52881: what is at /proc in the container may be anything by now. Test: test_runtime_launch.c,
 * a_false_proc_is_not_written_to. */
int container_proc(struct container_root *r, struct err *e)
{
	if (r->proc_fd < 0 && !DEFENCE("own-procfs"))
		r->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->proc_fd < 0)
		r->proc_fd = mount_new(
		        "proc", "proc", NULL, 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, e);
	return r->proc_fd < 0 ? -1 : 0;
}

/* Nothing that a container has mounted covers the /proc that the launcher sees. */
int container_proc_outside(struct container_root *r, struct err *e)
{
	struct statfs fs;

	if (!container_proc(r, NULL))
		return 0;
	r->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->proc_fd < 0 || fstatfs(r->proc_fd, &fs))
		return err_sys(e, "cannot open /proc");
	return fs.f_type == PROC_SUPER_MAGIC ? 0 : err_set(e, ERR_OTHER, "/proc is no procfs");
}

int mount_proc_of(int pid_ns, uint64_t attr, struct err *e)
{
	cleanup_fd int fs = fsopen("proc", FSOPEN_CLOEXEC);

	if (fs < 0)
		return err_sys(e, "cannot mount proc: this kernel lacks it");
	if (fsconfig(fs, FSCONFIG_SET_FD, "pidns", NULL, pid_ns) ||
	        fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return config_error(fs, "proc", "pidns", e);
	int fd = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)attr);
	return fd < 0 ? err_sys(e, "cannot mount proc") : fd;
}

/* mount(2)'s flags, of which a remount replaces the whole set: start from what the mount has. */
static unsigned long remount_flags(int mount_fd, const struct mount_options *o)
{
	static const struct {
		uint64_t attr;
		unsigned long ms, st;
	} map[] = {
	        {MOUNT_ATTR_RDONLY, MS_RDONLY, ST_RDONLY},
	        {MOUNT_ATTR_NOSUID, MS_NOSUID, ST_NOSUID},
	        {MOUNT_ATTR_NODEV, MS_NODEV, ST_NODEV},
	        {MOUNT_ATTR_NOEXEC, MS_NOEXEC, ST_NOEXEC},
	        {MOUNT_ATTR_NODIRATIME, MS_NODIRATIME, ST_NODIRATIME},
	        {MOUNT_ATTR_NOATIME, MS_NOATIME, ST_NOATIME},
	        {MOUNT_ATTR_STRICTATIME, MS_STRICTATIME, 0},
	};
	unsigned long flags = MS_REMOUNT | MS_BIND;
	struct statvfs v = {0};

	fstatvfs(mount_fd, &v);
	for (size_t i = 0; i < sizeof map / sizeof map[0]; i++) {
		bool on = v.f_flag & map[i].st;
		on |= (o->set & map[i].attr) == map[i].attr;
		on &= (o->clear & map[i].attr) != map[i].attr || (o->set & map[i].attr);
		flags |= on ? map[i].ms : 0;
	}
	return flags;
}

/* Before 5.12: mount(2) wants a path, so it gets the descriptor's entry in our own procfs, from a working
 * directory that nobody else can move. */
static int change_one(struct container_root *r, int mount_fd, const struct mount_options *o, struct err *e)
{
	cleanup_fd int cwd = open(".", O_PATH | O_CLOEXEC);
	char path[40];
	int rc = 0;

	if (container_proc(r, e))
		return -1;
	snprintf(path, sizeof path, "self/fd/%d", mount_fd);
	if (cwd < 0 || fchdir(r->proc_fd))
		return err_sys(e, "cannot enter the private procfs");
	if (o->propagation)
		rc = mount(NULL, path, NULL, o->propagation | (o->recursive ? MS_REC : 0), NULL);
	if (!rc && (o->set || o->clear))
		rc = mount(NULL, path, NULL, remount_flags(mount_fd, o), NULL);
	if (rc)
		err_sys(e, "cannot change a mount's attributes");
	if (fchdir(cwd) && !rc)
		return err_sys(e, "cannot go back from the private procfs");
	return rc;
}

struct change {
	struct container_root *r;
	struct mount_options o;
};

static int change_below(int fd, void *arg, struct err *e)
{
	struct change *c = arg;

	return change_one(c->r, fd, &c->o, e);
}

static int change_by_remount(
        struct container_root *r, int mount_fd, const struct mount_options *o, struct err *e)
{
	struct change below = {r, {.set = o->set, .clear = o->clear}};

	if (change_one(r, mount_fd, o, e))
		return -1;
	if (!o->recursive || o->top_only || !(o->set || o->clear))
		return 0;
	return mounts_below(r->proc_fd, mount_fd, change_below, &below, e);
}

/* 0; 1 when this kernel has no mount_setattr(2); -1 with e. */
static int change_by_setattr(
        struct container_root *r, int mount_fd, const struct mount_options *o, struct err *e)
{
	struct mount_attr attr = {.attr_set = o->set, .attr_clr = o->clear};
	struct mount_attr propagation = {.propagation = o->propagation};
	unsigned flags = AT_EMPTY_PATH | (o->recursive ? AT_RECURSIVE : 0);

	if (o->top_only && o->propagation && !r->old_mount_api &&
	        mount_setattr(mount_fd, "", flags, &propagation, sizeof propagation) && errno != ENOSYS)
		return err_sys(e, "cannot change a mount's propagation");
	if (o->top_only)
		flags = AT_EMPTY_PATH;
	else
		attr.propagation = o->propagation;

	/* The access-time modes are one field: changing it needs it cleared as a whole. */
	if (attr.attr_set & MOUNT_ATTR__ATIME)
		attr.attr_clr |= MOUNT_ATTR__ATIME;
	if (r->old_mount_api)
		return 1;
	if (!mount_setattr(mount_fd, "", flags, &attr, sizeof attr))
		return 0;
	if (errno != ENOSYS)
		return err_sys(e, "cannot change a mount's attributes");
	r->old_mount_api = true;
	return 1;
}

int mount_change(struct container_root *r, int mount_fd, const struct mount_options *o, struct err *e)
{
	int rc = change_by_setattr(r, mount_fd, o, e);

	return rc == 1 ? change_by_remount(r, mount_fd, o, e) : rc;
}

int mount_attach(
        struct container_root *r, int mount_fd, int target_fd, const struct mount_options *o, struct err *e)
{
	bool change = o && (o->set || o->clear || o->propagation);
	int rc = change ? change_by_setattr(r, mount_fd, o, e) : 0;

	if (rc < 0)
		return -1;
	if (move_mount(mount_fd, "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		return err_sys(e, "cannot attach a mount");
	return rc == 1 ? change_by_remount(r, mount_fd, o, e) : 0;
}

int target_directory(int root_fd, const char *path, struct err *e)
{
	int fd = open_in_root(root_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);

	if (fd < 0 && errno == ENOENT)
		fd = mkdir_in_root(root_fd, path, 0755);
	return fd < 0 ? err_sys(e, "cannot make the directory %s in the container", path) : fd;
}

/* One step of making a file: 0 with *fd set, 1 when path was a dangling link and is now its target, -1. */
static int make_file_step(int root_fd, char path[PATH_MAX], int *fd)
{
	char *slash = strrchr(path, '/'), link[PATH_MAX], dir[PATH_MAX];
	const char *name = slash ? slash + 1 : path;
	int dir_len = slash ? (int)(slash - path) : 0;

	snprintf(dir, sizeof dir, "/%.*s", dir_len, path);
	cleanup_fd int parent = mkdir_in_root(root_fd, dir, 0755);
	if (parent < 0)
		return -1;
	*fd = openat(parent, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (*fd >= 0 || errno != EEXIST)
		return *fd >= 0 ? 0 : -1;
	ssize_t n = readlinkat(parent, name, link, sizeof link - 1);
	if (n < 0)
		return -1;
	link[n] = 0;
	char next[2 * PATH_MAX];
	if (*link == '/')
		snprintf(next, sizeof next, "%s", link);
	else
		snprintf(next, sizeof next, "%s/%s", dir, link);
	if (strlen(next) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(path, next);
	return 1;
}

/* Images like to have /etc/resolv.conf as a link to nowhere: the file is made where the link points, inside
 * the root (attack 39). */
int target_file(int root_fd, const char *path, struct err *e)
{
	char at[PATH_MAX];
	int fd = open_in_root(root_fd, path, O_PATH | O_CLOEXEC, 0), step = 1;

	if (fd >= 0)
		return fd;
	if (errno != ENOENT || (size_t)snprintf(at, sizeof at, "%s", path) >= sizeof at)
		return err_sys(e, "cannot find %s in the container", path);
	for (int i = 0; i < LINKS_MAX && step == 1; i++)
		step = make_file_step(root_fd, at, &fd);
	if (step == 0)
		return fd;
	if (step == 1)
		errno = ELOOP;
	return err_sys(e, "cannot make the file %s in the container", path);
}

int target_real_directory(int root_fd, const char *path, struct err *e)
{
	if (!DEFENCE("real-proc"))
		return target_directory(root_fd, path, e);
	int fd = open_no_links(root_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		close_fd(&(int){mkdir_in_root(root_fd, path, 0755)});
		fd = open_no_links(root_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return err_set(e, ERR_OTHER,
		        "%s in the image is not a real directory; refusing to mount there", path);
	return fd < 0 ? err_sys(e, "cannot make the directory %s in the container", path) : fd;
}
