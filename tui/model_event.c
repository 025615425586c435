/* The model's events: what the watch tells becomes short records, and says which rows must be looked at
 * again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "tui/model_state.h"

#define EVENT_TEXT_MAX 200               /* bytes of a name or detail */
#define PAST_NS        (900 * SECOND_NS) /* of events that are shown from before the start */

/* Names and details come from containers and may be of any length. */
static char *short_copy(const char *text)
{
	return text ? strndup(text, EVENT_TEXT_MAX) : NULL;
}

static char *detail_of(json *attributes, const char *action)
{
	const char *exit_code = json_str(attributes, "exitCode", NULL);
	const char *signal = json_str(attributes, "signal", NULL);
	const char *old_name = json_str(attributes, "oldName", NULL);

	if (exit_code)
		return str_printf("exit code %.16s", exit_code);
	if (signal)
		return str_printf("signal %.16s", signal);
	if (old_name)
		return str_printf("was %.128s", old_name);
	if (!strcmp(action, "destroy"))
		return NULL;
	return short_copy(json_str(attributes, "image", NULL));
}

static void event_free(struct model_event *ev)
{
	if (!ev)
		return;
	free(ev->name);
	free(ev->detail);
	free(ev);
}

static struct model_event *event_make(json *j)
{
	struct model_event *ev = calloc(1, sizeof *ev);
	json *actor = json_get(j, "Actor"), *attributes = json_get(actor, "Attributes");

	if (!ev)
		return NULL;
	ev->time = json_int(j, "timeNano", 0);
	snprintf(ev->type, sizeof ev->type, "%s", json_str(j, "Type", ""));
	snprintf(ev->action, sizeof ev->action, "%s", json_str(j, "Action", ""));
	snprintf(ev->id, sizeof ev->id, "%s", json_str(actor, "ID", ""));
	ev->name = short_copy(json_str(attributes, "name", NULL));
	ev->detail = detail_of(attributes, ev->action);
	return ev;
}

/* The array has room for twice as many as are kept, so that shifting is rare. */
static bool make_room(struct model *m)
{
	if (!m->events)
		m->events = calloc((size_t)2 * MODEL_EVENTS_MAX, sizeof *m->events);
	if (!m->events)
		return false;
	if (m->n_events < (size_t)2 * MODEL_EVENTS_MAX)
		return true;
	for (size_t i = 0; i < MODEL_EVENTS_MAX; i++)
		event_free(m->events[i]);
	memmove(m->events, m->events + MODEL_EVENTS_MAX, MODEL_EVENTS_MAX * sizeof *m->events);
	m->n_events = MODEL_EVENTS_MAX;
	return true;
}

static bool is_about_rows(const struct model_event *ev)
{
	return strncmp(ev->action, "exec_", 5) != 0 && strcmp(ev->action, "attach") != 0 &&
	       strcmp(ev->action, "top") != 0;
}

static void touch(struct model *m, const char *id)
{
	for (size_t i = 0; i < m->n_touched; i++)
		if (!strcmp(m->touched[i], id))
			return;
	if (m->n_touched == MODEL_TOUCHED_MAX || strlen(id) != TARE_ID_LEN) {
		m->stale |= MODEL_CONTAINERS;
		return;
	}
	memcpy(m->touched[m->n_touched++], id, TARE_ID_LEN + 1);
}

/* What the model must look at because of this event. */
/* container: that a network's event is about, or "". */
static void follow_up(struct model *m, const struct model_event *ev, const char *container)
{
	if (!strcmp(ev->type, "container")) {
		if (is_about_rows(ev))
			touch(m, ev->id);
		if (!strcmp(ev->action, "create") || !strcmp(ev->action, "destroy"))
			m->stale |= MODEL_VOLUMES; /* who uses them */
	} else if (!strcmp(ev->type, "image")) {
		m->stale |= MODEL_IMAGES;
	} else if (!strcmp(ev->type, "volume")) {
		m->stale |= MODEL_VOLUMES;
	} else if (!strcmp(ev->type, "network")) {
		/* of one that comes or goes the addresses say all */
		if (*container)
			touch(m, container);
		else
			m->stale |= MODEL_NETWORKS;
	}
}

int model_events_take(json *event, void *model)
{
	struct model *m = model;
	struct model_event *ev = event_make(event);

	if (!ev || !make_room(m)) {
		event_free(ev);
		m->stale |= MODEL_CONTAINERS | MODEL_IMAGES | MODEL_VOLUMES | MODEL_NETWORKS;
		return 0;
	}
	ev->number = ++m->last_event;
	m->version++;
	m->events[m->n_events++] = ev;
	follow_up(m, ev, json_str(json_path(event, "Actor.Attributes"), "container", ""));
	return 0;
}

void model_events_tell(struct model *m)
{
	uint64_t n = m->last_event - m->told_event;

	m->told_event = m->last_event;
	if (!m->event_listener)
		return;
	for (size_t i = n < m->n_events ? m->n_events - n : 0; i < m->n_events; i++)
		m->event_listener(m->event_listener_arg, m->events[i]);
}

struct past {
	struct model_event *events[MODEL_EVENTS_MAX / 2];
	size_t n;    /* in use */
	size_t next; /* where the next one goes: the oldest are written over */
	int64_t before;
};

static int take_past(json *event, void *arg)
{
	struct past *past = arg;
	struct model_event *ev = event_make(event);
	size_t max = sizeof past->events / sizeof *past->events;

	if (!ev || ev->time >= past->before) {
		event_free(ev);
		return 0;
	}
	event_free(past->events[past->next]);
	past->events[past->next] = ev;
	past->next = (past->next + 1) % max;
	if (past->n < max)
		past->n++;
	return 0;
}

/* What happened shortly before the dashboard opened, in front of what it saw itself. */
void model_events_load_past(struct model *m)
{
	struct tare_event_options options = {.since = m->opened - PAST_NS, .until = m->opened};
	size_t max = MODEL_EVENTS_MAX / 2, first;
	struct past *past;

	if (!m->engine->events || m->opened <= PAST_NS || m->n_events > max || !make_room(m))
		return;
	past = calloc(1, sizeof *past);
	if (!past)
		return;
	past->before = m->opened;
	m->engine->events(m->engine, &options, take_past, past, NULL);
	first = past->n < max ? 0 : past->next;
	memmove(m->events + past->n, m->events, m->n_events * sizeof *m->events);
	for (size_t i = 0; i < past->n; i++)
		m->events[i] = past->events[(first + i) % max];
	m->n_events += past->n;
	/* numbers go on counting in the order of the rows, from 1 */
	m->last_event += past->n;
	m->told_event += past->n;
	m->version++;
	for (size_t i = 0; i < m->n_events; i++)
		m->events[i]->number = m->last_event - m->n_events + i + 1;
	free(past);
}

void model_events_free(struct model *m)
{
	for (size_t i = 0; i < m->n_events; i++)
		event_free(m->events[i]);
	free(m->events);
}
