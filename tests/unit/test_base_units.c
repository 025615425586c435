/* Units as people write them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/units.h"

#define SECOND INT64_C(1000000000)

static void sizes_are_powers_of_1024(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
	        {"0", 0},
	        {"512", 512},
	        {"64m", 64 << 20},
	        {"1.5g", UINT64_C(1610612736)},
	        {"100kb", 102400},
	        {"2GiB", UINT64_C(2) << 30},
	        {"1k", 1024},
	        {"10B", 10},
	        {"1 MiB", 1 << 20},
	        {"0.5k", 512},
	        {"7p", UINT64_C(7) << 50},
	        {"1T", UINT64_C(1) << 40},
	        {"0.00000000000000000000000001g", 0},
	        {"9223372036854775807", INT64_MAX},
	};
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct err e = ERR_INIT;
		assert_int_equal(size_parse(good[i].text, &v, &e), 0);
		assert_int_equal(v, good[i].bytes);
	}
}

static void bad_sizes_are_quoted(void **state)
{
	static const char *const bad[] = {"", " ", "-1", "+1", "m", "64q", "64mm", "1..5g", "1.5", "1.g", ".",
	        ".5g", "0x10", "64m ", " 64m", "64  m", "1e3", "1,5g", "9223372036854775808",
	        "99999999999999999999999999", "8192p", "1.5.5g", "64ib", "64i", "\xff"};
	uint64_t v = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = ERR_INIT;
		if (size_parse(bad[i], &v, &e) != -1)
			fail_msg("\"%s\" was taken for a size", bad[i]);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_non_null(strstr(e.msg, "invalid size"));
		assert_int_equal(v, 77);
	}
	assert_int_equal(size_parse("x", &v, NULL), -1);
}

static void minus_one_is_unlimited(void **state)
{
	int64_t v;

	(void)state;
	assert_int_equal(size_parse_unlimited("-1", &v, NULL), 0);
	assert_int_equal(v, INT64_MAX);
	assert_int_equal(size_parse_unlimited("1k", &v, NULL), 0);
	assert_int_equal(v, 1024);
	assert_int_equal(size_parse_unlimited("-2", &v, NULL), -1);
}

static void durations(void **state)
{
	int64_t v;

	(void)state;
	assert_int_equal(duration_parse("1h30m", &v, NULL), 0);
	assert_int_equal(v, 5400 * SECOND);
	assert_int_equal(duration_parse("500ms", &v, NULL), 0);
	assert_int_equal(v, SECOND / 2);
	assert_int_equal(duration_parse("1.5s", &v, NULL), 0);
	assert_int_equal(v, SECOND * 3 / 2);
	assert_int_equal(duration_parse("10", &v, NULL), 0);
	assert_int_equal(v, 10 * SECOND);
	assert_int_equal(duration_parse("0", &v, NULL), 0);
	assert_int_equal(v, 0);
	assert_int_equal(duration_parse("3us7ns", &v, NULL), 0);
	assert_int_equal(v, 3007);
	assert_int_equal(duration_parse("2\xc2\xb5s", &v, NULL), 0);
	assert_int_equal(v, 2000);
	static const char *const bad[] = {
	        "", "-1s", "1d", "s", "1h30", "1 h", "1s ", "9999999999h", "300000h2562047h"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = ERR_INIT;
		if (duration_parse(bad[i], &v, &e) != -1)
			fail_msg("\"%s\" was taken for a duration", bad[i]);
		assert_non_null(strstr(e.msg, "invalid duration"));
	}
}

static void integers_keep_their_bounds(void **state)
{
	struct err e = ERR_INIT;
	int64_t v;

	(void)state;
	assert_int_equal(int_parse("-9223372036854775808", INT64_MIN, INT64_MAX, "n", &v, NULL), 0);
	assert_true(v == INT64_MIN);
	assert_int_equal(int_parse("9223372036854775807", INT64_MIN, INT64_MAX, "n", &v, NULL), 0);
	assert_true(v == INT64_MAX);
	assert_int_equal(int_parse("9223372036854775808", INT64_MIN, INT64_MAX, "n", &v, NULL), -1);
	assert_int_equal(int_parse("007", 0, 10, "n", &v, NULL), 0);
	assert_int_equal(v, 7);
	assert_int_equal(int_parse("11", 0, 10, "port", &v, &e), -1);
	assert_string_equal(e.msg, "invalid port \"11\": use a whole number from 0 to 10");
	static const char *const bad[] = {"", "-", "--1", "+1", " 1", "1 ", "1.0", "0x1", "1a"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(int_parse(bad[i], INT64_MIN, INT64_MAX, "n", &v, NULL), -1);
}

static void decimals_are_exact(void **state)
{
	int64_t v;

	(void)state;
	assert_int_equal(decimal_parse("1.5", 0, 64, "cpus", &v, NULL), 0);
	assert_int_equal(v, 1500000000);
	assert_int_equal(decimal_parse(".25", 0, 64, "cpus", &v, NULL), 0);
	assert_int_equal(v, 250000000);
	assert_int_equal(decimal_parse("0.000000001", 0, 64, "cpus", &v, NULL), 0);
	assert_int_equal(v, 1);
	assert_int_equal(decimal_parse("-1", -1, 64, "cpus", &v, NULL), 0);
	assert_int_equal(v, -SECOND);
	static const char *const bad[] = {
	        "", "1.", "1.0000000001", "65", "-1", "nan", "inf", "1e1", "99999999999999999999"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(decimal_parse(bad[i], 0, 64, "cpus", &v, NULL), -1);
}

static void times_are_read(void **state)
{
	int64_t now = 1000 * SECOND, v;

	(void)state;
	assert_int_equal(time_parse("1970-01-01T00:00:10.5Z", now, &v, NULL), 0);
	assert_int_equal(v, 10500000000);
	assert_int_equal(time_parse("2026-01-31T12:00:00+02:00", now, &v, NULL), 0);
	assert_int_equal(v, INT64_C(1769853600) * SECOND);
	assert_int_equal(time_parse("2024-02-29T00:00Z", now, &v, NULL), 0);
	assert_int_equal(v, INT64_C(1709164800) * SECOND);
	assert_int_equal(time_parse("12.25", now, &v, NULL), 0);
	assert_int_equal(v, 12250000000);
	assert_int_equal(time_parse("10m", now, &v, NULL), 0);
	assert_int_equal(v, 400 * SECOND);
	setenv("TZ", "XYZ-3", 1);
	tzset();
	assert_int_equal(time_parse("1970-01-02", now, &v, NULL), 0);
	assert_int_equal(v, (86400 - 3 * 3600) * SECOND);
	/* now is 00:16:40 UTC, so 03:16:40 here */
	assert_int_equal(time_parse("03:15", now, &v, NULL), 0);
	assert_int_equal(v, 900 * SECOND);
	assert_int_equal(time_parse("03:16:41", now, &v, NULL), 0);
	assert_int_equal(v, (1001 - 86400) * SECOND);
	static const char *const bad[] = {"24:00", "12:60", "12:00:60", "12:00x", "1 2:00", "+1:00",
	        "12:", ":30", "", "2026-13-01", "2026-02-29", "2026-00-10", "2026-01-01T24:00:00Z",
	        "2026-01-01T10:61:00Z", "2026-1-1", "2026-01-01T", "2026-01-01T10:00:00.Z",
	        "2026-01-01T10:00:00Zx", "9999-01-01T00:00:00Z", "99999999999999999999", "yesterday", "1.",
	        "-5"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = ERR_INIT;
		if (time_parse(bad[i], now, &v, &e) != -1)
			fail_msg("\"%s\" was taken for a time", bad[i]);
		assert_non_null(strstr(e.msg, "invalid time"));
	}
}

