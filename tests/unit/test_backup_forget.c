/* Which backups are kept: the rules of `volume forget`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/err.h"
#include "engine/backup_keep.h"

#define MAX 64

/* Backups of one repository, oldest first, made by "VOLUME@HOST YYYY-MM-DD HH:MM" lines. */
struct world {
	struct snapshot rows[MAX];
	struct snapshot_list list;
	bool keep[MAX];
};

static int64_t at(int year, int month, int day, int hour, int minute)
{
	struct tm tm = {.tm_year = year - 1900,
	        .tm_mon = month - 1,
	        .tm_mday = day,
	        .tm_hour = hour,
	        .tm_min = minute,
	        .tm_isdst = -1};

	return (int64_t)mktime(&tm) * 1000000000;
}

static void add(struct world *w, const char *volume, const char *host, int64_t time)
{
	w->rows[w->list.n++] =
	        (struct snapshot){.volume = (char *)volume, .host = (char *)host, .time = time};
	w->list.rows = w->rows;
}

/* "1" for what is kept, "." for what goes, oldest first. */
static const char *kept(struct world *w, const struct tare_forget *q)
{
	static char text[MAX + 1];
	struct err e = ERR_INIT;

	assert_int_equal(backup_keep(&w->list, q, w->keep, &e), 0);
	for (size_t i = 0; i < w->list.n; i++)
		text[i] = w->keep[i] ? '1' : '.';
	text[w->list.n] = 0;
	return text;
}

static void last_ones(void **state)
{
	struct world w = {0};

	(void)state;
	for (int i = 0; i < 5; i++)
		add(&w, "data", "a", at(2026, 1, 10, 12, i));
	assert_string_equal(kept(&w, &(struct tare_forget){.last = 2}), "...11");
	assert_string_equal(kept(&w, &(struct tare_forget){.last = 9}), "11111");
	assert_string_equal(kept(&w, &(struct tare_forget){.last = 1}), "....1");
}

static void the_newest_of_each_day(void **state)
{
	struct world w = {0};

	(void)state;
	for (int day = 1; day <= 4; day++)
		for (int hour = 6; hour <= 18; hour += 6)
			add(&w, "data", "a", at(2026, 3, day, hour, 0));
	assert_string_equal(kept(&w, &(struct tare_forget){.daily = 2}), "........1..1");
	/* not reached: the oldest stays as well */
	assert_string_equal(kept(&w, &(struct tare_forget){.daily = 9}), "1.1..1..1..1");
	assert_string_equal(kept(&w, &(struct tare_forget){.daily = 4}), "..1..1..1..1");
	/* what one rule keeps no other takes away */
	assert_string_equal(kept(&w, &(struct tare_forget){.daily = 1, .last = 2}), "..........11");
	assert_string_equal(kept(&w, &(struct tare_forget){.hourly = 3}), ".........111");
}

static void a_gap_counts_no_days(void **state)
{
	struct world w = {0};

	(void)state;
	add(&w, "data", "a", at(2025, 5, 1, 12, 0));
	add(&w, "data", "a", at(2025, 5, 2, 12, 0));
	add(&w, "data", "a", at(2026, 5, 2, 12, 0));
	assert_string_equal(kept(&w, &(struct tare_forget){.daily = 2}), ".11");
	assert_string_equal(kept(&w, &(struct tare_forget){.yearly = 2}), ".11");
	assert_string_equal(kept(&w, &(struct tare_forget){.yearly = 1}), "..1");
}

/* 2026-01-01 is a Thursday: its week began on the 29th of December, and belongs to 2026. */
static void weeks_over_new_year(void **state)
{
	struct world w = {0};

	(void)state;
	add(&w, "data", "a", at(2025, 12, 28, 12, 0)); /* Sunday, week 52 of 2025 */
	add(&w, "data", "a", at(2025, 12, 29, 12, 0)); /* Monday, week 1 of 2026 */
	add(&w, "data", "a", at(2026, 1, 4, 12, 0));   /* Sunday, week 1 */
	add(&w, "data", "a", at(2026, 1, 5, 12, 0));   /* Monday, week 2 */
	assert_string_equal(kept(&w, &(struct tare_forget){.weekly = 2}), "..11");
	assert_string_equal(kept(&w, &(struct tare_forget){.weekly = 3}), "1.11");
	assert_string_equal(kept(&w, &(struct tare_forget){.monthly = 1}), "...1");
	assert_string_equal(kept(&w, &(struct tare_forget){.monthly = 2}), ".1.1");
}

static void each_volume_by_itself(void **state)
{
	struct world w = {0};

	(void)state;
	for (int i = 0; i < 3; i++) {
		add(&w, "data", "a", at(2026, 1, 10 + i, 12, 0));
		add(&w, "db", "a", at(2026, 1, 10 + i, 12, 1));
		add(&w, "data", "b", at(2026, 1, 10 + i, 12, 2));
	}
	assert_string_equal(kept(&w, &(struct tare_forget){.last = 1}), "......111");
	assert_string_equal(kept(&w, &(struct tare_forget){.last = 2}), "...111111");
}

/* Whatever the rules, something of each volume is left, and a rule never keeps more than it was told. */
static void never_nothing(void **state)
{
	static const struct tare_forget rules[] = {
	        {.last = 1}, {.hourly = 1}, {.daily = 1}, {.weekly = 1}, {.monthly = 1}, {.yearly = 1}};

	(void)state;
	for (size_t r = 0; r < sizeof(rules) / sizeof(*rules); r++) {
		struct world w = {0};

		for (int i = 0; i < 30; i++)
			add(&w, "data", "a", at(2020 + i / 5, 1 + i % 12, 1 + i % 28, i % 24, i));
		assert_int_equal(strcspn(kept(&w, &rules[r]), "1"), 29);
		assert_true(backup_keep_has_rules(&rules[r]));
	}
	assert_false(backup_keep_has_rules(&(struct tare_forget){0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(last_ones),
	        cmocka_unit_test(the_newest_of_each_day),
	        cmocka_unit_test(a_gap_counts_no_days),
	        cmocka_unit_test(weeks_over_new_year),
	        cmocka_unit_test(each_volume_by_itself),
	        cmocka_unit_test(never_nothing),
	};

	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
