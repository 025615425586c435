/* How log lines are laid out: rows, cells, styles. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <limits.h>
#include <string.h>

#include "base/buf.h"
#include "tui/log_paint.h"
#include "tui/log_pattern.h"
#include "tui/log_spans.h"

static int height(const char *text, int width)
{
	struct log_look look = {.wrap = true};

	return log_paint_height(&look, text, strlen(text), width, 100);
}

static void rows(void **state)
{
	(void)state;
	assert_int_equal(height("", 10), 1);
	assert_int_equal(height("0123456789", 10), 1);
	assert_int_equal(height("01234567890", 10), 2);
	assert_int_equal(height("\033[31m0123456789\033[0m", 10), 1);
	/* a wide character that does not fit goes to the next row */
	assert_int_equal(height("012345678\xe6\x9d\xb1", 10), 2);
	assert_int_equal(height("e\xcc\x81"
	                        "123456789",
	                         10),
	        1);
	assert_int_equal(height("a\tb", 10), 1);
	assert_int_equal(height("a\tbcd", 10), 2);
	assert_int_equal(height("line\r", 4), 1);
	assert_int_equal(height("\xe6\x9d\xb1\xe6\x9d\xb1", 1), 2);
	assert_int_equal(height("0123456789", 0), 10);
	struct log_look look = {.lines = true};
	assert_int_equal(log_paint_height(&look, "{\n  1\n}", 7, 10, 100), 3);
	look.lines = false;
	assert_int_equal(log_paint_height(&look, "0123456789", 10, 3, 100), 1);
	look.wrap = true;
	assert_int_equal(log_paint_height(&look, "0123456789", 10, 1, 4), 4);
}

static void assert_copy(struct log_look look, struct log_cells cells, const char *text, const char *want)
{
	cleanup_buf struct buf out = BUF_INIT;

	log_paint_copy(&look, 10, &cells, text, strlen(text), &out);
	assert_string_equal(buf_str(&out), want);
}

static void cells(void **state)
{
	struct log_look wrapped = {.wrap = true}, flat = {0}, scrolled = {.left = 4},
	                laid = {.wrap = true, .lines = true};

	(void)state;
	assert_copy(flat, (struct log_cells){0, 0, 0, INT_MAX}, "hello \033[1mworld\033[m", "hello world");
	assert_copy(flat, (struct log_cells){0, 6, 0, 9}, "hello \033[1mworld\033[m", "wor");
	assert_copy(scrolled, (struct log_cells){0, 0, 0, 4}, "hello world", "o wo");
	assert_copy(wrapped, (struct log_cells){0, 8, 1, 2}, "0123456789abcdef", "89ab");
	assert_copy(flat, (struct log_cells){0, 1, 0, 3},
	        "a\xe6\x9d\xb1"
	        "b",
	        "\xe6\x9d\xb1");
	assert_copy(flat, (struct log_cells){0, 0, 0, INT_MAX}, "e\xcc\x81x", "e\xcc\x81x");
	assert_copy(flat, (struct log_cells){0, 0, 0, INT_MAX}, "a\ab", "ab");
	assert_copy(laid, (struct log_cells){0, 0, 3, 0}, "{\n  1\n}", "{\n  1\n}");
	assert_copy(laid, (struct log_cells){1, 0, 2, 0}, "{\n  1\n}", "  1");
}

static struct style style_at(const struct log_look *look, const char *text, size_t at)
{
	struct log_spans s;
	size_t until = strlen(text);

	log_spans_find(&s, look, text, strlen(text), 0, strlen(text));
	return log_spans_at(&s, (struct style){0}, at, &until);
}

static void styles(void **state)
{
	struct theme *t = theme_builtin(DEPTH_256);
	struct log_pattern *p = log_pattern_new("needle", NULL);
	struct log_look look = {.theme = t, .search = p, .keys = true};
	const char *line = "level=error msg=\"x\" n=12 needle", *plain = "some words";
	struct log_spans s;
	size_t until;

	(void)state;
	assert_true(style_at(&look, plain, 0).fg == theme_style(t, UI_TEXT).fg);
	assert_true(style_at(&look, line, 6).fg == theme_style(t, LOG_ERROR).fg);
	assert_true(style_at(&look, line, 0).fg == theme_style(t, LOG_KEY).fg);
	assert_true(style_at(&look, line, 22).fg == theme_style(t, LOG_NUMBER).fg);
	struct style hit = style_over(style_at(&look, line, 24), theme_style(t, LOG_MATCH));
	assert_true(style_equal(style_at(&look, line, 25), hit));
	look.dim = true;
	assert_true(style_at(&look, line, 0).fg == theme_style(t, UI_MUTED).fg);
	/* the container's own colour goes before ours, but not before a hit; a style ends where the next
	 * begins */
	look.dim = false;
	log_spans_find(&s, &look, "abc needle", 10, 0, 10);
	until = 10;
	assert_true(log_spans_at(&s, (struct style){COLOUR_INDEX(3), 0, 0}, 0, &until).fg == COLOUR_INDEX(3));
	assert_int_equal(until, 4);
	until = 10;
	log_spans_at(&s, (struct style){0}, 5, &until);
	assert_int_equal(until, 10);
	log_pattern_free(p);
	theme_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(rows),
	        cmocka_unit_test(cells),
	        cmocka_unit_test(styles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
