/* Volumes: their directories, who holds them, how they go. They are made on first use or by name, and
 * removed when asked; an anonymous one has a 64-digit name. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/engine.h"
#include "engine/events.h"

int volume_name_check(const char *name, struct err *e)
{
	if (tare_name_check(name, e) != 0)
		return err_wrap(e, "volume");
	if (strlen(name) >= VOLUME_NAME_MAX)
		return err_set(e, ERR_USAGE,
		        "the volume's name \"%.20s…\" is too long: at most %d characters", name,
		        VOLUME_NAME_MAX - 1);
	return 0;
}

/* ------------------------------------------------------------------ locks */

/* The volume's directory, locked; -1 with errno, ENOENT when there is none (any more). */
static int open_locked(const struct store *s, const char *name, int operation)
{
	cleanup_fd int fd = openat(s->volumes_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	while (fd >= 0 && flock(fd, operation) != 0)
		if (errno != EINTR)
			return -1;
	if (fd >= 0 && !volume_is_named(s->volumes_fd, fd, name)) {
		errno = ENOENT;
		return -1;
	}
	return steal_fd(&fd);
}

static int add_lock(struct volume_locks *l, int fd, struct err *e)
{
	int *grown = realloc(l->fds, (l->n + 1) * sizeof *grown);

	if (!grown) {
		close_fd(&fd);
		return err_no_memory(e);
	}
	l->fds = grown;
	l->fds[l->n++] = fd;
	return 0;
}

void volume_locks_close(struct volume_locks *l)
{
	for (size_t i = 0; i < l->n; i++)
		close_fd(&l->fds[i]);
	free(l->fds);
	*l = (struct volume_locks){0};
}

int volume_hold(const struct store *s, const char *name, struct err *e)
{
	if (volume_name_check(name, e) != 0)
		return -1;
	int fd = open_locked(s, name, LOCK_SH);
	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "no such volume: %s", name);
	return fd < 0 ? err_sys(e, "cannot open the volume %s", name) : fd;
}

int volume_keep(const struct store *s, const char *name, struct volume_locks *locks, struct err *e)
{
	int fd = volume_hold(s, name, e);

	return fd < 0 ? -1 : add_lock(locks, fd, e);
}

/* ------------------------------------------------------------------ one to use */

