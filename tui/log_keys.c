/* What the keys of the log pane do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/units.h"
#include "tui/dialog.h"
#include "tui/log_detail.h"
#include "tui/log_pattern.h"
#include "tui/log_save.h"
#include "tui/log_search.h"
#include "tui/log_view.h"

#define SIDE_STEP 8
#define LEFT_MOST (1 << 18)

/* ------------------------------------------------------------------ moving */

static void refill(struct log_view *lv)
{
	struct log_budget b = log_view_budget();

	log_page_fill(&lv->page, &b);
}

static void cursor_to(struct log_view *lv, int i)
{
	const struct log_item *it;

	if (!lv->page.n)
		return;
	if (i < 0)
		i = 0;
	if (i >= (int)lv->page.n)
		i = (int)lv->page.n - 1;
	it = &lv->page.v[i].item;
	lv->has_cursor = true;
	lv->cursor = (struct log_place){it->source, it->entry.at, it->entry.time};
}

/* The cursor one line on; the page follows it. */
static void move_cursor(struct log_view *lv, int delta)
{
	struct log_budget b = log_view_budget();
	int i = log_view_line(lv);

	if (i < 0)
		return;
	lv->page.follow = false;
	if (!lv->has_cursor || log_page_find(&lv->page, lv->cursor.source, lv->cursor.at) < 0) {
		cursor_to(lv, delta < 0 ? (int)lv->page.n - 1 : 0);
		return;
	}
	i += delta;
	bool above = i < 0 || lv->page.v[i].row < 0;
	bool below = !above && (i >= (int)lv->page.n || lv->page.v[i].row + lv->page.v[i].h > lv->height);
	if (above || below) {
		int rows =
		        below && i < (int)lv->page.n ? lv->page.v[i].row + lv->page.v[i].h - lv->height : 1;
		struct log_place old = lv->cursor;

		log_page_scroll(&lv->page, above ? -1 : rows, &b);
		refill(lv);
		i = log_page_find(&lv->page, old.source, old.at);
		i = i < 0 ? (above ? 0 : (int)lv->page.n - 1) : i + delta;
	}
	cursor_to(lv, i);
}

static void scroll(struct log_view *lv, int rows)
{
	struct log_budget b = log_view_budget();
	int i = log_view_line(lv), row = i >= 0 ? lv->page.v[i].row : 0;

	/* further than the end is: follow it, as the key for the end does */
	if (rows > 0 && (lv->page.follow || lv->page.at_end)) {
		lv->page.follow = true;
		lv->has_cursor = false;
		return;
	}
	log_page_scroll(&lv->page, rows, &b);
	refill(lv);
	if (!lv->has_cursor)
		return;
	i = log_page_row(&lv->page, row > 0 ? row : 0);
	cursor_to(lv, i >= 0 ? i : (int)lv->page.n - 1);
}

static void sideways(struct log_view *lv, int columns)
{
	if (lv->wrap) {
		snprintf(lv->note, sizeof(lv->note), "lines are wrapped; w ends that");
		return;
	}
	lv->left += columns;
	if (lv->left < 0)
		lv->left = 0;
	if (lv->left > LEFT_MOST)
		lv->left = LEFT_MOST;
}

static bool move(struct log_view *lv, enum action a)
{
	switch (a) {
	case ACTION_SCROLL_DOWN:
		move_cursor(lv, 1);
		return true;
	case ACTION_SCROLL_UP:
		move_cursor(lv, -1);
		return true;
	case ACTION_SCROLL_LEFT:
		sideways(lv, -SIDE_STEP);
		return true;
	case ACTION_SCROLL_RIGHT:
		sideways(lv, SIDE_STEP);
		return true;
	case ACTION_SCROLL_TOP:
		log_page_to_begin(&lv->page);
		refill(lv);
		cursor_to(lv, 0);
		return true;
	case ACTION_SCROLL_BOTTOM:
		lv->page.follow = true;
		lv->has_cursor = false;
		return true;
	case ACTION_SCROLL_HALF_DOWN:
		scroll(lv, lv->height / 2 + 1);
		return true;
	case ACTION_SCROLL_HALF_UP:
		scroll(lv, -(lv->height / 2 + 1));
		return true;
	case ACTION_SCROLL_PAGE_DOWN:
		scroll(lv, lv->height > 1 ? lv->height - 1 : 1);
		return true;
	case ACTION_SCROLL_PAGE_UP:
		scroll(lv, lv->height > 1 ? 1 - lv->height : -1);
		return true;
	default:
		return false;
	}
}

/* ------------------------------------------------------------------ patterns */

static bool check_pattern(struct app *a, const char *text, char *error, size_t size, void *arg)
{
	struct err e = ERR_INIT;
	struct log_pattern *p;

	(void)a;
	(void)arg;
	if (!*text)
		return true;
	p = log_pattern_new(text, &e);
	if (!p)
		snprintf(error, size, "%s", e.msg);
	log_pattern_free(p);
	return p != NULL;
}

