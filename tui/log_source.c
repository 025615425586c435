#include "tui/log_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define DESERT_LEAST ((uint64_t)16 << 10)
#define CONTEXT_MOST 64

/* ------------------------------------------------------------------ open, follow, close */

static void take_files(struct log_source *s)
{
	struct err e = ERR_INIT;

	if (s->log && log_store_files(&s->store, s->log->files, s->log->n, &e) < 0)
		snprintf(s->error, sizeof(s->error), "%.250s", e.msg);
	s->ahead.valid = s->behind.valid = false;
}

struct log_source *log_source_open(
        struct tare_engine *engine, const char *id, const char *name, struct err *e)
{
	struct log_source *s = calloc(1, sizeof(*s));
	struct err why = ERR_INIT;

	if (!s || !(s->id = strdup(id)) || !(s->name = strdup(name)) ||
	        log_scan_init(&s->scan, &s->store, e) < 0) {
		log_source_close(s);
		err_no_memory(e);
		return NULL;
	}
	s->engine = engine;
	if (engine->log_open(engine, id, &s->log, &why) < 0) {
		s->log = NULL;
		snprintf(s->error, sizeof(s->error), "%.250s", why.msg);
	}
	take_files(s);
	return s;
}

struct log_source *log_source_copy(const struct log_source *s, struct err *e)
{
	struct log_source *c = calloc(1, sizeof(*c));

	if (!c || !(c->id = strdup(s->id)) || !(c->name = strdup(s->name)) ||
	        log_scan_init(&c->scan, &c->store, e) < 0 || log_store_copy(&c->store, &s->store, e) < 0) {
		log_source_close(c);
		err_no_memory(e);
		return NULL;
	}
	return c;
}

void log_source_close(struct log_source *s)
{
	if (!s)
		return;
	if (s->log)
		s->engine->log_close(s->engine, s->log);
	log_scan_free(&s->scan);
	log_store_free(&s->store);
	free(s->id);
	free(s->name);
	free(s);
}

int log_source_drain(struct log_source *s)
{
	struct err e = ERR_INIT;
	int what = s->log ? s->engine->log_drain(s->engine, s->log, &e) : 0;

	if (what < 0) {
		snprintf(s->error, sizeof(s->error), "%.250s", e.msg);
		return 0;
	}
	if (what & TARE_LOG_ROTATED)
		take_files(s);
	return what;
}

/* What was read of a record whose end had not come yet says nothing about the whole of it. */
static void reopen_last(struct log_source *s, uint64_t end)
{
	size_t have;
	const char *tail = log_window_before(&s->scan.lines, end, 1, &have);

	if (!have || tail[have - 1] == '\n')
		return;
	uint64_t start = log_record_start(&s->scan.lines, end - 1);
	for (size_t i = 0; i < s->n_deserts; i++)
		if (s->deserts[i].to > start)
			s->deserts[i].to = start > s->deserts[i].from ? start : s->deserts[i].from;
}

bool log_source_grow(struct log_source *s)
{
	uint64_t end = s->store.end;

	if (!log_store_grow(&s->store))
		return false;
	if (s->n_deserts)
		reopen_last(s, end);
	s->ahead.valid = s->behind.valid = false;
	return true;
}

/* ------------------------------------------------------------------ deserts */

void log_source_forget(struct log_source *s)
{
	s->n_deserts = 0;
	s->ahead.valid = s->behind.valid = false;
}

static void desert_remove(struct log_source *s, size_t i)
{
	s->deserts[i] = s->deserts[--s->n_deserts];
}

static size_t smallest_desert(const struct log_source *s)
{
	size_t best = 0;

	for (size_t i = 1; i < s->n_deserts; i++)
		if (s->deserts[i].to - s->deserts[i].from < s->deserts[best].to - s->deserts[best].from)
			best = i;
	return best;
}

void log_source_add_desert(struct log_source *s, uint64_t from, uint64_t to)
{
	if (from >= to)
		return;
	for (size_t i = 0; i < s->n_deserts;) {
		struct log_desert *d = &s->deserts[i];

		if (d->from > to || d->to < from) {
			i++;
			continue;
		}
		from = d->from < from ? d->from : from;
		to = d->to > to ? d->to : to;
		desert_remove(s, i);
	}
	if (to - from < DESERT_LEAST)
		return;
	if (s->n_deserts == LOG_DESERTS)
		desert_remove(s, smallest_desert(s));
	s->deserts[s->n_deserts++] = (struct log_desert){from, to};
	s->ahead.valid = s->behind.valid = false;
}

static uint64_t cross_forwards(const struct log_source *s, uint64_t at)
{
	for (size_t i = 0; i < s->n_deserts; i++)
		if (at >= s->deserts[i].from && at < s->deserts[i].to)
			return s->deserts[i].to;
	return at;
}

static uint64_t cross_backwards(const struct log_source *s, uint64_t at)
{
	for (size_t i = 0; i < s->n_deserts; i++)
		if (at > s->deserts[i].from && at <= s->deserts[i].to)
			return s->deserts[i].from;
	return at;
}

