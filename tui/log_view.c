/* The log pane: opens, follows and closes the logs of what is selected. The look is in log_draw.c, the keys
 * in log_keys.c. */
#include "tui/log_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "tui/config.h"
#include "tui/log_count.h"
#include "tui/log_pattern.h"
#include "tui/log_save.h"
#include "tui/log_search.h"
#include "tui/sgr.h"
#include "tui/views.h"

#define PACE_NS       16000000 /* between two looks at a log that grows: a frame */
#define SECOND_NS     (int64_t)1000000000
#define LINES_WITHIN  ((uint64_t)256 << 20) /* of larger logs nobody counts the lines unasked */
#define FIRST_ROWS    24                    /* until a frame says how large the pane is */
#define FIRST_COLUMNS 80
#define KEY_NS        12000000 /* what a key may take before a worker has to go on */

/* ------------------------------------------------------------------ following */

static void arm(struct log_view *lv, struct loop_timer *t, int64_t in)
{
	struct loop *l = app_loop(lv->view.app);

	if (!t->armed)
		loop_arm(l, t, loop_now(l) + in);
}

static bool drain(struct log_view *lv)
{
	int what = 0;

	for (size_t i = 0; i < lv->set.n; i++)
		what |= log_source_drain(lv->set.sources[i]);
	if (!what)
		return false;
	log_set_grow(&lv->set);
	if (lv->count)
		log_count_grew(lv->count);
	if (lv->lines)
		log_count_grew(lv->lines);
	app_redraw(lv->view.app);
	return true;
}

/* A log that grows quickly is looked at once per frame, not once per line. */
static void grew(struct log_view *lv)
{
	if (lv->pace.armed)
		return;
	drain(lv);
	arm(lv, &lv->pace, PACE_NS);
}

/* Until the frame is over a descriptor is not waited for. */
static void ready(void *arg, int fd, unsigned what)
{
	struct log_view *lv = arg;

	(void)what;
	loop_want(app_loop(lv->view.app), fd, 0);
	grew(lv);
}

static void pace(void *arg)
{
	struct log_view *lv = arg;
	bool more = drain(lv);

	for (size_t i = 0; i < lv->set.n; i++)
		if (lv->set.sources[i]->log && lv->set.sources[i]->log->fd >= 0)
			loop_want(app_loop(lv->view.app), lv->set.sources[i]->log->fd, LOOP_READ);
	if (more && lv->visible)
		arm(lv, &lv->pace, PACE_NS);
}

static void tick(void *arg)
{
	struct log_view *lv = arg;

	if (!lv->visible || lv->times != LOG_TIMES_RELATIVE)
		return;
	app_redraw(lv->view.app);
	arm(lv, &lv->clock, SECOND_NS);
}

static void watch_source(struct log_view *lv, struct log_source *s, bool on)
{
	struct loop *l = app_loop(lv->view.app);

	if (!s->log || s->log->fd < 0)
		return;
	if (on)
		loop_add(l, s->log->fd, LOOP_READ, ready, lv, NULL);
	else
		loop_remove(l, s->log->fd);
}

static void watch(struct log_view *lv, bool on)
{
	struct loop *l = app_loop(lv->view.app);

	for (size_t i = 0; i < lv->set.n; i++)
		watch_source(lv, lv->set.sources[i], on);
	loop_disarm(l, &lv->pace);
	loop_disarm(l, &lv->clock);
	if (on)
		tick(lv);
}

/* ------------------------------------------------------------------ what is remembered */

static const char *const times_words[LOG_TIMES_N] = {
        [LOG_TIMES_OFF] = "none",
        [LOG_TIMES_ABSOLUTE] = "absolute",
        [LOG_TIMES_RELATIVE] = "relative",
        [LOG_TIMES_DELTA] = "delta",
};

void log_view_recall(struct log_view *lv)
{
	struct config *c = app_config(lv->view.app);
	const char *times = config_get(c, "log_times", "absolute");

	lv->wrap = config_bool(c, "log_wrap", false);
	lv->json = config_bool(c, "log_json", false);
	lv->times = LOG_TIMES_ABSOLUTE;
	for (unsigned i = 0; i < LOG_TIMES_N; i++)
		if (strcmp(times, times_words[i]) == 0)
			lv->times = (enum log_times)i;
}

