/* Events: those of the journal's lines, and those that containers make by themselves, which are reckoned from
 * their natures for any stretch of time; and the watch over both. */
#include "engine/simulation.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/event_document.h"

#define EVENTS_MAX    2000
#define LOOK_AGAIN_NS SIM_SECOND       /* for what other processes wrote into the journal */
#define LOG_STEP_NS   (SIM_SECOND / 2) /* open logs grow twice a second */
#define PAST_SECONDS  (2 * 3600)       /* how far events --since can look back */

json *sim_event_new(const struct simulation *s, const char *type, const char *action, const char *id,
        json *attributes, int64_t at)
{
	return event_document(type, action, id, attributes, sim_wall(s, at));
}

json *sim_event_of(const struct simulation *s, const struct sim_container *c, const char *action, int64_t at)
{
	json *attributes = json_object_new_object();

	if (c->labels) {
		json_object_object_foreach (c->labels, key, value)
			json_set(attributes, key, json_object_get(value));
	}
	json_set_str(attributes, "name", c->name);
	json_set_str(attributes, "image", c->image);
	return sim_event_new(s, "container", action, c->id, attributes, at);
}

/* Takes the event. The oldest are forgotten. */
void sim_event_keep(struct simulation *s, json *event, int64_t at)
{
	struct sim_event *grown;

	if (s->n_events == EVENTS_MAX) {
		json_free(&s->events[0].event);
		memmove(s->events, s->events + 1, (EVENTS_MAX - 1) * sizeof(*s->events));
		s->n_events--;
		s->forgotten_events++;
	}
	grown = realloc(s->events, (s->n_events + 1) * sizeof(*grown));
	if (!grown) {
		json_free(&event);
		return;
	}
	s->events = grown;
	grown[s->n_events++] = (struct sim_event){at, event};
}

/* ------------------------------------------------------------------ by themselves */

struct happening {
	int64_t at;
	const struct sim_container *c;
	unsigned order; /* among those of one moment */
	const char *action;
};
struct happenings {
	struct happening *rows;
	size_t n, cap;
};

static int happen(struct happenings *h, struct happening row)
{
	if (h->n == h->cap) {
		size_t cap = h->cap ? h->cap * 2 : 16;
		struct happening *grown = realloc(h->rows, cap * sizeof(*grown));

		if (!grown)
			return -1;
		h->rows = grown;
		h->cap = cap;
	}
	row.order = (unsigned)h->n;
	h->rows[h->n++] = row;
	return 0;
}

/* Of its state or of its health. */
static int64_t next_of(const struct sim_container *c, int64_t t)
{
	int64_t state = sim_next_change(c, t), health = sim_health_next(c, t);

	return state < health ? state : health;
}

static const char *health_action(const struct sim_container *c, const struct sim_status *st, int64_t at)
{
	return sim_health_at(c, st, at) == TARE_HEALTH_HEALTHY ? "health_status: healthy"
	                                                       : "health_status: unhealthy";
}

static int changes_of(const struct sim_container *c, int64_t from, int64_t to, struct happenings *h)
{
	for (int64_t at = next_of(c, from); at <= to; at = next_of(c, at)) {
		struct sim_status st = sim_at(c, at);
		int rc = 0;

		if (sim_next_change(c, at - 1) != at) {
			rc = happen(h, (struct happening){at, c, 0, health_action(c, &st, at)});
		} else if (st.state == TARE_RUNNING) {
			rc = happen(h, (struct happening){at, c, 0, "start"});
		} else {
			if (st.oom)
				rc = happen(h, (struct happening){at, c, 0, "oom"});
			rc = rc ? rc : happen(h, (struct happening){at, c, 0, "die"});
			if (!st.there)
				rc = rc ? rc : happen(h, (struct happening){at, c, 0, "destroy"});
		}
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct happening *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static json *happening_event(const struct simulation *s, const struct happening *h)
{
	json *event = sim_event_of(s, h->c, h->action, h->at);

	if (strcmp(h->action, "die") == 0) {
		cleanup_free char *code = str_printf("%d", sim_at(h->c, h->at).code);

		json_set_str(json_path(event, "Actor.Attributes"), "exitCode", code);
	}
	return event;
}

/* What happens by itself in (from, to]. 0, 1: enough, -1. */
static int tell_changes(
        struct simulation *s, int64_t from, int64_t to, tare_event_fn fn, void *arg, bool *any)
{
	struct happenings h = {0};
	int rc = 0;

	for (size_t i = 0; i < s->n_containers && rc == 0 && from < to; i++)
		rc = changes_of(s->containers[i], from, to, &h);
	if (h.n)
		qsort(h.rows, h.n, sizeof(*h.rows), by_time);
	for (size_t i = 0; i < h.n && rc == 0; i++) {
		cleanup_json json *event = happening_event(s, &h.rows[i]);

		*any = true;
		rc = fn && fn(event, arg) != 0;
	}
	free(h.rows);
	return rc;
}

/* ------------------------------------------------------------------ watch */

struct sim_watch {
	struct tare_watch api; /* first */
	int64_t seen;          /* all that happened until then is told */
	size_t told;           /* journal's events, from the first ever */
};

static int64_t next_change(const struct simulation *s, int64_t now)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < s->n_containers; i++) {
		int64_t at = next_of(s->containers[i], now);

		if (at < next)
			next = at;
	}
	return next;
}

static int64_t monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SIM_SECOND + ts.tv_nsec;
}

