/* New data in the place of the old, in one rename: made beside it as .restore-HEX, exchanged, and then the
 * old goes. Killed before the exchange, the volume has its old data; after it, its new; either way what lies
 * beside is swept by the next who looks. */
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
#include "base/text.h"
#include "engine/engine.h"

#define MOUNTS_MAX (1 << 20) /* bytes of a mountinfo */

/* ------------------------------------------------------------------ begin */

/* "a/b" of "/a//b/", so that one rename names what is swapped. */
static char *clean_path(const char *path, struct err *e)
{
	cleanup_buf struct buf out = BUF_INIT;
	char shown[256];

	for (size_t len; path += strspn(path, "/"), *path; path += len) {
		len = strcspn(path, "/");
		if (len == 1 && *path == '.')
			continue;
		if (len == 2 && strncmp(path, "..", 2) == 0)
			return err_set_null(
			        e, ERR_USAGE, "a path within a volume has no \"..\"; as in var/lib/data");
		buf_printf(&out, "%s%.*s", out.len ? "/" : "", (int)len, path);
	}
	if (out.len)
		return buf_take(&out);
	text_harmless_to(shown, sizeof shown, path);
	return err_set_null(e, ERR_USAGE, "the path within the volume is empty; leave it out to restore all");
}

/* A directory of its own limit for new data: while both are there, they must not count as one. A part of the
 * data is going to be the old one's, and can be moved there only with its project. */
static int limit(
        const struct store *s, const struct volume_swap *w, const struct volume_record *r, struct err *e)
{
	cleanup_fd int data = openat(w->dir_fd, "data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (data < 0)
		return err_sys(e, "cannot open the files of volume %s", w->name);
	if (w->path)
		return volume_quota_inherit(w->new_fd, data, e);
	return r->quota ? volume_quota_set(s, w->new_fd, r->quota, e) : 0;
}

static int check_kind(const struct volume_record *r, struct err *e)
{
	if (r->kind == VOLUME_TMPFS)
		return err_set(e, ERR_UNSUPPORTED,
		        "volume %s is in memory and goes with its last container; restore with --into NEW",
		        r->name);
	if (r->kind == VOLUME_BIND)
		return err_set(e, ERR_UNSUPPORTED,
		        "volume %s is the host's directory %s, which Tare does not replace; restore with "
		        "--into NEW",
		        r->name, r->device);
	return 0;
}

static int begin(const struct store *s, const char *path, bool force, struct volume_swap *w, struct err *e)
{
	cleanup_volume_record struct volume_record r = {0};

	if (path && !(w->path = clean_path(path, e)))
		return -1;
	w->dir_fd = volume_hold(s, w->name, e);
	if (w->dir_fd < 0 || volume_record_read_at(w->dir_fd, w->name, &r, e) != 0 ||
	        check_kind(&r, e) != 0 || (!force && volume_need_no_writer(s, w->name, e) != 0))
		return -1;
	w->new_fd = volume_aside_make(w->dir_fd, ".restore-", w->aside, e);
	if (w->new_fd < 0) {
		w->aside[0] = '\0';
		return -1;
	}
	return fchmod(w->new_fd, 0755) != 0 ? err_sys(e, "volume %s", w->name) : limit(s, w, &r, e);
}

int volume_swap_begin(const struct store *s, const char *name, const char *path, bool force,
        struct volume_swap *w, struct err *e)
{
	*w = (struct volume_swap)VOLUME_SWAP_INIT;
	w->store = s;
	if (volume_name_check(name, e) != 0)
		return -1;
	snprintf(w->name, sizeof w->name, "%s", name);
	volume_swap_sweep(s, name, NULL, NULL);
	if (begin(s, path, force, w, e) == 0)
		return 0;
	volume_swap_close(w);
	return -1;
}

void volume_swap_close(struct volume_swap *w)
{
	if (w->aside[0])
		volume_aside_remove(w->store, w->dir_fd, w->aside);
	w->aside[0] = '\0';
	close_fd(&w->new_fd);
	close_fd(&w->dir_fd);
	free(w->path);
	w->path = NULL;
	if (w->name[0])
		volume_settle(w->store, w->name);
	w->name[0] = '\0';
}

/* ------------------------------------------------------------------ exchange */

static int failed(const struct volume_swap *w, struct err *e)
{
	return err_sys(e, "cannot put the new files into volume %s", w->name);
}

/* What is exchanged is exchanged: to call that a failure would have the old data put away as the new. */
static void sync_at(const struct volume_swap *w, int dir_fd)
{
	cleanup_fd int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) != 0)
		log_line(LOG_LEVEL_WARN, "the new files of volume %s may not outlast a power cut: %s",
		        w->name, strerror(errno));
}

/* Exchange; or, where there is nothing yet, rename. */
static int put(const struct volume_swap *w, int from, int to, const char *name, struct err *e)
{
	if (renameat2(from, name, to, name, RENAME_EXCHANGE) != 0 &&
	        (errno != ENOENT || renameat2(from, name, to, name, RENAME_NOREPLACE) != 0))
		return failed(w, e);
	sync_at(w, to);
	return 0;
}

/* Down both trees at once, one name at a time and never by a link: containers that run may have put one there
 * (attack 3). What the volume has not goes in whole. */
