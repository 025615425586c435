/* Health checks: Docker's document, and flags over an image's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/oci/health_check.h"

static int read_text(const char *text, struct health_check *h, struct err *e)
{
	cleanup_json json *j = json_parse(text, strlen(text), "test", e);

	assert_non_null(j);
	return health_check_from_json(j, h, e);
}

static void document_there_and_back(void **state)
{
	static const char text[] =
	        "{\"Test\":[\"CMD-SHELL\",\"true\"],\"Interval\":1000000000,\"Timeout\":2000000,"
	        "\"StartPeriod\":3000000,\"StartInterval\":4000000,\"Retries\":5}";
	struct health_check h;
	struct err e = ERR_INIT;
	cleanup_buf struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(read_text(text, &h, &e), 0);
	assert_true(health_check_is_on(&h));
	assert_int_equal(h.retries, 5);
	cleanup_json json *j = health_check_to_json(&h);
	json_print(&out, j, JSON_COMPACT);
	assert_string_equal(buf_str(&out), text);
	health_check_free(&h);
	assert_int_equal(read_text("{}", &h, &e), 0);
	assert_false(health_check_is_on(&h));
}

static void nonsense_is_refused(void **state)
{
	static const char *const texts[] = {"{\"Test\":[\"CMDS\",\"x\"]}", "{\"Test\":[\"CMD\"]}",
	        "{\"Test\":[\"CMD\",7]}", "{\"Test\":[\"CMD\",\"x\"],\"Interval\":5}",
	        "{\"Test\":[\"CMD\",\"x\"],\"Timeout\":-1}", "{\"Test\":[\"CMD\",\"x\"],\"Retries\":-3}"};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct health_check h;
		struct err e = ERR_INIT;
		assert_int_equal(read_text(texts[i], &h, &e), -1);
		assert_true(strlen(e.msg) > 0);
	}
}

static void flags_are_over_the_image(void **state)
{
	struct health_check h = {.interval = 7000000}, image;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(
	        read_text("{\"Test\":[\"CMD\",\"a\"],\"Interval\":9000000,\"Retries\":2}", &image, &e), 0);
	assert_int_equal(health_check_merge(&h, &image, &e), 0);
	assert_string_equal(h.test[1], "a");
	assert_int_equal(h.interval, 7000000);
	assert_int_equal(h.retries, 2);
	assert_int_equal(h.timeout, HEALTH_TIMEOUT_NS);
	assert_int_equal(h.start_period, 0);
	assert_int_equal(h.start_interval, HEALTH_START_INTERVAL_NS);
	health_check_free(&h);
	assert_int_equal(strv_add(&h.test, "NONE"), 0);
	assert_int_equal(health_check_merge(&h, &image, &e), 0);
	assert_false(health_check_is_on(&h));
	health_check_free(&h);
	health_check_free(&image);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(document_there_and_back),
	        cmocka_unit_test(nonsense_is_refused),
	        cmocka_unit_test(flags_are_over_the_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
