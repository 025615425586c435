/* Named volumes: volumes/NAME/data is what a container sees, volumes/NAME/volume.json tells since when. They
 * are made on first use and removed when asked; an anonymous one has a 64-digit name. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/events.h"

bool volume_is_anonymous(const char *name)
{
	return strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64;
}

static int write_record(int volume_fd, const char *name, struct err *e)
{
	cleanup_json json *j = json_object_new_object();
	cleanup_buf struct buf text = BUF_INIT;

	json_set_str(j, "name", name);
	json_set_int(j, "created", now_realtime());
	json_print(&text, j, JSON_COMPACT);
	return file_write_at(volume_fd, "volume.json", text.data, text.len, 0600, FILE_SYNC, e);
}

/* ------------------------------------------------------------------ locks */

/* Two locks: volumes/NAME, shared by each create that uses it until its record says so, exclusive for its
 * removal; and volumes/ itself, shared while something half made or half removed lies there, exclusive for
 * the sweep of what a crash left. Containers see NAME/data only, so none can hold the first. */
bool volume_is_debris(const char *entry)
{
	return strncmp(entry, ".new-", 5) == 0 || strncmp(entry, ".rm-", 4) == 0;
}

int volumes_lock_debris(const struct store *s)
{
	return lock_try(s->volumes_fd, ".", LOCK_EXCLUSIVE);
}

#define ASIDE_MAX 32

/* A name for what is under way, and the lock that keeps it from being swept. */
static int begin_aside(const struct store *s, const char *prefix, char aside[ASIDE_MAX], struct err *e)
{
	char hex[17];

	random_hex(hex, 8);
	snprintf(aside, ASIDE_MAX, "%s%s", prefix, hex);
	return lock_take(s->volumes_fd, ".", LOCK_SHARED, e);
}

