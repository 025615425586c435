/* Fuzzy matching: what matches, what is better, where the letters are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tui/fuzzy.h"

static void better(const char *pattern, const char *more, const char *less)
{
	int a = fuzzy_score(pattern, more, NULL), b = fuzzy_score(pattern, less, NULL);

	if (a <= b)
		fail_msg("\"%s\": %s (%d) is not above %s (%d)", pattern, more, a, less, b);
}

static void letters_must_come_in_order(void **state)
{
	(void)state;
	assert_true(fuzzy_score("wb", "web", NULL) > 0);
	assert_int_equal(fuzzy_score("bw", "web", NULL), 0);
	assert_int_equal(fuzzy_score("webb", "web", NULL), 0);
	assert_int_equal(fuzzy_score("", "web", NULL), 1);
	assert_int_equal(fuzzy_score("x", "", NULL), 0);
}

static void capitals_match_only_themselves(void **state)
{
	(void)state;
	assert_true(fuzzy_score("web", "WEB", NULL) > 0);
	assert_int_equal(fuzzy_score("Web", "web", NULL), 0);
	assert_true(fuzzy_score("Web", "Web", NULL) > 0);
}

static void words_match_in_any_order(void **state)
{
	(void)state;
	assert_true(fuzzy_score("api shop", "shop-api-1", NULL) > 0);
	assert_int_equal(fuzzy_score("api cart", "shop-api-1", NULL), 0);
	assert_int_equal(fuzzy_score("   ", "anything", NULL), 1);
}

static void what_one_means_comes_first(void **state)
{
	(void)state;
	better("web", "web", "web-2");
	better("web", "web-2", "cobweb");
	better("web", "cobweb", "w-e-b");
	better("sa", "shop-api", "nasal");
	better("api", "shop-api", "shop-a-p-i");
	better("db", "my-db", "mdxxb");
}

static void hits_say_where(void **state)
{
	struct fuzzy_hits hits;

	(void)state;
	assert_true(fuzzy_score("sapi", "shop-api", &hits) > 0);
	assert_int_equal(hits.n, 4);
	assert_int_equal(hits.at[0], 0);
	assert_int_equal(hits.at[1], 5);
	assert_int_equal(hits.at[3], 7);
	assert_true(fuzzy_score("api shop", "shop-api", &hits) > 0);
	assert_int_equal(hits.n, 7);
	for (size_t i = 1; i < hits.n; i++)
		assert_true(hits.at[i] > hits.at[i - 1]);
}

static void long_texts_and_gaps_have_bounds(void **state)
{
	char text[1000], pattern[200];
	struct fuzzy_hits hits;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	text[0] = 'a';
	text[200] = 'b';
	assert_true(fuzzy_score("ab", text, &hits) > 0);
	assert_int_equal(hits.at[0], 0);
	assert_int_equal(hits.at[1], 200);
	text[200] = 'x';
	text[300] = 'b';
	assert_int_equal(fuzzy_score("ab", text, NULL), 0);
	memset(pattern, 'x', sizeof(pattern) - 1);
	pattern[sizeof(pattern) - 1] = '\0';
	assert_true(fuzzy_score(pattern, text, &hits) > 0);
	assert_true(hits.n <= FUZZY_PATTERN_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(letters_must_come_in_order),
	        cmocka_unit_test(capitals_match_only_themselves),
	        cmocka_unit_test(words_match_in_any_order),
	        cmocka_unit_test(what_one_means_comes_first),
	        cmocka_unit_test(hits_say_where),
	        cmocka_unit_test(long_texts_and_gaps_have_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
