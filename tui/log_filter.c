#include "tui/log_filter.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "tui/log_pattern.h"
#include "tui/log_record.h"

/* ------------------------------------------------------------------ filters */

int log_filters_add(struct log_filters *fs, struct log_pattern *p, bool drop, struct err *e)
{
	if (fs->n == LOG_FILTERS_MAX) {
		log_pattern_free(p);
		return err_set(e, ERR_USAGE, "at most %d filters; remove one first", LOG_FILTERS_MAX);
	}
	fs->f[fs->n++] = (struct log_filter){p, drop};
	return 0;
}

void log_filters_pop(struct log_filters *fs)
{
	if (fs->n)
		log_pattern_free(fs->f[--fs->n].pattern);
}

void log_filters_free(struct log_filters *fs)
{
	while (fs->n)
		log_filters_pop(fs);
	fs->context = 0;
}

static int add_copy(struct log_filters *dst, const struct log_pattern *p, bool drop, struct err *e)
{
	struct log_pattern *copy = log_pattern_copy(p, e);

	return copy ? log_filters_add(dst, copy, drop, e) : -1;
}

int log_filters_copy(struct log_filters *dst, const struct log_filters *src, const struct log_pattern *first,
        struct err *e)
{
	int rc = first ? add_copy(dst, first, false, e) : 0;

	for (size_t i = 0; i < src->n && rc == 0; i++)
		rc = add_copy(dst, src->f[i].pattern, src->f[i].drop, e);
	if (rc < 0)
		log_filters_free(dst);
	else
		dst->context = first ? 0 : src->context;
	return rc;
}

bool log_filters_keep(const struct log_filters *fs)
{
	for (size_t i = 0; i < fs->n; i++)
		if (!fs->f[i].drop)
			return true;
	return false;
}

bool log_filters_pass(const struct log_filters *fs, const char *text, size_t len)
{
	for (size_t i = 0; i < fs->n; i++)
		if (log_pattern_match(fs->f[i].pattern, text, len, 0, NULL, NULL) == fs->f[i].drop)
			return false;
	return true;
}

static bool log_budget_is_over(const struct log_budget *b)
{
	struct timespec now;

	if (b->cancel && atomic_load_explicit(b->cancel, memory_order_relaxed))
		return true;
	if (!b->until)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec >= b->until;
}

/* ------------------------------------------------------------------ scans */

int log_scan_init(struct log_scan *s, const struct log_store *store, struct err *e)
{
	*s = (struct log_scan){0};
	s->joined = calloc(1, LOG_ENTRY_MAX + 1); /* with a NUL at the end, as in a window */
	if (!s->joined)
		return err_no_memory(e);
	if (log_window_init(&s->lines, store, LOG_WINDOW_SIZE, e) < 0 ||
	        log_window_init(&s->through, store, LOG_WINDOW_SCAN, e) < 0) {
		log_scan_free(s);
		return -1;
	}
	return 0;
}

void log_scan_free(struct log_scan *s)
{
	log_window_free(&s->lines);
	log_window_free(&s->through);
	free(s->joined);
	*s = (struct log_scan){0};
}

/* Records of a block that pass the filter `one` and, all, `rest`: the first, the last, and how many. */
struct tally {
	uint64_t first, last, n;
	bool only_first;
};

/* One that keeps and is quick goes first over whole blocks. */
static const struct log_pattern *quick_one(const struct log_filters *fs)
{
	for (size_t i = 0; i < fs->n; i++)
		if (!fs->f[i].drop && log_pattern_is_literal(fs->f[i].pattern))
			return fs->f[i].pattern;
	return NULL;
}

static const char *line_start(const char *block, const char *s)
{
#ifdef _GNU_SOURCE
	const char *nl = s > block ? memrchr(block, '\n', (size_t)(s - block)) : NULL;
	return nl ? nl + 1 : block;
#else
	while (s > block && s[-1] != '\n')
		s--;
	return s;
#endif
}

static const char *line_end(const char *s, const char *end)
{
	const char *nl = memchr(s, '\n', (size_t)(end - s));

	return nl ? nl : end;
}

