/* The next line that passes the filters, when it is too far away for a frame: a worker reads on, and what it
 * has read in vain becomes a desert of the source, which the page then crosses at once. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/err.h"
#include "tui/log_search.h"
#include "tui/log_task.h"
#include "tui/log_view.h"

#define REPORT_NS 150000000 /* how often it says how far it is */

struct log_probe {
	struct log_task task;
	unsigned source;
	bool back;
	uint64_t from;
	_Atomic uint64_t reached; /* nothing between from and here */
	struct workers *workers;
};

static bool is_found(struct log_probe *p, uint64_t at, uint64_t *reached)
{
	struct log_source *s = p->task.set.sources[p->source];
	struct log_budget b = {.until = now_monotonic() + REPORT_NS, .cancel = &p->task.work.cancel};
	struct log_entry e;
	enum log_found f = p->back ? log_scan_before(&s->scan, &p->task.set.filters, at, &b, &e, reached)
	                           : log_scan_after(&s->scan, &p->task.set.filters, at, &b, &e, reached);

	if (f == LOG_FOUND)
		*reached = p->back ? e.next : e.at;
	else if (f == LOG_NONE)
		*reached = p->back ? s->store.begin : s->store.end;
	return f != LOG_LATER;
}

static void probe_run(struct log_task *t)
{
	struct log_probe *p = (struct log_probe *)t;
	uint64_t at = p->from;

	while (!log_task_is_cancelled(t)) {
		bool found = is_found(p, at, &at);

		atomic_store(&p->reached, at);
		if (found)
			return;
		work_notify(p->workers, &t->work);
	}
}

static void take(struct log_probe *p)
{
	uint64_t reached = atomic_load(&p->reached);
	struct log_source *s = p->task.lv->set.sources[p->source];

	if (p->back)
		log_source_add_desert(s, reached, p->from);
	else
		log_source_add_desert(s, p->from, reached);
	app_redraw(p->task.lv->view.app);
}

static void probe_news(struct work *w)
{
	struct log_probe *p = (struct log_probe *)w;

	if (p->task.lv)
		take(p);
}

static void probe_finish(struct log_task *t)
{
	struct log_probe *p = (struct log_probe *)t;

	t->lv->probe = NULL;
	take(p);
}

void log_probe_start(struct log_view *lv)
{
	struct log_probe *p;

	if (!lv->page.later || lv->probe)
		return;
	p = calloc(1, sizeof(*p));
	if (!p)
		return;
	p->task.run = probe_run;
	p->task.finish = probe_finish;
	p->task.work.news = probe_news;
	p->source = lv->page.later_source;
	p->back = lv->page.later_back;
	p->from = lv->page.later_at;
	p->workers = app_workers(lv->view.app);
	atomic_init(&p->reached, p->from);
	if (log_task_start(&p->task, lv, NULL, NULL) < 0)
		return;
	lv->probe = p;
}

void log_probe_stop(struct log_view *lv)
{
	log_task_give_up(lv->probe ? &lv->probe->task : NULL);
	lv->probe = NULL;
}
