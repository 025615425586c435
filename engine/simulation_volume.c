/* The simulation's volumes; and what a prune would take, of all kinds. */
#include "engine/simulation_volume.h"

#include <stdlib.h>
#include <string.h>

static char **users_of(struct simulation *s, const struct sim_volume *v)
{
	char **ids = NULL;
	int64_t now = sim_now(s);

	for (size_t i = 0; i < s->n_containers; i++) {
		bool writes;
		cleanup_free char *target = sim_volume_mounted(s->containers[i], v->name, &writes);

		if (target && sim_at(s->containers[i], now).there)
			strv_add(&ids, s->containers[i]->id);
	}
	return ids;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tare_volume *)a)->name, ((const struct tare_volume *)b)->name);
}

int sim_volume_list(struct tare_engine *t, struct tare_volume_list *out, struct err *e)
{
	struct simulation *s = sim_of(t);

	*out = (struct tare_volume_list){0};
	if (sim_refresh(s, e) < 0)
		return -1;
	out->rows = calloc(s->n_volumes + 1, sizeof(*out->rows));
	if (!out->rows)
		return err_no_memory(e);
	for (size_t i = 0; i < s->n_volumes; i++) {
		const struct sim_volume *v = &s->volumes[i];

		out->rows[out->n++] = (struct tare_volume){.name = strdup(v->name),
		        .path = str_printf("/var/lib/tare/volumes/%s/data", v->name),
		        .created = sim_wall(s, v->created),
		        .anonymous = v->anonymous,
		        .used_by = users_of(s, v),
		        .labels = v->labels ? json_object_get(v->labels) : NULL,
		        .options = v->options ? json_object_get(v->options) : NULL,
		        .kind = v->kind,
		        .quota = v->quota};
		if (!out->rows[i].name || !out->rows[i].path) {
			tare_volume_list_free(out);
			return err_no_memory(e);
		}
	}
	qsort(out->rows, out->n, sizeof(*out->rows), by_name);
	return 0;
}

int sim_volume_size(struct tare_engine *t, const char *name, uint64_t *bytes, struct err *e)
{
	const struct sim_volume *v = sim_find_volume(sim_of(t), name, e);

	if (!v)
		return -1;
	*bytes = sim_volume_bytes(v);
	return 0;
}

/* ------------------------------------------------------------------ prune */

struct pruning {
	struct simulation *s;
	unsigned flags;
	struct tare_prune_result *out;
};

/* `line` is what takes it away. */
static int take(struct pruning *p, const char *what, uint64_t bytes, json *line, struct err *e)
{
	cleanup_json json *own = line;

	p->out->bytes += bytes;
	if (strv_add(&p->out->removed, what) < 0)
		return err_no_memory(e);
	return p->flags & TARE_PRUNE_DRY_RUN ? 0 : sim_journal_add(p->s, steal_ptr(&own), e);
}

static int prune_containers(struct pruning *p, struct err *e)
{
	struct simulation *s = p->s;
	int64_t now = sim_now(s);

	for (size_t i = 0; i < s->n_containers; i++) {
		const struct sim_container *c = s->containers[i];
		struct sim_status st = sim_at(c, now);

		if (st.there && (st.state == TARE_EXITED || st.state == TARE_CREATED) &&
		        take(p, c->id, sim_written(c, now), sim_action("remove", c->id), e) < 0)
			return -1;
	}
	return 0;
}

static int prune_images(struct pruning *p, struct err *e)
{
	struct simulation *s = p->s;

	for (size_t i = s->n_images; i > 0; i--) {
		const struct sim_image *image = &s->images[i - 1];
		json *line;

		if (sim_image_users(s, image) || (image->reference && !(p->flags & TARE_PRUNE_ALL)))
			continue;
		line = sim_action("image-remove", NULL);
		json_set_str(line, "imageID", image->id);
		if (image->reference)
			json_set_str(line, "name", image->reference);
		if (take(p, image->reference ? image->reference : image->id, sim_image_size(image->role) / 2,
		            line, e) < 0)
			return -1;
	}
	return 0;
}

