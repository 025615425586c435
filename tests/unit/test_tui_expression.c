/* Expressions that people type: which are too much for the C library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/err.h"
#include "tui/expression.h"
#include "tui/log_pattern.h"

static const char *refusal(const char *pattern)
{
	static char error[96];
	regex_t r;

	*error = '\0';
	if (expression_compile(&r, pattern, REG_ICASE, error, sizeof error) == 0)
		regfree(&r);
	return error;
}

static const char *const bombs[] = {
        "a++++++++++++++++++++++++++++++++",
        "((((((((((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+",
        "(a?){4000}",
        "(((a{10}){10}){10}){4}",
        "(a{200}){200}",
        "[])]{30}{30}",
        "([[:alpha:]]*b*){2000}",
        "a{99999999999999999999}",
        "a{1,}{,600}",
};

static void bombs_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++)
		if (strcmp(refusal(bombs[i]), "too many repetitions in the expression") != 0)
			fail_msg("%s: \"%s\"", bombs[i], refusal(bombs[i]));
}

static void a_log_is_not_searched_for_bombs(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++)
		assert_null(log_pattern_new(bombs[i], &e));
}

static void what_people_search_for_is_not(void **state)
{
	static const char *const fine[] = {
	        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
	        "([0-9]{1,3}\\.){3}[0-9]{1,3}:[0-9]+",
	        "\\{\\{9999\\}\\}",
	        "[{9999}+*?]+",
	        "\\++\\)+((ab)+c)+",
	        "^[[:space:]]*(GET|POST|PUT) +/[^ ]* .{0,200}$",
	        "a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q+r+s+t+",
	        "]",
	        "a\\\\1",
	        "[\\1]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
		if (*refusal(fine[i]))
			fail_msg("%s: %s", fine[i], refusal(fine[i]));
}

/* Every combination of groups would be tried on every line. */
static void references_back_are_refused(void **state)
{
	(void)state;
	assert_non_null(strstr(refusal("(.*)(.*)\\1\\2"), "refer back"));
	assert_string_equal(refusal("(a\\)b)"), "");
}

static void half_typed_ones_end(void **state)
{
	static const char *const half[] = {
	        "(", "[", "[^", "[]", "[[:", "a{", "a{1", "a{1,", "\\", "((", "[[.a"};

	(void)state;
	for (size_t i = 0; i < sizeof half / sizeof *half; i++)
		if (!*refusal(half[i]) && *half[i] != 'a')
			fail_msg("%s", half[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(bombs_are_refused),
	        cmocka_unit_test(a_log_is_not_searched_for_bombs),
	        cmocka_unit_test(what_people_search_for_is_not),
	        cmocka_unit_test(references_back_are_refused),
	        cmocka_unit_test(half_typed_ones_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