static void times_are_written_and_read_back(void **state)
{
	static const int64_t points[] = {
	        0, 1, -1, -SECOND, INT64_MAX, INT64_MIN + 1, 951782400 * SECOND, 1769853600123456789};
	char text[TIME_TEXT_SIZE];
	int64_t v;

	(void)state;
	assert_string_equal(time_format(0, text), "1970-01-01T00:00:00.000000000Z");
	assert_string_equal(time_format(-1, text), "1969-12-31T23:59:59.999999999Z");
	assert_string_equal(time_format(1769853600123456789, text), "2026-01-31T10:00:00.123456789Z");
	assert_string_equal(time_format(INT64_MAX, text), "2262-04-11T23:47:16.854775807Z");
	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++) {
		/* Before 1678 seconds times 1e9 pass 63 bits although the sum would not. */
		if (points[i] < INT64_MIN + SECOND)
			continue;
		assert_int_equal(time_parse(time_format(points[i], text), 0, &v, NULL), 0);
		assert_true(v == points[i]);
	}
}

static void sizes_are_written_as_docker_does(void **state)
{
	char t[SIZE_TEXT_SIZE];

	(void)state;
	assert_string_equal(size_format_binary(0, t), "0B");
	assert_string_equal(size_format_binary(1023, t), "1023B");
	assert_string_equal(size_format_binary(1024, t), "1KiB");
	assert_string_equal(size_format_binary(1572864, t), "1.5MiB");
	assert_string_equal(size_format_binary(1000000, t), "976.6KiB");
	assert_string_equal(size_format_binary(1048575, t), "1024KiB");
	assert_string_equal(size_format_binary(1032, t), "1.008KiB");
	assert_string_equal(size_format_binary(UINT64_MAX, t), "16EiB");
	assert_string_equal(size_format_decimal(0, t), "0B");
	assert_string_equal(size_format_decimal(999, t), "999B");
	assert_string_equal(size_format_decimal(1500000, t), "1.5MB");
	assert_string_equal(size_format_decimal(1234567, t), "1.23MB");
	assert_string_equal(size_format_decimal(999499, t), "999kB");
	assert_string_equal(size_format_decimal(999999, t), "1MB");
	assert_string_equal(size_format_decimal(9999000, t), "10MB");
	assert_string_equal(size_format_decimal(UINT64_MAX, t), "18.4EB");
}

