/* The model: first lists, then the engine's watch, whose events say which rows to look at again. */
#include "tui/model.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "tui/model_state.h"

#define LATER_NS (100 * 1000000ll) /* how long wishes for lists are collected */
#define REST_NS  (16 * 1000000ll)  /* between two looks at a watch: a loud log would wake us for each write */
#define LIST_ALL (MODEL_CONTAINERS | MODEL_IMAGES | MODEL_VOLUMES | MODEL_NETWORKS)

bool object_equal(const struct object *a, const struct object *b)
{
	return a->kind == b->kind && !strcmp(a->id, b->id);
}

/* How many containers were made of each image: counted here, so that a new container needs no new list. */
static bool count_users(struct model *m)
{
	bool changed = false;

	if (!m->membership_changed)
		return false;
	m->membership_changed = false;
	for (size_t i = 0; i < m->images.n; i++) {
		struct tare_image *image = &m->images.rows[i];
		unsigned n = 0;

		for (size_t k = 0; k < m->n_rows; k++) {
			const char *id = m->rows[k]->row.image_id;

			/* the digits after "sha256:" tell most of them apart at once */
			if (id && strlen(id) > 8 && id[7] == image->id[7] && !strcmp(id, image->id))
				n++;
		}
		changed |= n != image->n_containers;
		image->n_containers = n;
	}
	return changed;
}

void model_changed(struct model *m, unsigned what)
{
	if (what & (MODEL_CONTAINERS | MODEL_IMAGES) && count_users(m))
		what |= MODEL_IMAGES;
	if (what & (MODEL_CONTAINERS | MODEL_NETWORKS) && m->networks.n) {
		model_members(m);
		what |= MODEL_NETWORKS;
	}
	if (what && m->listener)
		m->listener(m->listener_arg, what);
}

void model_trouble(struct model *m, const struct err *e)
{
	char text[sizeof m->trouble];

	snprintf(text, sizeof text, "%.*s", (int)sizeof text - 1, e->msg);
	if (!strcmp(text, m->trouble))
		return;
	memcpy(m->trouble, text, sizeof text);
	if (m->trouble_listener)
		m->trouble_listener(m->trouble_listener_arg, m->trouble);
}

/* ------------------------------------------------------------------ lists */

int model_list_containers(struct model *m, struct err *e)
{
	struct tare_container_list list = {0};
	size_t before = m->n_rows;
	bool any = false;

	if (m->engine->list(m->engine, true, &list, e) != 0)
		return -1;
	m->generation++;
	for (size_t i = 0; i < list.n; i++) {
		bool changed;

		model_rows_put(m, &list.rows[i], &changed);
		any |= changed;
	}
	tare_container_list_free(&list);
	any |= model_rows_sweep(m);
	return any || m->n_rows != before ? 1 : 0;
}

static int list_images(struct model *m, struct err *e)
{
	struct tare_image_list list = {0};

	if (m->engine->image_list(m->engine, &list, e) != 0)
		return -1;
	tare_image_list_free(&m->images);
	m->images = list;
	m->version++;
	m->membership_changed = true;
	return 0;
}

static int list_volumes(struct model *m, struct err *e)
{
	struct tare_volume_list list = {0};

	if (m->engine->volume_list(m->engine, &list, e) != 0)
		return -1;
	tare_volume_list_free(&m->volumes);
	m->volumes = list;
	m->version++;
	return 0;
}

static int list_networks(struct model *m, struct err *e)
{
	struct tare_network_list list = {0};

	if (m->engine->network_list(m->engine, &list, e) != 0)
		return -1;
	tare_network_list_free(&m->networks);
	m->networks = list;
	m->version++;
	return 0;
}

/* The bits of what could be read; trouble is told, and the old list stays. */
static unsigned read_lists(struct model *m, unsigned what)
{
	struct err e = ERR_INIT;
	unsigned done = 0;

	if (what & MODEL_CONTAINERS) {
		int rc = model_list_containers(m, &e);

		if (rc < 0)
			model_trouble(m, &e);
		else if (rc)
			done |= MODEL_CONTAINERS;
	}
	if (what & MODEL_IMAGES && m->engine->image_list) {
		if (list_images(m, &e) == 0)
			done |= MODEL_IMAGES;
		else
			model_trouble(m, &e);
	}
	if (what & MODEL_VOLUMES && m->engine->volume_list) {
		if (list_volumes(m, &e) == 0)
			done |= MODEL_VOLUMES;
		else
			model_trouble(m, &e);
	}
	if (what & MODEL_NETWORKS && m->engine->network_list) {
		if (list_networks(m, &e) == 0)
			done |= MODEL_NETWORKS;
		else
			model_trouble(m, &e);
	}
	return done;
}

