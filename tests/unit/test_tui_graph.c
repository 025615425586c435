/* Graphs: how time lies over columns, scales that don't jump, what stands in a cell. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "tui/graph.h"

static struct graph g;

static void setup_graph(enum graph_kind kind, enum graph_symbols symbols, int cols, unsigned n, double top)
{
	g = (struct graph){.kind = kind, .symbols = symbols, .n = n, .top = top};
	g.time = (struct graph_time){.cols = cols, .points = 1, .step = 1};
	for (unsigned s = 0; s < GRAPH_SERIES_MAX; s++) {
		g.colours[s] = GRAPH_CPU + s;
		for (int i = 0; i < GRAPH_POINTS_MAX; i++)
			g.series[s][i] = NAN;
	}
}

static uint32_t cell(int h, int row, int col)
{
	enum theme_element el;
	uint32_t cp = ' ';
	bool reverse;

	return graph_cell(&g, h, row, col, &cp, &el, &reverse) ? cp : ' ';
}

static void time_covers_the_span_and_is_aligned(void **state)
{
	static const unsigned spans[] = {60, 300, 900, 3600};

	(void)state;
	for (int s = 0; s < 4; s++) {
		for (int cols = 1; cols < 600; cols += 7) {
			for (int symbols = GRAPH_BRAILLE; symbols <= GRAPH_ASCII; symbols++) {
				struct graph_time t =
				        graph_time(1000003, spans[s], cols, (enum graph_symbols)symbols);
				unsigned cell_span = t.step * t.points;
				assert_true(graph_time_span(&t) >= spans[s]);
				assert_true(t.cols <= GRAPH_COLS_MAX);
				assert_int_equal((t.end + 1) % cell_span, 0);
				assert_true(t.end >= 1000003 && t.end - 1000003 < (int64_t)cell_span);
				/* the past has nothing finer than this beyond five minutes */
				assert_true(spans[s] <= 300 || t.step % 10 == 0);
			}
		}
	}
}

static void within_a_column_the_end_stands_still(void **state)
{
	struct graph_time a = graph_time(1200, 900, 60, GRAPH_BRAILLE);

	(void)state;
	for (int64_t now = 1200; now < 1220; now++)
		assert_int_equal(graph_time(now, 900, 60, GRAPH_BRAILLE).end, a.end);
	assert_int_equal(graph_time(1220, 900, 60, GRAPH_BRAILLE).end, a.end + 20);
}

static void scales_are_nice_and_slow_to_shrink(void **state)
{
	(void)state;
	assert_true(graph_nice(0, GRAPH_UNIT_DECIMAL) == 1);
	assert_true(graph_nice(NAN, GRAPH_UNIT_DECIMAL) == 1);
	assert_true(graph_nice(10.1, GRAPH_UNIT_DECIMAL) == 20);
	assert_true(graph_nice(50, GRAPH_UNIT_DECIMAL) == 50);
	assert_true(graph_nice(3000, GRAPH_UNIT_BINARY) == 4096);
	double top = graph_scale(0, 45, GRAPH_UNIT_DECIMAL);
	assert_true(top == 50);
	assert_true(graph_scale(top, 30, GRAPH_UNIT_DECIMAL) == 50);
	assert_true(graph_scale(top, 16, GRAPH_UNIT_DECIMAL) == 50);
	assert_true(graph_scale(top, 14, GRAPH_UNIT_DECIMAL) == 20);
	assert_true(graph_scale(top, 51, GRAPH_UNIT_DECIMAL) == 100);
}

static void braille_fills_from_below(void **state)
{
	(void)state;
	setup_graph(GRAPH_PLAIN, GRAPH_BRAILLE, 4, 1, 8);
	g.series[0][0] = 8;
	g.series[0][1] = 3;
	g.series[0][2] = 0; /* known, and nothing */
	assert_int_equal(cell(2, 0, 0), 0x28ff);
	assert_int_equal(cell(2, 1, 0), 0x28ff);
	assert_int_equal(cell(2, 0, 1), ' ');
	assert_int_equal(cell(2, 1, 1), 0x28f6);
	assert_int_equal(cell(2, 1, 2), 0x28c0);
	assert_int_equal(cell(2, 1, 3), ' '); /* a gap */
	/* two points a column */
	g.time.points = 2;
	assert_int_equal(cell(2, 0, 0), 0x2847);
	assert_int_equal(cell(2, 1, 0), 0x28f7);
}

