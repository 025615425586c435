/* container.json and state.json, and the directories that they lie in. */
#include "engine/store/container_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"

/* What the later life of a container adds to its record: the times, an error. A record that was accepted can
 * always be written again. */
#define RECORD_ROOM ((size_t)64 << 10)
#define STATE_MAX   ((size_t)64 << 10)

void container_record_free(struct container_record *r)
{
	free(r->name);
	free(r->image);
	free(r->image_id);
	free(r->image_manifest);
	free(r->rootfs);
	free(r->error);
	strv_free(r->layers);
	strv_free(r->command);
	json_free(&r->config);
	*r = (struct container_record){0};
}

static char *dup_str(json *j, const char *key)
{
	const char *s = json_str(j, key, NULL);

	return s ? strdup(s) : NULL;
}

int container_record_read(const struct store *s, const char *id, struct container_record *r, struct err *e)
{
	char path[TARE_ID_LEN + 32];

	*r = (struct container_record){0};
	snprintf(path, sizeof path, "%s/container.json", id);
	cleanup_json json *j = json_read_at(s->containers_fd, path, CONTAINER_RECORD_MAX, e);
	if (!j)
		return err_wrap(e, "container %.12s: its record cannot be read", id);
	snprintf(r->id, sizeof r->id, "%s", id);
	r->name = dup_str(j, "name");
	r->image = dup_str(j, "image");
	r->image_id = dup_str(j, "imageId");
	r->image_manifest = dup_str(j, "imageManifest");
	r->rootfs = dup_str(j, "rootfs");
	r->layers = json_strv(j, "layers");
	r->command = json_strv(j, "command");
	r->config = json_object_get(json_get(j, "config"));
	r->created = json_int(j, "created", 0);
	r->started = json_int(j, "started", 0);
	r->finished = json_int(j, "finished", 0);
	r->exit_code = (int)json_int(j, "exitCode", 0);
	r->oom_killed = json_bool(j, "oomKilled", false);
	r->error = dup_str(j, "error");
	r->restart_count = (unsigned)json_int(j, "restartCount", 0);
	r->stopped_by_user = json_bool(j, "stoppedByUser", false);
	if (!r->name) {
		container_record_free(r);
		return err_set(e, ERR_CORRUPT, "container %.12s: its record has no name", id);
	}
	return 0;
}

int container_document_check(size_t len, bool first, struct err *e)
{
	size_t limit = CONTAINER_RECORD_MAX - (first ? RECORD_ROOM : 0);

	if (len <= limit)
		return 0;
	return err_set(e, ERR_USAGE,
	        "what was asked for is too large: %zu KiB of environment, labels and arguments, and the "
	        "limit "
	        "is %zu KiB",
	        len >> 10, limit >> 10);
}

int container_record_write(int container_fd, const struct container_record *r, bool sync, struct err *e)
{
	cleanup_json json *j = json_object_new_object();
	cleanup_buf struct buf text = BUF_INIT;

	json_set_str(j, "id", r->id);
	json_set_str(j, "name", r->name);
	json_set_str(j, "image", r->image);
	json_set_str(j, "imageId", r->image_id);
	json_set_str(j, "imageManifest", r->image_manifest);
	if (r->rootfs)
		json_set_str(j, "rootfs", r->rootfs);
	json_set_strv(j, "layers", r->layers);
	json_set_strv(j, "command", r->command);
	json_set(j, "config", json_object_get(r->config));
	json_set_int(j, "created", r->created);
	json_set_int(j, "started", r->started);
	json_set_int(j, "finished", r->finished);
	json_set_int(j, "exitCode", r->exit_code);
	json_set_bool(j, "oomKilled", r->oom_killed);
	if (r->error)
		json_set_str(j, "error", r->error);
	json_set_int(j, "restartCount", r->restart_count);
	if (r->stopped_by_user)
		json_set_bool(j, "stoppedByUser", true);
	json_print(&text, j, JSON_COMPACT);
	buf_char(&text, '\n');
	bool first = !r->finished && !r->error;
	if (text.failed)
		return err_no_memory(e);
	if (container_document_check(text.len, first, e) != 0)
		return -1;
	if (file_write_at(container_fd, "container.json", text.data, text.len, 0600,
	            sync ? FILE_SYNC : FILE_NO_SYNC, e))
		return err_wrap(e, "container %.12s: cannot write its record", r->id);
	return 0;
}

static json *proc_id_json(const struct proc_id *p)
{
	json *j = json_object_new_object();

	json_set_int(j, "pid", p->pid);
	json_set_int(j, "startTime", (int64_t)p->start_time);
	return j;
}

static struct proc_id proc_id_from(json *j)
{
	return (struct proc_id){
	        .pid = (pid_t)json_int(j, "pid", 0), .start_time = (uint64_t)json_int(j, "startTime", 0)};
}

