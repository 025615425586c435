/* The canvas: clipping, foreign text, wide characters, restyling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "tui/screen.h"
#include "tui/screen_cells.h"

#define BAD "\xef\xbf\xbd"

static const struct style plain;

struct rig {
	struct screen *s;
	struct canvas c;
	struct buf text;
};

static void rig_open(struct rig *r, int rows, int cols, bool ascii)
{
	*r = (struct rig){.s = screen_open_memory(rows, cols, ascii, NULL)};
	assert_non_null(r->s);
	r->c = screen_begin(r->s);
}

static void rig_close(struct rig *r)
{
	buf_free(&r->text);
	screen_close(r->s);
}

static void shows(struct rig *r, const char *expected)
{
	screen_flush(r->s);
	buf_reset(&r->text);
	screen_text(r->s, (struct rect){0, 0, screen_rows(r->s), screen_cols(r->s)}, &r->text);
	assert_string_equal(buf_str(&r->text), expected);
}

static void text_is_clipped(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 3, 8, false);
	assert_int_equal(canvas_str(&r.c, 0, 0, -1, "abcdefghijk", plain), 8);
	assert_int_equal(canvas_str(&r.c, 1, 2, 3, "abcdef", plain), 3);
	assert_int_equal(canvas_str(&r.c, 3, 0, -1, "below", plain), 0);
	assert_int_equal(canvas_str(&r.c, -1, 0, -1, "above", plain), 0);
	assert_int_equal(canvas_str(&r.c, 1, 8, -1, "beside", plain), 0);
	canvas_str(&r.c, 2, -2, -1, "abcd", plain);
	shows(&r, "abcdefgh\n  abc\ncd\n");
	rig_close(&r);
}

static void parts_bound_what_is_drawn(void **state)
{
	struct canvas part, inner;
	struct rig r;

	(void)state;
	rig_open(&r, 4, 10, false);
	part = canvas_part(&r.c, (struct rect){1, 2, 2, 5});
	canvas_fill(&part, (struct rect){-5, -5, 50, 50}, (struct style){.bg = COLOUR_INDEX(1)});
	canvas_str(&part, 0, 0, -1, "0123456789", plain);
	inner = canvas_part(&part, (struct rect){1, 3, 9, 9});
	canvas_str(&inner, 0, 0, -1, "xyz", plain);
	inner = canvas_part(&part, (struct rect){7, 7, 1, 1});
	canvas_str(&inner, 0, 0, -1, "no", plain);
	shows(&r, "\n  01234\n     xy\n\n");
	rig_close(&r);
}

static void foreign_text_is_harmless(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 5, 30, false);
	canvas_str(&r.c, 0, 0, -1, "\033[31m\a\r\x7f", plain);
	canvas_str(&r.c, 1, 0, -1, "a\tb\nc", plain);
	canvas_str(&r.c, 2, 0, -1, "\xe2\x80\xae|\xff|\xc2\x9b|", plain);
	canvas_str(&r.c, 3, 0, -1, "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81|", plain);
	/* a joiner, a variation selector, a skin tone: what they join stands alone */
	canvas_str(&r.c, 4, 0, -1,
	        "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x92\xbb|\xe2\x9d\xa4\xef\xb8\x8f|"
	        "\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd|",
	        plain);
	shows(&r, BAD "[31m" BAD BAD BAD "\na b c\n" BAD "|" BAD "|" BAD "|\n"
	              "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81|\n"
	              "\xf0\x9f\x91\xa8\xf0\x9f\x92\xbb|\xe2\x9d\xa4|\xf0\x9f\x91\x8d|\n");
	rig_close(&r);
}

static void wide_characters_stay_whole(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 4, 5, false);
	/* 日本語 in five columns: the third would stick out */
	assert_int_equal(canvas_str(&r.c, 0, 0, -1, "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", plain), 4);
	canvas_str(&r.c, 1, 0, -1, "\xe6\x97\xa5\xe6\x9c\xac", plain);
	canvas_str(&r.c, 1, 1, -1, "x", plain); /* the right half of the first */
	canvas_str(&r.c, 2, 0, -1, "\xe6\x97\xa5\xe6\x9c\xac", plain);
	canvas_str(&r.c, 2, 2, -1, "x", plain); /* the left half of the second */
	canvas_str(&r.c, 3, -1, -1, "\xe6\x97\xa5z", plain);
	shows(&r, "\xe6\x97\xa5\xe6\x9c\xac\n x\xe6\x9c\xac\n\xe6\x97\xa5x\n z\n");
	rig_close(&r);
}

static void cells_are_cut_and_padded(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 5, 20, false);
	canvas_cell(&r.c, 0, 0, 6, "longer name", plain);
	canvas_cell(&r.c, 1, 0, 6, "fits", plain);
	canvas_str(&r.c, 1, 6, -1, "|", plain);
	canvas_cell_right(&r.c, 2, 0, 6, "12.5%", plain);
	canvas_cell(&r.c, 3, 0, 6, "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe8\xaa\x9e", plain);
	canvas_cell_right(&r.c, 4, 0, 6, "123456", plain);
	shows(&r, "longe\xe2\x80\xa6\nfits  |\n 12.5%\n\xe6\x97\xa5\xe6\x9c\xac \xe2\x80\xa6\n123456\n");
	rig_close(&r);
}

