/* The one way to a volume's files. A directory's are beneath volumes/NAME/data; a tmpfs is mounted there from
 * the start of its first container to the end of its last; a bind's are where they are. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/file.h"
#include "base/lock.h"
#include "engine/engine.h"
#include "engine/runtime/mount_tree.h"

#define UNMOUNTS_MAX 16 /* of what an administrator may have put on top of each other */

/* Never a link: nobody but root gets there, but a restored or copied store may hold anything (attack 37). */
static int open_data_dir(int volume_fd, const char *name, struct err *e)
{
	int fd = openat(volume_fd, "data", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "cannot open the files of volume %s", name) : fd;
}

static bool is_mounted(int volume_fd, int data_fd)
{
	struct stat below, data;

	return fstat(volume_fd, &below) == 0 && fstat(data_fd, &data) == 0 && below.st_dev != data.st_dev;
}

static int open_device(const struct volume_record *r, struct err *e)
{
	int fd = open(r->device, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND,
		        "volume %s is the directory %s, which does not exist; make it first (mkdir -p %s)",
		        r->name, r->device, r->device);
	return fd < 0 ? err_sys(e, "volume %s: cannot open %s", r->name, r->device) : fd;
}

int volume_open_data_at(int volume_fd, const struct volume_record *r, struct err *e)
{
	if (r->kind == VOLUME_BIND)
		return open_device(r, e);
	cleanup_fd int fd = open_data_dir(volume_fd, r->name, e);
	if (fd >= 0 && r->kind == VOLUME_TMPFS && !is_mounted(volume_fd, fd))
		return err_set(e, ERR_CONFLICT,
		        "volume %s is in memory, and empty as long as no container that runs has it mounted",
		        r->name);
	return steal_fd(&fd);
}

