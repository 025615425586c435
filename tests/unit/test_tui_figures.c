/* Figures keep their width, whatever the number. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "tui/figures.h"

static void forms(void **state)
{
	char t[FIGURE_SIZE];

	(void)state;
	assert_string_equal(figure_bytes(0, t), "   0B");
	assert_string_equal(figure_bytes(999, t), " 999B");
	assert_string_equal(figure_bytes(1000, t), " 1.0K");
	assert_string_equal(figure_bytes(19084083, t), "18.2M");
	assert_string_equal(figure_bytes(UINT64_C(182) << 20, t), " 182M");
	assert_string_equal(figure_bytes(UINT64_C(1000) << 20, t), " 1.0G");
	assert_string_equal(figure_bytes(UINT64_MAX, t), "    -");
	assert_string_equal(figure_percent(12.34, t), " 12.3");
	assert_string_equal(figure_percent(999.96, t), " 1000");
	assert_string_equal(figure_percent(NAN, t), "    -");
	assert_string_equal(figure_rate(1536, t), " 1.5K/s");
	assert_string_equal(figure_rate(NAN, t), "      -");
	assert_string_equal(figure_count(7, t), "    7");
	assert_string_equal(figure_count(123456, t), " 123k");
	assert_string_equal(figure_age(INT64_C(59999999999), t), " 59s");
	assert_string_equal(figure_age(INT64_C(180000000000), t), "  3m");
	assert_string_equal(figure_age(-1, t), "   -");
	assert_string_equal(figure_duration(INT64_C(3599990000000), t), "59:59.99");
	assert_string_equal(figure_duration(INT64_C(3723000000000), t), " 1:02:03");
	assert_string_equal(figure_duration(INT64_C(360000000000000), t), "100h 00m");
}

static void widths_never_change(void **state)
{
	char t[FIGURE_SIZE];

	(void)state;
	for (uint64_t v = 1; v < UINT64_MAX / 3; v += v / 7 + 1) {
		assert_int_equal(strlen(figure_bytes(v, t)), FIGURE_BYTES_WIDTH);
		assert_int_equal(strlen(figure_rate((double)v, t)), FIGURE_RATE_WIDTH);
		assert_int_equal(strlen(figure_count(v, t)), FIGURE_COUNT_WIDTH);
		assert_int_equal(strlen(figure_percent((double)v / 100, t)), FIGURE_PERCENT_WIDTH);
		assert_int_equal(strlen(figure_age((int64_t)v, t)), FIGURE_AGE_WIDTH);
		assert_int_equal(strlen(figure_duration((int64_t)v, t)), FIGURE_DURATION_WIDTH);
	}
	assert_int_equal(strlen(figure_size(1e300, t)), FIGURE_BYTES_WIDTH);
	assert_int_equal(strlen(figure_percent(INFINITY, t)), FIGURE_PERCENT_WIDTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(forms),
	        cmocka_unit_test(widths_never_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
