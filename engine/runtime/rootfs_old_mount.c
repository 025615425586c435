/* An overlay by mount(2), for kernels before 6.8 and more layers than fit into one fsconfig string.
 *
 * mount(2) takes one page of options, so the layers need short names; and overlayfs only takes directories
 * that belong to the caller's mount namespace. So a child that shares our memory and descriptors takes a
 * namespace of its own, binds every layer under a number on a small tmpfs, mounts, and leaves the result
 * behind as a descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/rootless.h"
#include "engine/runtime/rootfs.h"

#define MOUNT_DATA_PAGE 4096 /* linux/fs/namespace.c: copy_mount_options() */
#define CHILD_STACK     (64 << 10)
#define NAME_UPPER      "u"
#define NAME_RESULT     "m"

struct old_mount {
	const struct rootfs_overlay *o;
	int *trees;     /* detached copies of the layers, then of the directory that holds upper and work */
	size_t n_trees; /* opened so far */
	struct buf data;
	int fd, sys;
	struct err err; /* of a layer; its message may be empty */
};

static int keep_tree(struct old_mount *m, int fd)
{
	if (fd >= 0)
		m->trees[m->n_trees++] = fd;
	return fd < 0 ? -1 : 0;
}

/* The copies are made while we are still in the namespace that the descriptors belong to. */
static int copy_trees(struct old_mount *m)
{
	for (size_t i = 0; i < m->o->n_lower; i++)
		if (keep_tree(m, rootfs_copy_lower(m->o, i, &m->err)))
			return -1;
	return m->o->upper_fd < 0
	               ? 0
	               : keep_tree(m, open_tree(m->o->upper_fd, "..", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
}

static int bind_tree(int tree, const char *name)
{
	if (mkdir(name, 0700))
		return -1;
	return move_mount(tree, "", AT_FDCWD, name, MOVE_MOUNT_F_EMPTY_PATH);
}

static int bind_trees(struct old_mount *m)
{
	char name[24];

	for (size_t i = 0; i < m->n_trees; i++) {
		snprintf(name, sizeof name, "%zu", i);
		if (bind_tree(m->trees[i], i < m->o->n_lower ? name : NAME_UPPER))
			return -1;
	}
	return mkdir(NAME_RESULT, 0700);
}

/* On a tmpfs of a namespace of our own. Any directory that is there for certain will do: nobody else sees it
 * covered. */
static int enter_workplace(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	return mount("tmpfs", "/proc", "tmpfs", 0, "size=4m,mode=700") || chdir("/proc") ? -1 : 0;
}

static int mount_in_child(struct old_mount *m)
{
	unsigned long flags = m->o->upper_fd < 0 ? MS_RDONLY : 0;

	if (enter_workplace() || bind_trees(m))
		return -1;
	if (mount("overlay", NAME_RESULT, "overlay", flags, buf_str(&m->data)))
		return -1;
	return open_tree(AT_FDCWD, NAME_RESULT, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

static int child(void *arg)
{
	struct old_mount *m = arg;

	m->fd = copy_trees(m) ? -1 : mount_in_child(m);
	m->sys = errno;
	return 0;
}

/* The last part of the path by which a directory was opened, checked to be the same directory. */
static int name_beside(int dir, int beside, char name[NAME_MAX + 1], struct err *e)
{
	char link[40], path[PATH_MAX];
	struct stat a, b;

	snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
	ssize_t n = readlink(link, path, sizeof path - 1);
	path[n < 0 ? 0 : n] = 0;
	char *slash = strrchr(path, '/');
	if (!slash || strlen(slash + 1) > NAME_MAX || strpbrk(slash + 1, ",:\\"))
		return err_set(e, ERR_UNSUPPORTED,
		        "cannot name the container's writable layer for this kernel's mount");
	strcpy(name, slash + 1);
	cleanup_fd int parent = openat(beside, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0 || fstatat(parent, name, &a, AT_SYMLINK_NOFOLLOW) || fstat(dir, &b))
		return err_sys(e, "cannot look at the container's writable layer");
	if (a.st_dev != b.st_dev || a.st_ino != b.st_ino)
		return err_set(
		        e, ERR_UNSUPPORTED, "upper and work directory of the container are not side by side");
	return 0;
}

static int write_data(struct old_mount *m, struct err *e)
{
	const struct rootfs_overlay *o = m->o;
	char upper[NAME_MAX + 1], work[NAME_MAX + 1];

	for (size_t i = 0; rootfs_fixed_options[i][0]; i++)
		buf_printf(&m->data, "%s=%s,", rootfs_fixed_options[i][0], rootfs_fixed_options[i][1]);
	if (in_user_namespace())
		buf_str_add(&m->data, "userxattr,");
	if (o->upper_fd >= 0) {
		if (name_beside(o->upper_fd, o->upper_fd, upper, e) ||
		        name_beside(o->work_fd, o->upper_fd, work, e))
			return -1;
		buf_printf(&m->data, "upperdir=" NAME_UPPER "/%s,workdir=" NAME_UPPER "/%s,%s", upper, work,
		        o->throw_away ? "volatile," : "");
	}
	buf_str_add(&m->data, "lowerdir=");
	for (size_t i = 0; i < o->n_lower; i++)
		buf_printf(&m->data, "%s%zu", i ? ":" : "", i);
	if (m->data.failed || m->data.len >= MOUNT_DATA_PAGE)
		return err_set(e, ERR_UNSUPPORTED, "%zu layers are too many for this kernel", o->n_lower);
	return 0;
}

/* A child that shares our memory and descriptors; -1 when there is none. */
static int run_beside(int (*what)(void *), void *arg, struct err *e)
{
	char *stack = malloc(CHILD_STACK);
	pid_t pid = -1;

	if (stack)
		pid = clone(what, stack + CHILD_STACK, CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, arg);
	if (pid < 0)
		err_sys(e, "cannot start a process to mount the container's root");
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(stack);
	return pid < 0 ? -1 : 0;
}

static int run_child(struct old_mount *m, struct err *e)
{
	m->trees = calloc(m->o->n_lower + 1, sizeof *m->trees);
	int rc = m->trees ? run_beside(child, m, e) : err_no_memory(e);
	for (size_t i = 0; i < m->n_trees; i++)
		close_fd(&m->trees[i]);
	free(m->trees);
	errno = m->sys;
	return rc;
}

int rootfs_old_mount(const struct rootfs_overlay *o, struct err *e)
{
	struct old_mount m = {.o = o, .fd = -1, .data = BUF_INIT};
	int rc = write_data(&m, e) || run_child(&m, e) ? -1 : 0;

	if (!rc && m.fd < 0 && m.err.msg[0]) {
		if (e)
			*e = m.err;
		rc = -1;
	} else if (!rc && m.fd < 0 && o->lower_userns && errno == EINVAL) {
		rc = err_set(e, ERR_UNSUPPORTED,
		        "this kernel has no overlay of layers that map ids, which a user namespace needs "
		        "(Linux 5.19); "
		        "leave out --userns");
	} else if (!rc && m.fd < 0 && errno == EPERM && in_user_namespace()) {
		rc = rootfs_no_user_overlay(e);
	} else if (!rc && m.fd < 0) {
		rc = err_sys(e, "cannot mount the container's root (overlay of %zu layers)", o->n_lower);
	}
	buf_free(&m.data);
	return rc ? -1 : m.fd;
}

/* ------------------------------------------------------------------ read-only without mount_setattr(2) */

struct old_readonly {
	int tree, fd, sys;
};

static int readonly_in_child(int tree)
{
	struct statvfs v;

	if (enter_workplace() || fstatvfs(tree, &v) || bind_tree(tree, NAME_RESULT))
		return -1;
	/* A remount replaces all flags but those of access times, when none of them is said. */
	unsigned long keep = (v.f_flag & ST_NOSUID ? MS_NOSUID : 0) | (v.f_flag & ST_NODEV ? MS_NODEV : 0) |
	                     (v.f_flag & ST_NOEXEC ? MS_NOEXEC : 0);
	if (mount(NULL, NAME_RESULT, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | keep, NULL))
		return -1;
	return open_tree(AT_FDCWD, NAME_RESULT, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

static int child_readonly(void *arg)
{
	struct old_readonly *r = arg;

	r->fd = readonly_in_child(r->tree);
	r->sys = errno;
	return 0;
}

int rootfs_old_readonly(int tree, struct err *e)
{
	struct old_readonly r = {.tree = tree, .fd = -1};

	if (run_beside(child_readonly, &r, e))
		return -1;
	errno = r.sys;
	return r.fd < 0 ? err_sys(e, "cannot make the container's root read-only") : r.fd;
}
