/* Devices of the host, given to a container. */
#include "engine/host_devices.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/oci/runtime_spec.h"

#define DEPTH_MAX 6 /* /dev/bus/usb/001/002 and the like */

static int allow(
        struct runtime_spec *spec, char type, int64_t major, int64_t minor, const char *access, struct err *e)
{
	struct device_rule rule = {.allow = true, .type = type, .major = major, .minor = minor};

	snprintf(rule.access, sizeof rule.access, "%s", access);
	return resources_add_device(&spec->resources, rule) != 0 ? err_no_memory(e) : 0;
}

static int add_node(struct runtime_spec *spec, const struct stat *st, const char *path, struct err *e)
{
	struct spec_device *d = runtime_spec_add_device(spec);

	if (!d || !(d->path = strdup(path)))
		return err_no_memory(e);
	d->type = S_ISCHR(st->st_mode) ? 'c' : 'b';
	d->major = major(st->st_rdev);
	d->minor = minor(st->st_rdev);
	d->mode = st->st_mode & 07777;
	d->uid = st->st_uid;
	d->gid = st->st_gid;
	return 0;
}

int host_device_add(
        struct runtime_spec *spec, const struct stat *st, const char *path, const char *access, struct err *e)
{
	if (add_node(spec, st, path, e) != 0)
		return -1;
	return allow(
	        spec, S_ISCHR(st->st_mode) ? 'c' : 'b', major(st->st_rdev), minor(st->st_rdev), access, e);
}

/* access NULL: the node only, the rule is somebody else's. */
static int walk(struct runtime_spec *spec, int dir_fd, const char *inside, const char *access, int depth,
        struct err *e)
{
	static const char *const own[] = {"pts", "shm", "mqueue", "fd", "console", "ptmx", "null", "zero",
	        "full", "random", "urandom", "tty", "core", "stdin", "stdout", "stderr", "log"};
	cleanup_dir DIR *d = fdopendir(dir_fd);

	if (!d)
		return err_sys(e, "cannot read the devices for %s", inside);
	for (struct dirent *entry; (entry = readdir(d));) {
		struct stat st;
		bool skip = entry->d_name[0] == '.';
		for (size_t i = 0; !access && depth == 0 && i < sizeof own / sizeof own[0]; i++)
			skip = skip || strcmp(entry->d_name, own[i]) == 0;
		if (skip || fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		cleanup_free char *path = str_printf("%s/%s", inside, entry->d_name);
		if (!path)
			return err_no_memory(e);
		if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
			int sub = openat(
			        dirfd(d), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (sub >= 0 && walk(spec, sub, path, access, depth + 1, e) != 0)
				return -1;
		} else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
			if (access ? host_device_add(spec, &st, path, access, e)
			           : add_node(spec, &st, path, e))
				return -1;
		}
	}
	return 0;
}

int host_devices_beneath(
        struct runtime_spec *spec, const char *dir, const char *inside, const char *access, struct err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "--device %s", dir) : walk(spec, fd, inside, access, 0, e);
}

int host_devices_all(struct runtime_spec *spec, struct err *e)
{
	int fd = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "cannot read /dev");
	return walk(spec, fd, "/dev", NULL, 0, e) != 0 ? -1 : allow(spec, 'a', -1, -1, "rwm", e);
}
