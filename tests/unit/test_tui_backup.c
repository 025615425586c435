/* What the dashboard makes of lists of backups and of changes, whole and cut off; where backups are. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/tui_box.h"
#include "tui/backup.h"
#include "tui/change_lines.h"
#include "tui/volume_actions.h"

static const char two[] =
        "[{\"Id\":\"aa\",\"Volume\":\"db\",\"Time\":1000000000,\"Host\":\"h\",\"Bytes\":7,\"Files\":2,"
        "\"Added\":5,\"Stored\":3},"
        "{\"Id\":\"bb\",\"Volume\":\"db\",\"Time\":2000000000,\"Bytes\":-1}]";

static void the_newest_is_first(void **state)
{
	struct backup_list l;

	(void)state;
	assert_int_equal(backup_list_parse(two, strlen(two), &l, NULL), 0);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.rows[0].id, "bb");
	assert_string_equal(l.rows[0].host, "");
	assert_int_equal(l.rows[0].bytes, 0);
	assert_int_equal(l.rows[1].files, 2);
	assert_int_equal(l.rows[1].added, 5);
	assert_ptr_equal(backup_find(&l, "aa"), &l.rows[1]);
	assert_null(backup_find(&l, "cc"));
	backup_list_free(&l);
}

static void a_list_that_is_none_is_said(void **state)
{
	static const char *const wrong[] = {"", "[", "nonsense", "[{\"Id\":"};
	struct backup_list l;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct err e = ERR_INIT;

		assert_int_equal(backup_list_parse(wrong[i], strlen(wrong[i]), &l, &e), -1);
		assert_true(*e.msg);
	}
	assert_int_equal(backup_list_parse("{}", 2, &l, NULL), 0);
	assert_int_equal(l.n, 0);
	backup_list_free(&l);
}

static const char changes[] =
        "[{\"Path\":\"b\",\"Change\":\"A\",\"Size\":5,\"Time\":1},{\"Path\":\"a\",\"Change\":\"D\"},"
        "{\"Path\":\"c]}{\\\"\",\"Change\":\"C\",\"Odd\":\"\\\\\"},{\"Path\":\"d\",\"Change\":\"M\"}]";

static void changes_are_counted_and_sorted(void **state)
{
	struct change_list l;

	(void)state;
	assert_int_equal(change_list_parse(changes, strlen(changes), &l, NULL), 0);
	assert_int_equal(l.n, 4);
	assert_string_equal(l.rows[0].path, "a");
	assert_int_equal(l.rows[0].kind, 'D');
	assert_string_equal(l.rows[2].path, "c]}{\"");
	assert_int_equal(l.added + l.removed + l.changed + l.touched, 4);
	assert_false(l.cut);
	change_list_free(&l);
}

/* Wherever a list of files is cut off, what came whole before is shown. */
static void a_list_that_is_cut_is_mended(void **state)
{
	size_t second = (size_t)(strstr(changes, "},{\"Path\":\"a\"") - changes) + 1;

	(void)state;
	for (size_t len = 0; len < sizeof changes - 1; len++) {
		struct change_list l = {0};
		cleanup_free char *part = malloc(len + 1);

		assert_non_null(part);
		memcpy(part, changes,
		        len); /* at the end of its memory, so that a sanitizer sees who reads on */
		part[len] = '\0';
		if (change_list_parse(part, len, &l, NULL) == 0) {
			assert_true(l.cut);
			assert_true(len >= second);
			assert_string_equal(l.rows[l.n - 1].path, l.n == 4 ? "d" : l.n == 3 ? "c]}{\"" : "b");
		} else {
			assert_true(len < second);
		}
		change_list_free(&l);
	}
}

static void numbers_of_a_diff_are_letters(void **state)
{
	static const char diff[] =
	        "[{\"Path\":\"/a\",\"Kind\":0},{\"Path\":\"/b\",\"Kind\":1},{\"Path\":\"/c\",\"Kind\":2},"
	        "{\"Path\":\"/d\",\"Kind\":9},{\"Path\":\"/e\",\"Change\":\"AD\"}]";
	struct change_list l;
	char kinds[6] = "";

	(void)state;
	assert_int_equal(change_list_parse(diff, strlen(diff), &l, NULL), 0);
	for (size_t i = 0; i < l.n; i++)
		kinds[i] = l.rows[i].kind;
	assert_string_equal(kinds, "CAD  ");
	change_list_free(&l);
}

static void kinds_are_shown_one_by_one(void **state)
{
	struct app *a = *state;
	struct change_lines l;
	struct change_list list;

	change_lines_init(&l, a);
	assert_int_equal(change_list_parse(changes, strlen(changes), &list, NULL), 0);
	change_lines_set(&l, &list, false);
	assert_int_equal(l.n, 4);
	change_lines_act(&l, ACTION_CHANGES_KIND);
	assert_int_equal(l.only, 'A');
	assert_int_equal(l.n, 1);
	change_lines_act(&l, ACTION_CHANGES_KIND);
	assert_int_equal(l.only, 'D');
	change_lines_act(&l, ACTION_CHANGES_KIND);
	change_lines_act(&l, ACTION_CHANGES_KIND);
	assert_int_equal(l.only, 'M');
	change_lines_act(&l, ACTION_CHANGES_KIND);
	assert_int_equal(l.only, 0);
	assert_int_equal(l.n, 4);
	change_lines_free(&l);
}