static bool dir_is_empty(int path_fd)
{
	int fd = openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		close_fd(&fd);
	for (struct dirent *entry; d && (entry = readdir(d));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return false;
	return d != NULL;
}

/* What is not there before a start (a tmpfs, a device) will be looked at then. */
static int is_empty(int volume_fd, const char *name, bool *empty, struct err *e)
{
	cleanup_volume_record struct volume_record r = {0};

	if (volume_record_read_at(volume_fd, name, &r, e) != 0)
		return -1;
	cleanup_fd int data = volume_open_data_at(volume_fd, &r, e);
	if (data < 0 && r.kind == VOLUME_DIRECTORY)
		return -1;
	*empty = !r.read_only && (data < 0 || dir_is_empty(data));
	return 0;
}

/* Options of a mount for a volume that is there already must be those that it has: nobody would learn that
 * they count for nothing. */
static int check_options(
        const struct store *s, const struct tare_volume_create *how, const char *name, struct err *e)
{
	const struct tare_volume_create want = {.name = name, .options = how->options};
	char made[VOLUME_NAME_MAX];

	return how->options && how->options[0] ? volume_make(s, &want, made, e) : 0;
}

int volume_ensure_as(const struct store *s, const struct tare_volume_create *how, char made[VOLUME_NAME_MAX],
        struct volume_locks *locks, bool *empty, struct err *e)
{
	struct tare_volume_create named = *how;
	char name[VOLUME_NAME_MAX] = "";

	if (how->name && *how->name && volume_name_check(how->name, e) != 0)
		return -1;
	if (how->name && *how->name)
		snprintf(name, sizeof name, "%s", how->name);
	else
		random_hex(name, 32);
	named.name = name;
	memcpy(made, name, VOLUME_NAME_MAX);
	for (int tries = 0; tries < 16; tries++) { /* each time one was made, it was removed at once */
		cleanup_fd int fd = open_locked(s, name, LOCK_SH);
		if (fd >= 0 && (check_options(s, how, name, e) != 0 || is_empty(fd, name, empty, e) != 0))
			return -1;
		if (fd >= 0)
			return add_lock(locks, steal_fd(&fd), e);
		if (errno != ENOENT)
			return err_sys(e, "cannot open the volume %s", name);
		struct err why = ERR_INIT;
		if (volume_make(s, &named, made, &why) != 0 && why.kind != ERR_CONFLICT) {
			if (e)
				*e = why;
			return -1;
		}
	}
	return err_set(e, ERR_OTHER, "the volume %s vanished while it was opened", name);
}

int volume_ensure(const struct store *s, const char *name, char made[VOLUME_NAME_MAX],
        struct volume_locks *locks, bool *empty, struct err *e)
{
	const struct tare_volume_create how = {.name = name};

	return volume_ensure_as(s, &how, made, locks, empty, e);
}

/* ------------------------------------------------------------------ removal */

#define LOOK_NS 10000000 /* between looks at a volume that somebody holds, */
#define LOOKS   500      /* and how many: 5 s, which a create does not need and a backup does */

/* Not for ever: a backup may hold it for an hour. */
static int lock_for_removal(const struct store *s, const char *name, struct err *e)
{
	const struct timespec pause = {.tv_nsec = LOOK_NS};

	for (int looks = 0; looks < LOOKS; looks++) {
		int fd = open_locked(s, name, LOCK_EX | LOCK_NB);
		if (fd >= 0)
			return fd;
		if (errno == ENOENT)
			return err_set(e, ERR_NOT_FOUND, "no such volume: %s", name);
		if (errno != EWOULDBLOCK)
			return err_sys(e, "cannot lock the volume %s", name);
		nanosleep(&pause, NULL);
	}
	return err_set(e, ERR_CONFLICT,
	        "volume %s is held by a backup, a restore or a start; try again when that is done", name);
}

static int refuse_users(const char *name, const struct volume_users *u, struct err *e)
{
	cleanup_buf struct buf names = BUF_INIT;
	cleanup_strv char **seen = NULL;

	for (size_t i = 0; i < u->n; i++) {
		if (strv_has(seen, u->rows[i].name))
			continue;
		buf_printf(&names, "%s%s%s", names.len ? ", " : "", u->rows[i].name,
		        u->rows[i].running ? " (running)" : "");
		if (strv_add(&seen, u->rows[i].name) != 0)
			return err_no_memory(e);
	}
	return err_set(e, ERR_CONFLICT, "volume %s is used by container%s %s; remove %s first", name,
	        strv_len(seen) > 1 ? "s" : "", buf_str(&names), strv_len(seen) > 1 ? "them" : "it");
}

int volume_remove(const struct store *s, const char *name, struct err *e)
{
	cleanup_volume_users struct volume_users users = {0};
	char aside[VOLUME_ASIDE_MAX], hex[17];

	if (volume_name_check(name, e) != 0)
		return -1;
	cleanup_fd int lock = lock_for_removal(s, name, e);
	if (lock < 0 || volume_users(s, name, &users, e) != 0)
		return -1;
	if (users.n)
		return refuse_users(name, &users, e);
	if (users.unread[0])
		return err_set(e, ERR_CONFLICT,
		        "volume %s may be in use: the record of container %.12s cannot be read; see: tare "
		        "system check",
		        name, users.unread);
	if (volume_unmount_at(lock, e) != 0)
		return -1;
	random_hex(hex, 8);
	snprintf(aside, sizeof aside, ".rm-%s", hex);
	if (renameat(s->volumes_fd, name, s->volumes_fd, aside) != 0)
		return err_sys(e, "cannot remove the volume %s", name);
	event_emit(s, "volume", "destroy", name, NULL);
	if (volume_aside_remove(s, s->volumes_fd, aside) != 0)
		return err_sys(e, "volume %s is removed, but %s/volumes/%s is not", name, s->root, aside);
	return 0;
}

int engine_volume_remove(struct tare_engine *t, const char *name, struct err *e)
{
	return volume_remove(engine_store(t), name, e);
}
