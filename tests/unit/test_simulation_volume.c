/* The simulated engine's volumes: made, backed up, restored and filled there, and what a journal that
 * somebody edited may claim of it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "base/progress.h"
#include "engine/simulation.h"
#include "engine/simulation_backup.h"
#include "tests/unit/simulation_box.h"

static int set_up(void **state)
{
	return set_up_at(state, NULL);
}

static int make(struct tare_engine *t, const char *name, char **options, struct err *e)
{
	const struct tare_volume_create q = {.name = name, .options = options};
	char made[TARE_VOLUME_NAME_SIZE];

	return t->volume_create(t, &q, made, e);
}

static bool is_there(struct tare_engine *t, const char *name, struct tare_volume *row)
{
	struct tare_volume_list l;
	bool found = false;

	assert_int_equal(t->volume_list(t, &l, NULL), 0);
	for (size_t i = 0; i < l.n; i++)
		if (!strcmp(l.rows[i].name, name)) {
			found = true;
			if (row)
				*row = (struct tare_volume){.kind = l.rows[i].kind, .quota = l.rows[i].quota};
		}
	tare_volume_list_free(&l);
	return found;
}

static size_t count(struct tare_engine *t, const char *dir)
{
	json *list = NULL;
	size_t n;

	assert_int_equal(t->volume_backups(t, dir, &list, NULL), 0);
	n = json_object_array_length(list);
	json_free(&list);
	return n;
}

static void volumes_come_and_go(void **state)
{
	struct fixture *f = *state;
	char *tmpfs[] = {(char[]){"type=tmpfs"}, (char[]){"o=size=64m"}, NULL};
	char *wrong[] = {(char[]){"type=nfs"}, NULL};
	struct tare_volume row;
	struct err e = ERR_INIT;
	json *doc = NULL;

	assert_int_equal(make(f->a, "fast", tmpfs, &e), 0);
	assert_true(is_there(f->b, "fast", &row));
	assert_string_equal(row.kind, "tmpfs");
	assert_int_equal(row.quota, 64 << 20);
	assert_int_equal(make(f->b, "fast", tmpfs, &e), 0);
	assert_int_equal(make(f->b, "fast", NULL, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_int_equal(make(f->b, "other", wrong, &e), -1);
	assert_int_equal(make(f->b, "../x", NULL, &e), -1);
	assert_int_equal(f->b->volume_inspect(f->b, "shop-db-data", &doc, &e), 0);
	assert_int_equal(json_object_array_length(json_get(doc, "UsedBy")), 2);
	json_free(&doc);
	assert_int_equal(f->b->volume_remove(f->b, "shop-db-data", &e), -1);
	assert_non_null(strstr(e.msg, "shop-db"));
	assert_int_equal(f->b->volume_remove(f->b, "fast", &e), 0);
	assert_false(is_there(f->a, "fast", NULL));
}

static void there_are_weeks_of_backups(void **state)
{
	struct fixture *f = *state;
	json *list = NULL, *again = NULL, *changes = NULL;
	struct err e = ERR_INIT;
	size_t n;

	assert_int_equal(f->a->volume_backups(f->a, SIM_REPOSITORY "/", &list, &e), 0);
	assert_int_equal(f->b->volume_backups(f->b, SIM_REPOSITORY, &again, &e), 0);
	n = json_object_array_length(list);
	assert_true(n > 40);
	assert_true(json_object_equal(list, again));
	for (size_t i = 1; i < n; i++)
		assert_true(json_int(json_object_array_get_idx(list, i - 1), "Time", 0) <=
		            json_int(json_object_array_get_idx(list, i), "Time", 0));
	assert_int_equal(
	        f->a->volume_backup_compare(f->a, SIM_REPOSITORY, "latest", "latest", &changes, &e), 0);
	assert_int_equal(json_object_array_length(changes), 0);
	json_free(&changes);
	assert_int_equal(f->a->volume_backup_compare(f->a, SIM_REPOSITORY, "none", NULL, &changes, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(f->a->volume_backups(f->a, "/nowhere", &changes, &e), -1);
	json_free(&list);
	json_free(&again);
}

static void a_small_volume_is_backed_up_and_restored(void **state)
{
	struct fixture *f = *state;
	struct progress p = PROGRESS_NONE;
	struct tare_backup_result made;
	struct tare_restore_result restored;
	struct tare_restore r = {.volume = "small", .from = "/new"};
	struct err e = ERR_INIT;
	json *gone = NULL;

	progress_init(&p, -1, true);
	assert_int_equal(make(f->a, "small", NULL, &e), 0);
	assert_int_equal(f->a->volume_backup(
	                         f->a, &(struct tare_backup){.volume = "small", .to = "/new"}, &p, &made, &e),
	        0);
	assert_int_equal(count(f->b, "/new"), 1);
	assert_int_equal(f->b->volume_restore(f->b, &r, &p, &restored, &e), 0);
	tare_restore_result_free(&restored);
	r.into = "copy";
	assert_int_equal(f->b->volume_restore(f->b, &r, &p, &restored, &e), 0);
	tare_restore_result_free(&restored);
	assert_true(is_there(f->a, "copy", NULL));
	assert_int_equal(f->b->volume_restore(f->b, &r, &p, &restored, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	r = (struct tare_restore){.volume = "shop-db-data", .from = SIM_REPOSITORY};
	assert_int_equal(f->b->volume_restore(f->b, &r, &p, &restored, &e), -1);
	assert_non_null(strstr(e.msg, "shop-db runs"));
	assert_int_equal(
	        f->b->volume_forget(f->b,
	                &(struct tare_forget){.dir = "/new", .ids = (char *[]){made.id, NULL}}, &gone, &e),
	        0);
	assert_int_equal(json_object_array_length(gone), 1);
	json_free(&gone);
	assert_int_equal(count(f->a, "/new"), 0);
	tare_backup_result_free(&made);
	progress_end(&p);
}

/* What is brought in is seen by all, is in the diff, and goes with a restore of what was before. */
static void what_is_copied_in_is_there(void **state)
{
	struct fixture *f = *state;
	struct progress p = PROGRESS_NONE;
	struct err e = ERR_INIT;
	char path[128], text[64] = "";
	json *diff = NULL;
	bool found = false;
	int fd;

	progress_init(&p, -1, true);
	snprintf(path, sizeof path, "%s/note", f->dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	assert_int_equal(write_all(fd, "hello\n", 6), 0);
	close(fd);
	assert_int_equal(
	        f->a->copy(f->a, &(struct tare_copy){.from = path, .to = "shop-web:/etc"}, &p, &e), 0);
	fd = f->b->file_open(f->b, TARE_TREE_CONTAINER, "shop-web", "/etc/note", &e);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, text, sizeof text), 6);
	assert_string_equal(text, "hello\n");
	close(fd);
	assert_int_equal(f->b->diff(f->b, "shop-web", &diff, &e), 0);
	for (size_t i = 0; i < json_object_array_length(diff); i++)
		found |= !strcmp(json_str(json_object_array_get_idx(diff, i), "Path", ""), "/etc/note");
	assert_true(found);
	json_free(&diff);
	assert_int_equal(
	        f->a->copy(f->a, &(struct tare_copy){.from = "shop-web:/etc/note", .to = "./x"}, &p, &e), 0);
	assert_int_equal(f->a->copy(f->a, &(struct tare_copy){.from = path, .to = "./x"}, &p, &e), -1);
	assert_int_equal(
	        f->a->copy(f->a, &(struct tare_copy){.from = "/does/not/exist", .to = "shop-web:/"}, &p, &e),
	        -1);
	progress_end(&p);
}