int container_state_read(int state_fd, struct container_state *st)
{
	struct err e = ERR_INIT;
	cleanup_json json *j = json_read_at(state_fd, "state.json", STATE_MAX, &e);

	if (!j) {
		errno = e.sys ? e.sys : EINVAL;
		return -1;
	}
	st->process = proc_id_from(json_get(j, "process"));
	st->monitor = proc_id_from(json_get(j, "monitor"));
	st->started = json_int(j, "started", 0);
	snprintf(st->boot, sizeof st->boot, "%s", json_str(j, "boot", ""));
	st->init_fd = (int)json_int(j, "initFd", -1);
	st->paused = json_bool(j, "paused", false);
	st->restart_due = json_int(j, "restartDue", 0);
	st->restart_shift = (unsigned)json_int(j, "restartShift", 0);
	return 0;
}

int container_state_write(int state_fd, const struct container_state *st, struct err *e)
{
	cleanup_json json *j = json_object_new_object();
	cleanup_buf struct buf text = BUF_INIT;

	json_set(j, "process", proc_id_json(&st->process));
	json_set(j, "monitor", proc_id_json(&st->monitor));
	json_set_int(j, "started", st->started);
	json_set_str(j, "boot", st->boot);
	json_set_int(j, "initFd", st->init_fd);
	json_set_bool(j, "paused", st->paused);
	if (st->restart_due)
		json_set_int(j, "restartDue", st->restart_due);
	if (st->restart_shift)
		json_set_int(j, "restartShift", st->restart_shift);
	json_print(&text, j, JSON_COMPACT);
	buf_char(&text, '\n');
	if (text.failed)
		return err_no_memory(e);
	return file_write_at(state_fd, "state.json", text.data, text.len, 0600, FILE_NO_SYNC, e);
}

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

int container_dir_open(const struct store *s, const char *id)
{
	return openat(s->containers_fd, id, OPEN_DIR);
}

int container_state_dir_open(const struct store *s, const char *id, bool make)
{
	return make ? open_dir_make(s->state_containers_fd, id, 0700)
	            : openat(s->state_containers_fd, id, OPEN_DIR);
}

int container_state_remove(const struct store *s, const char *id)
{
	char aside[TARE_ID_LEN + 8];
	int dir = s->state_containers_fd;

	snprintf(aside, sizeof aside, ".rm-%s", id);
	if (renameat(dir, id, dir, aside) != 0 && errno != ENOENT) {
		/* a removal before this one was killed */
		if ((errno != ENOTEMPTY && errno != EEXIST) || remove_tree_at(dir, aside) != 0 ||
		        renameat(dir, id, dir, aside) != 0)
			return -1;
	}
	remove_tree_at(dir,
	        aside); /* what stays is debris; what stayed when there was nothing to rename goes, too */
	return 0;
}

/* ------------------------------------------------------------------ no container, or none any more */

static bool dir_is_named(const struct store *s, int dir, const char *entry)
{
	struct stat held, named;

	return fstat(dir, &held) == 0 && fstatat(s->containers_fd, entry, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

/* The lock first, the look second: a create under way holds it until its record is there. */
int container_debris_lock(const struct store *s, const char *entry)
{
	bool removal = strncmp(entry, ".rm-", 4) == 0;

	if (!removal && !container_is_id(entry))
		return -1;
	cleanup_fd int dir = openat(s->containers_fd, entry, OPEN_DIR);
	cleanup_fd int lock = dir < 0 ? -1 : lock_try(dir, ".", LOCK_EXCLUSIVE);
	if (lock < 0 || !dir_is_named(s, dir, entry))
		return -1;
	if (!removal && faccessat(dir, "container.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -1;
	return steal_fd(&lock);
}

static bool still_runs(const struct store *s, const char *id)
{
	struct container_state st;
	cleanup_fd int fd = container_state_dir_open(s, id, false);

	return fd >= 0 && container_state_read(fd, &st) == 0 && boot_is_now(st.boot) &&
	       proc_alive(&st.process);
}

static int check_damaged(const struct store *s, const char *id, int dir, struct err *e)
{
	struct container_record r;

	if (!dir_is_named(s, dir, id) || faccessat(dir, "container.json", F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return err_set(e, ERR_NOT_FOUND, "no such container: %s", id);
	if (container_record_read(s, id, &r, NULL) == 0) {
		container_record_free(&r);
		return err_set(e, ERR_CONFLICT, "the record of container %.12s can be read", id);
	}
	if (still_runs(s, id))
		return err_set(e, ERR_CONFLICT,
		        "the record of container %.12s is damaged, and it still runs; remove it: tare rm -f "
		        "%.12s",
		        id, id);
	return 0;
}

int container_set_aside(const struct store *s, const char *id, const char *reason, struct err *e)
{
	char aside[CONTAINER_ASIDE_MAX];
	cleanup_fd int dir = container_dir_open(s, id);

	if (dir < 0)
		return err_set(e, ERR_NOT_FOUND, "no such container: %s", id);
	cleanup_fd int lock = lock_take(dir, ".", LOCK_EXCLUSIVE, e);
	if (lock < 0 || check_damaged(s, id, dir, e) != 0)
		return -1;
	/* without its reason, on a full disk, it is out of the way all the same */
	file_write_at(dir, "reason", reason, strlen(reason), 0600, FILE_SYNC, NULL);
	if (renameat(s->containers_fd, id, s->containers_fd, container_aside_entry(id, aside)) != 0)
		return err_sys(e, "cannot set container %.12s aside", id);
	container_names_release(s, id);
	container_state_remove(s, id);
	return 0;
}
