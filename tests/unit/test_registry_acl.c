/* The list of rights: patterns, who, the first rule that fits, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "base/err.h"
#include "registry/server/access.h"
#include "registry/server/acl.h"

static void patterns(void **state)
{
	static const struct {
		const char *pattern, *repository, *user;
		bool fits;
	} rows[] = {
	        {"a", "a", "", true},
	        {"a", "ab", "", false},
	        {"a*", "abc", "", true},
	        {"a*", "a/b", "", false},
	        {"a/*", "a/b", "", true},
	        {"a/*", "a/b/c", "", false},
	        {"a/**", "a/b/c", "", true},
	        {"a/**", "a", "", false},
	        {"a/**", "ab/c", "", false},
	        {"**", "a/b/c", "", true},
	        {"**/c", "a/b/c", "", true},
	        {"a/**/d", "a/b/c/d", "", true},
	        {"a?c", "abc", "", true},
	        {"a?c", "a/c", "", false},
	        {"*", "a", "", true},
	        {"*", "a/b", "", false},
	        {"{user}/**", "alice/x", "alice", true},
	        {"{user}/**", "bob/x", "alice", false},
	        {"{user}/**", "x", "", false},
	        {"{user}", "", "", false},
	        /* a name that would be a pattern, or in another's room */
	        {"{user}/**", "bob/x", "*", false},
	        {"{user}/**", "bob/x/y", "bob/x", false},
	        {"{user}", "bob", "b?b", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (acl_matches(rows[i].pattern, rows[i].repository, rows[i].user) != rows[i].fits)
			fail_msg("%s on %s as \"%s\"", rows[i].pattern, rows[i].repository, rows[i].user);
}

static void many_stars_are_quick(void **state)
{
	char name[250];
	struct timespec from, to;

	(void)state;
	memset(name, 'a', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	clock_gettime(CLOCK_MONOTONIC, &from);
	assert_false(acl_matches("**a**a**a**a**a**a**a**a**a**a**a**a**a**a**b", name, ""));
	assert_false(acl_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", name, ""));
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true(to.tv_sec - from.tv_sec < 2);
}

static const char rules[] = "# who may do what\r\n"
                            "\n"
                            "secret/**  @all            none\n"
                            "public/**  @anonymous      pull\r\n"
                            "{user}/**  @users          all\n"
                            "team/*     alice,bob       pull,push\n"
                            "  **\tadmin\tall  \n"
                            "open       @all            pull\n";

static void the_first_that_fits_counts(void **state)
{
	static const struct {
		const char *repository, *user;
		unsigned rights;
	} rows[] = {
	        {"secret/x", "admin", 0},
	        {"secret/x", "", 0},
	        {"public/x", "", RIGHT_PULL},
	        {"public/x", "alice", 0},
	        {"public/x", "admin", RIGHT_ALL},
	        {"alice/x", "alice", RIGHT_ALL},
	        {"alice/x", "bob", 0},
	        {"team/x", "alice", RIGHT_PULL | RIGHT_PUSH},
	        {"team/x", "bob", RIGHT_PULL | RIGHT_PUSH},
	        {"team/x", "bo", 0},
	        {"team/x", "alice,bob", 0},
	        {"team/x/y", "alice", 0},
	        {"team/x", "", 0},
	        {"open", "", RIGHT_PULL},
	        {"open", "bob", RIGHT_PULL},
	        {"none", "", 0},
	        /* nobody is called as a group is */
	        {"public/x", "@anonymous", 0},
	};
	struct acl *a = acl_parse(rules, NULL);

	(void)state;
	assert_non_null(a);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (acl_rights(a, rows[i].repository, rows[i].user) != rows[i].rights)
			fail_msg("%s as \"%s\": %u", rows[i].repository, rows[i].user,
			        acl_rights(a, rows[i].repository, rows[i].user));
	acl_free(a);
}

static void refused(const char *text, const char *what)
{
	struct err e = ERR_INIT;

	assert_null(acl_parse(text, &e));
	if (!strstr(e.msg, what))
		fail_msg("%s: %s", text, e.msg);
}

static void bad_lines_are_named(void **state)
{
	(void)state;
	refused("a b\n", "line 1 is not PATTERN WHO RIGHTS");
	refused("\na b pull more\n", "line 2");
	refused("a b pul\n", "\"pul\" is no right");
	refused("a b pull,\n", "no right");
	refused("a b ,\n", "no right");
	refused("a @everybody pull\n", "\"@everybody\" is neither");
	refused("a x,,y pull\n", "\"\" is neither");
}

static void rights_are_words(void **state)
{
	unsigned r = 9;

	(void)state;
	assert_int_equal(rights_parse("none", &r, NULL), 0);
	assert_int_equal(r, 0);
	assert_int_equal(rights_parse("pull,delete", &r, NULL), 0);
	assert_int_equal(r, RIGHT_PULL | RIGHT_DELETE);
	assert_int_equal(rights_parse("all", &r, NULL), 0);
	assert_int_equal(r, RIGHT_ALL);
	assert_int_equal(rights_parse("", &r, NULL), -1);
	assert_int_equal(rights_parse("pullx", &r, NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(patterns),
	        cmocka_unit_test(many_stars_are_quick),
	        cmocka_unit_test(the_first_that_fits_counts),
	        cmocka_unit_test(bad_lines_are_named),
	        cmocka_unit_test(rights_are_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