static void set_due(const struct simulation *s, struct sim_watch *w)
{
	int64_t wait = s->open_logs ? LOG_STEP_NS : LOOK_AGAIN_NS, next;

	w->api.due = INT64_MAX;
	if (!sim_runs(s))
		return;
	next = next_change(s, w->seen);
	if (next != INT64_MAX && next - w->seen < wait)
		wait = next - w->seen;
	w->api.due = monotonic() + wait;
}

int sim_watch_open(struct tare_engine *t, struct tare_watch **out, struct err *e)
{
	struct simulation *s = sim_of(t);
	struct sim_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return err_no_memory(e);
	w->api.fd = -1;
	w->seen = sim_now(s);
	w->told = s->forgotten_events + s->n_events;
	set_due(s, w);
	*out = &w->api;
	return 0;
}

static int changed_by(const json *event)
{
	const char *type = json_str((json *)event, "Type", "");

	return strcmp(type, "image") == 0     ? TARE_CHANGED_IMAGES
	       : strcmp(type, "volume") == 0  ? TARE_CHANGED_VOLUMES
	       : strcmp(type, "network") == 0 ? TARE_CHANGED_NETWORKS
	                                      : TARE_CHANGED_CONTAINERS;
}

int sim_watch_drain(
        struct tare_engine *t, struct tare_watch *watch, tare_event_fn fn, void *arg, struct err *e)
{
	struct simulation *s = sim_of(t);
	struct sim_watch *w = (struct sim_watch *)watch;
	int64_t now;
	bool any = false;
	int changed = 0;

	if (sim_refresh(s, e) < 0)
		return -1;
	now = sim_now(s);
	if (w->told < s->forgotten_events)
		w->told = s->forgotten_events;
	while (w->told < s->forgotten_events + s->n_events) {
		json *event = s->events[w->told++ - s->forgotten_events].event;

		changed |= changed_by(event);
		if (fn)
			fn(event, arg);
	}
	if (tell_changes(s, w->seen, now, fn, arg, &any) < 0)
		return err_no_memory(e);
	w->seen = now;
	set_due(s, w);
	return changed | (any ? TARE_CHANGED_CONTAINERS : 0);
}

void sim_watch_close(struct tare_engine *t, struct tare_watch *w)
{
	(void)t;
	free(w);
}

/* ------------------------------------------------------------------ tare events */

/* The past, both kinds in order of time. */
struct past {
	struct sim_event *rows;
	size_t n;
};

static int collect(json *event, void *arg)
{
	struct past *p = arg;
	struct sim_event *grown = realloc(p->rows, (p->n + 1) * sizeof(*grown));

	if (!grown)
		return 1;
	p->rows = grown;
	grown[p->n++] = (struct sim_event){json_int(event, "timeNano", 0), json_object_get(event)};
	return 0;
}

static int event_by_time(const void *a, const void *b)
{
	const struct sim_event *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static int tell_past(
        struct simulation *s, const struct tare_event_options *o, int64_t now, tare_event_fn fn, void *arg)
{
	struct past p = {0};
	int64_t from = o->since ? o->since - s->birth - 1 : now;
	bool any;
	int rc = 0;

	if (from < now - PAST_SECONDS * SIM_SECOND)
		from = now - PAST_SECONDS * SIM_SECOND;
	tell_changes(s, from, now, collect, &p, &any);
	for (size_t i = 0; i < s->n_events && o->since; i++)
		collect(s->events[i].event, &p);
	if (p.n)
		qsort(p.rows, p.n, sizeof(*p.rows), event_by_time);
	for (size_t i = 0; i < p.n; i++) {
		if (rc == 0 && p.rows[i].at >= o->since && (!o->until || p.rows[i].at <= o->until))
			rc = fn(p.rows[i].event, arg);
		json_free(&p.rows[i].event);
	}
	free(p.rows);
	return rc;
}

struct passing {
	const struct tare_event_options *o;
	tare_event_fn fn;
	void *arg;
	bool enough;
};

static int pass(json *event, void *arg)
{
	struct passing *p = arg;
	int64_t at = json_int(event, "timeNano", 0);

	if (!p->enough && (!p->o->until || at <= p->o->until))
		p->enough = p->fn(event, p->arg) != 0;
	return 0;
}

static int follow(struct tare_engine *t, struct tare_watch *w, struct passing *p, struct err *e)
{
	struct simulation *s = sim_of(t);

	while (!p->enough) {
		int64_t ms = w->due == INT64_MAX ? 1000 : (w->due - monotonic()) / 1000000 + 1;
		int64_t left =
		        p->o->until ? (p->o->until - sim_wall(s, sim_now(s))) / 1000000 + 1 : INT64_MAX;

		if (left <= 1 || (p->o->until && !sim_runs(s)))
			return 0;
		ms = ms < 1 ? 1 : ms > left ? left : ms;
		if (poll(NULL, 0, (int)ms) < 0 && errno != EINTR)
			return err_sys(e, "cannot wait for events");
		if (sim_watch_drain(t, w, pass, p, e) < 0)
			return -1;
	}
	return 0;
}

int sim_events(
        struct tare_engine *t, const struct tare_event_options *o, tare_event_fn fn, void *arg, struct err *e)
{
	struct simulation *s = sim_of(t);
	struct passing p = {.o = o, .fn = fn, .arg = arg};
	struct tare_watch *w;
	int rc;

	if (sim_refresh(s, e) < 0 || sim_watch_open(t, &w, e) < 0)
		return -1;
	rc = tell_past(s, o, ((struct sim_watch *)w)->seen, fn, arg);
	if (rc == 0 && o->follow)
		rc = follow(t, w, &p, e);
	sim_watch_close(t, w);
	return rc < 0 ? -1 : 0;
}
