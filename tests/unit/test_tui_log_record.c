/* Records of a log file, and levels. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tui/log_record.h"

static struct log_head head(const char *s)
{
	/* exactly as long as it is, so that the sanitizer sees an over-read */
	size_t n = strlen(s);
	cleanup_free char *exact = malloc(n ? n : 1);

	memcpy(exact, s, n);
	return log_head_parse(exact, n);
}

static void heads(void **state)
{
	struct log_head h = head("2026-01-31T10:00:00.123456789Z stdout F hello");

	(void)state;
	assert_int_equal(h.time, INT64_C(1769853600123456789));
	assert_int_equal(h.text, 40);
	assert_false(h.err);
	assert_false(h.partial);
	h = head("2026-01-31T10:00:00.5Z stderr P half");
	assert_int_equal(h.time, INT64_C(1769853600500000000));
	assert_true(h.err);
	assert_true(h.partial);
	h = head("2026-01-31T11:00:00+01:00 stdout F:tag text");
	assert_int_equal(h.time, INT64_C(1769853600000000000));
	assert_int_equal(h.text, strlen("2026-01-31T11:00:00+01:00 stdout F:tag "));
	h = head("2026-01-31T10:00:00Z stdout F ");
	assert_int_equal(h.text, 30);
	h = head("2026-01-31T10:00:00Z stdout F");
	assert_int_equal(h.text, 29);
}

static void foreign(void **state)
{
	static const char *const lines[] = {
	        "",
	        " ",
	        "hello",
	        "2026-01-31T10:00:00Z",
	        "2026-01-31T10:00:00Z stdout",
	        "2026-01-31T10:00:00Z stdout X text",
	        "2026-01-31T10:00:00Z stdfoo F text",
	        "2026-13-31T10:00:00Z stdout F text",
	        "0026-01-31T10:00:00Z stdout F text",
	        "2026-01-31T10:00:00.1 stdout F text",
	        "2026-01-31T10:00:00+1:00 stdout F text",
	        "2026-01-31 10:00:00Z stdout F text",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct log_head h = head(lines[i]);
		assert_int_equal(h.time, 0);
		assert_int_equal(h.text, 0);
		assert_false(h.partial);
	}
}

static void levels(void **state)
{
	static const struct {
		const char *text;
		enum log_level_word level;
		size_t at, n;
	} cases[] = {
	        {"ERROR cannot open", LOG_WORD_ERROR, 0, 5},
	        {"12:00:01 [warn] slow", LOG_WORD_WARN, 10, 4},
	        {"time=1 level=info msg=x", LOG_WORD_INFO, 13, 4},
	        {"{\"level\":\"debug\",\"msg\":1}", LOG_WORD_DEBUG, 10, 5},
	        {"{\"level\": \"error\"}", LOG_WORD_ERROR, 11, 5},
	        {"\033[31mERR\033[0m no", LOG_WORD_ERROR, 5, 3},
	        {"panic: nil", LOG_WORD_ERROR, 0, 5},
	        {"app: warning: low", LOG_WORD_WARN, 5, 7},
	        {"there is no error here", LOG_WORD_NONE, 0, 0},
	        {"terrors", LOG_WORD_NONE, 0, 0},
	        {"", LOG_WORD_NONE, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t at = 0, n = 0;
		enum log_level_word level = log_level_find(cases[i].text, strlen(cases[i].text), &at, &n);
		if (level != cases[i].level || at != cases[i].at || n != cases[i].n)
			fail_msg("%s: %d at %zu, %zu", cases[i].text, (int)level, at, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(heads),
	        cmocka_unit_test(foreign),
	        cmocka_unit_test(levels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