static void ascii_mode_is_ascii(void **state)
{
	uint32_t braille = 0x28ff;
	struct rig r;

	(void)state;
	rig_open(&r, 4, 8, true);
	canvas_box(&r.c, (struct rect){0, 0, 3, 8}, plain);
	canvas_str(&r.c, 1, 1, 6, "\xe6\x97\xa5\xc3\xa9z", plain);
	canvas_cell(&r.c, 3, 0, 4, "longer", plain);
	canvas_glyph(&r.c, 3, 5, &braille, 1, 1, plain);
	shows(&r, "+------+\n|? ?z  |\n+------+\nlon~ ?\n");
	rig_close(&r);
}

static void boxes_and_lines(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 3, 4, false);
	canvas_box(&r.c, (struct rect){0, 0, 3, 4}, plain);
	shows(&r, "\xe2\x94\x8c\xe2\x94\x80\xe2\x94\x80\xe2\x94\x90\n\xe2\x94\x82  \xe2\x94\x82\n"
	          "\xe2\x94\x94\xe2\x94\x80\xe2\x94\x80\xe2\x94\x98\n");
	rig_close(&r);
}

static void glyphs_are_checked(void **state)
{
	uint32_t mark[] = {'e', 0x301}, wide[] = {0x65e5}, control[] = {0x1b}, surrogate[] = {0xd800};
	struct rig r;

	(void)state;
	rig_open(&r, 1, 12, false);
	canvas_glyph(&r.c, 0, 0, mark, 2, 1, plain);
	canvas_glyph(&r.c, 0, 1, wide, 1, 2, plain);
	canvas_glyph(&r.c, 0, 3, control, 1, 1, plain);
	canvas_glyph(&r.c, 0, 4, surrogate, 1, 1, plain);
	canvas_glyph(&r.c, 0, 5, wide, 1, 1, plain); /* said to be narrow */
	canvas_glyph(&r.c, 0, 6, mark, 1, 2, plain); /* said to be wide */
	canvas_char(&r.c, 0, 8, '|', plain);
	canvas_glyph(&r.c, 0, 11, wide, 1, 2, plain); /* no room */
	shows(&r, "e\xcc\x81\xe6\x97\xa5" BAD BAD BAD "e |\n");
	rig_close(&r);
}

static struct style style_at(struct rig *r, int y, int x)
{
	const struct cell *c = screen_cells(r->s)->now + y * screen_cols(r->s) + x;

	return (struct style){c->fg, c->bg, c->attr};
}

static void restyle_lays_over(void **state)
{
	struct style base = {COLOUR_INDEX(2), COLOUR_RGB(1, 2, 3), ATTR_BOLD};
	struct rig r;

	(void)state;
	rig_open(&r, 1, 6, false);
	canvas_str(&r.c, 0, 0, -1, "abcdef", base);
	canvas_restyle(
	        &r.c, (struct rect){0, 1, 1, 2}, (struct style){COLOUR_KEEP, COLOUR_INDEX(4), ATTR_REVERSE});
	canvas_str(&r.c, 0, 5, -1, "F", (struct style){COLOUR_INDEX(7), COLOUR_KEEP, 0});
	assert_true(style_equal(style_at(&r, 0, 0), base));
	assert_true(style_equal(style_at(&r, 0, 1),
	        (struct style){COLOUR_INDEX(2), COLOUR_INDEX(4), ATTR_BOLD | ATTR_REVERSE}));
	assert_true(style_equal(style_at(&r, 0, 5), (struct style){COLOUR_INDEX(7), COLOUR_RGB(1, 2, 3), 0}));
	shows(&r, "abcdeF\n");
	rig_close(&r);
}

/* Thousands of different combinations of marks: the table is bounded and begins anew. */
static void marks_have_a_bound(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 1, 4, false);
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t cps[] = {'e', 0x300 + i % 64, 0x300 + i / 64};

		canvas_glyph(&r.c, 0, 0, cps, 3, 1, plain);
	}
	screen_begin(r.s);
	canvas_str(&r.c, 0, 0, -1, "e\xcc\x81", plain);
	shows(&r, "e\xcc\x81\n");
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(text_is_clipped),
	        cmocka_unit_test(parts_bound_what_is_drawn),
	        cmocka_unit_test(foreign_text_is_harmless),
	        cmocka_unit_test(wide_characters_stay_whole),
	        cmocka_unit_test(cells_are_cut_and_padded),
	        cmocka_unit_test(ascii_mode_is_ascii),
	        cmocka_unit_test(boxes_and_lines),
	        cmocka_unit_test(glyphs_are_checked),
	        cmocka_unit_test(restyle_lays_over),
	        cmocka_unit_test(marks_have_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
