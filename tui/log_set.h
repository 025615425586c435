/* The logs of one or several containers as one, in time order. Nothing is merged beforehand: a position is
 * one place per log, and the next (or the last) line is the earliest (or latest) of all logs there. */
#ifndef TARE_TUI_LOG_SET_H
#define TARE_TUI_LOG_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/log_source.h"

#define LOG_SOURCES_MAX 32

/* What lies before at[i] of each source is above, the rest below. */
struct log_pos {
	uint64_t at[LOG_SOURCES_MAX];
};
struct log_item {
	unsigned source;
	bool match; /* false: context of a line that passes the filters */
	struct log_entry entry;
};
struct log_set {
	struct log_source *sources[LOG_SOURCES_MAX];
	size_t n;
	struct log_filters filters;
};

int log_set_add(struct log_set *set, struct log_source *s, struct err *e); /* takes it */
/* dst (empty) for a worker; `first` as in log_filters_copy(). */
int log_set_copy(
        struct log_set *dst, const struct log_set *src, const struct log_pattern *first, struct err *e);
void log_set_clear(struct log_set *set); /* closes all; filters go, too */
bool log_set_grow(struct log_set *set);
void log_set_forget(struct log_set *set);
uint64_t log_set_bytes(const struct log_set *set);

void log_set_begin(const struct log_set *set, struct log_pos *pos);
void log_set_end(const struct log_set *set, struct log_pos *pos);
/* Rotation may have taken away what a position points at. */
void log_set_clamp(const struct log_set *set, struct log_pos *pos);
void log_set_at_time(struct log_set *set, int64_t time, struct log_pos *pos);
/* The position right before a line. */
void log_set_at_item(struct log_set *set, unsigned source, uint64_t at, int64_t time, struct log_pos *pos);

/* The line after the position, which moves past it; the line before, likewise. LATER: `it->source` is the log
 * that has to be read further. */
enum log_found log_set_next(
        struct log_set *set, struct log_pos *pos, const struct log_budget *b, struct log_item *it);
enum log_found log_set_previous(
        struct log_set *set, struct log_pos *pos, const struct log_budget *b, struct log_item *it);
const char *log_set_text(struct log_set *set, const struct log_item *it, size_t *len);

#endif
