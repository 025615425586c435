/* Lists of containers, and one of them. */
#include "engine/simulation.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_PID 4100

static char *dup_or_empty(const char *s)
{
	return strdup(s ? s : "");
}

/* A pid that no process of this host has to have: nobody can signal anything real by it. */
pid_t sim_pid(const struct sim_container *c, const struct sim_status *st)
{
	return FIRST_PID + (pid_t)(sim_hash(c->seed, st->restarts) % 28000);
}

static char **mount_sources(char *const *mounts)
{
	char **v = NULL;

	strv_foreach (m, mounts)
		strv_take(&v, strndup(*m, strcspn(*m, ":")));
	return v;
}

static int fill(const struct simulation *s, const struct sim_container *c, const struct sim_status *st,
        struct tare_container *row)
{
	bool up = st->state == TARE_RUNNING || st->state == TARE_PAUSED;

	*row = (struct tare_container){.name = dup_or_empty(c->name),
	        .image = dup_or_empty(c->image),
	        .image_id = dup_or_empty(c->image_id),
	        .command = strv_copy(c->command),
	        .created = sim_wall(s, c->created),
	        .started = sim_wall(s, st->started),
	        .finished = sim_wall(s, st->finished),
	        .state = st->state,
	        .pid = up ? sim_pid(c, st) : 0,
	        .exit_code = st->code,
	        .oom_killed = st->oom,
	        .health = sim_health_at(c, st, sim_now(s)),
	        .restart = c->restart,
	        .restart_max = c->restart_max,
	        .restart_count = st->restarts,
	        .restart_due = st->state == TARE_RESTARTING ? sim_wall(s, st->due) : 0,
	        .auto_remove = c->auto_remove,
	        .tty = c->tty,
	        .network = sim_network_text(c),
	        .labels = json_object_get(c->labels),
	        .mounts = mount_sources(c->mounts)};
	memcpy(row->id, c->id, sizeof(row->id));
	if (!row->name || !row->image || !row->image_id || !row->command || !row->network)
		return -1;
	return sim_endpoints_fill(c, up, row);
}

static int newest_first(const void *a, const void *b)
{
	const struct tare_container *x = a, *y = b;

	return x->created < y->created ? 1 : x->created > y->created ? -1 : strcmp(x->id, y->id);
}

int sim_list(struct tare_engine *t, bool all, struct tare_container_list *out, struct err *e)
{
	struct simulation *s = sim_of(t);
	int64_t now;

	*out = (struct tare_container_list){0};
	if (sim_refresh(s, e) < 0)
		return -1;
	now = sim_now(s);
	out->rows = calloc(s->n_containers + 1, sizeof(*out->rows));
	if (!out->rows)
		return err_no_memory(e);
	for (size_t i = 0; i < s->n_containers; i++) {
		const struct sim_container *c = s->containers[i];
		struct sim_status st = sim_at(c, now);

		if (!st.there || (!all && (st.state == TARE_CREATED || st.state == TARE_EXITED)))
			continue;
		if (fill(s, c, &st, &out->rows[out->n++]) < 0) {
			tare_container_list_free(out);
			return err_no_memory(e);
		}
	}
	qsort(out->rows, out->n, sizeof(*out->rows), newest_first);
	return 0;
}

int sim_look(struct tare_engine *t, const char *ref, struct tare_container *out, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_container *c = sim_find(s, ref, e);
	struct sim_status st;

	*out = (struct tare_container){0};
	if (!c)
		return -1;
	st = sim_at(c, sim_now(s));
	if (fill(s, c, &st, out) == 0)
		return 0;
	tare_container_free(out);
	return err_no_memory(e);
}

int sim_resolve(struct tare_engine *t, const char *ref, char *id, struct err *e)
{
	const struct sim_container *c = sim_find(sim_of(t), ref, e);

	if (!c)
		return -1;
	memcpy(id, c->id, sizeof(c->id));
	return 0;
}

int sim_container_size(struct tare_engine *t, const char *ref, uint64_t *rw, uint64_t *rootfs, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_container *c = sim_find(s, ref, e);
	struct sim_image *image = c ? sim_find_image(s, c->image_id, NULL) : NULL;

	if (!c)
		return -1;
	*rw = sim_written(c, sim_now(s));
	*rootfs = *rw + (image ? sim_image_size(image->role) : 0);
	return 0;
}