void log_view_remember(struct log_view *lv)
{
	struct config *c = app_config(lv->view.app);

	config_remember(c, "log_wrap", lv->wrap ? "yes" : "no");
	config_remember(c, "log_json", lv->json ? "yes" : "no");
	config_remember(c, "log_times", times_words[lv->times]);
}

/* ------------------------------------------------------------------ what is shown */

int log_view_add_source(struct log_view *lv, const char *id, const char *name)
{
	struct err e = ERR_INIT;
	struct log_source *s = log_source_open(app_engine(lv->view.app), id, name, &e);

	if (!s || log_set_add(&lv->set, s, &e) < 0) {
		app_toast(lv->view.app, TOAST_ERROR, "%s", e.msg);
		return -1;
	}
	if (lv->visible)
		watch_source(lv, s, true);
	return 0;
}

void log_view_count_lines(struct log_view *lv, bool on)
{
	if (!on) {
		log_count_free(lv->lines);
		lv->lines = NULL;
	} else if (!lv->lines && lv->set.n && log_set_bytes(&lv->set) <= LINES_WITHIN) {
		lv->lines = log_count_new(lv, NULL);
	}
}

static void close_all(struct log_view *lv)
{
	log_search_stop(lv);
	log_view_count_lines(lv, false);
	log_pattern_free(lv->search);
	lv->search = NULL;
	if (lv->visible)
		watch(lv, false);
	log_set_clear(&lv->set);
	lv->has_cursor = lv->selection.on = false;
	lv->n_marks = 0;
	lv->left = 0;
	lv->note[0] = '\0';
	lv->page.n = 0;
	lv->page.skip = 0;
	lv->page.follow = true;
}

static void open_marked(struct log_view *lv)
{
	struct app *a = lv->view.app;
	cleanup_free struct object *targets = NULL;
	size_t n = app_targets(a, &targets);

	for (size_t i = 0; i < n && lv->set.n < LOG_SOURCES_MAX; i++)
		if (targets[i].kind == OBJECT_CONTAINER)
			log_view_add_source(lv, targets[i].id, model_object_name(app_model(a), &targets[i]));
	if (n > LOG_SOURCES_MAX)
		snprintf(lv->note, sizeof(lv->note), "the first %d of %zu marked", LOG_SOURCES_MAX, n);
}

/* The log of the selected container; with several marked ones all of theirs. Asked often. */
static void show(struct view *v, const struct object *o)
{
	struct log_view *lv = log_view_of(v);
	struct object none = {.kind = OBJECT_NONE};
	uint64_t sum;

	if (!o || o->kind != OBJECT_CONTAINER)
		o = &none;
	if (app_n_marked(v->app, &sum) < 2 || o == &none)
		sum = 0;
	if (sum == lv->marks_sum && (sum || object_equal(o, &lv->shown)))
		return;
	close_all(lv);
	lv->shown = *o;
	lv->marks_sum = sum;
	if (sum)
		open_marked(lv);
	else if (o->kind == OBJECT_CONTAINER)
		log_view_add_source(lv, o->id, model_object_name(app_model(v->app), o));
	if (lv->visible)
		tick(lv);
	app_redraw(v->app);
}

void log_view_check_marks(struct log_view *lv)
{
	struct object o = lv->shown;

	show(&lv->view, &o);
}

static bool changed(struct view *v, unsigned what)
{
	struct log_view *lv = log_view_of(v);

	if (!lv->set.n)
		return false;
	if (what & MODEL_LOGS)
		grew(lv);
	/* why there is nothing to show, or nothing more to come, may have another answer now */
	return (what & MODEL_CONTAINERS) != 0;
}

static void visible(struct view *v, bool on)
{
	struct log_view *lv = log_view_of(v);

	if (lv->visible == on)
		return;
	lv->visible = on;
	watch(lv, on);
	if (on)
		drain(lv);
	else
		log_probe_stop(lv);
}

