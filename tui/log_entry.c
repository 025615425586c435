#include "tui/log_entry.h"

#include <string.h>

#include "tui/log_record.h"

#define LOOK_BACK 64 /* records between two pieces of a line, of the other stream */

/* ------------------------------------------------------------------ records */

static const char *last_newline(const char *s, size_t len)
{
#ifdef _GNU_SOURCE
	return len ? memrchr(s, '\n', len) : NULL;
#else
	while (len)
		if (s[--len] == '\n')
			return s + len;
	return NULL;
#endif
}

/* Where a record without a near newline is cut: at round addresses, the same from both sides. */
static uint64_t cut_after(uint64_t at)
{
	return (at / LOG_RECORD_MAX + 1) * LOG_RECORD_MAX;
}

bool log_record_at(struct log_window *w, uint64_t at, struct log_record *r)
{
	size_t have, len;

	if (at < w->store->begin)
		at = w->store->begin;
	if (at >= w->store->end)
		return false;
	const char *s = log_window_after(w, at, LOG_RECORD_MAX, &have);
	if (!have)
		return false;
	const char *nl = memchr(s, '\n', have < LOG_RECORD_MAX ? have : LOG_RECORD_MAX);
	if (nl)
		len = (size_t)(nl - s);
	else if (have < LOG_RECORD_MAX)
		len = have;
	else
		len = (size_t)(cut_after(at) - at);

	struct log_head h = log_head_parse(s, len);
	*r = (struct log_record){
	        .at = at,
	        .next = at + len + (nl != NULL),
	        .time = h.time,
	        .text = s + h.text,
	        .len = len - h.text,
	        .err = h.err,
	        .partial = h.partial,
	};
	return true;
}

/* Where the record begins whose last byte is at `at` - 1. */
static uint64_t start_before(struct log_window *w, uint64_t at)
{
	size_t have;
	const char *s = log_window_before(w, at, LOG_RECORD_MAX + 1, &have);

	if (have < 2)
		return at - have;
	size_t look = have - 1 < LOG_RECORD_MAX ? have - 1 : LOG_RECORD_MAX;
	const char *nl = last_newline(s + have - 1 - look, look);
	if (nl)
		return at - have + (uint64_t)(nl - s) + 1;
	uint64_t first = at - have;
	uint64_t cut = (at - 1) / LOG_RECORD_MAX * LOG_RECORD_MAX;
	return cut > first ? cut : first;
}

/* The record that ends at `at`; false at the beginning. */
static bool log_record_before(struct log_window *w, uint64_t at, struct log_record *r)
{
	if (at > w->store->end)
		at = w->store->end;
	if (at <= w->store->begin)
		return false;
	return log_record_at(w, start_before(w, at), r);
}

uint64_t log_record_start(struct log_window *w, uint64_t at)
{
	if (at <= w->store->begin)
		return w->store->begin;
	return at >= w->store->end ? w->store->end : start_before(w, at + 1);
}

/* ------------------------------------------------------------------ entries */

/* The record before `r` of the same stream; false: none near. */
static bool same_stream_before(struct log_window *w, const struct log_record *r, struct log_record *before)
{
	uint64_t at = r->at;

	for (int i = 0; i < LOOK_BACK && log_record_before(w, at, before); i++) {
		if (before->at >= at)
			return false;
		if (before->err == r->err)
			return true;
		at = before->at;
	}
	return false;
}

/* Is there at least a slice of the same line before this record (which goes on with it)? */
static bool is_long_before(struct log_window *w, const struct log_record *r)
{
	struct log_record before, of = *r;
	size_t sum = 0;

	while (sum < LOG_SLICE && same_stream_before(w, &of, &before) && before.partial) {
		sum += before.len + 1;
		of = before;
	}
	return sum >= LOG_SLICE;
}

enum beginning { GOES_ON, BEGINS, BEGINS_SLICE };

static enum beginning beginning_of(struct log_window *w, const struct log_record *r)
{
	struct log_record before;

	if (!same_stream_before(w, r, &before) || !before.partial)
		return BEGINS;
	if (r->at / LOG_SLICE != before.at / LOG_SLICE && is_long_before(w, r))
		return BEGINS_SLICE;
	return GOES_ON;
}

