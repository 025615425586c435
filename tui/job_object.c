#include "tui/job_object.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

#define RATE_AFTER_NS INT64_C(1000000000) /* a mean over less says nothing */
#define ETA_MOST      (INT64_C(100) * 3600)
#define FIRST_ROOM    8

static uint64_t bytes_of(json *doc, const char *key)
{
	int64_t v = json_int(doc, key, 0);

	return v > 0 ? (uint64_t)v : 0;
}

/* The object of that name, or a new one. A program that invents names without end (a registry can name as
 * many layers as it likes) fills the table and no more: hostile_progress_is_bounded in test_tui_job. */
static struct job_object *object_named(struct job_objects *os, const char *name, int64_t now)
{
	struct job_object *o;

	for (size_t i = 0; i < os->n; i++)
		if (!strcmp(os->rows[i].name, name))
			return &os->rows[i];
	if (os->n == JOB_OBJECTS_MAX) {
		os->cut = true;
		return NULL;
	}
	if (os->n == os->cap) {
		size_t cap = os->cap ? os->cap * 2 : FIRST_ROOM;

		o = realloc(os->rows, cap * sizeof(*o));
		if (!o)
			return NULL;
		os->rows = o;
		os->cap = cap;
	}
	o = &os->rows[os->n++];
	*o = (struct job_object){.eta = -1, .since = now};
	strcpy(o->name, name);
	return o;
}

static void take_phase(struct job_object *o, const char *phase, uint64_t done, int64_t now)
{
	char next[sizeof(o->phase)];

	text_harmless_to(next, sizeof(next), phase);
	if (!strcmp(next, o->phase))
		return;
	strcpy(o->phase, next);
	o->since = now;
	o->from = done;
}

/* What the program says of its speed goes before what can be reckoned. */
static void take_speed(struct job_object *o, json *doc, int64_t now)
{
	double rate = json_double(doc, "rate", -1);
	int64_t eta = json_int(doc, "eta", -1);

	o->rate = rate > 0 && rate < 1e15 ? (uint64_t)rate : 0;
	if (!json_get(doc, "rate") && now - o->since >= RATE_AFTER_NS && o->done > o->from)
		o->rate = (uint64_t)((double)(o->done - o->from) * 1e9 / (double)(now - o->since));
	if (!json_get(doc, "eta") && o->rate && o->total > o->done)
		eta = (int64_t)((o->total - o->done) / o->rate);
	o->eta = eta < 0 ? -1 : eta > ETA_MOST ? ETA_MOST : eta;
}

static void take_share(struct job_object *o)
{
	double share = 0;

	if (!o->size)
		o->size = o->total;
	if (o->complete)
		share = 1;
	else if (o->total)
		share = o->done < o->total ? (double)o->done / (double)o->total : 1;
	if (share > o->share)
		o->share = share;
}

const struct job_object *job_objects_take(struct job_objects *os, const char *line, size_t len, int64_t now)
{
	cleanup_json json *doc = json_parse(line, len, "progress", NULL);
	char name[sizeof(os->rows->name)];
	struct job_object *o;

	if (!doc || !json_object_is_type(doc, json_type_object))
		return NULL;
	text_harmless_to(name, sizeof(name), json_str(doc, "object", ""));
	o = object_named(os, name, now);
	if (!o)
		return NULL;
	take_phase(o, json_str(doc, "phase", ""), bytes_of(doc, "done"), now);
	o->complete = json_bool(doc, "complete", false);
	if (json_get(doc, "done") || !o->complete)
		o->done = bytes_of(doc, "done");
	if (json_get(doc, "total") || !o->complete)
		o->total = bytes_of(doc, "total");
	if (o->complete && o->total)
		o->done = o->total;
	take_speed(o, doc, now);
	if (o->complete) {
		o->rate = 0;
		o->eta = -1;
	}
	take_share(o);
	return o;
}

/* Large sizes must not add up to small ones. */
static uint64_t add(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

struct job_sum job_objects_sum(const struct job_objects *os)
{
	struct job_sum s = {.n = os->n, .share = NAN, .eta = -1};
	double done = 0, total = 0;

	for (size_t i = 0; i < os->n; i++) {
		const struct job_object *o = &os->rows[i];

		s.complete += o->complete;
		s.rate = add(s.rate, o->rate);
		done += o->share * (double)o->size;
		total += (double)o->size;
	}
	if (total > 0) {
		s.share = done / total;
		s.total = total < 1e18 ? (uint64_t)total : UINT64_MAX;
		s.done = done < 1e18 ? (uint64_t)done : UINT64_MAX;
	}
	if (s.rate && total > done)
		s.eta = (total - done) / (double)s.rate < (double)ETA_MOST
		                ? (int64_t)((total - done) / (double)s.rate)
		                : ETA_MOST;
	return s;
}

void job_objects_free(struct job_objects *os)
{
	free(os->rows);
	*os = (struct job_objects){0};
}