/* block: whole records. Walks from candidate to candidate. */
static void tally_block(
        const struct log_filters *fs, const char *block, size_t len, uint64_t at, struct tally *t)
{
	const struct log_pattern *quick = quick_one(fs);
	const char *end = block + len;

	for (const char *s = block; s < end;) {
		const char *line = s;

		if (quick) {
			size_t hit = log_pattern_find(quick, s, (size_t)(end - s));
			if (hit == (size_t)(end - s))
				return;
			line = line_start(s, s + hit);
		}
		const char *nl = line_end(line, end);
		struct log_head h = log_head_parse(line, (size_t)(nl - line));
		/* The candidate may have been in the head: all filters look at the text alone. */
		if (log_filters_pass(fs, line + h.text, (size_t)(nl - line) - h.text)) {
			t->last = at + (uint64_t)(line - block);
			if (!t->n++)
				t->first = t->last;
			if (t->only_first)
				return;
		}
		s = nl < end ? nl + 1 : end;
	}
}

/* Whole records of [from, to), as many as are at hand; *len 0: nothing is there. */
static const char *whole_records(struct log_scan *s, uint64_t from, uint64_t to, bool back, size_t *len)
{
	size_t have;
	const char *block = log_window_block(&s->through, from, to, back, &have);

	if (from + have < to) {
		size_t whole = (size_t)(line_start(block, block + have) - block);
		/* a block that is no whole record is taken as it is */
		have = whole ? whole : have;
	}
	*len = have;
	return block;
}

/* ------------------------------------------------------------------ forwards and backwards */

/* A record passes by itself; does the whole line that it is a piece of? */
static bool entry_passes(struct log_scan *s, const struct log_filters *fs, uint64_t at, struct log_entry *e)
{
	size_t len;

	if (!log_entry_of(&s->lines, at, e))
		return false;
	if (!e->joined)
		return true;
	const char *text = log_entry_text(&s->lines, e, s->joined, &len);
	return log_filters_pass(fs, text, len);
}

enum log_found log_scan_after(struct log_scan *s, const struct log_filters *fs, uint64_t at,
        const struct log_budget *b, struct log_entry *e, uint64_t *reached)
{
	uint64_t end = s->lines.store->end, from = at;
	size_t len;

	if (!fs->n)
		return log_entry_after(&s->lines, at, e) ? LOG_FOUND : LOG_NONE;
	while (at < end) {
		const char *block = whole_records(s, at, end, false, &len);
		struct tally t = {.only_first = true};

		if (!len)
			break;
		tally_block(fs, block, len, at, &t);
		if (t.n && entry_passes(s, fs, t.first, e) && e->at >= from)
			return LOG_FOUND;
		if (t.n) {
			struct log_record r;
			if (!log_record_at(&s->lines, t.first, &r))
				break;
			at = r.next;
		} else {
			at += len;
		}
		*reached = at;
		if (at < end && log_budget_is_over(b))
			return LOG_LATER;
	}
	return LOG_NONE;
}

/* Where matches are many, the next one is near; where they are few, far. */
#define BACK_FIRST ((uint64_t)16 << 10)
#define BACK_MOST  (LOG_WINDOW_SCAN / 2)

enum log_found log_scan_before(struct log_scan *s, const struct log_filters *fs, uint64_t at,
        const struct log_budget *b, struct log_entry *e, uint64_t *reached)
{
	uint64_t begin = s->lines.store->begin, step = BACK_FIRST;
	size_t len;

	if (!fs->n)
		return log_entry_before(&s->lines, at, e) ? LOG_FOUND : LOG_NONE;
	if (at > s->lines.store->end)
		at = s->lines.store->end;
	while (at > begin) {
		uint64_t low = at - begin > step ? log_record_start(&s->lines, at - step) : begin;
		const char *block = whole_records(s, low, at, true, &len);
		struct tally t = {0};

		if (!len)
			break;
		tally_block(fs, block, len, low, &t);
		if (t.n && entry_passes(s, fs, t.last, e))
			return LOG_FOUND;
		at = t.n ? t.last : low;
		*reached = at;
		step = step < BACK_MOST ? step * 2 : step;
		if (at > begin && log_budget_is_over(b))
			return LOG_LATER;
	}
	return LOG_NONE;
}

static uint64_t count_lines(const char *s, size_t len)
{
	const char *end = s + len;
	uint64_t n = 0;

	for (; s < end; n++)
		s = line_end(s, end) + 1;
	return n;
}

uint64_t log_scan_count(struct log_scan *s, const struct log_filters *fs, uint64_t from, uint64_t to,
        const struct log_budget *b)
{
	uint64_t n = 0;
	size_t len;

	while (from < to && !log_budget_is_over(b)) {
		const char *block = whole_records(s, from, to, false, &len);
		struct tally t = {0};

		if (!len)
			break;
		if (fs->n)
			tally_block(fs, block, len, from, &t);
		else
			t.n = count_lines(block, len);
		n += t.n;
		from += len;
	}
	return n;
}
