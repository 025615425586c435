/* The processes of a container: read, ordered as a tree and by CPU, filtered. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "tui/process_table.h"

#define TITLES                 "\"Titles\":[\"UID\",\"PID\",\"PPID\",\"C\",\"TIME\",\"CMD\"]"
#define ROW(pid, ppid, c, cmd) "[\"root\",\"" #pid "\",\"" #ppid "\",\"" #c "\",\"00:00:01\",\"" cmd "\"]"

static const char rows_text[] =
        "{" TITLES ",\"Processes\":[" ROW(30, 20, 0, "grandchild") "," ROW(10, 1, 1, "init") "," ROW(
                20, 10, 50, "worker") "," ROW(25, 10, 7, "sidecar") "],"
                                                                    "\"Usage\":[[0,4096],"
                                                                    "[100,8192],[5000000000,1],[9,2]]}";

static json *document(const char *text)
{
	struct err e;
	json *j = json_parse(text, strlen(text), "test", &e);

	assert_non_null(j);
	return j;
}

static void a_tree_in_order(void **state)
{
	struct process_table t = {.n = 0};
	char prefix[PROCESS_PREFIX_SIZE];

	(void)state;
	assert_int_equal(process_table_set(&t, document(rows_text), 0), 0);
	process_table_order(&t, PROCESSES_TREE, "");
	assert_int_equal(t.n, 4);
	static const pid_t order[] = {10, 20, 30, 25};
	static const char *const prefixes[] = {"", "├─", "│ └─", "└─"};
	static const char *const ascii[] = {"", "|-", "| `-", "`-"};
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(t.rows[i].pid, order[i]);
		assert_string_equal(process_prefix(&t.rows[i], false, prefix), prefixes[i]);
		assert_string_equal(process_prefix(&t.rows[i], true, prefix), ascii[i]);
	}
	assert_int_equal(t.rows[0].memory, 8192);
	assert_true(t.rows[1].cpu == 50);
	process_table_order(&t, PROCESSES_CPU, "");
	assert_int_equal(t.rows[0].pid, 20);
	assert_int_equal(t.rows[1].pid, 25);
	process_table_free(&t);
}

static void cpu_is_that_since_the_last_look(void **state)
{
	struct process_table t = {.n = 0};
	static const char next[] = "{" TITLES ",\"Processes\":[" ROW(20, 10, 50, "worker") "," ROW(
	        99, 10, 3, "new") "],\"Usage\":[[5250000000,1],[7,2]]}";

	(void)state;
	assert_int_equal(process_table_set(&t, document(rows_text), 1000000000), 0);
	process_table_order(&t, PROCESSES_TREE, "sidecar"); /* a filter forgets nothing */
	assert_int_equal(t.n, 1);
	assert_int_equal(process_table_set(&t, document(next), 2000000000), 0);
	process_table_order(&t, PROCESSES_CPU, "");
	assert_int_equal(t.rows[0].pid, 20);
	assert_true(fabs(t.rows[0].cpu - 25) < 0.001);
	assert_true(t.rows[1].cpu == 3);
	process_table_free(&t);
}

static void filters(void **state)
{
	struct process_table t = {.n = 0};

	(void)state;
	assert_int_equal(process_table_set(&t, document(rows_text), 0), 0);
	process_table_order(&t, PROCESSES_TREE, "WORK");
	assert_int_equal(t.n, 0);
	process_table_order(&t, PROCESSES_TREE, "work");
	assert_int_equal(t.n, 1);
	assert_int_equal(process_table_find(&t, 20), 0);
	process_table_order(&t, PROCESSES_TREE, "25");
	assert_int_equal(t.n, 1);
	process_table_order(&t, PROCESSES_TREE, "");
	assert_int_equal(t.n, 4);
	process_table_free(&t);
}

static void nonsense_is_survived(void **state)
{
	static const char *const texts[] = {
	        "{}",
	        "{\"Processes\":5,\"Titles\":{}}",
	        "{\"Processes\":[1,[],[2,3]],\"Titles\":[\"PID\"],\"Usage\":[null,7]}",
	        /* each the other's parent, and its own */
	        "{" TITLES
	        ",\"Processes\":[" ROW(5, 6, 0, "a") "," ROW(6, 5, 0, "b") "," ROW(7, 7, 0, "c") "]}",
	};
	static const size_t n[] = {0, 0, 2, 3};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct process_table t = {.n = 0};
		assert_int_equal(process_table_set(&t, document(texts[i]), 0), 0);
		process_table_order(&t, PROCESSES_TREE, "");
		assert_int_equal(t.n, n[i]);
		process_table_order(&t, PROCESSES_CPU, "");
		assert_int_equal(t.n, n[i]);
		process_table_free(&t);
	}
}

static void deep_trees_are_bounded(void **state)
{
	struct process_table t = {.n = 0};
	cleanup_buf struct buf text = BUF_INIT;
	char prefix[PROCESS_PREFIX_SIZE];

	(void)state;
	buf_str_add(&text, "{" TITLES ",\"Processes\":[");
	for (int i = 1; i <= 3000; i++)
		buf_printf(&text, "%s[\"0\",\"%d\",\"%d\",\"0\",\"\",\"x\"]", i > 1 ? "," : "", i, i - 1);
	buf_str_add(&text, "]}");
	assert_int_equal(process_table_set(&t, document(buf_str(&text)), 0), 0);
	process_table_order(&t, PROCESSES_TREE, "");
	assert_int_equal(t.n, 3000);
	assert_int_equal(t.rows[2999].pid, 3000);
	assert_int_equal(t.rows[2999].depth, PROCESS_DEPTH_MAX);
	assert_true(strlen(process_prefix(&t.rows[2999], false, prefix)) < sizeof prefix);
	process_table_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_tree_in_order),
	        cmocka_unit_test(cpu_is_that_since_the_last_look),
	        cmocka_unit_test(filters),
	        cmocka_unit_test(nonsense_is_survived),
	        cmocka_unit_test(deep_trees_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