static void ask(struct log_view *lv, const char *label, const char *history,
        void (*ok)(struct app *a, const char *text, void *arg),
        bool (*check)(struct app *a, const char *text, char *error, size_t size, void *arg))
{
	struct prompt_options o = {
	        .label = label,
	        .text = "",
	        .history = history,
	        .check = check,
	        .ok = ok,
	        .arg = lv,
	        .at_bottom = true,
	};
	struct view *d = prompt_new(lv->view.app, &o);

	if (d)
		app_push(lv->view.app, d);
}

static void search_for(struct app *a, const char *text, void *arg)
{
	if (text && *text)
		log_search_set(arg, log_pattern_new(text, NULL));
	app_redraw(a);
}

static void filter_by(struct log_view *lv, const char *text, bool drop)
{
	struct err e = ERR_INIT;
	struct log_pattern *p = text && *text ? log_pattern_new(text, &e) : NULL;

	if (!text || !*text)
		return;
	if (!p || log_filters_add(&lv->set.filters, p, drop, &e) < 0) {
		app_toast(lv->view.app, TOAST_WARN, "%s", e.msg);
		return;
	}
	log_view_refilter(lv);
}

static void keep(struct app *a, const char *text, void *arg)
{
	(void)a;
	filter_by(arg, text, false);
}

static void drop(struct app *a, const char *text, void *arg)
{
	(void)a;
	filter_by(arg, text, true);
}

static void next_context(struct log_view *lv)
{
	unsigned *c = &lv->set.filters.context;

	*c = *c == 0 ? 3 : *c == 3 ? 10 : 0;
	snprintf(lv->note, sizeof(lv->note), "%u lines of context%s", *c,
	        log_filters_keep(&lv->set.filters) ? "" : ", once & keeps lines");
	log_view_refilter(lv);
}

/* ------------------------------------------------------------------ times, marks */

static bool check_time(struct app *a, const char *text, char *error, size_t size, void *arg)
{
	struct err e = ERR_INIT;
	int64_t ns;

	(void)arg;
	if (!*text || time_parse(text, app_now(a), &ns, &e) == 0)
		return true;
	snprintf(error, size, "%s", e.msg);
	return false;
}

static void jump(struct app *a, const char *text, void *arg)
{
	struct log_view *lv = arg;
	struct log_budget b = log_view_budget();
	struct log_pos pos;
	int64_t ns;

	if (!text || !*text || time_parse(text, app_now(a), &ns, NULL) < 0)
		return;
	log_set_at_time(&lv->set, ns, &pos);
	log_page_show(&lv->page, &pos, 0, &b);
	refill(lv);
	cursor_to(lv, 0);
	/* a page that ends the log begins before that time */
	for (size_t i = 0; i < lv->page.n; i++) {
		if (lv->page.v[i].item.entry.time >= ns) {
			cursor_to(lv, (int)i);
			break;
		}
	}
	app_redraw(a);
}

static void next_times(struct log_view *lv)
{
	static const char *const names[] = {"no times", "times", "times ago", "time since the line before"};

	lv->times = (lv->times + 1) % LOG_TIMES_N;
	snprintf(lv->note, sizeof(lv->note), "%s", names[lv->times]);
	log_view_remember(lv);
	if (lv->times == LOG_TIMES_RELATIVE)
		loop_arm(app_loop(lv->view.app), &lv->clock, loop_now(app_loop(lv->view.app)));
}

static void toggle_mark(struct log_view *lv)
{
	int i = log_view_line(lv);

	if (i < 0)
		return;
	const struct log_item *it = &lv->page.v[i].item;
	struct log_place here = {it->source, it->entry.at, it->entry.time};
	for (size_t k = 0; k < lv->n_marks; k++) {
		if (lv->marks[k].source == here.source && lv->marks[k].at == here.at) {
			lv->marks[k] = lv->marks[--lv->n_marks];
			return;
		}
	}
	if (lv->n_marks < LOG_MARKS_MAX)
		lv->marks[lv->n_marks++] = here;
}

static bool is_after(const struct log_place *a, const struct log_place *b)
{
	return a->time > b->time ||
	       (a->time == b->time && (a->source > b->source || (a->source == b->source && a->at > b->at)));
}

/* The next mark below the cursor; after the last one the first. */
static void next_mark(struct log_view *lv)
{
	const struct log_place *best = NULL, *first = NULL;

	for (size_t i = 0; i < lv->n_marks; i++) {
		const struct log_place *m = &lv->marks[i];

		if (!first || is_after(first, m))
			first = m;
		if (lv->has_cursor && is_after(m, &lv->cursor) && (!best || is_after(best, m)))
			best = m;
	}
	if (first)
		log_view_go(lv, best ? best : first);
	else
		snprintf(lv->note, sizeof(lv->note), "no line is marked; m marks one");
}

/* ------------------------------------------------------------------ further logs */

struct choice {
	struct log_view *lv;
	char **ids;
};

static void choice_free(void *arg)
{
	struct choice *c = arg;

	strv_free(c->ids);
	free(c);
}

