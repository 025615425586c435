/* A pane of text: what it shows when it scrolls, wraps, finds and is selected from; and that drawing
 * allocates nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <malloc.h>
#include <string.h>

#include "base/buf.h"
#include "tui/app_core.h"
#include "tui/screen_cells.h"
#include "tui/text_view.h"
#include "tui/view.h"

struct rig {
	struct app app;
	struct text_block block;
	struct text_pane pane;
	struct buf text;
};

static void rig_open(struct rig *r, int rows, int cols, const char *text)
{
	struct text_source source;

	memset(r, 0, sizeof *r);
	r->app.screen = screen_open_memory(rows, cols, false, NULL);
	r->app.theme = theme_builtin(DEPTH_MONO);
	assert_int_equal(text_block_set(&r->block, &r->app, text, strlen(text)), 0);
	source = text_block_source(&r->block);
	text_pane_init(&r->pane, &r->app, &source, false);
}

static void rig_close(struct rig *r)
{
	text_block_free(&r->block);
	buf_free(&r->text);
	theme_free(r->app.theme);
	screen_close(r->app.screen);
}

static void shows(struct rig *r, const char *expected)
{
	struct canvas c = screen_begin(r->app.screen);

	text_pane_draw(&r->pane, &c, true);
	screen_flush(r->app.screen);
	buf_reset(&r->text);
	screen_text(r->app.screen,
	        (struct rect){0, 0, screen_rows(r->app.screen), screen_cols(r->app.screen)}, &r->text);
	assert_string_equal(buf_str(&r->text), expected);
}

static void it_scrolls_and_stops_at_the_ends(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 2, 10, "one\ntwo\nthree\nfour\n");
	shows(&r, "one\ntwo\n");
	assert_int_equal(text_pane_act(&r.pane, ACTION_SCROLL_DOWN), VIEW_DONE);
	shows(&r, "two\nthree\n");
	text_pane_act(&r.pane, ACTION_SCROLL_PAGE_DOWN);
	text_pane_act(&r.pane, ACTION_SCROLL_PAGE_DOWN);
	text_pane_act(&r.pane, ACTION_SCROLL_DOWN);
	shows(&r, "three\nfour\n");
	text_pane_act(&r.pane, ACTION_SCROLL_TOP);
	shows(&r, "one\ntwo\n");
	text_pane_act(&r.pane, ACTION_SCROLL_BOTTOM);
	shows(&r, "three\nfour\n");
	assert_int_equal(text_pane_act(&r.pane, ACTION_QUIT), VIEW_IGNORED);
	rig_close(&r);
}

static void long_lines_wrap_or_slide(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 3, 8, "0123456789abcdefghij\nend\n");
	shows(&r, "01234567\nend\n\n");
	text_pane_act(&r.pane, ACTION_SCROLL_RIGHT);
	shows(&r, "89abcdef\n\n\n");
	text_pane_act(&r.pane, ACTION_TEXT_WRAP);
	shows(&r, "01234567\n89abcdef\nghij\n");
	text_pane_act(&r.pane, ACTION_SCROLL_DOWN);
	shows(&r, "89abcdef\nghij\nend\n");
	text_pane_act(&r.pane, ACTION_SCROLL_DOWN);
	shows(&r, "89abcdef\nghij\nend\n");
	rig_close(&r);
}

static void foreign_bytes_are_tamed(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 3, 20, "a\tb\r\n\x1b[31mred\x1b[0m\x1b]0;x\x07\n\x1b");
	shows(&r, "a       b\nred]0;x\xef\xbf\xbd\n\n");
	rig_close(&r);
}

static void a_search_finds_and_counts(void **state)
{
	char status[64] = "";
	struct rig r;

	(void)state;
	rig_open(&r, 2, 10, "ant\nbee\ncat\nant\ndog\n");
	shows(&r, "ant\nbee\n");
	text_pane_search(&r.pane, "ant");
	text_pane_status(&r.pane, status, sizeof status);
	assert_string_equal(status, "1/2 matches");
	text_pane_act(&r.pane, ACTION_MATCH_NEXT);
	assert_int_equal(r.pane.match, 2);
	shows(&r, "ant\ndog\n");
	text_pane_act(&r.pane, ACTION_MATCH_NEXT); /* round the end */
	assert_int_equal(r.pane.match, 1);
	text_pane_act(&r.pane, ACTION_MATCH_PREVIOUS);
	assert_int_equal(r.pane.match, 2);
	assert_int_equal(text_pane_act(&r.pane, ACTION_BACK), VIEW_DONE);
	assert_int_equal(text_pane_act(&r.pane, ACTION_BACK), VIEW_IGNORED);
	rig_close(&r);
}

static void the_mouse_selects_what_it_crosses(void **state)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct mouse m = {.kind = MOUSE_PRESS, .button = 1, .y = 0, .x = 2};
	struct rig r;

	(void)state;
	rig_open(&r, 3, 10, "one\nt日o\nthree\n");
	shows(&r, "one\nt日o\nthree\n");
	text_pane_mouse(&r.pane, &m);
	assert_false(text_pane_selection(&r.pane, &out));
	m = (struct mouse){.kind = MOUSE_DRAG, .button = 1, .y = 1, .x = 2};
	text_pane_mouse(&r.pane, &m);
	assert_true(text_pane_selection(&r.pane, &out));
	assert_string_equal(buf_str(&out), "e\nt日");
	/* out of the pane, below: scrolls no further than there is text */
	buf_reset(&out);
	m = (struct mouse){.kind = MOUSE_DRAG, .button = 1, .y = 99, .x = 99};
	text_pane_mouse(&r.pane, &m);
	assert_true(text_pane_selection(&r.pane, &out));
	assert_string_equal(buf_str(&out), "e\nt日o\nthree");
	rig_close(&r);
}

static void a_huge_text_is_cut_and_a_frame_allocates_nothing(void **state)
{
	cleanup_buf struct buf big = BUF_INIT;
	struct canvas c;
	struct rig r;
	size_t before;

	(void)state;
	while (big.len < TEXT_BLOCK_MAX + 100)
		buf_str_add(&big, "0123456789 a line without end ");
	rig_open(&r, 40, 100, buf_str(&big));
	assert_true(r.block.cut);
	assert_true(r.block.n >= TEXT_BLOCK_MAX / TEXT_LINE_MAX);
	r.pane.wrap = true;
	text_pane_search(&r.pane, "line");
	c = screen_begin(r.app.screen);
	text_pane_draw(&r.pane, &c, true);
	before = mallinfo2().uordblks;
	for (int i = 0; i < 10; i++)
		text_pane_draw(&r.pane, &c, true);
	assert_int_equal(mallinfo2().uordblks, before);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(it_scrolls_and_stops_at_the_ends),
	        cmocka_unit_test(long_lines_wrap_or_slide),
	        cmocka_unit_test(foreign_bytes_are_tamed),
	        cmocka_unit_test(a_search_finds_and_counts),
	        cmocka_unit_test(the_mouse_selects_what_it_crosses),
	        cmocka_unit_test(a_huge_text_is_cut_and_a_frame_allocates_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