static void view_free(struct view *v)
{
	struct log_view *lv = log_view_of(v);

	close_all(lv);
	log_save_stop(lv);
	log_page_free(&lv->page);
	log_rules_free(&lv->rules);
	free(lv->laid);
	free(lv);
}

/* ------------------------------------------------------------------ places */

struct log_budget log_view_budget(void)
{
	return (struct log_budget){.until = now_monotonic() + KEY_NS};
}

int log_view_line(struct log_view *lv)
{
	int i = lv->has_cursor ? log_page_find(&lv->page, lv->cursor.source, lv->cursor.at) : -1;

	return i >= 0 ? i : (int)lv->page.n - 1;
}

/* A hit far to the right is scrolled to. */
static void show_hit(struct log_view *lv)
{
	int i = log_page_find(&lv->page, lv->cursor.source, lv->cursor.at), w = lv->text.w;
	size_t len, from, to;

	if (i < 0 || !lv->search || lv->wrap || w < 8)
		return;
	const char *text = log_set_text(&lv->set, &lv->page.v[i].item, &len);
	if (!log_pattern_match(lv->search, text, len, 0, &from, &to))
		return;
	if ((int)from < lv->left || (int)to > lv->left + w)
		lv->left = (int)from > w / 2 ? (int)from - w / 2 : 0;
	if ((int)to <= w)
		lv->left = 0;
}

void log_view_go(struct log_view *lv, const struct log_place *to)
{
	struct log_budget b = log_view_budget();
	struct log_pos pos;

	lv->page.follow = false;
	lv->has_cursor = true;
	lv->cursor = *to;
	if (log_page_find(&lv->page, to->source, to->at) < 0) {
		log_set_at_item(&lv->set, to->source, to->at, to->time, &pos);
		log_page_show(&lv->page, &pos, lv->height / 3, &b);
		log_page_fill(&lv->page, &b);
	}
	show_hit(lv);
	app_redraw(lv->view.app);
}

void log_view_refilter(struct log_view *lv)
{
	log_set_forget(&lv->set);
	log_search_restart(lv);
	log_view_count_lines(lv, false);
	lv->page.skip = 0;
	app_redraw(lv->view.app);
}

bool log_view_copy(struct view *v, struct buf *out)
{
	struct log_view *lv = log_view_of(v);
	int i = log_view_line(lv);
	size_t len;

	if (i < 0)
		return false;
	const char *text = log_set_text(&lv->set, &lv->page.v[i].item, &len);
	char *dst = buf_reserve(out, len * 3 + 1);
	if (!dst)
		return false;
	out->len += sgr_strip(dst, len * 3 + 1, text, len);
	return true;
}

/* ------------------------------------------------------------------ the view */

static const struct view_ops log_ops = {
        .title = "Logs",
        .context = CONTEXT_LOGS,
        .draw = log_view_draw,
        .act = log_view_act,
        .mouse = log_view_mouse,
        .show = show,
        .changed = changed,
        .visible = visible,
        .status = log_view_status,
        .copy = log_view_copy,
        .free = view_free,
};

struct view *log_view_new(struct app *a)
{
	struct log_view *lv = calloc(1, sizeof(*lv));

	if (!lv || !(lv->laid = calloc(1, LOG_LAID_MAX + 1)) ||
	        log_page_size(&lv->page, FIRST_ROWS, NULL) < 0) {
		if (lv)
			free(lv->laid);
		free(lv);
		return NULL;
	}
	lv->view = (struct view){&log_ops, a};
	lv->page.set = &lv->set;
	lv->page.follow = true;
	/* keys may come before the first frame */
	lv->page.measure = log_view_measure;
	lv->page.arg = lv;
	lv->text = (struct rect){.h = FIRST_ROWS, .w = FIRST_COLUMNS};
	lv->height = FIRST_ROWS;
	log_view_recall(lv);
	lv->pace = (struct loop_timer){.fn = pace, .arg = lv};
	lv->clock = (struct loop_timer){.fn = tick, .arg = lv};
	return &lv->view;
}