static void add_log(struct app *a, int value, void *arg)
{
	struct choice *c = arg;
	struct model_container *mc = model_container(app_model(a), c->ids[value]);

	if (!mc || log_view_add_source(c->lv, c->ids[value], mc->row.name) < 0)
		return;
	/* The position has one place more now: where the time of the first shown line is in each log. */
	if (c->lv->page.n) {
		const struct log_item *it = &c->lv->page.v[0].item;
		log_set_at_item(&c->lv->set, it->source, it->entry.at, it->entry.time, &c->lv->page.top);
	}
	log_view_refilter(c->lv);
	app_redraw(a);
}

static bool is_shown(const struct log_view *lv, const char *id)
{
	for (size_t i = 0; i < lv->set.n; i++)
		if (strcmp(lv->set.sources[i]->id, id) == 0)
			return true;
	return false;
}

static void ask_log(struct log_view *lv)
{
	struct model_container *const *rows;
	size_t n = model_containers(app_model(lv->view.app), &rows);
	cleanup_free struct picker_item *items = calloc(n + 1, sizeof(*items));
	struct choice *c = calloc(1, sizeof(*c));
	struct picker_options o = {
	        .title = "Add the log of", .items = items, .picked = add_log, .free_arg = choice_free};

	if (!items || !c) {
		free(c);
		return;
	}
	c->lv = lv;
	o.arg = c;
	for (size_t i = 0; i < n; i++) {
		if (is_shown(lv, rows[i]->row.id) || strv_add(&c->ids, rows[i]->row.id) < 0)
			continue;
		items[o.n] = (struct picker_item){
		        rows[i]->row.name, tare_state_name(rows[i]->row.state), (int)o.n};
		o.n++;
	}
	if (!o.n) {
		snprintf(lv->note, sizeof(lv->note), "there is no other container");
		choice_free(c);
		return;
	}
	struct view *d = picker_new(lv->view.app, &o);
	if (d)
		app_push(lv->view.app, d);
}

/* ------------------------------------------------------------------ all of them */

static void copy_line(struct log_view *lv)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(1 << 20);

	if (log_view_copy(&lv->view, &text) && !text.failed)
		app_copy(lv->view.app, buf_str(&text), text.len);
}

static bool change(struct log_view *lv, enum action a)
{
	switch (a) {
	case ACTION_LOG_FOLLOW:
		lv->page.follow = !lv->page.follow;
		lv->has_cursor = false;
		return true;
	case ACTION_LOG_CONTEXT:
		next_context(lv);
		return true;
	case ACTION_LOG_TIMES:
		next_times(lv);
		return true;
	case ACTION_LOG_WRAP:
		lv->wrap = !lv->wrap;
		lv->page.skip = lv->left = 0;
		log_view_remember(lv);
		return true;
	case ACTION_LOG_JSON:
		lv->json = !lv->json;
		lv->page.skip = 0;
		log_view_remember(lv);
		return true;
	case ACTION_LOG_MARK:
		toggle_mark(lv);
		return true;
	case ACTION_LOG_MARK_NEXT:
		next_mark(lv);
		return true;
	case ACTION_LOG_UNFILTER:
		log_filters_pop(&lv->set.filters);
		log_view_refilter(lv);
		return true;
	default:
		return false;
	}
}

static bool start(struct log_view *lv, enum action a)
{
	switch (a) {
	case ACTION_FILTER:
		ask(lv, "Search", "log-search", search_for, check_pattern);
		return true;
	case ACTION_MATCH_NEXT:
		log_search_next(lv, false);
		return true;
	case ACTION_MATCH_PREVIOUS:
		log_search_next(lv, true);
		return true;
	case ACTION_LOG_KEEP:
		ask(lv, "Keep lines that match", "log-filter", keep, check_pattern);
		return true;
	case ACTION_LOG_DROP:
		ask(lv, "Drop lines that match", "log-filter", drop, check_pattern);
		return true;
	case ACTION_LOG_GOTO:
		ask(lv, "Go to the time (10m ago: 10m; 14:05 of a day: 2026-01-31T14:05)", "log-time", jump,
		        check_time);
		return true;
	case ACTION_LOG_SAVE:
		log_save_ask(lv);
		return true;
	case ACTION_LOG_ADD:
		ask_log(lv);
		return true;
	case ACTION_DETAIL_COPY:
		copy_line(lv);
		return true;
	case ACTION_DETAIL_OPEN:
		log_detail_open(lv);
		return true;
	default:
		return false;
	}
}

/* One step back: the selection, the search, the cursor. False: there was none of them. */
static bool back(struct log_view *lv)
{
	if (lv->selection.on)
		lv->selection.on = false;
	else if (lv->search)
		log_search_set(lv, NULL);
	else if (lv->has_cursor)
		lv->has_cursor = false;
	else
		return false;
	return true;
}

unsigned log_view_act(struct view *v, enum action a)
{
	struct log_view *lv = log_view_of(v);

	lv->note[0] = '\0';
	if (a == ACTION_BACK)
		return back(lv) ? VIEW_DONE : VIEW_IGNORED;
	lv->selection.on = false;
	return move(lv, a) || change(lv, a) || start(lv, a) ? VIEW_DONE : VIEW_IGNORED;
}
