/* What an ordinary user may have: ranges of ids, and which directory it may trust. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/rootless.h"
#include "engine/store/rootless_entry.h"

static void ranges_are_by_name_or_number(void **state)
{
	(void)state;
	struct id_range r[4];
	const char *text = "other:100000:65536\nann:200000:65536\n1000:300000:10\nann2:5:5\nann:400000:1";

	assert_int_equal(id_ranges_parse(text, "ann", 1000, r, 4), 3);
	assert_int_equal(r[0].first, 200000);
	assert_int_equal(r[0].count, 65536);
	assert_int_equal(r[1].first, 300000);
	assert_int_equal(r[2].first, 400000);
	assert_int_equal(id_ranges_parse(text, NULL, 1000, r, 4), 1);
	assert_int_equal(id_ranges_parse(text, "nobody", 1, r, 4), 0);
	assert_int_equal(id_ranges_parse(text, "ann", 1000, r, 2), 2);
}

static void strange_lines_count_for_nothing(void **state)
{
	(void)state;
	struct id_range r[4];
	static const char *const bad[] = {"ann", "ann:", "ann:1", "ann:1:", "ann:1:0", "ann:-1:5", "ann:1:+5",
	        "ann:1:5:6", "ann:1:5x", "ann:4294967295:2", "ann:1:99999999999",
	        "ann:99999999999999999999:1", "ann::5", ":1:5", "\n\n"};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (id_ranges_parse(bad[i], "ann", 1000, r, 4) != 0)
			fail_msg("\"%s\" was taken", bad[i]);
}

static void a_runtime_directory_is_ones_own(void **state)
{
	(void)state;
	char path[] = "/tmp/tare-test-XXXXXX";
	struct err e = ERR_INIT;

	assert_non_null(mkdtemp(path));
	assert_int_equal(runtime_dir_check(path, geteuid(), &e), 0);
	assert_int_equal(runtime_dir_check(path, geteuid() + 1, &e), -1);
	assert_non_null(strstr(e.msg, "not to you"));
	chmod(path, 0750);
	assert_int_equal(runtime_dir_check(path, geteuid(), &e), -1);
	assert_non_null(strstr(e.msg, "chmod 700"));
	rmdir(path);
	assert_int_equal(runtime_dir_check(path, geteuid(), &e), -1);
}

static void programs_have_absolute_paths(void **state)
{
	(void)state;
	char path[256];

	assert_int_equal(host_program("sh", path, sizeof path), 0);
	assert_int_equal(path[0], '/');
	assert_int_equal(host_program("no-such-program-here", path, sizeof path), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(ranges_are_by_name_or_number),
	        cmocka_unit_test(strange_lines_count_for_nothing),
	        cmocka_unit_test(a_runtime_directory_is_ones_own),
	        cmocka_unit_test(programs_have_absolute_paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
