#include "engine/runtime/devfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/oci/runtime_spec.h"

/* Docker's list; numbers from linux/Documentation/admin-guide/devices.txt. */
static const struct {
	const char *name;
	unsigned major, minor;
} nodes[] = {
        {"null", 1, 3},
        {"zero", 1, 5},
        {"full", 1, 7},
        {"random", 1, 8},
        {"urandom", 1, 9},
        {"tty", 5, 0},
};

static const struct {
	const char *name, *target;
} links[] = {
        {"fd", "/proc/self/fd"},
        {"stdin", "/proc/self/fd/0"},
        {"stdout", "/proc/self/fd/1"},
        {"stderr", "/proc/self/fd/2"},
        {"ptmx", "pts/ptmx"},
};

_Static_assert(sizeof nodes / sizeof nodes[0] == DEVFS_NODES, "one descriptor for each");

int devfs_host_nodes(int fds[DEVFS_NODES], struct err *e)
{
	char path[32];
	struct stat st;

	for (size_t i = 0; i < DEVFS_NODES; i++) {
		snprintf(path, sizeof path, "/dev/%s", nodes[i].name);
		fds[i] = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		if (fds[i] < 0 || fstat(fds[i], &st))
			return err_sys(e, "cannot bind %s into the container", path);
		if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(nodes[i].major, nodes[i].minor))
			return err_set(e, ERR_OTHER, "%s of this host is not the device of that name", path);
	}
	return 0;
}

static int bind_node(struct container_root *r, int dev, size_t i, struct err *e)
{
	cleanup_fd int target =
	        openat(dev, nodes[i].name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);

	if (target < 0)
		return err_sys(e, "cannot make /dev/%s in the container", nodes[i].name);
	return mount_attach(r, r->host_nodes[i], target, NULL, e);
}

static int make_node(struct container_root *r, int dev, size_t i, struct err *e)
{
	if (r->host_nodes)
		return bind_node(r, dev, i, e);
	if (mknodat(dev, nodes[i].name, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)))
		return err_sys(e, "cannot make /dev/%s in the container", nodes[i].name);
	return 0;
}

/* The umask is 0 here, so modes come out as written. */
static int fill_ours(struct container_root *r, int dev, struct err *e)
{
	for (size_t i = 0; i < DEVFS_NODES && !r->has_nodes; i++)
		if (make_node(r, dev, i, e))
			return -1;
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
		if (symlinkat(links[i].target, dev, links[i].name) && errno != EEXIST)
			return err_sys(e, "cannot make the link /dev/%s in the container", links[i].name);
	return 0;
}

/* Masking binds this file over others: were it anything but the null device (a link to sysrq-trigger), the
 * mask would be the hole (CVE-2025-31133). */
static int open_null(struct container_root *r, struct err *e)
{
	cleanup_fd int fd = DEFENCE("null-device")
	                            ? open_no_links(r->fd, "dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC)
	                            : open_in_root(r->fd, "dev/null", O_PATH | O_CLOEXEC, 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return err_sys(e, "cannot open /dev/null in the container");
	if (DEFENCE("null-device") && (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3)))
		return err_set(e, ERR_OTHER, "/dev/null in the container is not the null device");
	r->null_fd = steal_fd(&fd);
	return 0;
}

static int make_device(struct container_root *r, const struct spec_device *d, struct err *e)
{
	char dir[4096];
	const char *slash = strrchr(d->path, '/');
	dev_t number = makedev(d->major, d->minor);
	mode_t type = d->type == 'b' ? S_IFBLK : S_IFCHR;
	struct stat st;

	if (!slash || !slash[1] ||
	        (size_t)snprintf(dir, sizeof dir, "%.*s/", (int)(slash - d->path), d->path) >= sizeof dir)
		return err_set(e, ERR_USAGE, "device path \"%s\": expected an absolute path", d->path);
	cleanup_fd int parent = target_directory(r->fd, dir, e);
	if (parent < 0)
		return -1;
	if (mknodat(parent, slash + 1, type | (d->mode & 0777), number)) {
		if (errno != EEXIST || fstatat(parent, slash + 1, &st, AT_SYMLINK_NOFOLLOW))
			return err_sys(e, "cannot make the device %s in the container", d->path);
		if ((st.st_mode & S_IFMT) != type || st.st_rdev != number)
			return err_set(e, ERR_CONFLICT,
			        "cannot make the device %s: the image has another file there", d->path);
	}
	if (fchownat(parent, slash + 1, d->uid, d->gid, AT_SYMLINK_NOFOLLOW))
		return err_sys(e, "cannot change the owner of the device %s in the container", d->path);
	return 0;
}

/* ------------------------------------------------------------------ for a user namespace */

static int own(int dir, const char *name, uint32_t uid, uint32_t gid, const struct id_maps *ids)
{
	uint32_t host_uid, host_gid;

	if (!id_map_out(&ids->uid, uid, &host_uid))
		id_map_out(&ids->uid, 0, &host_uid);
	if (!id_map_out(&ids->gid, gid, &host_gid))
		id_map_out(&ids->gid, 0, &host_gid);
	return fchownat(dir, name, host_uid, host_gid, AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH));
}

