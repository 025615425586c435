/* Filters of lists. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "tui/filter.h"

static const char *const keys[] = {"state", "label", NULL};

struct row {
	const char *name, *image, *state;
};

static bool has(const void *row, int property, const char *value)
{
	return property == 0 && filter_contains(((const struct row *)row)->state, value);
}

static bool matches(const char *filter, struct row r)
{
	struct filter f = {.n = 0};
	struct filter_row row = {{r.name, r.image}, has, &r};
	bool rc;

	filter_parse(&f, filter, keys);
	rc = filter_match(&f, &row);
	filter_free(&f);
	return rc;
}

static void terms(void **state)
{
	static const struct row web = {"web-1", "nginx:1.27", "running"};
	static const struct {
		const char *filter;
		bool match;
	} cases[] = {
	        {"", true},
	        {"   ", true},
	        {"web", true},
	        {"w1", true},
	        {"WEB", false}, /* capitals only match themselves */
	        {"api", false},
	        {"!api", true},
	        {"!web", false},
	        {"nginx", true},
	        {"nginx:1.27", true}, /* not a property: there is none of that name */
	        {"~^web-[0-9]$", true},
	        {"~^WEB", false},
	        {"re:^web", true},
	        {"~^web$", false},
	        {"!~^web$", true},
	        {"state:running", true},
	        {"state:RUN", true},
	        {"state:exited", false},
	        {"!state:exited", true},
	        {"web state:running", true},
	        {"web state:exited", false},
	        {"web !nginx", false},
	        {"label:x", false},
	        /* what is still being typed hides nothing */
	        {"!", true},
	        {"~", true},
	        {"re:", true},
	        {"state:", true},
	        {"!state:", true},
	        {"~[", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (matches(cases[i].filter, web) != cases[i].match)
			fail_msg("'%s' should%s match", cases[i].filter, cases[i].match ? "" : " not");
}

static void mistakes_are_told(void **state)
{
	struct filter f = {.n = 0};

	(void)state;
	filter_parse(&f, "~[a", keys);
	assert_true(*f.error);
	filter_parse(&f, "~a", keys);
	assert_false(*f.error);
	filter_parse(&f, "a b c d e f g h i", keys);
	assert_int_equal(f.n, FILTER_TERMS_MAX);
	assert_true(*f.error);
	filter_free(&f);
	assert_int_equal(f.n, 0);
}

/* Nested bounds would make the C library build gigabytes. */
static void bombs_are_refused(void **state)
{
	static const char *const bombs[] = {"~(a{200}){200}", "~((a{99}){99}){99}", "~a{1,30000}",
	        "~(((((a{9}){9}){9}){9}){9}){9}", "~a++++++++++++++++++++++++",
	        "~((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+"};
	struct filter f = {.n = 0};

	(void)state;
	for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
		filter_parse(&f, bombs[i], keys);
		assert_string_equal(f.error, "too many repetitions in the expression");
	}
	filter_parse(&f, "~a{3}b{2,5}(c+)+d+e+f+g+h+i+j+k+l+m+n+", keys);
	assert_string_equal(f.error, "");
	filter_free(&f);
}

static void long_terms_are_cut(void **state)
{
	char text[4096];
	struct filter f = {.n = 0};

	(void)state;
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	filter_parse(&f, text, keys);
	assert_int_equal(f.n, 1);
	assert_int_equal(strlen(f.terms[0].text), FILTER_TEXT_MAX - 1);
	filter_free(&f);
}

static void spans(void **state)
{
	struct filter f = {.n = 0};
	struct filter_span s[8];

	(void)state;
	filter_parse(&f, "~[0-9]+", keys);
	assert_int_equal(filter_spans(&f, "web-120", s, 8), 1);
	assert_int_equal(s[0].from, 4);
	assert_int_equal(s[0].len, 3);
	filter_parse(&f, "wb", keys);
	assert_int_equal(filter_spans(&f, "web", s, 8), 2);
	assert_int_equal(s[0].from, 0);
	assert_int_equal(s[1].from, 2);
	/* what is not wanted or not a name is not shown */
	filter_parse(&f, "!web state:run", keys);
	assert_int_equal(filter_spans(&f, "web", s, 8), 0);
	filter_parse(&f, "webwebweb", keys);
	assert_int_equal(filter_spans(&f, "webwebweb", s, 4), 4);
	filter_free(&f);
}

static void labels(void **state)
{
	static const char text[] = "{\"app\": \"web\", \"empty\": \"\"}";
	cleanup_json json *j = json_parse(text, sizeof text - 1, "labels", NULL);

	(void)state;
	assert_true(filter_label(j, "app"));
	assert_true(filter_label(j, "app=web"));
	assert_false(filter_label(j, "app=we"));
	assert_false(filter_label(j, "web"));
	assert_true(filter_label(j, "empty="));
	assert_false(filter_label(j, "none="));
	assert_false(filter_label(NULL, "app"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(terms),
	        cmocka_unit_test(mistakes_are_told),
	        cmocka_unit_test(bombs_are_refused),
	        cmocka_unit_test(long_terms_are_cut),
	        cmocka_unit_test(spans),
	        cmocka_unit_test(labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