/* The next piece of r's line after `from`; false: not there, or in another slice. */
static bool next_piece(struct log_window *w, const struct log_record *r, struct log_record *piece, bool *cut)
{
	uint64_t at = r->next;

	*cut = false;
	for (int i = 0; i < LOOK_BACK && log_record_at(w, at, piece); i++) {
		if (piece->err == r->err) {
			*cut = beginning_of(w, piece) == BEGINS_SLICE;
			/* beginning_of() may have moved the window */
			return !*cut && log_record_at(w, at, piece);
		}
		at = piece->next;
	}
	return false;
}

/* Skip records that go on with something. */
static uint64_t skip_pieces(struct log_window *w, uint64_t at)
{
	struct log_record r;

	while (log_record_at(w, at, &r) && beginning_of(w, &r) == GOES_ON)
		at = r.next;
	return at;
}

static void entry_from(
        struct log_window *w, const struct log_record *r, enum beginning b, struct log_entry *e)
{
	struct log_record piece;

	*e = (struct log_entry){
	        .at = r->at,
	        .next = r->next,
	        .time = r->time,
	        .err = r->err,
	        .slice = b == BEGINS_SLICE,
	};
	if (!r->partial)
		return;
	e->joined = next_piece(w, r, &piece, &e->cut);
	for (struct log_record last = piece; e->joined && last.partial; last = piece)
		if (!next_piece(w, &last, &piece, &e->cut))
			break;
	e->next = skip_pieces(w, r->next);
}

bool log_entry_after(struct log_window *w, uint64_t at, struct log_entry *e)
{
	struct log_record r;

	while (log_record_at(w, at, &r)) {
		enum beginning b = beginning_of(w, &r);
		if (b != GOES_ON) {
			entry_from(w, &r, b, e);
			/* pieces of a line that began before stand between this and the next one */
			if (!r.partial && e->next < w->store->end)
				e->next = skip_pieces(w, e->next);
			return true;
		}
		at = r.next;
	}
	return false;
}

bool log_entry_before(struct log_window *w, uint64_t at, struct log_entry *e)
{
	struct log_record r;

	while (log_record_before(w, at, &r)) {
		enum beginning b = beginning_of(w, &r);
		if (b != GOES_ON)
			return log_entry_after(w, r.at, e);
		if (r.at >= at)
			return false;
		at = r.at;
	}
	return false;
}

bool log_entry_of(struct log_window *w, uint64_t at, struct log_entry *e)
{
	struct log_record r;

	while (log_record_at(w, at, &r) && beginning_of(w, &r) == GOES_ON) {
		struct log_record before;

		if (!same_stream_before(w, &r, &before) || before.at >= at)
			break;
		at = before.at;
	}
	return log_entry_after(w, at, e);
}

const char *log_entry_text(struct log_window *w, const struct log_entry *e, char *dst, size_t *len)
{
	struct log_record r, piece;
	bool cut;

	*len = 0;
	if (!log_record_at(w, e->at, &r))
		return "";
	if (!e->joined) {
		*len = r.len;
		return r.text;
	}
	for (;;) {
		size_t n = r.len < LOG_ENTRY_MAX - *len ? r.len : LOG_ENTRY_MAX - *len;

		memcpy(dst + *len, r.text, n);
		*len += n;
		if (!r.partial || !next_piece(w, &r, &piece, &cut))
			return dst;
		r = piece;
	}
}

/* ------------------------------------------------------------------ time */

uint64_t log_entry_at_time(struct log_window *w, int64_t time)
{
	uint64_t low = w->store->begin, high = w->store->end;
	struct log_record r = {0};
	bool found = false;

	/* [begin, low) is earlier; what begins at high is not */
	while (low < high) {
		uint64_t mid = log_record_start(w, low + (high - low) / 2), at = mid;

		/* a record without a time says nothing: ask the next that has one */
		while (at < high && (found = log_record_at(w, at, &r)) && !r.time)
			at = r.next;
		if (at >= high || !found || r.time >= time)
			high = mid;
		else
			low = r.next;
	}
	return low;
}
