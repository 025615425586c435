#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/runtime/user.h"

static const char passwd[] =
        "# comment\nroot:x:0:0:root:/root:/bin/sh\nbroken:x\nweb:x:1000:1001:Web,,,:/home/web:/bin/sh\n"
        "minus:x:-1:5::/:/bin/sh\nlast:x:7:8::/home/last:/bin/sh";
static const char group[] =
        "root:x:0:\nstaff:x:50:web,other\naudio:x:29:other\nweb:x:1001:\nvideo:x:44:webby,web";

struct good {
	const char *user;
	unsigned uid, gid;
	const char *home;
	unsigned groups[3];
	size_t n_groups;
};

static void good_users(void **state)
{
	static const struct good table[] = {
	        {"", 0, 0, "/root", {0}, 0},
	        {"root", 0, 0, "/root", {0}, 0},
	        {"web", 1000, 1001, "/home/web", {50, 44}, 2},
	        {"1000", 1000, 1001, "/home/web", {50, 44}, 2},
	        {"web:audio", 1000, 29, "/home/web", {0}, 0},
	        {"1000:29", 1000, 29, "/home/web", {0}, 0},
	        {"12345", 12345, 0, "", {0}, 0},
	        {"12345:54321", 12345, 54321, "", {0}, 0},
	        {"last", 7, 8, "/home/last", {0}, 0},
	        {"4294967294", 4294967294u, 0, "", {0}, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct identity who = {0};
		struct err e = ERR_INIT;
		if (user_resolve(passwd, group, table[i].user, NULL, &who, &e))
			fail_msg("%s: %s", table[i].user, e.msg);
		assert_int_equal(who.uid, table[i].uid);
		assert_int_equal(who.gid, table[i].gid);
		assert_string_equal(who.home, table[i].home);
		assert_int_equal(who.n_groups, table[i].n_groups);
		for (size_t k = 0; k < who.n_groups; k++)
			assert_int_equal(who.groups[k], table[i].groups[k]);
		free(who.groups);
	}
}

/* CVE-2026-30892 and its kin: nothing is half a number. */
static void bad_users(void **state)
{
	static const char *const table[] = {"1000x", "0:", ":0", ":", "-1", "+1", " 0", "0 ", "4294967295",
	        "4294967296", "99999999999999999999", "0x10", "00000000000", "nobody", "web:", "web:nosuch",
	        "web:1x", "minus", "broken", "web:-1", "root\n", "0:0:0"};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct identity who = {0};
		struct err e = ERR_INIT;
		if (!user_resolve(passwd, group, table[i], NULL, &who, &e))
			fail_msg("\"%s\" was taken", table[i]);
		assert_int_equal(err_exit_code(&e), 125);
		assert_null(strchr(e.msg, '\n'));
		free(who.groups);
	}
}

static void further_groups(void **state)
{
	char *more[] = {(char[]){"audio"}, (char[]){"7"}, (char[]){"50"}, NULL},
	     *bad[] = {(char[]){"nosuch"}, NULL};
	struct identity who = {0};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(user_resolve(passwd, group, "web", more, &who, &e), 0);
	assert_int_equal(who.n_groups, 4); /* 50 44 29 7: none twice */
	assert_int_equal(who.groups[2], 29);
	assert_int_equal(who.groups[3], 7);
	free(who.groups);
	who = (struct identity){0};
	assert_int_equal(user_resolve(passwd, group, "root", bad, &who, &e), -1);
	assert_non_null(strstr(e.msg, "nosuch"));
	free(who.groups);
}

static void a_number_needs_no_files(void **state)
{
	struct identity who = {0};

	(void)state;
	assert_int_equal(user_resolve("", "", "5:6", NULL, &who, NULL), 0);
	assert_int_equal(who.uid, 5);
	assert_int_equal(who.gid, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(good_users),
	        cmocka_unit_test(bad_users),
	        cmocka_unit_test(further_groups),
	        cmocka_unit_test(a_number_needs_no_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