static void read_stale(void *model)
{
	struct model *m = model;
	unsigned what = m->stale;

	m->stale = 0;
	if (m->frozen) {
		m->stale = what;
		return;
	}
	if (what & MODEL_EVENTS) {
		model_events_load_past(m);
		what |= MODEL_EVENTS;
	}
	what = read_lists(m, what & LIST_ALL) | (what & MODEL_EVENTS);
	model_samples_start(m);
	model_changed(m, what);
}

/* Read lists again before long, several wishes at once. */
static void model_later(struct model *m, unsigned what)
{
	m->stale |= what;
	if (m->stale && !m->later_timer.armed && !m->frozen)
		loop_arm(m->loop, &m->later_timer, loop_now(m->loop) + LATER_NS);
}

/* ------------------------------------------------------------------ the watch */

static bool look_at(struct model *m, const char *id)
{
	struct model_entry *entry = model_rows_find(m, id);
	struct tare_container row = {0};
	struct err e = ERR_INIT;
	bool changed = false;

	if (!m->engine->look) {
		m->stale |= MODEL_CONTAINERS;
		return false;
	}
	if (m->engine->look(m->engine, id, &row, &e) == 0) {
		entry = model_rows_put(m, &row, &changed);
		if (entry)
			entry->has_details = false; /* limits may be other ones */
		return changed;
	}
	if (e.kind != ERR_NOT_FOUND)
		model_trouble(m, &e);
	else if (entry)
		model_rows_remove(m, entry);
	return e.kind == ERR_NOT_FOUND && entry;
}

static unsigned look_at_touched(struct model *m)
{
	unsigned what = 0;

	for (size_t i = 0; i < m->n_touched; i++)
		if (look_at(m, m->touched[i]))
			what |= MODEL_CONTAINERS;
	m->n_touched = 0;
	return what;
}

static void watch_arm(struct model *m)
{
	if (m->watch && m->watch->due != INT64_MAX && !m->frozen)
		loop_arm(m->loop, &m->watch_timer, m->watch->due);
	else
		loop_disarm(m->loop, &m->watch_timer);
}

static void watch_read(void *model)
{
	struct model *m = model;
	struct err e = ERR_INIT;
	uint64_t last = m->last_event;
	unsigned what = 0;
	int changed = m->engine->watch_drain(m->engine, m->watch, model_events_take, m, &e);

	if (changed < 0)
		model_trouble(m, &e);
	else if (changed & TARE_CHANGED_CONTAINERS)
		m->stale |= MODEL_CONTAINERS;
	if (changed > 0 && changed & TARE_CHANGED_IMAGES)
		m->stale |= MODEL_IMAGES;
	if (changed > 0 && changed & TARE_CHANGED_VOLUMES)
		m->stale |= MODEL_VOLUMES;
	if (changed > 0 && changed & TARE_CHANGED_NETWORKS)
		m->stale |= MODEL_NETWORKS;
	what |= look_at_touched(m);
	if (m->last_event != last)
		what |= MODEL_EVENTS;
	watch_arm(m);
	model_later(m, 0);
	model_samples_start(m);
	model_events_tell(m);
	model_changed(m, what | MODEL_LOGS);
}

/* The descriptor stays ready until it is drained, so it is out of the loop while nobody does. */
static void watch_want(struct model *m)
{
	if (m->watch && m->watch->fd >= 0)
		loop_want(m->loop, m->watch->fd, m->frozen || m->rest_timer.armed ? 0 : LOOP_READ);
}

static void watch_rested(void *model)
{
	struct model *m = model;

	watch_want(m);
	m->watch_read_at = loop_now(m->loop);
	watch_read(m);
}

