/* A container in hand: opened, locked, and asked what state it is in. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/lock.h"
#include "engine/engine.h"
#include "engine/events.h"
#include "engine/monitor/handoff.h"

/* Only what is not there, or is no state, is none. Whoever took a failed look (no descriptors, no memory) for
 * that would end a container that runs. */
static int read_state(const struct store *s, struct container *c, struct err *e)
{
	close_fd(&c->state_fd);
	c->has_state = false;
	c->state_fd = container_state_dir_open(s, c->id, false);
	if (c->state_fd >= 0)
		c->has_state = container_state_read(c->state_fd, &c->state) == 0;
	bool passing = errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == EIO;
	if (c->has_state || !passing)
		return 0;
	return err_sys(e, "cannot read the state of container %.12s", c->id);
}

/* What can still be done with one that cannot be read, or was set aside for it. */
static int say_remedy(const struct store *s, const char *ref, struct err *e)
{
	char id[TARE_ID_LEN + 1];

	if (e && e->kind == ERR_NOT_FOUND && container_aside_find(s, ref, id)) {
		cleanup_free char *reason = container_aside_reason(s, id);
		return err_set(e, ERR_CORRUPT,
		        "container %.12s was set aside: %s; to remove its files: tare rm -f %.12s", id,
		        reason ? reason : "", id);
	}
	if (e && e->kind == ERR_CORRUPT) {
		struct err why = *e;
		return err_set(e, ERR_CORRUPT, "%s; its files stay; to set it aside: tare rm -f %.64s",
		        why.msg, ref);
	}
	return -1;
}

int container_open(const struct store *s, const char *ref, struct container *c, struct err *e)
{
	char id[TARE_ID_LEN + 1];

	*c = (struct container)CONTAINER_INIT;
	return container_resolve(s, ref, id, e) != 0 || container_open_id(s, id, c, e) != 0
	               ? say_remedy(s, ref, e)
	               : 0;
}

int container_open_id(const struct store *s, const char *id, struct container *c, struct err *e)
{
	*c = (struct container)CONTAINER_INIT;
	snprintf(c->id, sizeof c->id, "%s", id);
	c->dir_fd = container_dir_open(s, c->id);
	if (c->dir_fd < 0 && errno != ENOENT)
		return err_sys(e, "cannot open container %.12s", id);
	if (c->dir_fd < 0)
		return err_set(e, ERR_NOT_FOUND, "no such container: %s", id);
	/* The state first: whoever ends a run writes the record before the state goes, so the record of a run
	 * whose state is gone is the whole one. A start makes them the other way round: look again then. */
	if (read_state(s, c, e) == 0 && container_record_read(s, c->id, &c->record, e) == 0 &&
	        (c->has_state || !container_run_was_lost(c) || read_state(s, c, e) == 0))
		return 0;
	container_close(c);
	return -1;
}

