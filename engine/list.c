/* The list of containers: one directory read and one or two small files per row. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/engine.h"
#include "engine/health.h"
#include "engine/monitor/handoff.h"
#include "engine/network.h"
#include "engine/restart.h"

static char *dup_or_empty(const char *s)
{
	return strdup(s ? s : "");
}

static char **mount_names(json *config)
{
	json *mounts = json_get(config, "Mounts");
	char **v = NULL;

	for (size_t i = 0; mounts && i < json_object_array_length(mounts); i++) {
		json *m = json_object_array_get_idx(mounts, i);
		const char *name = json_str(m, "Name", json_str(m, "Source", ""));
		if (*name)
			strv_add(&v, name);
	}
	return v;
}

/* The exit of a run that nobody has cleaned up yet is read from the monitor's file. */
static void fill_end(const struct container *c, struct tare_container *row)
{
	struct exit_record how;

	row->finished = c->record.finished;
	row->exit_code = c->record.exit_code;
	row->oom_killed = c->record.oom_killed;
	if (row->state != TARE_EXITED || c->state_fd < 0)
		return;
	if (exit_record_read(c->state_fd, &how) == 0) {
		row->finished = how.finished;
		row->exit_code = how.code;
		row->oom_killed = how.oom_killed;
	}
}

static int fill_row(const struct store *s, const struct container *c, bool up, struct tare_container *row)
{
	const struct container_record *r = &c->record;
	json *host = json_get(r->config, "HostConfig");

	*row = (struct tare_container){.name = dup_or_empty(r->name),
	        .image = dup_or_empty(r->rootfs ? r->rootfs : r->image),
	        .image_id = dup_or_empty(r->image_id),
	        .command = strv_copy(r->command),
	        .created = r->created,
	        .started = r->started,
	        .state = container_status(c, up),
	        .auto_remove = json_bool(host, "AutoRemove", false),
	        .tty = json_bool(json_get(r->config, "Config"), "Tty", false),
	        .labels = json_object_get(json_get(json_get(r->config, "Config"), "Labels")),
	        .mounts = mount_names(r->config),
	        .error = r->error ? strdup(r->error) : NULL,
	        .restart_count = r->restart_count};
	row->restart = container_restart_policy(r, &row->restart_max);
	if (row->state == TARE_RESTARTING)
		row->restart_due = c->state.restart_due;
	if (up)
		row->health = health_status(c);
	memcpy(row->id, c->id, sizeof row->id);
	if (up) {
		row->pid = c->state.process.pid;
		row->monitor_lost = !proc_alive(&c->state.monitor);
	}
	fill_end(c, row);
	return row->name && row->image && row->image_id ? endpoints_fill(s, c, row, NULL) : -1;
}

static int newest_first(const void *a, const void *b)
{
	const struct tare_container *x = a, *y = b;

	return x->created < y->created ? 1 : x->created > y->created ? -1 : strcmp(x->id, y->id);
}

/* A run that ended while nobody was left to clean up (its monitor was killed, the host restarted) is cleaned
 * up by whoever comes next, here too; never waiting for a lock, since a list must not hang. True: read it
 * again. */
static bool clean_up_orphan(const struct store *s, const struct container *c)
{
	if (!container_run_was_lost(c) &&
	        (c->state_fd < 0 || (c->has_state && proc_alive(&c->state.monitor))))
		return false;
	cleanup_in_passing(s, c->id);
	return true;
}

static int open_row(const struct store *s, const char *id, struct container *c, bool *up)
{
	if (container_open_id(s, id, c, NULL) != 0)
		return -1;
	*up = container_is_up(c) || container_is_ending(c);
	if (*up || !clean_up_orphan(s, c))
		return 0;
	container_close(c);
	return container_open_id(s, id, c, NULL);
}

static struct tare_container *new_row(struct tare_container_list *out)
{
	struct tare_container *rows = realloc(out->rows, (out->n + 1) * sizeof *rows);

	if (rows)
		out->rows = rows;
	return rows ? &rows[out->n++] : NULL;
}

/* Of one whose record cannot be read: there it is, and why nothing can be done with it. */
static int add_dead(
        const struct store *s, const char *id, const char *reason, struct tare_container_list *out)
{
	struct tare_container *row = new_row(out);
	char *name = container_name_of(s, id);

	if (!row) {
		free(name);
		return -1;
	}
	*row = (struct tare_container){.name = name ? name : str_printf("%.12s", id),
	        .image = strdup(""),
	        .image_id = strdup(""),
	        .network = strdup(""),
	        .state = TARE_DEAD,
	        .error = strdup(reason)};
	memcpy(row->id, id, sizeof row->id);
	return row->name && row->image && row->image_id && row->network && row->error ? 0 : -1;
}

static int add_damaged(const struct store *s, const char *id, struct tare_container_list *out)
{
	struct container_record r;
	struct err why = ERR_INIT;

	if (container_record_read(s, id, &r, &why) == 0) {
		container_record_free(&r);
		return 0;
	}
	return why.kind == ERR_CORRUPT ? add_dead(s, id, why.msg, out) : 0;
}

static int add_aside(const struct store *s, struct tare_container_list *out)
{
	cleanup_strv char **ids = NULL;

	if (container_aside_ids(s, &ids, NULL) != 0)
		return -1;
	strv_foreach (id, ids) {
		cleanup_free char *reason = container_aside_reason(s, *id);
		if (!reason || add_dead(s, *id, reason, out) != 0)
			return -1;
	}
	return 0;
}

static int add_row(const struct store *s, const char *id, bool all, struct tare_container_list *out)
{
	cleanup_container struct container c = CONTAINER_INIT;

	bool up;
	if (open_row(s, id, &c, &up) != 0) /* just removed, not there yet, or damaged */
		return all ? add_damaged(s, id, out) : 0;
	if (!all && !up && !container_is_restarting(&c))
		return 0;
	struct tare_container *row = new_row(out);
	return row ? fill_row(s, &c, up, row) : -1;
}

int engine_list(struct tare_engine *t, bool all, struct tare_container_list *out, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_strv char **ids = NULL;

	*out = (struct tare_container_list){0};
	if (container_ids(s, &ids, e) != 0)
		return -1;
	strv_foreach (id, ids) {
		/* without a state directory nothing runs: no record needs to be read */
		if (!all && faccessat(s->state_containers_fd, *id, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (add_row(s, *id, all, out) != 0) {
			tare_container_list_free(out);
			return err_no_memory(e);
		}
	}
	if (all && add_aside(s, out) != 0) {
		tare_container_list_free(out);
		return err_no_memory(e);
	}
	if (out->n)
		qsort(out->rows, out->n, sizeof *out->rows, newest_first);
	return 0;
}

int engine_look(struct tare_engine *t, const char *ref, struct tare_container *row, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_container struct container c = CONTAINER_INIT;
	char id[TARE_ID_LEN + 1];
	bool up;

	if (container_resolve(s, ref, id, e) != 0)
		return -1;
	if (open_row(s, id, &c, &up) != 0)
		return err_set(e, ERR_NOT_FOUND, "no such container: %s", ref);
	return fill_row(s, &c, up, row) == 0 ? 0 : err_no_memory(e);
}

int engine_resolve(struct tare_engine *t, const char *ref, char *id, struct err *e)
{
	return container_resolve(engine_store(t), ref, id, e);
}
