/* The log pane: its keys, whenever they come, and what it remembers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tui_box.h"
#include "tui/canvas.h"
#include "tui/log_view.h"
#include "tui/views.h"

static struct view *open_log(struct app *a, const char *name)
{
	struct model_container *const *rows;
	size_t n = model_containers(a->model, &rows);
	struct object o = {.kind = OBJECT_CONTAINER};
	struct view *v = log_view_new(a);

	assert_non_null(v);
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i]->row.name, name) == 0)
			snprintf(o.id, sizeof o.id, "%s", rows[i]->row.id);
	v->ops->show(v, &o);
	v->ops->visible(v, true);
	assert_true(log_view_of(v)->set.n == 1);
	return v;
}

static void draw(struct app *a, struct view *v)
{
	struct canvas c = screen_begin(a->screen);

	v->ops->draw(v, &c, false);
}

static const char *drawn(struct app *a, struct view *v)
{
	draw(a, v);
	screen_flush(a->screen);
	buf_reset(&a->text);
	screen_text(a->screen, (struct rect){0, 0, 24, 80}, &a->text);
	return buf_str(&a->text);
}

static void act(struct view *v, enum action a)
{
	assert_true(v->ops->act(v, a) & VIEW_DONE);
}

/* A key that opens the tab may have others right behind it. */
static void keys_may_come_before_the_first_frame(void **state)
{
	static const enum action all[] = {ACTION_SCROLL_TOP, ACTION_SCROLL_DOWN, ACTION_SCROLL_UP,
	        ACTION_SCROLL_HALF_UP, ACTION_SCROLL_PAGE_DOWN, ACTION_LOG_WRAP, ACTION_SCROLL_TOP,
	        ACTION_LOG_JSON, ACTION_SCROLL_TOP, ACTION_SCROLL_DOWN, ACTION_LOG_MARK, ACTION_LOG_MARK_NEXT,
	        ACTION_LOG_TIMES, ACTION_LOG_CONTEXT, ACTION_SCROLL_BOTTOM, ACTION_LOG_FOLLOW};
	struct app *a = box_open(24, 80);

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct view *v = open_log(a, "shop-api");

		for (size_t k = i; k < sizeof all / sizeof *all; k++)
			act(v, all[k]);
		v->ops->free(v);
	}
	box_close(a);
}

static void how_lines_look_is_remembered(void **state)
{
	struct app *a = box_open(24, 80);
	struct view *v = open_log(a, "shop-api");

	(void)state;
	assert_false(log_view_of(v)->wrap);
	assert_int_equal(log_view_of(v)->times, LOG_TIMES_ABSOLUTE);
	act(v, ACTION_LOG_WRAP);
	act(v, ACTION_LOG_TIMES);
	v->ops->free(v);
	v = open_log(a, "shop-api");
	assert_true(log_view_of(v)->wrap);
	assert_false(log_view_of(v)->json);
	assert_int_equal(log_view_of(v)->times, LOG_TIMES_RELATIVE);
	v->ops->free(v);
	box_close(a);
}

/* It follows until one goes elsewhere, and again at the end. */
static void it_follows_the_end(void **state)
{
	struct app *a = box_open(24, 80);
	struct view *v = open_log(a, "shop-api");
	struct log_view *lv = log_view_of(v);

	(void)state;
	draw(a, v);
	assert_true(lv->page.follow);
	assert_true(lv->page.at_end);
	act(v, ACTION_SCROLL_TOP);
	draw(a, v);
	assert_false(lv->page.follow);
	assert_true(lv->page.n > 0);
	assert_true(lv->has_cursor);
	act(v, ACTION_SCROLL_DOWN);
	draw(a, v);
	assert_int_equal(log_view_line(lv), 1);
	act(v, ACTION_SCROLL_BOTTOM);
	draw(a, v);
	assert_true(lv->page.follow);
	assert_true(lv->page.at_end);
	assert_false(lv->has_cursor);
	v->ops->free(v);
	box_close(a);
}

/* Nothing follows what has ended; its title says how it did. */
static void a_log_that_ended_says_so(void **state)
{
	struct app *a = box_open(24, 80);
	struct view *v = open_log(a, "shop-api");
	struct model_container *c = model_container(a->model, log_view_of(v)->shown.id);
	char text[200];

	(void)state;
	draw(a, v);
	v->ops->status(v, text, sizeof text);
	assert_non_null(strstr(text, "following"));
	c->row.state = TARE_EXITED;
	c->row.exit_code = 3;
	v->ops->status(v, text, sizeof text);
	assert_null(strstr(text, "following"));
	assert_non_null(strstr(text, "ended, exit 3"));
	c->row.oom_killed = true;
	v->ops->status(v, text, sizeof text);
	assert_non_null(strstr(text, "ended, out of memory"));
	c->row.state = TARE_RUNNING;
	v->ops->free(v);
	box_close(a);
}

static void what_could_not_start_says_why(void **state)
{
	struct app *a = box_open(24, 80);
	struct view *v = open_log(a, "report-draft");
	struct model_container *c = model_container(a->model, log_view_of(v)->shown.id);
	char why[] = "exec: not found", *was = c->row.error;

	(void)state;
	assert_non_null(strstr(drawn(a, v), "It has not been started yet"));
	c->row.error = why;
	assert_non_null(strstr(drawn(a, v), "It could not be started"));
	assert_non_null(strstr(buf_str(&a->text), why));
	c->row.error = was;
	v->ops->free(v);
	box_close(a);
}

static void marks_are_gone_through(void **state)
{
	struct app *a = box_open(24, 80);
	struct view *v = open_log(a, "shop-api");
	struct log_view *lv = log_view_of(v);

	(void)state;
	draw(a, v);
	act(v, ACTION_SCROLL_TOP);
	act(v, ACTION_LOG_MARK);
	act(v, ACTION_SCROLL_DOWN);
	act(v, ACTION_SCROLL_DOWN);
	act(v, ACTION_LOG_MARK);
	assert_int_equal(lv->n_marks, 2);
	act(v, ACTION_LOG_MARK_NEXT);
	assert_int_equal(log_view_line(lv), 0);
	act(v, ACTION_LOG_MARK_NEXT);
	assert_int_equal(log_view_line(lv), 2);
	act(v, ACTION_LOG_MARK);
	assert_int_equal(lv->n_marks, 1);
	v->ops->free(v);
	box_close(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(keys_may_come_before_the_first_frame),
	        cmocka_unit_test(how_lines_look_is_remembered),
	        cmocka_unit_test(it_follows_the_end),
	        cmocka_unit_test(a_log_that_ended_says_so),
	        cmocka_unit_test(what_could_not_start_says_why),
	        cmocka_unit_test(marks_are_gone_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