static void a_repository_is_remembered(void **state)
{
	struct app *a = *state;

	/* of this machine: nothing for the demo, which the box is */
	config_remember(app_config(a), "backup.repository", "/real");
	config_remember(app_config(a), "backup.repository.db", "/real");
	config_remember(app_config(a), "backup.key_file", "/real.key");
	assert_string_equal(backup_repository(a, "db"), "/srv/backups");
	assert_string_equal(backup_key_file(a, "/real"), "");
	config_remember(app_config(a), "demo.backup.repository", "/all");
	assert_string_equal(backup_repository(a, "db"), "/all");
	backup_remember(a, "db", "/of-db");
	assert_string_equal(backup_repository(a, "db"), "/of-db");
	assert_string_equal(backup_repository(a, "web"), "/all");
	assert_string_equal(backup_repository(a, NULL), "/all");
}

/* A key opens the repository that it was told for, and makes no other one encrypted. */
static void each_repository_has_its_own_key(void **state)
{
	struct app *a = *state;

	backup_remember_key(a, "/a", "/a.key");
	backup_remember(a, "db", "/a");
	assert_string_equal(backup_key_file(a, "/a"), "/a.key");
	assert_string_equal(backup_key_file(a, "/a/"), "/a.key");
	assert_string_equal(backup_key_file(a, "/b"), "");
	config_remember(app_config(a), "demo.backup.key_file", "/general.key");
	assert_string_equal(backup_key_file(a, "/b"), "");
	backup_remember_key(a, "/a", "");
	assert_string_equal(backup_key_file(a, "/a"), "");
	config_remember(app_config(a), "demo.backup.repository", "/b");
	assert_string_equal(backup_key_file(a, "/b"), "/general.key");
}

static void the_backup_that_is_meant_is_found(void **state)
{
	struct backup_list l;

	(void)state;
	assert_int_equal(backup_list_parse(two, strlen(two), &l, NULL), 0);
	assert_ptr_equal(backup_meant(&l, "db", ""), &l.rows[0]);
	assert_ptr_equal(backup_meant(&l, "db", "latest"), &l.rows[0]);
	assert_ptr_equal(backup_meant(&l, "db", "a"), &l.rows[1]);
	assert_null(backup_meant(&l, "web", ""));
	assert_null(backup_meant(&l, "db", "c"));
	backup_list_free(&l);
}

static void names_are_told_in_few_words(void **state)
{
	char *none[] = {NULL}, *one[] = {"web", NULL}, *two_names[] = {"web", "api", NULL};
	char *four[] = {"web", "api", "db", "cache", NULL}, text[40];

	(void)state;
	assert_string_equal(volume_names_text(none, text, sizeof text), "");
	assert_string_equal(volume_names_text(one, text, sizeof text), "web");
	assert_string_equal(volume_names_text(two_names, text, sizeof text), "web and api");
	assert_string_equal(volume_names_text(four, text, sizeof text), "web and 3 others");
}

static void paths_of_the_host_are_completed(void **state)
{
	struct app *a = *state;
	cleanup_free char *dir = str_printf("%s/complete", a->dir),
	                  *file = str_printf("%s/complete/note.txt", a->dir);
	cleanup_free char *text = str_printf("%s/complete/no", a->dir),
	                  *sub = str_printf("%s/complete/node", a->dir);
	cleanup_free char *shown = str_printf("%s/complete/node/", a->dir);
	cleanup_strv char **found = NULL, **nothing = NULL;

	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(mkdir(sub, 0700), 0);
	close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	complete_host_path(text, &found);
	assert_int_equal(strv_len(found), 2);
	assert_true(strv_has(found, file));
	assert_true(strv_has(found, shown));
	complete_host_path("/does/not/exist/", &nothing);
	assert_null(nothing);
	unlink(file);
	rmdir(sub);
	rmdir(dir);
}

static int set_up(void **state)
{
	*state = box_open(30, 110);
	return 0;
}

static int tear_down(void **state)
{
	box_close(*state);
	return 0;
}

#define WITH_A_BOX(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_newest_is_first),
	        cmocka_unit_test(a_list_that_is_none_is_said),
	        cmocka_unit_test(changes_are_counted_and_sorted),
	        cmocka_unit_test(a_list_that_is_cut_is_mended),
	        cmocka_unit_test(numbers_of_a_diff_are_letters),
	        cmocka_unit_test(names_are_told_in_few_words),
	        WITH_A_BOX(kinds_are_shown_one_by_one),
	        WITH_A_BOX(a_repository_is_remembered),
	        WITH_A_BOX(each_repository_has_its_own_key),
	        cmocka_unit_test(the_backup_that_is_meant_is_found),
	        WITH_A_BOX(paths_of_the_host_are_completed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
