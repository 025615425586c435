#include "tui/log_set.h"

#include "base/err.h"

int log_set_add(struct log_set *set, struct log_source *s, struct err *e)
{
	if (set->n == LOG_SOURCES_MAX) {
		log_source_close(s);
		return err_set(e, ERR_USAGE, "at most %d logs at once", LOG_SOURCES_MAX);
	}
	set->sources[set->n++] = s;
	return 0;
}

int log_set_copy(
        struct log_set *dst, const struct log_set *src, const struct log_pattern *first, struct err *e)
{
	*dst = (struct log_set){0};
	for (size_t i = 0; i < src->n; i++) {
		dst->sources[i] = log_source_copy(src->sources[i], e);
		if (!dst->sources[i])
			break;
		dst->n++;
	}
	if (dst->n == src->n && log_filters_copy(&dst->filters, &src->filters, first, e) == 0)
		return 0;
	log_set_clear(dst);
	return -1;
}

void log_set_clear(struct log_set *set)
{
	while (set->n)
		log_source_close(set->sources[--set->n]);
	log_filters_free(&set->filters);
}

bool log_set_grow(struct log_set *set)
{
	bool more = false;

	for (size_t i = 0; i < set->n; i++)
		more |= log_source_grow(set->sources[i]);
	return more;
}

void log_set_forget(struct log_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		log_source_forget(set->sources[i]);
}

uint64_t log_set_bytes(const struct log_set *set)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < set->n; i++)
		sum += set->sources[i]->store.end - set->sources[i]->store.begin;
	return sum;
}

/* ------------------------------------------------------------------ positions */

void log_set_begin(const struct log_set *set, struct log_pos *pos)
{
	for (size_t i = 0; i < set->n; i++)
		pos->at[i] = set->sources[i]->store.begin;
}

void log_set_end(const struct log_set *set, struct log_pos *pos)
{
	for (size_t i = 0; i < set->n; i++)
		pos->at[i] = set->sources[i]->store.end;
}

void log_set_clamp(const struct log_set *set, struct log_pos *pos)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct log_store *s = &set->sources[i]->store;

		if (pos->at[i] < s->begin)
			pos->at[i] = s->begin;
		if (pos->at[i] > s->end)
			pos->at[i] = s->end;
	}
}

void log_set_at_time(struct log_set *set, int64_t time, struct log_pos *pos)
{
	for (size_t i = 0; i < set->n; i++)
		pos->at[i] = log_entry_at_time(&set->sources[i]->scan.lines, time);
}

void log_set_at_item(struct log_set *set, unsigned source, uint64_t at, int64_t time, struct log_pos *pos)
{
	/* Of lines of the same time, those of lower sources come first. */
	for (size_t i = 0; i < set->n; i++)
		pos->at[i] = i == source ? at
		                         : log_entry_at_time(&set->sources[i]->scan.lines,
		                                   i < source ? time + 1 : time);
}

/* ------------------------------------------------------------------ from line to line */

enum log_found log_set_next(
        struct log_set *set, struct log_pos *pos, const struct log_budget *b, struct log_item *it)
{
	enum log_found result = LOG_NONE;
	struct log_item other;

	for (unsigned i = 0; i < set->n; i++) {
		enum log_found f = log_source_after(
		        set->sources[i], &set->filters, pos->at[i], b, &other.entry, &other.match);
		other.source = i;
		if (f == LOG_LATER) {
			*it = other;
			return f;
		}
		if (f == LOG_NONE || (result == LOG_FOUND && other.entry.time >= it->entry.time))
			continue;
		*it = other;
		result = f;
	}
	if (result == LOG_FOUND)
		pos->at[it->source] = it->entry.next;
	return result;
}

enum log_found log_set_previous(
        struct log_set *set, struct log_pos *pos, const struct log_budget *b, struct log_item *it)
{
	enum log_found result = LOG_NONE;
	struct log_item other;

	for (unsigned i = 0; i < set->n; i++) {
		enum log_found f = log_source_before(
		        set->sources[i], &set->filters, pos->at[i], b, &other.entry, &other.match);
		other.source = i;
		if (f == LOG_LATER) {
			*it = other;
			return f;
		}
		if (f == LOG_NONE || (result == LOG_FOUND && other.entry.time < it->entry.time))
			continue;
		*it = other;
		result = f;
	}
	if (result == LOG_FOUND)
		pos->at[it->source] = it->entry.at;
	return result;
}

const char *log_set_text(struct log_set *set, const struct log_item *it, size_t *len)
{
	struct log_scan *s = &set->sources[it->source]->scan;

	return log_entry_text(&s->lines, &it->entry, s->joined, len);
}