/* The first news are told at once, those that follow it together. */
static void watch_ready(void *model, int fd, unsigned ready)
{
	struct model *m = model;
	int64_t now = loop_now(m->loop);

	(void)fd, (void)ready;
	if (now - m->watch_read_at < REST_NS) {
		loop_arm(m->loop, &m->rest_timer, m->watch_read_at + REST_NS);
		watch_want(m);
		return;
	}
	m->watch_read_at = now;
	watch_read(m);
}

/* Without a watch the lists are read again each second while something is shown. */
static void watch_open(struct model *m)
{
	struct err e = ERR_INIT;

	if (m->watch || !m->engine->watch_open || !m->engine->watch_drain || !m->engine->watch_close)
		return;
	if (m->engine->watch_open(m->engine, &m->watch, &e) != 0) {
		m->watch = NULL;
		model_trouble(m, &e);
		return;
	}
	if (m->watch->fd >= 0 &&
	        loop_add(m->loop, m->watch->fd, m->frozen ? 0 : LOOP_READ, watch_ready, m, &e) != 0)
		model_trouble(m, &e);
	watch_arm(m);
}

/* ------------------------------------------------------------------ life */

struct model *model_new(struct tare_engine *engine, struct loop *loop, struct err *e)
{
	struct model *m = calloc(1, sizeof *m);

	if (!m) {
		err_no_memory(e);
		return NULL;
	}
	m->engine = engine;
	m->loop = loop;
	m->watch_timer = (struct loop_timer){.fn = watch_read, .arg = m};
	m->rest_timer = (struct loop_timer){.fn = watch_rested, .arg = m};
	m->later_timer = (struct loop_timer){.fn = read_stale, .arg = m};
	model_samples_init(m);
	return m;
}

void model_free(struct model *m)
{
	if (!m)
		return;
	loop_disarm(m->loop, &m->watch_timer);
	loop_disarm(m->loop, &m->rest_timer);
	loop_disarm(m->loop, &m->later_timer);
	model_samples_stop(m);
	if (m->watch) {
		if (m->watch->fd >= 0)
			loop_remove(m->loop, m->watch->fd);
		m->engine->watch_close(m->engine, m->watch);
	}
	model_samples_free(m);
	model_events_free(m);
	model_rows_free(m);
	tare_image_list_free(&m->images);
	tare_volume_list_free(&m->volumes);
	tare_network_list_free(&m->networks);
	buf_free(&m->name);
	free(m);
}

/* The watch is opened before the lists are read, so that nothing falls in between. */
int model_load(struct model *m, struct err *e)
{
	if (m->engine->now)
		m->opened = m->engine->now(m->engine);
	watch_open(m);
	if (model_list_containers(m, e) < 0)
		return -1;
	m->loaded = true;
	read_lists(m, LIST_ALL & ~(unsigned)MODEL_CONTAINERS);
	model_later(m, MODEL_EVENTS);
	model_samples_start(m);
	model_changed(m, LIST_ALL);
	return 0;
}

void model_listen(struct model *m, void (*fn)(void *arg, unsigned what), void *arg)
{
	m->listener = fn;
	m->listener_arg = arg;
}

void model_listen_events(struct model *m, void (*fn)(void *arg, const struct model_event *ev), void *arg)
{
	m->event_listener = fn;
	m->event_listener_arg = arg;
}

void model_listen_trouble(struct model *m, void (*fn)(void *arg, const char *text), void *arg)
{
	m->trouble_listener = fn;
	m->trouble_listener_arg = arg;
	if (fn && *m->trouble)
		fn(arg, m->trouble);
}

void model_freeze(struct model *m, bool on)
{
	if (m->frozen == on)
		return;
	m->frozen = on;
	loop_disarm(m->loop, &m->rest_timer);
	watch_want(m);
	if (on) {
		model_samples_stop(m);
		watch_arm(m);
		loop_disarm(m->loop, &m->later_timer);
		return;
	}
	if (m->watch)
		watch_read(m);
	/* more may have happened than a watch keeps */
	model_later(m, LIST_ALL);
	model_samples_start(m);
}

void model_refresh(struct model *m, unsigned what)
{
	if (m->watch && !m->frozen)
		watch_read(m); /* a watch that is looked at by the clock would tell only then */
	model_later(m, what & LIST_ALL);
	if (what & MODEL_FILES)
		model_changed(m, MODEL_FILES);
}