static void claims_that_make_no_sense_are_passed_over(void **state)
{
	static const char *const lines[] = {
	        "{\"do\":\"volume-create\"}",
	        "{\"do\":\"volume-create\",\"name\":\"../../etc\"}",
	        "{\"do\":\"volume-create\",\"name\":\"shop-db-data\",\"labels\":7}",
	        "{\"do\":\"volume-create\",\"name\":\"odd\",\"labels\":[],\"options\":\"x\",\"bytes\":-5}",
	        "{\"do\":\"volume-remove\",\"name\":\"nothing\"}",
	        "{\"do\":\"volume-restored\",\"name\":[]}",
	        "{\"do\":\"backup-made\",\"backup\":\"short\",\"dir\":\"/x\"}",
	        "{\"do\":\"backup-made\",\"backup\":\"0123456789abcdef\",\"dir\":\"/x\",\"bytes\":-1}",
	        "{\"do\":\"backup-forget\"}",
	        "{\"do\":\"copy-in\"}",
	        "{\"do\":\"copy-in\",\"owner\":\"volume:odd\",\"path\":\"/absolute\"}",
	        "{\"do\":\"copy-in\",\"owner\":\"volume:odd\",\"path\":\"../up\",\"mode\":-1}",
	};
	struct fixture *f = *state;
	struct tare_file_list files;
	char path[128];
	int fd;

	snprintf(path, sizeof path, "%s/demo/journal", f->dir);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		dprintf(fd, "%s\n", lines[i]);
	close(fd);
	assert_true(is_there(f->a, "odd", NULL));
	assert_true(is_there(f->a, "shop-db-data", NULL));
	assert_int_equal(count(f->a, "/x"), 1);
	assert_int_equal(f->a->files(f->a, TARE_TREE_VOLUME, "odd", "/", &files, NULL), 0);
	tare_file_list_free(&files);
}

#define WITH_A_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_A_WORLD(volumes_come_and_go),
	        WITH_A_WORLD(there_are_weeks_of_backups),
	        WITH_A_WORLD(a_small_volume_is_backed_up_and_restored),
	        WITH_A_WORLD(what_is_copied_in_is_there),
	        WITH_A_WORLD(claims_that_make_no_sense_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