static void blocks_and_ascii(void **state)
{
	(void)state;
	setup_graph(GRAPH_PLAIN, GRAPH_BLOCK, 3, 1, 16);
	g.series[0][0] = 11;
	g.series[0][1] = 99;
	g.series[0][2] = -0.0;
	assert_int_equal(cell(2, 0, 0), 0x2583);
	assert_int_equal(cell(2, 1, 0), 0x2588);
	assert_int_equal(cell(2, 0, 1), 0x2588);
	assert_int_equal(cell(2, 1, 2), 0x2581);
	setup_graph(GRAPH_PLAIN, GRAPH_ASCII, 1, 1, 6);
	g.series[0][0] = 4;
	assert_int_equal(cell(2, 0, 0), '.');
	assert_int_equal(cell(2, 1, 0), '#');
}

static void mirrored_hangs_from_the_middle(void **state)
{
	enum theme_element el;
	bool reverse;
	uint32_t cp;

	(void)state;
	setup_graph(GRAPH_MIRRORED, GRAPH_BLOCK, 1, 2, 8);
	g.series[0][0] = 4;
	g.series[1][0] = 2;
	assert_true(graph_cell(&g, 2, 0, 0, &cp, &el, &reverse));
	assert_int_equal(cp, 0x2584);
	assert_int_equal(el, GRAPH_CPU);
	assert_false(reverse);
	assert_true(graph_cell(&g, 2, 1, 0, &cp, &el, &reverse));
	assert_int_equal(cp, 0x2586); /* six eighths stand, reversed: two hang */
	assert_int_equal(el, GRAPH_CPU + 1);
	assert_true(reverse);
}

static void a_stack_shows_each_series_where_it_is(void **state)
{
	enum theme_element el;
	bool reverse;
	uint32_t cp;

	(void)state;
	setup_graph(GRAPH_STACKED, GRAPH_BRAILLE, 1, 3, 40);
	g.series[0][0] = 10;
	g.series[1][0] = 20;
	g.series[2][0] = 10;
	static const enum theme_element expected[] = {GRAPH_CPU + 2, GRAPH_CPU + 1, GRAPH_CPU + 1, GRAPH_CPU};
	for (int row = 0; row < 4; row++) {
		assert_true(graph_cell(&g, 4, row, 0, &cp, &el, &reverse));
		assert_int_equal(el, expected[row]);
	}
	assert_true(graph_peak(&g) == 40);
}

static void colours_by_share_of_the_limit(void **state)
{
	enum theme_element el;
	bool reverse;
	uint32_t cp;

	(void)state;
	setup_graph(GRAPH_PLAIN, GRAPH_BRAILLE, 1, 1, 100);
	g.by_share = true;
	g.series[0][0] = 100;
	assert_true(graph_cell(&g, 10, 9, 0, &cp, &el, &reverse));
	assert_int_equal(el, GRAPH_LOW);
	assert_true(graph_cell(&g, 10, 3, 0, &cp, &el, &reverse));
	assert_int_equal(el, GRAPH_MIDDLE);
	assert_true(graph_cell(&g, 10, 0, 0, &cp, &el, &reverse));
	assert_int_equal(el, GRAPH_HIGH);
	g.limit = 1000; /* far away: all is well */
	assert_true(graph_cell(&g, 10, 0, 0, &cp, &el, &reverse));
	assert_int_equal(el, GRAPH_LOW);
}

/* Within a column's time only the newest column may change. */
static void a_second_changes_one_column(void **state)
{
	static struct graph before;
	struct history *h = history_new();
	double values[METRIC_N];
	int64_t start = 100000;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		for (int m = 0; m < METRIC_N; m++)
			values[m] = i % 17;
		history_add(h, start + i, values);
		setup_graph(GRAPH_PLAIN, GRAPH_BRAILLE, 1, 1, 20);
		g.time = graph_time(start + i, 900, 60, GRAPH_BRAILLE);
		graph_load(&g, 0, h, METRIC_CPU, 1);
		if (i > 0 && before.time.end == g.time.end) {
			for (int col = 0; col < 59; col++)
				for (unsigned p = 0; p < g.time.points; p++) {
					size_t at = (size_t)col * g.time.points + p;
					double x = before.series[0][at], y = g.series[0][at];
					assert_true((isnan(x) && isnan(y)) || x == y);
				}
		}
		before = g;
	}
	assert_true(graph_max(&g, 0) == 16);
	assert_false(isnan(graph_last(&g, 0)));
	history_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(time_covers_the_span_and_is_aligned),
	        cmocka_unit_test(within_a_column_the_end_stands_still),
	        cmocka_unit_test(scales_are_nice_and_slow_to_shrink),
	        cmocka_unit_test(braille_fills_from_below),
	        cmocka_unit_test(blocks_and_ascii),
	        cmocka_unit_test(mirrored_hangs_from_the_middle),
	        cmocka_unit_test(a_stack_shows_each_series_where_it_is),
	        cmocka_unit_test(colours_by_share_of_the_limit),
	        cmocka_unit_test(a_second_changes_one_column),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