/* ------------------------------------------------------------------ what there is */

size_t model_containers(const struct model *m, struct model_container *const **rows)
{
	*rows = m->rows;
	return m->n_rows;
}

struct model_container *model_container(const struct model *m, const char *id)
{
	struct model_entry *entry = model_rows_find(m, id);

	return entry ? &entry->c : NULL;
}

const struct tare_image_list *model_images(const struct model *m)
{
	return &m->images;
}

const struct tare_volume_list *model_volumes(const struct model *m)
{
	return &m->volumes;
}

const struct tare_network_list *model_networks(const struct model *m)
{
	return &m->networks;
}

const struct tare_network *model_network(const struct model *m, const char *id)
{
	for (size_t i = 0; i < m->networks.n; i++)
		if (!strcmp(m->networks.rows[i].id, id))
			return &m->networks.rows[i];
	return NULL;
}

const struct tare_network *model_network_called(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->networks.n; i++)
		if (!strcmp(m->networks.rows[i].name, name))
			return &m->networks.rows[i];
	return NULL;
}

void model_image_object(const struct tare_image *row, struct object *o)
{
	o->kind = OBJECT_IMAGE;
	snprintf(o->id, sizeof o->id, "%s@%s", row->id, row->reference ? row->reference : "");
}

const struct tare_image *model_image(const struct model *m, const char *id)
{
	for (size_t i = 0; i < m->images.n; i++) {
		struct object o;

		model_image_object(&m->images.rows[i], &o);
		if (!strcmp(o.id, id))
			return &m->images.rows[i];
	}
	return NULL;
}

const struct tare_volume *model_volume(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->volumes.n; i++)
		if (!strcmp(m->volumes.rows[i].name, name))
			return &m->volumes.rows[i];
	return NULL;
}

size_t model_events(const struct model *m, const struct model_event *const **events)
{
	size_t n = m->n_events < MODEL_EVENTS_MAX ? m->n_events : MODEL_EVENTS_MAX;

	*events = n ? (const struct model_event *const *)m->events + (m->n_events - n) : NULL;
	return n;
}

const struct model_host *model_host(const struct model *m)
{
	return &m->host;
}

uint64_t model_version(const struct model *m)
{
	return m->version;
}

int64_t model_second(const struct model *m)
{
	return m->second;
}

static const char *image_name(struct model *m, const struct tare_image *image)
{
	buf_reset(&m->name); /* and keep its room: titles ask in every frame */
	if (image->reference)
		buf_printf(&m->name, "%s:%s", image->repository, image->tag);
	else
		buf_printf(&m->name, "%.12s", !strncmp(image->id, "sha256:", 7) ? image->id + 7 : image->id);
	return buf_str(&m->name);
}

/* An event's id is its time and its number. */
static const char *event_name(struct model *m, const char *id)
{
	const struct model_event *const *events;
	size_t n = model_events(m, &events);
	const char *number = strrchr(id, ' ');

	buf_reset(&m->name);
	for (size_t i = n; number && i-- > 0;)
		if (events[i]->number == strtoull(number + 1, NULL, 10)) {
			buf_printf(
			        &m->name, "%s %s", events[i]->action, events[i]->name ? events[i]->name : "");
			break;
		}
	return buf_str(&m->name);
}

const char *model_object_name(const struct model *m, const struct object *o)
{
	const struct model_container *container;
	const struct tare_network *network;
	const struct tare_image *image;

	switch (o->kind) {
	case OBJECT_CONTAINER:
		container = model_container(m, o->id);
		return container ? container->row.name : "";
	case OBJECT_IMAGE:
		image = model_image(m, o->id);
		/* only the room for the text is changed */
		return image ? image_name((struct model *)(uintptr_t)m, image) : "";
	case OBJECT_VOLUME:
		return model_volume(m, o->id) ? o->id : "";
	case OBJECT_NETWORK:
		network = model_network(m, o->id);
		return network ? network->name : "";
	case OBJECT_EVENT:
		return event_name((struct model *)(uintptr_t)m, o->id);
	default:
		return o->id;
	}
}