static int prune_volumes(struct pruning *p, struct err *e)
{
	struct simulation *s = p->s;

	for (size_t i = s->n_volumes; i > 0; i--) {
		const struct sim_volume *v = &s->volumes[i - 1];
		cleanup_strv char **users = users_of(s, v);
		cleanup_free char *name = strdup(v->name);
		json *line;

		if (!name)
			return err_no_memory(e);
		if (users || (!v->anonymous && !(p->flags & TARE_PRUNE_ALL)))
			continue;
		line = sim_action("volume-remove", NULL);
		json_set_str(line, "name", name);
		if (take(p, name, sim_volume_bytes(v), line, e) < 0)
			return -1;
	}
	return 0;
}

static bool has_container(const struct simulation *s, const struct sim_network *n, unsigned flags)
{
	int64_t now = sim_now(s);

	for (size_t i = 0; i < s->n_containers; i++) {
		struct sim_status st;

		if (!sim_attachment_in(s->containers[i], n))
			continue;
		st = sim_at(s->containers[i], now);
		if (st.there && !(flags & TARE_PRUNE_FOR_RUNNING_ONLY &&
		                        (st.state == TARE_CREATED || st.state == TARE_EXITED)))
			return true;
	}
	return false;
}

static int prune_networks(struct pruning *p, struct err *e)
{
	for (size_t i = 0; i < p->s->n_networks; i++) {
		const struct sim_network *n = p->s->networks[i];
		json *line;

		if (n->removed || n->is_default || has_container(p->s, n, p->flags))
			continue;
		line = sim_action("network-remove", NULL);
		json_set_str(line, "network", n->id);
		if (take(p, n->name, 0, line, e) < 0)
			return -1;
	}
	return 0;
}

int sim_prune(struct tare_engine *t, enum tare_prune_what what, unsigned flags, struct tare_prune_result *out,
        struct err *e)
{
	struct pruning p = {sim_of(t), flags, out};

	*out = (struct tare_prune_result){0};
	if (sim_refresh(p.s, e) < 0)
		return -1;
	switch (what) {
	case TARE_PRUNE_CONTAINERS:
		return prune_containers(&p, e);
	case TARE_PRUNE_IMAGES:
		return prune_images(&p, e);
	case TARE_PRUNE_VOLUMES:
		return prune_volumes(&p, e);
	case TARE_PRUNE_NETWORKS:
		return prune_networks(&p, e);
	case TARE_PRUNE_CONTENT: /* what it removes is gone at once */
	case TARE_PRUNE_DEBRIS:
		return 0; /* nothing that runs nowhere leaves anything behind */
	}
	return 0;
}

/* ------------------------------------------------------------------ disk usage */

static void add_containers(struct simulation *s, struct tare_disk_usage *out)
{
	int64_t now = sim_now(s);

	for (size_t i = 0; i < s->n_containers; i++) {
		struct sim_status st = sim_at(s->containers[i], now);
		uint64_t size = sim_written(s->containers[i], now);
		bool up = st.state != TARE_EXITED && st.state != TARE_CREATED;

		if (!st.there)
			continue;
		out->containers.total++;
		out->containers.active += up;
		out->containers.size += size;
		out->containers.reclaimable += up ? 0 : size;
	}
}

int sim_disk_usage(struct tare_engine *t, struct tare_disk_usage *out, struct err *e)
{
	struct simulation *s = sim_of(t);

	*out = (struct tare_disk_usage){0};
	if (sim_refresh(s, e) < 0)
		return -1;
	add_containers(s, out);
	for (size_t i = 0; i < s->n_images; i++) {
		bool used = sim_image_users(s, &s->images[i]) > 0;
		uint64_t size = sim_image_size(s->images[i].role);

		out->images.total++;
		out->images.active += used;
		out->images.size += size;
		out->images.reclaimable += used ? 0 : size;
	}
	for (size_t i = 0; i < s->n_volumes; i++) {
		cleanup_strv char **users = users_of(s, &s->volumes[i]);

		out->volumes.total++;
		out->volumes.active += users != NULL;
		out->volumes.size += sim_volume_bytes(&s->volumes[i]);
		out->volumes.reclaimable += users ? 0 : sim_volume_bytes(&s->volumes[i]);
	}
	return 0;
}