/* 1 when devices can't be made here. */
static int make_owned(
        int dir, const char *name, const struct spec_device *d, const struct id_maps *ids, struct err *e)
{
	mode_t type = d->type == 'b' ? S_IFBLK : S_IFCHR;

	if (mknodat(dir, name, type | (d->mode & 0777), makedev(d->major, d->minor)))
		return errno == EPERM ? 1 : err_sys(e, "cannot make the device /dev/%s", name);
	return own(dir, name, d->uid, d->gid, ids) ? err_sys(e, "cannot give away the device /dev/%s", name)
	                                           : 0;
}

static int make_owned_device(int dev, const struct spec_device *d, const struct id_maps *ids, struct err *e)
{
	const char *name = strrchr(d->path, '/');
	char dir[4096];

	if (strncmp(d->path, "/dev/", 5) != 0 || !name[1] || strlen(d->path) >= sizeof dir)
		return err_set(e, ERR_UNSUPPORTED,
		        "device %s: with a user namespace devices are beneath /dev only", d->path);
	snprintf(dir, sizeof dir, "/%.*s", (int)(name - d->path) - 4, d->path + 5);
	cleanup_fd int parent = mkdir_in_root(dev, dir, 0755);
	if (parent < 0 || own(parent, "", 0, 0, ids))
		return err_sys(e, "cannot make the directory of the device %s", d->path);
	int rc = make_owned(parent, name + 1, d, ids, e);
	return rc < 0 && errno == EEXIST ? 0 : rc;
}

static int make_all(int dev, const struct runtime_spec *spec, struct err *e)
{
	int rc = own(dev, "", 0, 0, &spec->ids) ? err_sys(e, "cannot give /dev to the container's root") : 0;

	for (size_t i = 0; i < DEVFS_NODES && rc == 0; i++) {
		struct spec_device d = {
		        .type = 'c', .major = nodes[i].major, .minor = nodes[i].minor, .mode = 0666};
		rc = make_owned(dev, nodes[i].name, &d, &spec->ids, e);
	}
	for (size_t i = 0; i < spec->n_devices && rc == 0; i++)
		rc = make_owned_device(dev, &spec->devices[i], &spec->ids, e);
	return rc;
}

int devfs_make(const struct runtime_spec *spec, const struct spec_mount *m, int *mount_fd, struct err *e)
{
	struct mount_options o;
	char *data[MOUNT_DATA_MAX];

	if (mount_options_parse(m->options, &o, data, e))
		return -1;
	cleanup_fd int dev = mount_new("tmpfs", "tmpfs", o.data, o.n_data, o.set, e);
	if (dev < 0)
		return -1;
	mode_t saved = umask(0);
	int rc = make_all(dev, spec, e);
	umask(saved);
	if (rc == 0)
		*mount_fd = steal_fd(&dev);
	return rc;
}

int devfs_fill(struct container_root *r, const struct runtime_spec *spec, bool dev_is_ours, struct err *e)
{
	if (dev_is_ours) {
		/* An image whose /dev is a link would have its nodes made elsewhere (CVE-2026-41579). */
		cleanup_fd int dev = open_no_links(r->fd, "dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (dev < 0)
			return err_sys(e, "cannot open /dev in the container");
		if (fill_ours(r, dev, e))
			return -1;
	}
	for (size_t i = 0; i < spec->n_devices && !r->has_nodes; i++)
		if (make_device(r, &spec->devices[i], e))
			return -1;
	return spec->masked_paths ? open_null(r, e) : 0;
}

int devfs_console(struct container_root *r, int slave, struct err *e)
{
	cleanup_fd int dev = open_no_links(r->fd, "dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int copy = mount_copy(slave, false);

	if (dev < 0 || copy < 0)
		return err_sys(e, "cannot bind the terminal to /dev/console");
	cleanup_fd int target =
	        openat(dev, "console", O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (target < 0 && errno == EEXIST)
		target = openat(dev, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0)
		return err_sys(e, "cannot make /dev/console in the container");
	return mount_attach(r, copy, target, NULL, e);
}