/* With the lock in hand: what is on disk now. */
static int look_again(const struct store *s, struct container *c, struct err *e)
{
	struct container_record fresh;

	if (container_record_read(s, c->id, &fresh, e) != 0) {
		bool gone = faccessat(s->containers_fd, c->id, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
		container_unlock(c);
		return gone ? err_set(e, ERR_NOT_FOUND, "no such container: %s", c->record.name) : -1;
	}
	container_record_free(&c->record);
	c->record = fresh;
	return read_state(s, c, e);
}

int container_lock(const struct store *s, struct container *c, struct err *e)
{
	struct err local = ERR_INIT;

	if (c->lock_fd < 0)
		c->lock_fd = lock_take(c->dir_fd, ".", LOCK_EXCLUSIVE, &local);
	if (c->lock_fd >= 0)
		return look_again(s, c, e);
	if (faccessat(s->containers_fd, c->id, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return err_set(e, ERR_NOT_FOUND, "no such container: %s", c->record.name);
	if (e)
		*e = local;
	return err_wrap(e, "cannot lock container %s", c->record.name);
}

bool container_try_lock(const struct store *s, struct container *c)
{
	c->lock_fd = lock_try(c->dir_fd, ".", LOCK_EXCLUSIVE);
	return c->lock_fd >= 0 && look_again(s, c, NULL) == 0;
}

void container_unlock(struct container *c)
{
	close_fd(&c->lock_fd);
}

void container_close(struct container *c)
{
	container_unlock(c);
	close_fd(&c->dir_fd);
	close_fd(&c->state_fd);
	container_record_free(&c->record);
}

bool container_run_is_of_this_boot(const struct container *c)
{
	return c->has_state && boot_is_now(c->state.boot);
}

bool container_is_up(const struct container *c)
{
	return container_run_is_of_this_boot(c) && !c->state.restart_due && proc_alive(&c->state.process);
}

bool container_auto_remove(const struct container *c)
{
	return json_bool(json_get(c->record.config, "HostConfig"), "AutoRemove", false);
}

bool container_is_ending(const struct container *c)
{
	struct exit_record r;

	return container_run_is_of_this_boot(c) && !c->state.restart_due && !container_is_up(c) &&
	       exit_record_read(c->state_fd, &r) != 0 && proc_alive(&c->state.monitor);
}

static bool waits_to_restart(const struct container *c)
{
	return container_run_is_of_this_boot(c) && c->state.restart_due;
}

bool container_is_restarting(const struct container *c)
{
	return waits_to_restart(c) && proc_alive(&c->state.monitor);
}

bool container_restart_was_lost(const struct container *c)
{
	return waits_to_restart(c) && !proc_alive(&c->state.monitor);
}

bool container_run_was_lost(const struct container *c)
{
	return c->state_fd < 0 && c->record.finished < c->record.started;
}

enum tare_state container_status(const struct container *c, bool up)
{
	if (up)
		return c->state.paused ? TARE_PAUSED : TARE_RUNNING;
	if (container_is_restarting(c) || container_restart_was_lost(c))
		return TARE_RESTARTING;
	return c->record.started ? TARE_EXITED : TARE_CREATED;
}

int container_need_up(const struct container *c, struct err *e)
{
	if (container_is_up(c))
		return 0;
	if (container_is_restarting(c))
		return err_set(e, ERR_CONFLICT,
		        "container %s is restarting; wait until it runs, or stop it: tare stop %s",
		        c->record.name, c->record.name);
	return err_set(e, ERR_CONFLICT, "container %s is not running; start it with: tare start %s",
	        c->record.name, c->record.name);
}

int container_spec(const struct container *c, struct runtime_spec *spec, struct err *e)
{
	cleanup_json json *j = json_read_at(c->dir_fd, "config.json", CONTAINER_RECORD_MAX, e);

	if (!j || runtime_spec_from_json(j, spec, e) != 0)
		return err_wrap(e, "container %s: config.json", c->record.name);
	return 0;
}

int container_spec_write(const struct container *c, const struct runtime_spec *spec, bool sync, struct err *e)
{
	cleanup_json json *j = runtime_spec_to_json(spec);
	cleanup_buf struct buf text = BUF_INIT;

	json_print(&text, j, JSON_COMPACT);
	if (!j || text.failed)
		return err_no_memory(e);
	if (container_document_check(text.len, !c->record.created, e) != 0)
		return -1;
	return file_write_at(
	        c->dir_fd, "config.json", text.data, text.len, 0600, sync ? FILE_SYNC : FILE_NO_SYNC, e);
}

static int add_maps(json *list, struct id_map *m, struct err *e)
{
	size_t n = list ? json_object_array_length(list) : 0;

	m->n = 0;
	for (size_t i = 0; i < n; i++)
		if (id_map_parse(m, json_object_get_string(json_object_array_get_idx(list, i)), e) != 0)
			return -1;
	return 0;
}

int container_id_maps(const struct container *c, struct id_maps *m, struct err *e)
{
	json *ids = json_path(c->record.config, "HostConfig.IDMappings");

	if (add_maps(json_get(ids, "UidMap"), &m->uid, e) != 0 ||
	        add_maps(json_get(ids, "GidMap"), &m->gid, e) != 0)
		return err_wrap(e, "container %s", c->record.name);
	return 0;
}

const char *container_cgroup_path(const struct container *c, char dst[CGROUP_PATH_MAX])
{
	const char *parent = json_str(json_get(c->record.config, "HostConfig"), "CgroupParent", "");

	snprintf(dst, CGROUP_PATH_MAX, "%.60s%s/%.*s", *parent ? parent + (*parent == '/') : "",
	        *parent ? "" : "tare", TARE_ID_LEN, c->id);
	return dst;
}

void container_event(const struct store *s, const struct container *c, const char *action, json *more)
{
	json *attributes = more ? more : json_object_new_object();
	json *labels = json_path(c->record.config, "Config.Labels");

	/* as Docker has them; what is ours comes later, and so counts */
	if (labels && json_object_is_type(labels, json_type_object)) {
		json_object_object_foreach (labels, key, value)
			if (!json_get(attributes, key))
				json_set(attributes, key, json_object_get(value));
	}
	json_set_str(attributes, "name", c->record.name);
	json_set_str(attributes, "image", c->record.image ? c->record.image : c->record.rootfs);
	event_emit(s, "container", action, c->id, attributes);
}

void volumes_tell(const struct store *s, const struct container *c, const char *action)
{
	json *mounts = json_get(c->record.config, "Mounts");

	for (size_t i = 0; mounts && i < json_object_array_length(mounts); i++) {
		json *m = json_object_array_get_idx(mounts, i), *attributes;
		const char *name = json_str(m, "Name", "");
		if (!*name)
			continue;
		attributes = json_object_new_object();
		json_set_str(attributes, "container", c->id);
		json_set_str(attributes, "destination", json_str(m, "Destination", ""));
		json_set_str(attributes, "name", name);
		event_emit(s, "volume", action, name, attributes);
	}
}
