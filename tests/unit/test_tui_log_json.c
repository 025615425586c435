/* JSON lines over several lines. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tui/log_json.h"

static void assert_layout(const char *in, const char *out)
{
	char dst[512];
	size_t n = strlen(in);
	cleanup_free char *exact = malloc(n ? n : 1);

	memcpy(exact, in, n);
	size_t len = log_json_layout(exact, n, dst, sizeof(dst));
	assert_int_equal(len, strlen(out));
	assert_memory_equal(dst, out, len);
}

static void layouts(void **state)
{
	(void)state;
	assert_layout("{\"a\":1,\"b\":\"x, {y}\"}", "{\n  \"a\": 1,\n  \"b\": \"x, {y}\"\n}");
	assert_layout("INFO got {\"id\": 7}", "INFO got {\n  \"id\": 7\n}");
	assert_layout("{\"a\":[1,2,{\"b\":null}],\"c\":\"\\\"\"}\r",
	        "{\n  \"a\": [1, 2, {\"b\": null}],\n  \"c\": \"\\\"\"\n}");
	/* {x} is none, what follows is */
	assert_layout("set {x} to {\"a\":true}", "set {x} to {\n  \"a\": true\n}");
}

static void no_json(void **state)
{
	(void)state;
	assert_layout("", "");
	assert_layout("{", "");
	assert_layout("{}", "");
	assert_layout("plain text", "");
	assert_layout("{\"a\":1", "");
	assert_layout("{\"a\":1]", "");
	assert_layout("{\"a\":1} and more", "");
	assert_layout("{\"unended", "");
	assert_layout("{\"a\\", "");
}

/* Too deep, or too long for its room: left as it is. */
static void bounds(void **state)
{
	char in[400], dst[64];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 40; i++, n += 5)
		memcpy(in + n, "{\"a\":", 5);
	memset(in + n, '}', 40);
	assert_int_equal(log_json_layout(in, n + 40, in, sizeof(in)), 0);
	for (size_t size = 0; size < sizeof(dst); size++) {
		size_t len = log_json_layout("{\"a\":1,\"b\":[1,2,3]}", 19, dst, size);
		assert_true(len <= size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(layouts),
	        cmocka_unit_test(no_json),
	        cmocka_unit_test(bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
