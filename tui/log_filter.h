/* Which lines of a log are shown: several patterns to keep and to drop, and lines of context around what is
 * kept. Reading through a log for the next line is bounded by a budget, so that the screen's thread never
 * waits. */
#ifndef TARE_TUI_LOG_FILTER_H
#define TARE_TUI_LOG_FILTER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/log_entry.h"

struct err;
struct log_pattern;

#define LOG_FILTERS_MAX 8

struct log_filter {
	struct log_pattern *pattern;
	bool drop;
};
struct log_filters {
	struct log_filter f[LOG_FILTERS_MAX];
	size_t n;
	unsigned context; /* lines shown around a kept one; means nothing without a filter that keeps */
};
/* clang-format off */
#define LOG_FILTERS_INIT {0}
/* clang-format on */

/* Takes the pattern; -1 when there are too many. */
int log_filters_add(struct log_filters *fs, struct log_pattern *p, bool drop, struct err *e);
void log_filters_pop(struct log_filters *fs); /* the last one */
void log_filters_free(struct log_filters *fs);
/* dst (empty) gets patterns of its own; `first` (may be NULL) goes in front as one to keep, without context.
 */
int log_filters_copy(struct log_filters *dst, const struct log_filters *src, const struct log_pattern *first,
        struct err *e);
bool log_filters_keep(const struct log_filters *fs); /* is there one that keeps */
bool log_filters_pass(const struct log_filters *fs, const char *text, size_t len);

/* How long it may take. */
struct log_budget {
	int64_t until;             /* CLOCK_MONOTONIC ns; 0: as long as it needs */
	const atomic_bool *cancel; /* may be NULL */
};

enum log_found { LOG_FOUND, LOG_NONE, LOG_LATER /* the budget is used up; *reached says how far it came */ };

/* What a scan works with: a window for the lines, one for reading through, room for a joined line. */
struct log_scan {
	struct log_window lines, through;
	char *joined; /* LOG_ENTRY_MAX */
};
int log_scan_init(struct log_scan *s, const struct log_store *store, struct err *e);
void log_scan_free(struct log_scan *s);

/* The first entry at or after `at` that passes all filters (context aside). */
enum log_found log_scan_after(struct log_scan *s, const struct log_filters *fs, uint64_t at,
        const struct log_budget *b, struct log_entry *e, uint64_t *reached);
/* The last one that begins before `at`. */
enum log_found log_scan_before(struct log_scan *s, const struct log_filters *fs, uint64_t at,
        const struct log_budget *b, struct log_entry *e, uint64_t *reached);

/* How many records of [from, to) pass; from is a record's start. Stops early when cancelled. */
uint64_t log_scan_count(struct log_scan *s, const struct log_filters *fs, uint64_t from, uint64_t to,
        const struct log_budget *b);

#endif