static int put_part(const struct volume_swap *w, int data_fd, struct err *e)
{
	cleanup_free char *copy = strdup(w->path);
	cleanup_fd int from = openat(w->new_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC),
	               to = steal_fd(&data_fd);
	char *rest = copy;

	if (!copy || from < 0)
		return err_no_memory(e);
	for (const char *name; (name = text_next_part(&rest, "/")) && rest;) {
		int below = openat(to, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0 && errno == ENOENT)
			return put(w, from, to, name, e);
		if (below < 0)
			return err_sys(e, "volume %s: %s is in the way of %s", w->name, name, w->path);
		close_fd(&to);
		to = below;
		below = openat(from, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0)
			return failed(w, e);
		close_fd(&from);
		from = below;
	}
	const char *last = strrchr(w->path, '/');
	return put(w, from, to, last ? last + 1 : w->path, e);
}

static int put_all(const struct volume_swap *w, struct err *e)
{
	if (renameat2(w->dir_fd, w->aside, w->dir_fd, "data", RENAME_EXCHANGE) != 0)
		return failed(w, e);
	sync_at(w, w->dir_fd);
	return 0;
}

static int exchange(const struct volume_swap *w, struct err *e)
{
	if (!w->path)
		return put_all(w, e);
	int data = openat(w->dir_fd, "data", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return data < 0 ? failed(w, e) : put_part(w, data, e);
}

/* Nobody starts with the volume, reads it for a backup or removes it meanwhile. */
static int lock_alone(const struct store *s, const struct volume_swap *w, struct err *e)
{
	while (flock(w->dir_fd, LOCK_EX) != 0)
		if (errno != EINTR)
			return err_sys(e, "cannot lock the volume %s", w->name);
	return volume_is_named(s->volumes_fd, w->dir_fd, w->name)
	               ? 0
	               : err_set(e, ERR_NOT_FOUND, "volume %s was removed meanwhile", w->name);
}

/* The kernel knows what a container's mounts show: the path of their root within its file system, as it is
 * called now. How much of it is above the entry depends on where a file system is mounted (a disk for the
 * volumes, or for this one); the entry's own name is random, and enough. */
static bool mounts_it(pid_t pid, const char *entry)
{
	char path[40], needle[VOLUME_ASIDE_MAX + 2];
	cleanup_buf struct buf text = BUF_INIT_MAX(MOUNTS_MAX);
	int len = snprintf(needle, sizeof needle, "/%s", entry);

	snprintf(path, sizeof path, "/proc/%d/mountinfo", (int)pid);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false; /* it has just ended */
	if (read_to_buf(fd, &text) != 0)
		return true; /* unknown is yes */
	for (const char *at = buf_str(&text); (at = strstr(at, needle)); at++)
		if (at[len] == ' ' || at[len] == '/')
			return true;
	return false;
}

/* Of those that run, who still sees what is old now: not all do when only a part was swapped. */
static void collect_running(const struct volume_swap *w, const struct volume_users *users, char ***running)
{
	for (size_t i = 0; running && i < users->n; i++) {
		const struct volume_user *u = &users->rows[i];
		if (u->running && !strv_has(*running, u->name) && mounts_it(u->pid, w->aside))
			strv_add(running, u->name);
	}
}

int volume_swap_commit(
        const struct store *s, struct volume_swap *w, bool force, char ***running, struct err *e)
{
	cleanup_volume_users struct volume_users users = {0};

	if (syncfs(w->new_fd) != 0)
		return failed(w, e);
	if (lock_alone(s, w, e) != 0 || (!force && volume_need_no_writer(s, w->name, e) != 0) ||
	        volume_users(s, w->name, &users, e) != 0 || exchange(w, e) != 0)
		return -1;
	collect_running(w, &users, running);
	/* what is aside now is old: swept without these locks, or kept while it is in use */
	w->aside[0] = '\0';
	flock(w->new_fd, LOCK_UN);
	flock(w->dir_fd, LOCK_SH);
	volume_swap_sweep(s, w->name, NULL, NULL);
	return 0;
}

/* ------------------------------------------------------------------ what lies beside */

static bool is_in_use(const struct store *s, const char *name, const char *entry)
{
	cleanup_volume_users struct volume_users users = {0};

	if (volume_users(s, name, &users, NULL) != 0 || users.unread[0])
		return true;
	for (size_t i = 0; i < users.n; i++)
		if (users.rows[i].running && mounts_it(users.rows[i].pid, entry))
			return true;
	return false;
}

/* What a running container still sees is renamed, so that nobody takes it for a restore under way. */
static void keep(int dir_fd, const char *entry)
{
	char kept[VOLUME_ASIDE_MAX];

	if (strncmp(entry, ".restore-", 9) == 0 &&
	        snprintf(kept, sizeof kept, ".old-%s", entry + 9) < (int)sizeof kept)
		renameat2(dir_fd, entry, dir_fd, kept, RENAME_NOREPLACE);
}

void volume_swap_sweep(const struct store *s, const char *name, volume_sweep_fn *fn, void *arg)
{
	int fd = openat(s->volumes_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		close_fd(&fd);
	for (struct dirent *entry; d && (entry = readdir(d));) {
		if (!volume_is_old_data(entry->d_name))
			continue;
		cleanup_fd int lock = volume_aside_lock(fd, entry->d_name);
		if (lock < 0)
			continue;
		if (is_in_use(s, name, entry->d_name))
			keep(fd, entry->d_name);
		else if (!fn || fn(fd, entry->d_name, arg))
			volume_aside_remove(s, fd, entry->d_name);
	}
}