/* The next entry that passes, remembering what lies between. */
static enum log_found match_after(struct log_source *s, const struct log_filters *fs, uint64_t at,
        const struct log_budget *b, struct log_entry *e)
{
	uint64_t from = cross_forwards(s, at), reached = from;
	enum log_found f = log_scan_after(&s->scan, fs, from, b, e, &reached);

	if (!fs->n)
		return f;
	s->stuck = reached;
	log_source_add_desert(s, from, f == LOG_FOUND ? e->at : f == LOG_NONE ? s->store.end : reached);
	return f;
}

static enum log_found match_before(struct log_source *s, const struct log_filters *fs, uint64_t at,
        const struct log_budget *b, struct log_entry *e)
{
	uint64_t from = cross_backwards(s, at), reached = from;
	enum log_found f = log_scan_before(&s->scan, fs, from, b, e, &reached);

	if (!fs->n)
		return f;
	s->stuck = reached;
	log_source_add_desert(s, f == LOG_FOUND ? e->next : f == LOG_NONE ? s->store.begin : reached, from);
	return f;
}

/* ------------------------------------------------------------------ context */

static bool entry_passes(struct log_source *s, const struct log_filters *fs, const struct log_entry *e)
{
	size_t len;
	const char *text = log_entry_text(&s->scan.lines, e, s->scan.joined, &len);

	return log_filters_pass(fs, text, len);
}

/* Lines of context obey the filters that drop, too. */
static bool is_dropped(struct log_source *s, const struct log_filters *fs, const struct log_entry *e)
{
	size_t len;
	const char *text = log_entry_text(&s->scan.lines, e, s->scan.joined, &len);
	struct log_filters drop = LOG_FILTERS_INIT;

	for (size_t i = 0; i < fs->n; i++)
		if (fs->f[i].drop)
			drop.f[drop.n++] = fs->f[i];
	return !log_filters_pass(&drop, text, len);
}

/* Is one of the `n` entries before (back) or after `at` one that passes? */
static bool match_is_near(struct log_source *s, const struct log_filters *fs, uint64_t at, bool back)
{
	struct log_entry e;

	for (unsigned i = 0; i < fs->context && i < CONTEXT_MOST; i++) {
		if (back ? !log_entry_before(&s->scan.lines, at, &e)
		         : !log_entry_after(&s->scan.lines, at, &e))
			return false;
		if (entry_passes(s, fs, &e))
			return true;
		at = back ? e.at : e.next;
	}
	return false;
}

/* From the match `*e`, `context` entries back (or on), but not beyond `limit`. */
static void widen(
        struct log_source *s, const struct log_filters *fs, uint64_t limit, bool back, struct log_entry *e)
{
	struct log_entry other;

	for (unsigned i = 0; i < fs->context && i < CONTEXT_MOST; i++) {
		if (back) {
			if (!log_entry_before(&s->scan.lines, e->at, &other) || other.at < limit)
				return;
		} else if (!log_entry_after(&s->scan.lines, e->next, &other) || other.at >= limit) {
			return;
		}
		*e = other;
	}
}

static enum log_found with_context(struct log_source *s, const struct log_filters *fs, uint64_t at, bool back,
        const struct log_budget *b, struct log_entry *e, bool *match)
{
	for (;;) {
		if (back ? !log_entry_before(&s->scan.lines, at, e) : !log_entry_after(&s->scan.lines, at, e))
			return LOG_NONE;
		*match = entry_passes(s, fs, e);
		if (*match)
			return LOG_FOUND;
		bool near = match_is_near(s, fs, e->at, true) || match_is_near(s, fs, e->next, false);
		if (!near) {
			enum log_found f =
			        back ? match_before(s, fs, at, b, e) : match_after(s, fs, at, b, e);
			if (f != LOG_FOUND)
				return f;
			uint64_t hit = e->at;
			widen(s, fs, at, !back, e);
			*match = e->at == hit;
		}
		if (*match || !is_dropped(s, fs, e))
			return LOG_FOUND;
		at = back ? e->at : e->next;
	}
}

/* ------------------------------------------------------------------ from line to line */

static enum log_found step(struct log_source *s, const struct log_filters *fs, uint64_t at, bool back,
        const struct log_budget *b, struct log_peek *p)
{
	p->match = true;
	if (fs->context && log_filters_keep(fs))
		return with_context(s, fs, at, back, b, &p->entry, &p->match);
	return back ? match_before(s, fs, at, b, &p->entry) : match_after(s, fs, at, b, &p->entry);
}

static enum log_found peek(struct log_source *s, const struct log_filters *fs, uint64_t at, bool back,
        const struct log_budget *b, struct log_entry *e, bool *match)
{
	struct log_peek *p = back ? &s->behind : &s->ahead;

	if (!p->valid || p->at != at) {
		struct log_peek fresh = {.at = at};

		fresh.found = step(s, fs, at, back, b, &fresh);
		fresh.valid = fresh.found != LOG_LATER;
		*p = fresh;
	}
	*e = p->entry;
	*match = p->match;
	return p->found;
}

enum log_found log_source_after(struct log_source *s, const struct log_filters *fs, uint64_t at,
        const struct log_budget *b, struct log_entry *e, bool *match)
{
	return peek(s, fs, at, false, b, e, match);
}

enum log_found log_source_before(struct log_source *s, const struct log_filters *fs, uint64_t at,
        const struct log_budget *b, struct log_entry *e, bool *match)
{
	return peek(s, fs, at, true, b, e, match);
}
