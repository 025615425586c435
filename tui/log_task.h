/* What a worker does for a log pane: it has a copy of the logs and the filters, and hands its result over on
 * the loop's thread, unless nobody waits for it any more. */
#ifndef TARE_TUI_LOG_TASK_H
#define TARE_TUI_LOG_TASK_H

#include "tui/log_set.h"
#include "tui/worker.h"

struct err;
struct log_pattern;
struct log_view;

/* The first member of each task. */
struct log_task {
	struct work work;
	struct log_view *lv; /* NULL: given up */
	struct log_set set;
	/* on the worker's thread; on the loop's thread while somebody waits; its own memory besides `set` */
	void (*run)(struct log_task *t);
	void (*finish)(struct log_task *t);
	void (*free)(struct log_task *t);
};

/* Fill in run, finish, free and your own part of `t` (from calloc); it is freed by itself, also on failure.
 */
int log_task_start(struct log_task *t, struct log_view *lv, const struct log_pattern *first, struct err *e);
/* Nobody waits any more; NULL allowed. */
void log_task_give_up(struct log_task *t);
static inline bool log_task_is_cancelled(const struct log_task *t)
{
	return atomic_load_explicit(&t->work.cancel, memory_order_relaxed);
}

#endif