static bool is_named(const struct store *s, int fd, const char *name)
{
	struct stat held, named;

	return fstat(fd, &held) == 0 && fstatat(s->volumes_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

/* The volume's directory, locked; -1 with errno, ENOENT when there is none (any more). */
static int open_locked(const struct store *s, const char *name, int operation)
{
	cleanup_fd int fd = openat(s->volumes_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	while (fd >= 0 && flock(fd, operation) != 0)
		if (errno != EINTR)
			return -1;
	if (fd >= 0 && !is_named(s, fd, name)) {
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

int volume_keep(const struct store *s, const char *name, struct volume_locks *locks, struct err *e)
{
	int fd = open_locked(s, name, LOCK_SH);

	return fd < 0 ? err_sys(e, "cannot open the volume %s", name) : add_lock(locks, fd, e);
}

/* ------------------------------------------------------------------ making */

/* Made aside and renamed: a volume is there whole or not at all. */
static int make(const struct store *s, const char *name, struct err *e)
{
	char aside[ASIDE_MAX];
	cleanup_fd int lock = begin_aside(s, ".new-", aside, e);

	if (lock < 0)
		return -1;
	cleanup_fd int fd = open_dir_make(s->volumes_fd, aside, 0700);
	if (fd < 0)
		return err_sys(e, "cannot make the volume %s", name);
	if (mkdirat(fd, "data", 0755) != 0 || fchmodat(fd, "data", 0755, 0) != 0)
		err_sys(e, "cannot make the volume %s", name);
	else if (write_record(fd, name, e) == 0) {
		if (renameat(s->volumes_fd, aside, s->volumes_fd, name) == 0) {
			event_emit(s, "volume", "create", name, NULL);
			return 0;
		}
		if (errno == EEXIST || errno == ENOTEMPTY) { /* somebody was quicker */
			remove_tree_at(s->volumes_fd, aside);
			return 0;
		}
		err_sys(e, "cannot make the volume %s", name);
	}
	remove_tree_at(s->volumes_fd, aside);
	return -1;
}

static bool dir_is_empty(int fd)
{
	cleanup_dir DIR *d = fdopendir(fd);

	if (!d)
		close_fd(&fd);
	for (struct dirent *entry; d && (entry = readdir(d));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return false;
	return d != NULL;
}

/* 1: it is there and locked; 0: there is none (any more); -1 error. */
static int open_volume(
        const struct store *s, const char *name, struct volume_locks *locks, bool *empty, struct err *e)
{
	cleanup_fd int lock = open_locked(s, name, LOCK_SH);
	int data = lock < 0 ? -1 : openat(lock, "data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (data < 0)
		return lock < 0 && errno == ENOENT ? 0 : err_sys(e, "cannot open the volume %s", name);
	*empty = dir_is_empty(data);
	return add_lock(locks, steal_fd(&lock), e) != 0 ? -1 : 1;
}

int volume_ensure(const struct store *s, const char *name, char made[VOLUME_NAME_MAX],
        struct volume_locks *locks, bool *empty, struct err *e)
{
	if (!*name)
		random_hex(made, 32);
	else if (strlen(name) >= VOLUME_NAME_MAX || tare_name_check(name, e) != 0)
		return err_wrap(e, "volume");
	else
		snprintf(made, VOLUME_NAME_MAX, "%s", name);
	for (int tries = 0; tries < 16; tries++) { /* each time one was made, it was removed at once */
		int rc = open_volume(s, made, locks, empty, e);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
		if (make(s, made, e) != 0)
			return -1;
	}
	return err_set(e, ERR_OTHER, "the volume %s vanished while it was opened", made);
}

/* Ids of the containers whose record names the volume. */
static char **users(const struct store *s, const char *name)
{
	cleanup_strv char **ids = NULL;
	char **found = NULL;

	if (container_ids(s, &ids, NULL) != 0)
		return NULL;
	strv_foreach (id, ids) {
		struct container_record r;
		if (container_record_read(s, *id, &r, NULL) != 0)
			continue;
		json *mounts = json_get(r.config, "Mounts");
		for (size_t i = 0; mounts && i < json_object_array_length(mounts); i++)
			if (strcmp(json_str(json_object_array_get_idx(mounts, i), "Name", ""), name) == 0) {
				strv_add(&found, *id);
				break;
			}
		container_record_free(&r);
	}
	return found;
}

int volume_remove(const struct store *s, const char *name, struct err *e)
{
	char aside[ASIDE_MAX];
	cleanup_fd int lock = open_locked(s, name, LOCK_EX);

	if (lock < 0)
		return errno == ENOENT ? err_set(e, ERR_NOT_FOUND, "no such volume: %s", name)
		                       : err_sys(e, "cannot lock the volume %s", name);
	cleanup_strv char **used = users(s, name);
	if (used)
		return err_set(e, ERR_CONFLICT, "volume %s is used by container %.12s; remove that first",
		        name, used[0]);
	cleanup_fd int under_way = begin_aside(s, ".rm-", aside, e);
	if (under_way < 0)
		return -1;
	if (renameat(s->volumes_fd, name, s->volumes_fd, aside) != 0)
		return err_sys(e, "cannot remove the volume %s", name);
	event_emit(s, "volume", "destroy", name, NULL);
	if (remove_tree_at(s->volumes_fd, aside) != 0)
		return err_sys(e, "volume %s is removed, but %s/volumes/%s is not", name, s->root, aside);
	return 0;
}

/* ------------------------------------------------------------------ list */

static int fill_row(const struct store *s, const char *name, struct tare_volume *v)
{
	char path[VOLUME_NAME_MAX + 16];

	snprintf(path, sizeof path, "%.127s/volume.json", name);
	cleanup_json json *j = json_read_at(s->volumes_fd, path, 1 << 20, NULL);
	*v = (struct tare_volume){.name = strdup(name),
	        .path = str_printf("%s/volumes/%s/data", s->root, name),
	        .created = json_int(j, "created", 0),
	        .anonymous = volume_is_anonymous(name),
	        .used_by = users(s, name)};
	return v->name && v->path ? 0 : -1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tare_volume *)a)->name, ((const struct tare_volume *)b)->name);
}

int volumes_list(const struct store *s, struct tare_volume_list *out, struct err *e)
{
	*out = (struct tare_volume_list){0};
	int fd = openat(s->volumes_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return err_sys(e, "cannot read %s/volumes", s->root);
	for (struct dirent *entry; (entry = readdir(d));) {
		if (!isalnum((unsigned char)entry->d_name[0]) || strlen(entry->d_name) >= VOLUME_NAME_MAX)
			continue;
		struct tare_volume *rows = realloc(out->rows, (out->n + 1) * sizeof *rows);
		if (!rows || fill_row(s, entry->d_name, &rows[out->n]) != 0) {
			out->rows = rows ? rows : out->rows;
			tare_volume_list_free(out);
			return err_no_memory(e);
		}
		out->rows = rows;
		out->n++;
	}
	if (out->n)
		qsort(out->rows, out->n, sizeof *out->rows, by_name);
	return 0;
}