static void ages_are_docker_words(void **state)
{
	static const struct {
		int64_t seconds;
		const char *words;
	} ages[] = {
	        {-5, "Less than a second"},
	        {0, "Less than a second"},
	        {1, "1 second"},
	        {59, "59 seconds"},
	        {60, "About a minute"},
	        {119, "About a minute"},
	        {120, "2 minutes"},
	        {3599, "59 minutes"},
	        {3600, "About an hour"},
	        {5399, "About an hour"},
	        {5400, "2 hours"},
	        {10800, "3 hours"},
	        {47 * 3600, "47 hours"},
	        {48 * 3600, "2 days"},
	        {13 * 86400, "13 days"},
	        {14 * 86400, "2 weeks"},
	        {60 * 86400, "2 months"},
	        {730 * 86400, "2 years"},
	        {9223372036, "292 years"},
	};
	char t[AGO_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(ages) / sizeof(*ages); i++)
		assert_string_equal(duration_words(ages[i].seconds * SECOND, t), ages[i].words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(sizes_are_powers_of_1024),
	        cmocka_unit_test(bad_sizes_are_quoted),
	        cmocka_unit_test(minus_one_is_unlimited),
	        cmocka_unit_test(durations),
	        cmocka_unit_test(integers_keep_their_bounds),
	        cmocka_unit_test(decimals_are_exact),
	        cmocka_unit_test(times_are_read),
	        cmocka_unit_test(times_are_written_and_read_back),
	        cmocka_unit_test(sizes_are_written_as_docker_does),
	        cmocka_unit_test(ages_are_docker_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
