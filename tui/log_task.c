#include "tui/log_task.h"

#include <stdlib.h>

#include "base/err.h"
#include "tui/log_view.h"

static void task_free(struct log_task *t)
{
	if (t->free)
		t->free(t);
	log_set_clear(&t->set);
	free(t);
}

static void run(struct work *w)
{
	struct log_task *t = (struct log_task *)w;

	if (!log_task_is_cancelled(t))
		t->run(t);
}

static void done(struct work *w)
{
	struct log_task *t = (struct log_task *)w;

	if (t->lv)
		t->finish(t);
	task_free(t);
}

int log_task_start(struct log_task *t, struct log_view *lv, const struct log_pattern *first, struct err *e)
{
	t->lv = lv;
	t->work.work = run;
	t->work.done = done;
	if (log_set_copy(&t->set, &lv->set, first, e) < 0 ||
	        workers_add(app_workers(lv->view.app), &t->work, e) < 0) {
		task_free(t);
		return -1;
	}
	return 0;
}

void log_task_give_up(struct log_task *t)
{
	if (!t)
		return;
	t->lv = NULL;
	atomic_store(&t->work.cancel, true);
}