int volume_open_data(const struct store *s, const char *name, struct err *e)
{
	cleanup_volume_record struct volume_record r = {0};

	if (volume_record_read(s, name, &r, e) != 0)
		return -1;
	cleanup_fd int dir = openat(s->volumes_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return dir < 0 ? err_set(e, ERR_NOT_FOUND, "no such volume: %s", name)
	               : volume_open_data_at(dir, &r, e);
}

/* ------------------------------------------------------------------ tmpfs */

/* Two containers that start at once must not get one each: the lock is held until it is mounted. */
static int mount_tmpfs(int volume_fd, const struct volume_record *r, struct err *e)
{
	struct mount_options o;
	char *data[MOUNT_DATA_MAX];
	cleanup_fd int lock = lock_take(volume_fd, "mount.lock", LOCK_EXCLUSIVE, e);
	cleanup_fd int at = lock < 0 ? -1 : open_data_dir(volume_fd, r->name, e);

	if (at < 0)
		return -1;
	if (is_mounted(volume_fd, at))
		return 0;
	if (mount_options_parse(r->mount_options, &o, data, e) != 0)
		return err_wrap(e, "volume %s", r->name);
	cleanup_fd int fd = mount_new("tmpfs", "tmpfs", o.data, o.n_data, o.set, e);
	if (fd < 0)
		return err_wrap(e, "volume %s", r->name);
	return move_mount(fd, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0
	               ? err_sys(e, "volume %s: cannot mount its tmpfs", r->name)
	               : 0;
}

int volume_unmount_at(int volume_fd, struct err *e)
{
	char path[40];

	for (int i = 0; i < UNMOUNTS_MAX; i++) {
		cleanup_fd int fd = open_data_dir(volume_fd, "", NULL);
		if (fd < 0 || !is_mounted(volume_fd, fd))
			return 0;
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		if (umount2(path, MNT_DETACH) != 0)
			return err_sys(e, "cannot unmount what is mounted in the volume");
	}
	return err_set(e, ERR_CONFLICT, "too much is mounted in the volume, one on top of the other");
}

/* ------------------------------------------------------------------ at a start */

/* The directory within the volume that was asked for. A container may have put a link there that leads out
 * (CVE-2023-2253's kind, CVE-2021-25741): beneath means beneath. */
static int open_subpath(int data, const struct spec_mount *m, struct err *e)
{
	int fd = open_beneath(data, m->subpath, O_PATH | O_CLOEXEC, 0);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND,
		        "volume %s has no directory \"%s\"; make it first, in a container that mounts the "
		        "whole volume",
		        m->volume, m->subpath);
	if (errno == EXDEV || errno == ELOOP)
		return err_set(e, ERR_USAGE, "in volume %s the path %s leads out of the volume", m->volume,
		        m->subpath);
	return err_sys(e, "volume %s: cannot open %s", m->volume, m->subpath);
}

static int attach(const struct store *s, struct spec_mount *m, struct volume_locks *locks, struct err *e)
{
	cleanup_volume_record struct volume_record r = {0};

	volume_settle(s, m->volume); /* before it is held: what a crash left is in nobody's way */
	if (volume_keep(s, m->volume, locks, e) != 0)
		return -1;
	int dir = locks->fds[locks->n - 1];
	if (volume_record_read_at(dir, m->volume, &r, e) != 0 ||
	        (r.kind == VOLUME_TMPFS && mount_tmpfs(dir, &r, e) != 0))
		return -1;
	cleanup_fd int data = volume_open_data_at(dir, &r, e);
	if (data < 0)
		return -1;
	cleanup_fd int sub = m->subpath ? open_subpath(data, m, e) : -1;
	if (m->subpath && sub < 0)
		return -1;
	m->source_fd = mount_copy(sub >= 0 ? sub : data, true);
	return m->source_fd < 0 ? err_sys(e, "cannot mount volume %s", m->volume) : 0;
}

int volumes_attach(
        const struct store *s, struct runtime_spec *spec, struct volume_locks *locks, struct err *e)
{
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (spec->mounts[i].volume && attach(s, &spec->mounts[i], locks, e) != 0)
			return -1;
	return 0;
}

void volumes_detach(struct runtime_spec *spec, struct volume_locks *locks)
{
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (spec->mounts[i].volume)
			close_fd(&spec->mounts[i].source_fd);
	volume_locks_close(locks);
}

/* ------------------------------------------------------------------ at an end */

/* Only what is held by nobody: a start that has not recorded its container yet holds it shared. *seen: it was
 * held here for a moment, and somebody runs who has it. */
static int lock_idle_tmpfs(const struct store *s, const char *name, bool *seen)
{
	cleanup_volume_record struct volume_record r = {0};
	cleanup_volume_users struct volume_users users = {0};
	cleanup_fd int fd = openat(s->volumes_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_fd int data = fd < 0 ? -1 : open_data_dir(fd, name, NULL);

	if (data < 0 || !is_mounted(fd, data) || volume_record_read_at(fd, name, &r, NULL) != 0 ||
	        r.kind != VOLUME_TMPFS || flock(fd, LOCK_EX | LOCK_NB) != 0 ||
	        !volume_is_named(s->volumes_fd, fd, name) || volume_users(s, name, &users, NULL) != 0)
		return -1;
	cleanup_strv char **running = volume_users_running(&users, false);
	*seen = running != NULL;
	return running || users.unread[0] ? -1 : steal_fd(&fd);
}

bool volume_tmpfs_is_idle(const struct store *s, const char *name)
{
	bool seen;
	cleanup_fd int fd = lock_idle_tmpfs(s, name, &seen);

	return fd >= 0;
}

#define SETTLES_MAX 16

/* Two that end at once: the first looks and finds the second running, the second finds the first at it and
 * leaves. So who has found somebody running looks once more when it is not at it any more. */
static bool somebody_runs(const struct store *s, const char *name)
{
	cleanup_volume_users struct volume_users users = {0};

	if (volume_users(s, name, &users, NULL) != 0 || users.unread[0])
		return true;
	cleanup_strv char **running = volume_users_running(&users, false);
	return running != NULL;
}

void volume_settle(const struct store *s, const char *name)
{
	if (!*name || volume_name_check(name, NULL) != 0)
		return;
	volume_swap_sweep(s, name, NULL, NULL);
	for (int tries = 0; tries < SETTLES_MAX; tries++) {
		bool seen = false;
		cleanup_fd int idle = lock_idle_tmpfs(s, name, &seen);
		if (idle >= 0)
			volume_unmount_at(idle, NULL);
		close_fd(&idle);
		if (!seen || somebody_runs(s, name))
			return;
	}
}

void volumes_settle(const struct store *s, json *config)
{
	json *mounts = json_get(config, "Mounts");

	for (size_t i = 0; mounts && i < json_object_array_length(mounts); i++)
		volume_settle(s, json_str(json_object_array_get_idx(mounts, i), "Name", ""));
}
