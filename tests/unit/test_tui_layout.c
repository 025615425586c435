/* The layout is a pure function: at every size the rectangles fit, don't overlap, and something has the
 * focus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tui/layout.h"

static void fits(struct rect r, int rows, int cols)
{
	assert_true(r.y >= 0 && r.x >= 0 && r.h >= 0 && r.w >= 0);
	assert_true(r.y + r.h <= rows && r.x + r.w <= cols);
}

static bool overlap(struct rect a, struct rect b)
{
	return !rect_is_empty(a) && !rect_is_empty(b) && a.y < b.y + b.h && b.y < a.y + a.h &&
	       a.x < b.x + b.w && b.x < a.x + a.w;
}

static void check(const struct layout_request *r)
{
	struct layout l = layout_compute(r);
	struct rect all[] = {l.top, l.banner, l.list, l.divider, l.detail, l.hints};
	int cells = 0;

	assert_int_equal(l.too_small, r->rows < LAYOUT_MIN_ROWS || r->cols < LAYOUT_MIN_COLS);
	for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
		fits(all[i], r->rows, r->cols);
		cells += all[i].h * all[i].w;
		for (unsigned j = 0; j < i; j++)
			assert_false(overlap(all[i], all[j]));
	}
	if (l.too_small)
		return;
	/* no hole either, but for the blank column beside the line */
	assert_int_equal(cells, r->rows * r->cols - l.divider.h);
	assert_false(rect_is_empty(r->on_detail ? l.detail : l.list)); /* what has the focus */
	assert_int_equal(rect_is_empty(l.banner), !r->banner);
}

static void every_size_fits(void **state)
{
	(void)state;
	for (int rows = 1; rows <= 120; rows++)
		for (int cols = 1; cols <= 300; cols++)
			for (int flags = 0; flags < 8; flags++) {
				struct layout_request r = {rows, cols, 46, flags & 1, flags & 2, flags & 4};
				check(&r);
			}
}

static void any_share_of_the_list_leaves_both_usable(void **state)
{
	(void)state;
	for (int percent = -50; percent <= 200; percent += 10)
		for (int cols = LAYOUT_WIDE; cols <= 300; cols += 7) {
			struct layout_request r = {30, cols, percent, false, false, false};
			struct layout l = layout_compute(&r);
			assert_true(l.list.w >= 40 && l.detail.w >= 40);
		}
}

static void a_narrow_screen_shows_one_at_a_time(void **state)
{
	struct layout_request r = {24, 80, 46, false, false, false};

	(void)state;
	assert_true(rect_is_empty(layout_compute(&r).detail));
	r.on_detail = true;
	assert_true(rect_is_empty(layout_compute(&r).list));
	r.rows = LAYOUT_TALL;
	assert_false(rect_is_empty(layout_compute(&r).list));
	assert_false(rect_is_empty(layout_compute(&r).detail));
}

static void zoom_shows_one_even_on_a_wide_screen(void **state)
{
	struct layout_request r = {50, 200, 46, false, true, true};

	(void)state;
	assert_true(rect_is_empty(layout_compute(&r).list));
	assert_int_equal(layout_compute(&r).detail.w, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_size_fits),
	        cmocka_unit_test(any_share_of_the_list_leaves_both_usable),
	        cmocka_unit_test(a_narrow_screen_shows_one_at_a_time),
	        cmocka_unit_test(zoom_shows_one_even_on_a_wide_screen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
