/* The container's root as a detached overlay, made with the host's rights and never attached in the host's
 * mount namespace: when the last process is gone, so is the mount. */
#include "engine/runtime/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/rootless.h"
#include "base/text.h"
#include "engine/runtime/user_namespace.h"

#define FSCONFIG_STRING_MAX 255 /* linux/fs/fsopen.c: strndup_user(_value, 256) */

const char *const rootfs_fixed_options[][2] = {
        {"metacopy", "off"},
        {"index", "off"},
        {"redirect_dir", "nofollow"},
        {"xino", "off"},
        {NULL, NULL},
};

static int overlay_error(int fs, struct err *e)
{
	char text[256], shown[256];
	int saved = errno;
	ssize_t n = read(fs, text, sizeof text - 1);

	errno = saved;
	if (n <= 2)
		return err_sys(e, "cannot mount the container's root (overlay)");
	text[n] = 0;
	text[strcspn(text, "\n")] = 0;
	text_harmless_to(shown, sizeof shown, text + 2);
	errno = saved;
	return err_sys(e, "cannot mount the container's root (%s)", shown);
}

static int set_string(int fs, const char *key, const char *value)
{
	return fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0);
}

/* One directory under `key`, by descriptor or by the descriptor's name in /proc. */
static int set_directory(int fs, enum rootfs_way way, const char *key, int dir)
{
	char path[32];

	if (way == ROOTFS_LAYER_FD)
		return fsconfig(fs, FSCONFIG_SET_FD, key, NULL, dir);
	snprintf(path, sizeof path, "/proc/self/fd/%d", dir);
	return set_string(fs, key, path);
}

/* "3:4:5", names of the descriptors within /proc/self/fd. */
static void add_layer_names(struct buf *b, const struct rootfs_overlay *o)
{
	for (size_t i = 0; i < o->n_lower; i++)
		buf_printf(b, "%s%d", i ? ":" : "", o->lower_fds[i]);
}

static int set_one_string(int fs, const struct rootfs_overlay *o)
{
	cleanup_buf struct buf b = BUF_INIT;

	add_layer_names(&b, o);
	if (b.failed || b.len > FSCONFIG_STRING_MAX) {
		errno = E2BIG;
		return -1;
	}
	return set_string(fs, "lowerdir", buf_str(&b));
}

static int set_layers(int fs, enum rootfs_way way, const struct rootfs_overlay *o)
{
	if (way == ROOTFS_ONE_STRING)
		return set_one_string(fs, o);
	for (size_t i = 0; i < o->n_lower; i++)
		if (set_directory(fs, way, "lowerdir+", o->lower_fds[i]))
			return -1;
	return 0;
}

static int configure(int fs, enum rootfs_way way, const struct rootfs_overlay *o)
{
	if (set_string(fs, "source", "overlay"))
		return -1;
	for (size_t i = 0; rootfs_fixed_options[i][0]; i++)
		if (set_string(fs, rootfs_fixed_options[i][0], rootfs_fixed_options[i][1]))
			return -1;
	/* In a user namespace nobody may write trusted.overlay.*; as user.overlay.* the marks hold as well,
	 * since 5.11. */
	if (in_user_namespace() && fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0))
		return -1;
	if (set_layers(fs, way, o))
		return -1;
	if (o->upper_fd < 0)
		return 0;
	if (set_directory(fs, way, "upperdir", o->upper_fd) || set_directory(fs, way, "workdir", o->work_fd))
		return -1;
	return o->throw_away ? fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0) : 0;
}

int rootfs_no_user_overlay(struct err *e)
{
	return err_set(e, ERR_UNSUPPORTED,
	        "this kernel lets no ordinary user mount an overlay (Linux 5.11); be root: try sudo");
}

/* Before 6.5 overlayfs takes its options as one text, for which descriptors are refused so. It would write
 * the option it doesn't know into the kernel's log, at each start. */
static bool takes_one_text(int error)
{
	return error == EOPNOTSUPP;
}

/* 0 with *mount_fd; -1 with e; when this kernel doesn't know the way, how many further the next is that it
 * may know. */
static int try_fsmount(enum rootfs_way way, const struct rootfs_overlay *o, int *mount_fd, struct err *e)
{
	cleanup_fd int fs = fsopen("overlay", FSOPEN_CLOEXEC);

	if (fs < 0)
		return err_set(
		        e, ERR_UNSUPPORTED, "this kernel has no overlay file system; try modprobe overlay");
	if (configure(fs, way, o)) {
		if (way == ROOTFS_LAYER_FD && takes_one_text(errno))
			return ROOTFS_ONE_STRING - ROOTFS_LAYER_FD;
		if (errno == EINVAL || errno == EOPNOTSUPP || errno == E2BIG || errno == EBADF)
			return 1;
		return overlay_error(fs, e);
	}
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0)) {
		/* Before 6.5 overlayfs gets its options as one text and only now finds "lowerdir+" unknown;
		 * before 6.15 it only now refuses layers that are attached nowhere. */
		if (errno == EINVAL && (way == ROOTFS_LAYER_PATH || o->lower_userns))
			return 1;
		return errno == EPERM && in_user_namespace() ? rootfs_no_user_overlay(e)
		                                             : overlay_error(fs, e);
	}
	*mount_fd = fsmount(fs, FSMOUNT_CLOEXEC, o->upper_fd < 0 ? MOUNT_ATTR_RDONLY : 0);
	return *mount_fd < 0 ? overlay_error(fs, e) : 0;
}

