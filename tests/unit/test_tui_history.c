/* The past of a container: two rings per metric, in two bytes a value. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <malloc.h>
#include <math.h>

#include "tui/history.h"

#define START 1000000

static void add(struct history *h, int64_t second, double cpu, double memory)
{
	double values[METRIC_N];

	for (enum metric m = 0; m < METRIC_N; m++)
		values[m] = NAN;
	values[METRIC_CPU] = cpu;
	values[METRIC_MEMORY] = memory;
	history_add(h, second, values);
}

static double at(const struct history *h, enum metric m, int64_t now, unsigned step)
{
	double v;

	history_get(h, m, now, step, &v, 1);
	return v;
}

static void close_to(double got, double want)
{
	if (fabs(got - want) > want * 0.002)
		fail_msg("got %g, want %g", got, want);
}

static void figures_keep_three_digits(void **state)
{
	static const double values[] = {0.001, 0.0123, 0.5, 1, 63.999, 64, 4096, 18.2e6, 1.5e12, 1e18};
	struct history *h = history_new();

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		add(h, START + (int64_t)i, values[i], values[i]);
		close_to(at(h, METRIC_CPU, START + (int64_t)i, 1), values[i]);
	}
	add(h, START + 20, 0, 1e40);
	assert_true(at(h, METRIC_CPU, START + 20, 1) == 0);
	assert_true(at(h, METRIC_MEMORY, START + 20, 1) > 1e25);
	assert_true(isnan(at(h, METRIC_RX, START + 20, 1)));
	history_free(h);
}

static void a_gap_is_not_known(void **state)
{
	struct history *h = history_new();
	double out[6];

	(void)state;
	add(h, START, 1, 10);
	add(h, START + 3, 1, 10);
	history_get(h, METRIC_CPU, START + 4, 1, out, 6);
	assert_true(isnan(out[0]));
	close_to(out[1], 1);
	assert_true(isnan(out[2]) && isnan(out[3]));
	close_to(out[4], 1);
	assert_true(isnan(out[5]));
	/* longer than everything that is kept: nothing of the old comes back */
	add(h, START + 100000, 2, 10);
	history_get(h, METRIC_CPU, START + 100000, 1, out, 6);
	assert_true(isnan(out[4]));
	close_to(out[5], 2);
	history_get(h, METRIC_CPU, START + 100000, 600, out, 6);
	for (int i = 0; i < 5; i++)
		assert_true(isnan(out[i]));
	history_free(h);
}

static void peaks_do_not_vanish(void **state)
{
	struct history *h = history_new();
	double out[3];

	(void)state;
	for (int i = 0; i < 60; i++)
		add(h, START + i, i == 17 ? 8 : 0.5, 100);
	history_get(h, METRIC_CPU, START + 59, 20, out, 3);
	close_to(out[0], 8);
	close_to(out[1], 0.5);
	close_to(out[2], 0.5);
	close_to(at(h, METRIC_CPU, START + 19, 5), 8);
	history_free(h);
}

static void after_five_minutes_the_coarse_values_stay(void **state)
{
	struct history *h = history_new();
	double out[360];

	(void)state;
	for (int i = 0; i < 3600; i++)
		add(h, START + i, i / 3600.0 + 0.001, 100);
	history_get(h, METRIC_CPU, START + 3599, 10, out, 360);
	for (int i = 0; i < 360; i++)
		close_to(out[i], (i * 10 + 9) / 3600.0 + 0.001);
	history_get(h, METRIC_CPU, START + 3599, 1, out, 300);
	close_to(out[0], 3300 / 3600.0 + 0.001);
	/* a second of an hour ago: the ten seconds around it */
	close_to(at(h, METRIC_CPU, START + 5, 1), 9 / 3600.0 + 0.001);
	/* an hour later the first ones have made room */
	for (int i = 3600; i < 7200; i++)
		add(h, START + i, 0.25, 100);
	history_get(h, METRIC_CPU, START + 7199, 10, out, 360);
	for (int i = 0; i < 360; i++)
		close_to(out[i], 0.25);
	history_free(h);
}

static void the_past_comes_later(void **state)
{
	struct history *h = history_new();
	double values[METRIC_N] = {0}, out[360];

	(void)state;
	add(h, START, 1, 100);
	for (int i = 1; i < 360; i++) {
		values[METRIC_CPU] = 2;
		history_add_coarse(h, START - 10 * i, values);
	}
	values[METRIC_CPU] = 9;
	history_add_coarse(h, START - 3600, values); /* one too many */
	history_get(h, METRIC_CPU, START, 10, out, 360);
	for (int i = 0; i < 359; i++)
		close_to(out[i], 2);
	close_to(out[359], 1);
	assert_true(isnan(at(h, METRIC_CPU, START - 3600, 10)));
	history_free(h);
}

static void windows_stand_still(void **state)
{
	struct history *h = history_new();
	double first[4], then[4];

	(void)state;
	for (int i = 0; i < 40; i++)
		add(h, START + i, i + 1, 100);
	history_get(h, METRIC_CPU, START + 25, 5, first, 4);
	history_get(h, METRIC_CPU, START + 28, 5, then, 4);
	for (int i = 0; i < 4; i++)
		close_to(then[i], first[i]);
	history_free(h);
}

/* An hour of a thousand containers in 25 MB; and what never moves takes no room. */
static void memory_is_bounded(void **state)
{
	struct mallinfo2 before = mallinfo2(), after;
	struct history *idle = history_new(), *busy = history_new();
	double values[METRIC_N];

	(void)state;
	for (int i = 0; i < 3700; i++) {
		add(idle, START + i, 0, 4096);
		after = mallinfo2();
	}
	assert_true(after.uordblks - before.uordblks < 2000);
	for (int i = 0; i < 3700; i++) {
		for (enum metric m = 0; m < METRIC_N; m++)
			values[m] = i * 7 % 1000 + (int)m;
		history_add(busy, START + i, values);
	}
	after = mallinfo2();
	assert_true(after.uordblks - before.uordblks < 25000);
	history_free(idle);
	history_free(busy);
}

static void nonsense_is_survived(void **state)
{
	struct history *h = history_new();
	double out[4];

	(void)state;
	history_get(h, METRIC_CPU, 0, 1, out, 4);
	assert_true(isnan(out[0]) && isnan(out[3]));
	history_get(h, METRIC_CPU, START, 0, out, 4);
	assert_true(isnan(out[0]));
	history_get(NULL, METRIC_CPU, START, 1, out, 4);
	assert_true(isnan(out[0]));
	add(h, -5, 1, 1);
	add(h, START, -1, INFINITY);
	assert_true(isnan(at(h, METRIC_CPU, START, 1)));
	add(h, START - 5000, 1, 1); /* the clock went back: ignored */
	assert_true(isnan(at(h, METRIC_CPU, START - 5000, 1)));
	history_free(h);
	history_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(figures_keep_three_digits),
	        cmocka_unit_test(a_gap_is_not_known),
	        cmocka_unit_test(peaks_do_not_vanish),
	        cmocka_unit_test(after_five_minutes_the_coarse_values_stay),
	        cmocka_unit_test(the_past_comes_later),
	        cmocka_unit_test(windows_stand_still),
	        cmocka_unit_test(memory_is_bounded),
	        cmocka_unit_test(nonsense_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
