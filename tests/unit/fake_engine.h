/* An engine for tests of the dashboard's model: containers as one sets them, and a count of the calls. */
#ifndef TARE_TESTS_FAKE_ENGINE_H
#define TARE_TESTS_FAKE_ENGINE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/tare.h"

#define FAKE_MAX 2000

struct fake_row {
	char id[TARE_ID_LEN + 1], name[32], image[32], project[32], ip[16];
	enum tare_state state;
	int exit_code;
	int64_t created;
	uint64_t cpu_ns, memory, memory_limit;
	bool gone;
};

struct fake_event {
	char type[16], action[16], id[TARE_ID_LEN + 1], exit_code[8], container[TARE_ID_LEN + 1];
};

struct fake_engine {
	struct tare_engine api; /* first */
	struct fake_row rows[FAKE_MAX];
	size_t n;
	struct fake_event events[64];
	size_t n_events;
	int pipe[2];
	int64_t time;       /* of the next sample */
	const char *broken; /* what list, look and sample fail with */
	unsigned n_lists, n_networks, n_looks, n_samples, n_histories, n_drains;
	bool past_is_ahead; /* a damaged record of the monitor */
};

static inline struct fake_engine *fake_of(struct tare_engine *t)
{
	return (struct fake_engine *)t;
}

static inline int fake_row_out(const struct fake_row *r, struct tare_container *out)
{
	memset(out, 0, sizeof *out);
	memcpy(out->id, r->id, sizeof out->id);
	out->name = strdup(r->name);
	out->image = strdup(r->image);
	out->image_id = strdup("sha256:0");
	out->network = strdup("tare0");
	if (r->state == TARE_RUNNING) {
		out->attachments = calloc(1, sizeof *out->attachments);
		out->attachments[0] = (struct tare_attachment){.network = strdup("tare0"),
		        .ip = strdup(*r->ip ? r->ip : "10.0.0.2"),
		        .ip6 = strdup(""),
		        .mac = strdup("")};
		out->n_attachments = 1;
	}
	out->created = r->created;
	out->started = r->state == TARE_CREATED ? 0 : r->created;
	out->state = r->state;
	out->exit_code = r->exit_code;
	if (*r->project) {
		out->labels = json_object_new_object();
		json_set_str(out->labels, "io.tare.project", r->project);
	}
	return 0;
}

static inline int fake_list(struct tare_engine *t, bool all, struct tare_container_list *out, struct err *e)
{
	struct fake_engine *f = fake_of(t);

	(void)all;
	f->n_lists++;
	if (f->broken)
		return err_set(e, ERR_OTHER, "%s", f->broken);
	out->rows = calloc(f->n + 1, sizeof *out->rows);
	for (size_t i = 0; i < f->n; i++)
		if (!f->rows[i].gone)
			fake_row_out(&f->rows[i], &out->rows[out->n++]);
	return 0;
}

/* One network; who is in it the rows tell. */
static inline int fake_network_list(struct tare_engine *t, struct tare_network_list *out, struct err *e)
{
	struct fake_engine *f = fake_of(t);
	struct tare_network *n;

	f->n_networks++;
	if (f->broken)
		return err_set(e, ERR_OTHER, "%s", f->broken);
	*out = (struct tare_network_list){.rows = calloc(1, sizeof *out->rows), .n = 1};
	n = out->rows;
	n->name = strdup("tare0");
	n->id = strdup("77");
	n->driver = strdup("bridge");
	n->is_default = true;
	return 0;
}

static inline struct fake_row *fake_find(struct fake_engine *f, const char *id)
{
	for (size_t i = 0; i < f->n; i++)
		if (!f->rows[i].gone && !strcmp(f->rows[i].id, id))
			return &f->rows[i];
	return NULL;
}

static inline int fake_look(struct tare_engine *t, const char *ref, struct tare_container *out, struct err *e)
{
	struct fake_engine *f = fake_of(t);
	struct fake_row *r = fake_find(f, ref);

	f->n_looks++;
	if (f->broken)
		return err_set(e, ERR_OTHER, "%s", f->broken);
	if (!r)
		return err_set(e, ERR_NOT_FOUND, "no such container");
	return fake_row_out(r, out);
}

static inline int fake_sample(
        struct tare_engine *t, const char *const *ids, size_t n, struct tare_stats *out, struct err *e)
{
	struct fake_engine *f = fake_of(t);

	f->n_samples++;
	if (f->broken)
		return err_set(e, ERR_OTHER, "%s", f->broken);
	for (size_t i = 0; i < n; i++) {
		struct fake_row *r = fake_find(f, ids[i]);

		memset(&out[i], 0, sizeof out[i]);
		if (!r || r->state != TARE_RUNNING)
			continue;
		out[i].time = f->time;
		out[i].cpu_ns = r->cpu_ns;
		out[i].memory = r->memory;
		out[i].memory_limit = r->memory_limit;
		out[i].net_rx = out[i].net_tx = UINT64_MAX;
	}
	return 0;
}

