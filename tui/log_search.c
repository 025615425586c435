#include "tui/log_search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
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

/* ------------------------------------------------------------------ how many hits */

#define CHUNK      ((uint64_t)32 << 20)
#define AT_ONCE    2
#define NEWS_LEAST ((uint64_t)256 << 10) /* of a log that grows, so much at a time */

struct count_task {
	struct log_task task;
	unsigned source;
	uint64_t from, to, n;
};
struct log_count {
	uint64_t n, bytes; /* hits, bytes looked at */
	struct {
		uint64_t low, high; /* [low, high) is counted, or being counted */
	} done[LOG_SOURCES_MAX];
	struct count_task *running[AT_ONCE];
};

static void count_run(struct log_task *t)
{
	struct count_task *c = (struct count_task *)t;
	struct log_budget b = {.cancel = &t->work.cancel};

	c->n = log_scan_count(&t->set.sources[c->source]->scan, &t->set.filters, c->from, c->to, &b);
}

static void count_more(struct log_view *lv);

static void count_finish(struct log_task *t)
{
	struct count_task *c = (struct count_task *)t;
	struct log_view *lv = t->lv;

	lv->count->n += c->n;
	lv->count->bytes += c->to - c->from;
	for (int i = 0; i < AT_ONCE; i++)
		if (lv->count->running[i] == c)
			lv->count->running[i] = NULL;
	count_more(lv);
	app_redraw(lv->view.app);
}

/* The next part that nobody has counted yet: what is new first, then from the end to the beginning. */
static bool next_part(struct log_view *lv, unsigned *source, uint64_t *from, uint64_t *to)
{
	for (unsigned i = 0; i < lv->set.n; i++) {
		struct log_source *s = lv->set.sources[i];
		uint64_t *low = &lv->count->done[i].low, *high = &lv->count->done[i].high;

		*source = i;
		uint64_t end = s->store.end - *high > CHUNK ? *high + CHUNK : s->store.end;
		if (end > *high + NEWS_LEAST && (end = log_record_start(&s->scan.lines, end - 1)) > *high) {
			*from = *high;
			*high = *to = end;
			return true;
		}
		if (*low > s->store.begin) {
			*to = *low;
			*from = *low - s->store.begin > CHUNK ? log_record_start(&s->scan.lines, *low - CHUNK)
			                                      : s->store.begin;
			*low = *from;
			return true;
		}
	}
	return false;
}

static bool count_start(struct log_view *lv, int slot)
{
	struct count_task *c;
	unsigned source;
	uint64_t from, to;

	if (!next_part(lv, &source, &from, &to) || !(c = calloc(1, sizeof(*c))))
		return false;
	c->task.run = count_run;
	c->task.finish = count_finish;
	c->source = source;
	c->from = from;
	c->to = to;
	if (log_task_start(&c->task, lv, lv->search, NULL) < 0)
		return false;
	lv->count->running[slot] = c;
	return true;
}

static void count_more(struct log_view *lv)
{
	for (int i = 0; i < AT_ONCE; i++)
		if (!lv->count->running[i] && !count_start(lv, i))
			return;
}

static void count_stop(struct log_view *lv)
{
	for (int i = 0; lv->count && i < AT_ONCE; i++)
		log_task_give_up(lv->count->running[i] ? &lv->count->running[i]->task : NULL);
	free(lv->count);
	lv->count = NULL;
}

static void count_begin(struct log_view *lv)
{
	count_stop(lv);
	if (!lv->search || !lv->set.n)
		return;
	lv->count = calloc(1, sizeof(*lv->count));
	if (!lv->count)
		return;
	for (size_t i = 0; i < lv->set.n; i++)
		lv->count->done[i].low = lv->count->done[i].high = lv->set.sources[i]->store.end;
	count_more(lv);
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
	count_begin(lv);
}

void log_search_grew(struct log_view *lv)
{
	if (lv->count)
		count_more(lv);
}

void log_search_restart(struct log_view *lv)
{
	log_search_stop(lv);
	count_begin(lv);
}

void log_search_stop(struct log_view *lv)
{
	log_task_give_up(lv->find ? &lv->find->task : NULL);
	lv->find = NULL;
	count_stop(lv);
	log_probe_stop(lv);
}

/* "1,234,567" */
static void grouped(uint64_t n, char *dst, size_t size)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	size_t k = 0;

	for (int i = 0; i < len && k + 2 < size; i++) {
		if (i && (len - i) % 3 == 0)
			dst[k++] = ',';
		dst[k++] = digits[i];
	}
	dst[k] = '\0';
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
	grouped(lv->count->n, n, sizeof(n));
	busy = lv->find || lv->count->running[0] || lv->count->running[1];
	snprintf(dst, size, "/%.30s %s%s  ", log_pattern_text(lv->search), n,
	        busy                ? " …"
	        : lv->count->n == 1 ? " hit"
	                            : " hits");
}