/* The same from within /proc/self/fd, where descriptors have the shortest names there are. */
static int try_one_string(const struct rootfs_overlay *o, int *mount_fd, struct err *e)
{
	cleanup_fd int cwd = open(".", O_PATH | O_CLOEXEC);

	if (cwd < 0 || chdir("/proc/self/fd"))
		return err_sys(e, "cannot enter /proc/self/fd; is /proc mounted?");
	int rc = try_fsmount(ROOTFS_ONE_STRING, o, mount_fd, e);
	if (fchdir(cwd)) {
		close_fd(mount_fd);
		return err_sys(e, "cannot go back to the working directory");
	}
	return rc;
}

/* "volatile" leaves a mark that forbids the next mount: after a crash nobody knows what is on disk. Here it
 * is known that the layer was thrown away or is being begun anew. */
static int remove_volatile_mark(const struct rootfs_overlay *o, struct err *e)
{
	cleanup_fd int work = openat(o->work_fd, "work", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (work < 0 && errno == ENOENT)
		return 0;
	if (work < 0 || remove_tree_at(work, "incompat"))
		return err_sys(e, "cannot clear the overlay's work directory");
	return 0;
}

int rootfs_copy_lower(const struct rootfs_overlay *o, size_t i, struct err *e)
{
	cleanup_fd int fd =
	        open_tree(o->lower_fds[i], "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "cannot mount the container's root");
	if (o->lower_userns && o->lower_userns[i] >= 0 &&
	        mount_idmap(fd, o->lower_userns[i], false, "a layer of the container's root", e))
		return -1;
	return steal_fd(&fd);
}

/* 1 when this kernel takes no layers that are attached nowhere. */
static int try_idmapped(const struct rootfs_overlay *o, int *mount_fd, struct err *e)
{
	cleanup_free int *copies = malloc(o->n_lower * sizeof *copies);
	struct rootfs_overlay idmapped = *o;
	size_t n = 0;
	int rc = 0;

	if (!copies)
		return err_no_memory(e);
	for (; n < o->n_lower && (copies[n] = rootfs_copy_lower(o, n, e)) >= 0; n++)
		;
	idmapped.lower_fds = copies;
	rc = n < o->n_lower ? -1 : try_fsmount(ROOTFS_LAYER_FD, &idmapped, mount_fd, e);
	while (n)
		close_fd(&copies[--n]);
	return rc;
}

static int try_way(enum rootfs_way way, const struct rootfs_overlay *o, int *mount_fd, struct err *e)
{
	if (way == ROOTFS_OLD_MOUNT)
		return (*mount_fd = rootfs_old_mount(o, e)) < 0 ? -1 : 0;
	if (o->lower_userns)
		return way == ROOTFS_LAYER_FD ? try_idmapped(o, mount_fd, e) : 1;
	if (way == ROOTFS_ONE_STRING)
		return try_one_string(o, mount_fd, e);
	return try_fsmount(way, o, mount_fd, e);
}

/* An overlay wants two layers: a single one that nobody writes to is its own root. */
static int single_layer(const struct rootfs_overlay *o, struct err *e)
{
	cleanup_fd int fd = rootfs_copy_lower(o, 0, e);

	if (fd < 0)
		return -1;
	struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY};
	if (!mount_setattr(fd, "", AT_EMPTY_PATH, &ro, sizeof ro))
		return steal_fd(&fd);
	if (errno != ENOSYS)
		return err_sys(e, "cannot make the container's root read-only");
	return rootfs_old_readonly(fd, e);
}

int rootfs_mount_overlay_by(enum rootfs_way way, const struct rootfs_overlay *o, struct err *e)
{
	enum rootfs_way first = way == ROOTFS_BEST ? ROOTFS_LAYER_FD : way;
	enum rootfs_way last = way == ROOTFS_BEST ? ROOTFS_OLD_MOUNT : way;
	int fd = -1, rc = 1;

	if (!o->n_lower)
		return err_set(e, ERR_USAGE, "the image has no layers");
	if (o->upper_fd < 0 && o->n_lower == 1)
		return single_layer(o, e);
	if (o->work_fd >= 0 && remove_volatile_mark(o, e))
		return -1;
	for (unsigned w = first; rc > 0 && w <= last; w += (unsigned)rc)
		rc = try_way((enum rootfs_way)w, o, &fd, e);
	if (rc > 0)
		return err_set(e, ERR_UNSUPPORTED,
		        "this kernel can't mount an overlay of %zu layers that way", o->n_lower);
	return rc ? -1 : fd;
}

int rootfs_mount_overlay(const struct rootfs_overlay *o, struct err *e)
{
	return rootfs_mount_overlay_by(ROOTFS_BEST, o, e);
}