static inline int fake_host(struct tare_engine *t, struct tare_host *out, struct err *e)
{
	(void)e;
	*out = (struct tare_host){.cpus = 4, .time = fake_of(t)->time, .memory_total = 16ull << 30};
	return 0;
}

static inline ssize_t fake_history(
        struct tare_engine *t, const char *ref, struct tare_stats *out, size_t max, struct err *e)
{
	struct fake_engine *f = fake_of(t);
	size_t n = max < 4 ? max : 4;

	(void)ref, (void)e;
	f->n_histories++;
	for (size_t i = 0; i < n; i++)
		out[i] = (struct tare_stats){.time = f->time - (int64_t)(n - i) * 10000000000,
		        .cpu_ns = i * 5000000000u,
		        .memory = 1 << 20};
	if (f->past_is_ahead)
		out[1].time = f->time + 10000000000000000;
	return (ssize_t)n;
}

/* Three events of long ago; and one that the watch has seen too. */
static inline int64_t fake_now(struct tare_engine *t)
{
	(void)t;
	return 2000000000000000;
}

static inline int fake_events(
        struct tare_engine *t, const struct tare_event_options *o, tare_event_fn fn, void *arg, struct err *e)
{
	(void)t, (void)e;
	for (int i = 0; i < 4; i++) {
		cleanup_json json *j = json_object_new_object();

		json_set_str(j, "Type", "image");
		json_set_str(j, "Action", "tag");
		json_set_int(j, "timeNano", i < 3 ? o->until - 10 + i : o->until);
		fn(j, arg);
	}
	return 0;
}

static inline int fake_watch_open(struct tare_engine *t, struct tare_watch **out, struct err *e)
{
	struct fake_engine *f = fake_of(t);

	(void)e;
	if (pipe2(f->pipe, O_NONBLOCK | O_CLOEXEC) != 0)
		return -1;
	*out = calloc(1, sizeof **out);
	**out = (struct tare_watch){.fd = f->pipe[0], .due = INT64_MAX};
	return 0;
}

static inline int fake_watch_drain(
        struct tare_engine *t, struct tare_watch *w, tare_event_fn fn, void *arg, struct err *e)
{
	struct fake_engine *f = fake_of(t);
	char bytes[64];

	(void)e;
	while (read(w->fd, bytes, sizeof bytes) > 0)
		;
	for (size_t i = 0; i < f->n_events; i++) {
		const struct fake_event *ev = &f->events[i];
		cleanup_json json *j = json_object_new_object();
		json *actor = json_object_new_object(), *attributes = json_object_new_object();

		json_set_str(j, "Type", ev->type);
		json_set_str(j, "Action", ev->action);
		json_set_str(actor, "ID", ev->id);
		json_set_str(attributes, "name", "some name");
		if (*ev->exit_code)
			json_set_str(attributes, "exitCode", ev->exit_code);
		if (*ev->container)
			json_set_str(attributes, "container", ev->container);
		json_set(actor, "Attributes", attributes);
		json_set(j, "Actor", actor);
		json_set_int(j, "timeNano", 1000);
		fn(j, arg);
	}
	f->n_events = 0;
	return 0;
}

static inline void fake_watch_close(struct tare_engine *t, struct tare_watch *w)
{
	close(fake_of(t)->pipe[0]);
	close(fake_of(t)->pipe[1]);
	free(w);
}

static inline void fake_tell(struct fake_engine *f, const char *action, const char *id)
{
	struct fake_event *ev = &f->events[f->n_events++];

	memset(ev, 0, sizeof *ev);
	strcpy(ev->type, "container");
	strcpy(ev->action, action);
	strcpy(ev->id, id);
	(void)!write(f->pipe[1], "x", 1);
}

/* Newer ones are made later: the number in the name says how new. */
static inline struct fake_row *fake_add(struct fake_engine *f, const char *name, enum tare_state state)
{
	struct fake_row *r = &f->rows[f->n++];

	memset(r, 0, sizeof *r);
	snprintf(r->id, sizeof r->id, "%064zx", f->n * 2654435761u);
	snprintf(r->name, sizeof r->name, "%s", name);
	strcpy(r->image, "busybox");
	r->state = state;
	r->created = (int64_t)f->n;
	return r;
}

static inline struct fake_engine *fake_new(void)
{
	struct fake_engine *f = calloc(1, sizeof *f);

	f->time = 1000000000000;
	f->api.list = fake_list;
	f->api.network_list = fake_network_list;
	f->api.look = fake_look;
	f->api.sample = fake_sample;
	f->api.host = fake_host;
	f->api.history = fake_history;
	f->api.now = fake_now;
	f->api.events = fake_events;
	f->api.watch_open = fake_watch_open;
	f->api.watch_drain = fake_watch_drain;
	f->api.watch_close = fake_watch_close;
	return f;
}

#endif
