/* Searching a log pane's logs: the next hit, the number of hits, and the next line that passes the filters
 * when it is far away. All by workers; the pane goes on living. */
#ifndef TARE_TUI_LOG_SEARCH_H
#define TARE_TUI_LOG_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

struct log_pattern;
struct log_view;

/* Search for it from now on (takes it; NULL: no more), and go to the nearest hit. */
void log_search_set(struct log_view *lv, struct log_pattern *p);
/* To the next hit, or the one before. Goes on at the other end. */
void log_search_next(struct log_view *lv, bool back);
/* Filters or logs have changed: what workers found out means nothing any more. */
void log_search_restart(struct log_view *lv);
/* Give up all that goes on. */
void log_search_stop(struct log_view *lv);
/* "/error 1,234 hits  " */
void log_search_status(struct log_view *lv, char *dst, size_t size);

/* After a page was filled: if it lacks lines that are far away, look for them. */
void log_probe_start(struct log_view *lv);
void log_probe_stop(struct log_view *lv);

#endif
