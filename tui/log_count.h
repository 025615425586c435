/* Counting in logs, by workers: lines that match a pattern, or all lines. What is new first, then from the
 * end to the beginning, in parts, so that a search for the next hit never waits for long. */
#ifndef TARE_TUI_LOG_COUNT_H
#define TARE_TUI_LOG_COUNT_H

#include <stdbool.h>
#include <stdint.h>

struct log_count;
struct log_pattern;
struct log_view;

/* pattern NULL: all lines that pass the filters. Borrowed. NULL without memory. */
struct log_count *log_count_new(struct log_view *lv, const struct log_pattern *pattern);
void log_count_free(struct log_count *c); /* NULL allowed */
void log_count_grew(struct log_count *c);
/* So far; *busy: there is more to count. */
uint64_t log_count_value(const struct log_count *c, bool *busy);

/* "1,234,567" */
void log_count_text(uint64_t n, char *dst, unsigned long size);

#endif
