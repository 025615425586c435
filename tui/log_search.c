#include "tui/log_search.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "tui/log_count.h"
#include "tui/log_pattern.h"
#include "tui/log_task.h"
#include "tui/log_view.h"

/* ------------------------------------------------------------------ the next hit */

struct log_find {
	struct log_task task;
	struct log_pos from;
	bool back;
	struct log_item hit;
	enum log_found found;
	bool wrapped;
};

static enum log_found step(struct log_find *f, struct log_pos *pos, const struct log_budget *b)
{
	return f->back ? log_set_previous(&f->task.set, pos, b, &f->hit)
	               : log_set_next(&f->task.set, pos, b, &f->hit);
}

static void find_run(struct log_task *t)
{
	struct log_find *f = (struct log_find *)t;
	struct log_budget b = {.cancel = &t->work.cancel};
	struct log_pos pos = f->from;

	f->found = step(f, &pos, &b);
	if (f->found != LOG_NONE)
		return;
	f->wrapped = true;
	if (f->back)
		log_set_end(&t->set, &pos);
	else
		log_set_begin(&t->set, &pos);
	f->found = step(f, &pos, &b);
}

static void find_finish(struct log_task *t)
{
	struct log_find *f = (struct log_find *)t;
	struct log_view *lv = t->lv;

	lv->find = NULL;
	if (f->found == LOG_FOUND) {
		struct log_place to = {f->hit.source, f->hit.entry.at, f->hit.entry.time};
		log_view_go(lv, &to);
		if (f->wrapped)
			snprintf(lv->note, sizeof(lv->note),
			        f->back ? "from the end again" : "from the beginning again");
	} else if (f->found == LOG_NONE) {
		snprintf(lv->note, sizeof(lv->note), "no match");
	}
	app_redraw(lv->view.app);
}

static void find_start(struct log_view *lv, const struct log_pos *from, bool back)
{
	struct log_find *f = calloc(1, sizeof(*f));
	struct err e = ERR_INIT;

	log_task_give_up(lv->find ? &lv->find->task : NULL);
	lv->find = NULL;
	if (!f)
		return;
	f->task.run = find_run;
	f->task.finish = find_finish;
	f->from = *from;
	f->back = back;
	if (log_task_start(&f->task, lv, lv->search, &e) < 0) {
		app_toast(lv->view.app, TOAST_ERROR, "cannot search: %s", e.msg);
		return;
	}
	lv->find = f;
}

void log_search_next(struct log_view *lv, bool back)
{
	struct log_pos from = back ? lv->page.bottom : lv->page.top;
	struct log_entry e;

	if (!lv->search || !lv->set.n)
		return;
	if (lv->has_cursor && lv->cursor.source < lv->set.n) {
		log_set_at_item(&lv->set, lv->cursor.source, lv->cursor.at, lv->cursor.time, &from);
		if (!back &&
		        log_entry_after(&lv->set.sources[lv->cursor.source]->scan.lines, lv->cursor.at, &e))
			from.at[lv->cursor.source] = e.next;
	}
	find_start(lv, &from, back);
}

/* ------------------------------------------------------------------ from outside */

void log_search_set(struct log_view *lv, struct log_pattern *p)
{
	struct log_pos from;

	log_search_stop(lv);
	log_pattern_free(lv->search);
	lv->search = p;
	lv->note[0] = '\0';
	if (!p || !lv->set.n)
		return;
	/* At the end of a log the last hit is the nearest, elsewhere the next below what is on top. */
	if (lv->page.follow && !lv->has_cursor) {
		log_set_end(&lv->set, &from);
		find_start(lv, &from, true);
	} else {
		from = lv->page.top;
		if (lv->has_cursor && lv->cursor.source < lv->set.n)
			log_set_at_item(&lv->set, lv->cursor.source, lv->cursor.at, lv->cursor.time, &from);
		find_start(lv, &from, false);
	}
	lv->count = log_count_new(lv, p);
}

void log_search_restart(struct log_view *lv)
{
	log_search_stop(lv);
	if (lv->search && lv->set.n)
		lv->count = log_count_new(lv, lv->search);
}

void log_search_stop(struct log_view *lv)
{
	log_task_give_up(lv->find ? &lv->find->task : NULL);
	lv->find = NULL;
	log_count_free(lv->count);
	lv->count = NULL;
	log_probe_stop(lv);
}

void log_search_status(struct log_view *lv, char *dst, size_t size)
{
	char n[32];
	bool busy;

	if (!lv->search)
		return;
	if (!lv->count) {
		snprintf(dst, size, "/%.30s  ", log_pattern_text(lv->search));
		return;
	}
	uint64_t hits = log_count_value(lv->count, &busy);
	log_count_text(hits, n, sizeof(n));
	snprintf(dst, size, "/%.30s %s %s  ", log_pattern_text(lv->search), n,
	        busy || lv->find ? "…"
	        : hits == 1      ? "hit"
	                         : "hits");
}
