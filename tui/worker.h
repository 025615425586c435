/* At most two threads for what takes long (searching logs, adding up sizes). They own no state of the
 * dashboard: a task gets its own struct, and `done` is called on the loop's thread when `work` has returned.
 */
#ifndef TARE_TUI_WORKER_H
#define TARE_TUI_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>

struct err;
struct loop;
struct workers;

struct work {
	void (*work)(struct work *w); /* on a worker's thread; looks at `cancel` now and then */
	void (*done)(struct work *w); /* on the loop's thread, also when cancelled; may free w */
	/* Optional: called on the loop's thread some time after work_notify(). */
	void (*news)(struct work *w);
	atomic_bool cancel, has_news; /* has_news is private */
	struct work *next;            /* private */
};

struct workers *workers_new(struct loop *l, struct err *e); /* threads start with the first task */
void workers_free(struct workers *ws);                      /* cancels and waits */
int workers_add(struct workers *ws, struct work *w, struct err *e);
void work_notify(struct workers *ws, struct work *w); /* from the worker's thread */

#endif
