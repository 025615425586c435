/* container.json and state.json, names and ids. */
#include "engine/store/container_record.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"

#define RECORD_MAX ((size_t)4 << 20) /* a record of ours is a few KiB; labels and env may grow it */

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
	cleanup_json json *j = json_read_at(s->containers_fd, path, RECORD_MAX, e);
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
	snprintf(r->boot, sizeof r->boot, "%s", json_str(j, "boot", ""));
	r->finished = json_int(j, "finished", 0);
	r->exit_code = (int)json_int(j, "exitCode", 0);
	r->oom_killed = json_bool(j, "oomKilled", false);
	r->error = dup_str(j, "error");
	r->restart_count = (unsigned)json_int(j, "restartCount", 0);
	if (!r->name) {
		container_record_free(r);
		return err_set(e, ERR_CORRUPT, "container %.12s: its record has no name", id);
	}
	return 0;
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
	json_set_str(j, "boot", r->boot);
	json_set_int(j, "finished", r->finished);
	json_set_int(j, "exitCode", r->exit_code);
	json_set_bool(j, "oomKilled", r->oom_killed);
	if (r->error)
		json_set_str(j, "error", r->error);
	json_set_int(j, "restartCount", r->restart_count);
	json_print(&text, j, JSON_COMPACT);
	buf_char(&text, '\n');
	if (text.failed)
		return err_set(e, ERR_OTHER, "out of memory");
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
	cleanup_json json *j = json_read_at(state_fd, "state.json", RECORD_MAX, &e);

	if (!j) {
		errno = e.sys ? e.sys : EINVAL;
		return -1;
	}
	st->process = proc_id_from(json_get(j, "process"));
	st->monitor = proc_id_from(json_get(j, "monitor"));
	st->started = json_int(j, "started", 0);
	st->init_fd = (int)json_int(j, "initFd", -1);
	st->paused = json_bool(j, "paused", false);
	return 0;
}

int container_state_write(int state_fd, const struct container_state *st, struct err *e)
{
	cleanup_json json *j = json_object_new_object();
	cleanup_buf struct buf text = BUF_INIT;

	json_set(j, "process", proc_id_json(&st->process));
	json_set(j, "monitor", proc_id_json(&st->monitor));
	json_set_int(j, "started", st->started);
	json_set_int(j, "initFd", st->init_fd);
	json_set_bool(j, "paused", st->paused);
	json_print(&text, j, JSON_COMPACT);
	buf_char(&text, '\n');
	if (text.failed)
		return err_set(e, ERR_OTHER, "out of memory");
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

static bool is_hex(const char *s)
{
	for (; *s; s++)
		if (!isdigit((unsigned char)*s) && (*s < 'a' || *s > 'f'))
			return false;
	return true;
}

static bool is_id(const char *name)
{
	return strlen(name) == TARE_ID_LEN && is_hex(name);
}

/* A directory without a record is a create or a removal under way (or cut short): not a container. */
static bool has_record(const struct store *s, const char *id)
{
	char path[TARE_ID_LEN + 32];

	snprintf(path, sizeof path, "%s/container.json", id);
	return faccessat(s->containers_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int container_ids(const struct store *s, char ***ids, struct err *e)
{
	*ids = NULL;
	int fd = openat(s->containers_fd, ".", OPEN_DIR);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return err_sys(e, "cannot read %s/containers", s->root);
	for (struct dirent *entry; (entry = readdir(d));)
		if (is_id(entry->d_name) && strv_add(ids, entry->d_name) != 0)
			return err_set(e, ERR_OTHER, "out of memory");
	return 0;
}

static ssize_t name_owner(const struct store *s, const char *name, char id[TARE_ID_LEN + 1])
{
	ssize_t n = readlinkat(s->names_fd, name, id, TARE_ID_LEN + 1);

	if (n != TARE_ID_LEN)
		return -1;
	id[n] = '\0';
	return is_id(id) ? n : -1;
}

static int resolve_prefix(const struct store *s, const char *ref, char id[TARE_ID_LEN + 1], struct err *e)
{
	cleanup_strv char **ids = NULL;
	unsigned found = 0;

	if (container_ids(s, &ids, e) != 0)
		return -1;
	strv_foreach (i, ids) {
		if (strncmp(*i, ref, strlen(ref)) != 0 || !has_record(s, *i))
			continue;
		found++;
		snprintf(id, TARE_ID_LEN + 1, "%s", *i);
	}
	if (found > 1)
		return err_set(e, ERR_CONFLICT, "\"%s\" is the start of %u container ids; give more digits",
		        ref, found);
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "no such container: %s", ref);
	return 0;
}

int container_resolve(const struct store *s, const char *ref, char id[TARE_ID_LEN + 1], struct err *e)
{
	if (ref[0] == '/') /* Docker's names may carry one */
		ref++;
	if (!*ref || strchr(ref, '/') || strlen(ref) > 128)
		return err_set(e, ERR_NOT_FOUND, "no such container: %s", ref);
	if (name_owner(s, ref, id) > 0 && has_record(s, id))
		return 0;
	if (is_id(ref) && has_record(s, ref)) {
		snprintf(id, TARE_ID_LEN + 1, "%s", ref);
		return 0;
	}
	if (!is_hex(ref))
		return err_set(e, ERR_NOT_FOUND, "no such container: %s", ref);
	return resolve_prefix(s, ref, id, e);
}

/* A link is taken away only under this lock; it is made without one, since symlinkat(2) claims atomically. */
static int lock_names(const struct store *s, struct err *e)
{
	return lock_take(s->names_fd, ".", LOCK_EXCLUSIVE, e);
}

static bool claim_is_live(const struct store *s, const char *name, char owner[TARE_ID_LEN + 1])
{
	return name_owner(s, name, owner) > 0 &&
	       faccessat(s->containers_fd, owner, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int container_name_claim(const struct store *s, const char *name, const char *id, struct err *e)
{
	char owner[TARE_ID_LEN + 1];

	if (symlinkat(id, s->names_fd, name) == 0)
		return 0;
	if (errno != EEXIST)
		return err_sys(e, "cannot claim the name \"%s\"", name);
	cleanup_fd int lock = lock_names(s, e);
	if (lock < 0)
		return -1;
	if (!claim_is_live(s, name, owner)) /* its container is gone: a crash between the two removals */
		unlinkat(s->names_fd, name, 0);
	if (symlinkat(id, s->names_fd, name) == 0)
		return 0;
	if (errno != EEXIST || !claim_is_live(s, name, owner))
		return err_sys(e, "cannot claim the name \"%s\"", name);
	return err_set(e, ERR_CONFLICT,
	        "the name \"%s\" is in use by container %.12s; remove it (tare rm %s) or choose another name",
	        name, owner, name);
}

void container_name_release(const struct store *s, const char *name, const char *id)
{
	char owner[TARE_ID_LEN + 1];
	cleanup_fd int lock = lock_names(s, NULL);

	(void)lock; /* a name that cannot be locked is freed all the same */
	if (name && name_owner(s, name, owner) > 0 && strcmp(owner, id) == 0)
		unlinkat(s->names_fd, name, 0);
}
