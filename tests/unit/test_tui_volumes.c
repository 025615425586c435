/* The commands that the forms and prompts of volumes come down to. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/tui_box.h"
#include "tui/backup.h"
#include "tui/volume_actions.h"

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

static void target_volume(struct app *a, const char *name)
{
	free(a->targets);
	a->targets = calloc(1, sizeof(*a->targets));
	a->targets->kind = OBJECT_VOLUME;
	snprintf(a->targets->id, sizeof a->targets->id, "%s", name);
	a->n_targets = 1;
}

static void tabs(struct app *a, int n)
{
	while (n-- > 0)
		box_key(a, KEYC_TAB, 0);
}

static void run_form(struct app *a)
{
	box_key(a, 's', MOD_CTRL);
}

static void a_volume_is_made_of_each_kind(void **state)
{
	struct app *a = *state;

	actions_perform(a, ACTION_VOL_CREATE);
	box_type(a, "shop-db-data");
	assert_non_null(strstr(box_text(a), "another volume is called so"));
	box_key(a, 'u', MOD_CTRL);
	box_type(a, "mine");
	tabs(a, 2);
	box_type(a, "10g");
	tabs(a, 2);
	box_type(a, "team=shop");
	run_form(a);
	assert_string_equal(
	        box_command(a), "tare --demo volume create --label team=shop --opt size=10g mine");
	actions_perform(a, ACTION_VOL_CREATE);
	box_type(a, "fast");
	tabs(a, 1);
	box_key(a, KEYC_RIGHT, 0);
	tabs(a, 1);
	box_type(a, "64m");
	run_form(a);
	assert_string_equal(box_command(a),
	        "tare --demo volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=64m fast");
	actions_perform(a, ACTION_VOL_CREATE);
	box_type(a, "there");
	tabs(a, 1);
	box_key(a, KEYC_RIGHT, 0);
	box_key(a, KEYC_RIGHT, 0);
	tabs(a, 2);
	box_type(a, "/srv/data");
	run_form(a);
	assert_string_equal(box_command(a),
	        "tare --demo volume create --opt type=none --opt o=bind --opt device=/srv/data there");
}

static void one_in_use_is_not_removed(void **state)
{
	struct app *a = *state;

	target_volume(a, "shop-db-data");
	actions_perform(a, ACTION_VOL_REMOVE);
	assert_int_equal(a->n_dialogs, 0);
	assert_string_equal(a->toast, "shop-db-data is used by shop-db and backup; remove them first");
}

static void a_backup_goes_into_the_repository_that_was_told(void **state)
{
	struct app *a = *state;

	config_remember(app_config(a), "demo.backup.repository", "/srv/all");
	target_volume(a, "shop-db-data");
	actions_perform(a, ACTION_VOL_BACKUP);
	run_form(a);
	assert_string_equal(box_command(a), "tare --demo volume backup --to /srv/all shop-db-data");
	assert_string_equal(a->toast, "shop-db-data is backed up in /srv/all");
	actions_perform(a, ACTION_VOL_BACKUP);
	box_key(a, KEYC_TAB, MOD_SHIFT);
	box_key(a, 'x', 0); /* a letter chooses nothing */
	box_key(a, 'l', 0);
	box_key(a, KEYC_RIGHT, 0);
	tabs(a, 1);
	box_key(a, 'u', MOD_CTRL);
	box_type(a, "/srv/x.tar");
	tabs(a, 2);
	box_key(a, ' ', 0);
	tabs(a, 1);
	box_type(a, "'*.tmp'");
	run_form(a);
	assert_string_equal(box_command(a),
	        "tare --demo volume backup --pause --exclude '*.tmp' shop-db-data /srv/x.tar");
	assert_string_equal(backup_repository(a, "shop-db-data"), "/srv/all");
}

static const struct backup one = {.id = (char *)(uintptr_t) "4fffa07a5fa898ea",
        .volume = (char *)(uintptr_t) "shop-db-data",
        .when = "2026-01-03 02:02",
        .bytes = 1 << 20,
        .files = 3};

/* Nothing is replaced that is written to, unless one says so and then once more. */
static void a_restore_in_place_asks_twice(void **state)
{
	struct app *a = *state;

	volume_restore(a, "shop-db-data", "/srv/all", &one, NULL);
	run_form(a);
	assert_int_equal(a->n_dialogs, 1);
	assert_non_null(strstr(box_text(a), "stop it first, or say yes here"));
	box_key(a, ' ', 0);
	run_form(a);
	assert_non_null(strstr(box_text(a), "Replace all files in shop-db-data?"));
	assert_non_null(strstr(box_text(a), "! shop-db runs"));
	assert_null(box_last_job(a));
	box_key(a, 'y', 0);
	assert_string_equal(
	        box_command(a), "tare --demo volume restore --force shop-db-data /srv/all@4fffa07a5fa898ea");
}

static void a_new_volume_is_restored_at_once(void **state)
{
	struct app *a = *state;

	volume_restore(a, "shop-db-data", "/srv/all", &one, NULL);
	box_key(a, KEYC_RIGHT, 0);
	tabs(a, 1);
	box_type(a, "search-index");
	assert_non_null(strstr(box_text(a), "there is a volume of that name"));
	box_key(a, 'u', MOD_CTRL);
	box_type(a, "old");
	run_form(a);
	assert_string_equal(box_command(a),
	        "tare --demo volume restore --into old shop-db-data /srv/all@4fffa07a5fa898ea");
	assert_string_equal(a->toast, "restored shop-db-data as old");
}

/* What any child of it prints from now on. */
static void tare_says(struct app *a, const char *text)
{
	strv_free_ptr(&a->tare);
	strv_add(&a->tare, "/bin/sh");
	strv_add(&a->tare, "-c");
	strv_take(&a->tare, str_printf("echo '%s'", text));
}

/* Which one that is was read first: it is named, and no newer one can slip in. */
static void the_newest_needs_no_id(void **state)
{
	struct app *a = *state;

	tare_says(a, "[{\"Id\":\"aa\",\"Volume\":\"gone\",\"Time\":1000000000},"
	             "{\"Id\":\"bb\",\"Volume\":\"web\",\"Time\":2000000000}]");
	volume_restore(a, "gone", "/srv/all", NULL, NULL);
	run_form(a);
	assert_int_equal(a->n_dialogs, 1);
	assert_non_null(strstr(box_text(a), "are being read"));
	box_run_jobs(a);
	run_form(a);
	assert_string_equal(box_command(a), "tare --demo volume restore gone /srv/all@aa");
}

static void without_a_backup_nothing_is_asked(void **state)
{
	struct app *a = *state;

	tare_says(a, "[{\"Id\":\"bb\",\"Volume\":\"web\",\"Time\":2000000000}]");
	volume_restore(a, "search-index", "/srv/all", NULL, NULL);
	box_run_jobs(a);
	run_form(a);
	assert_int_equal(a->n_dialogs, 1);
	assert_non_null(strstr(box_text(a), "there is no backup of search-index in it"));
}

static void a_key_that_is_wanted_is_asked_for(void **state)
{
	struct app *a = *state;

	strv_free_ptr(&a->tare);
	strv_add(&a->tare, "/bin/sh");
	strv_add(&a->tare, "-c");
	strv_add(&a->tare, "echo 'tare: it is encrypted: name its key file with --key-file' >&2; exit 125");
	volume_restore(a, "gone", "/srv/all", NULL, NULL);
	box_run_jobs(a);
	assert_non_null(strstr(box_text(a), "which is its key file?"));
	run_form(a);
	assert_int_equal(a->n_dialogs, 1);
	tare_says(a, "[{\"Id\":\"aa\",\"Volume\":\"gone\",\"Time\":1000000000}]");
	box_type(a, "/root/key");
	run_form(a);
	box_run_jobs(a);
	run_form(a);
	assert_string_equal(
	        box_command(a), "tare --demo volume restore --key-file /root/key gone /srv/all@aa");
	assert_string_equal(backup_key_file(a, "/srv/all"), "/root/key");
}

/* The file that was looked at, from the backup that was looked at. */
static void one_file_is_restored(void **state)
{
	struct app *a = *state;

	volume_restore(a, "gone", "/srv/all", &one, "/conf/v1..v2");
	run_form(a);
	assert_string_equal(box_command(a),
	        "tare --demo volume restore --path conf/v1..v2 gone /srv/all@4fffa07a5fa898ea");
}

static void a_backup_is_verified_and_forgotten(void **state)
{
	struct app *a = *state;
	const struct backup *some[] = {&one};

	config_remember(app_config(a), "demo.backup.key_file", "/root/key");
	backup_verify(a, "/srv/all", &one);
	assert_string_equal(
	        box_command(a), "tare --demo volume verify --key-file /root/key /srv/all@4fffa07a5fa898ea");
	backups_forget(a, "/srv/all", some, 1);
	assert_int_equal(a->n_dialogs, 1);
	box_key(a, 'y', 0);
	assert_string_equal(box_command(a),
	        "tare --demo volume forget --prune --key-file /root/key /srv/all 4fffa07a5fa898ea");
}

static void a_whole_repository_is_verified_and_pruned(void **state)
{
	struct app *a = *state;

	backup_remember_key(a, "/srv/all", "/root/key");
	verify_repository(a, "/srv/all");
	assert_string_equal(box_command(a), "tare --demo volume verify --key-file /root/key /srv/all");
	prune_repository(a, "/srv/all");
	assert_string_equal(box_command(a), "tare --demo volume prune --key-file /root/key /srv/all");
	prune_repository(a, "/srv/other");
	assert_string_equal(box_command(a), "tare --demo volume prune /srv/other");
}

static void files_go_out_and_come_in(void **state)
{
	struct app *a = *state;
	cleanup_free char *there = str_printf("%s/there", a->dir), *text = NULL;

	assert_int_equal(chdir(a->dir), 0);
	file_copy_out(a, TARE_TREE_CONTAINER, "web", "/etc/hosts");
	box_key(a, KEYC_ENTER, 0);
	text = str_printf("tare --demo cp web:/etc/hosts %s/hosts", a->dir);
	assert_string_equal(box_command(a), text);
	free(text);
	/* a second time it is the same place, and that is asked */
	assert_int_equal(mkdir("etc", 0700), 0);
	file_copy_out(a, TARE_TREE_CONTAINER, "web", "/etc");
	box_key(a, KEYC_ENTER, 0);
	assert_non_null(strstr(box_text(a), "Files of the same"));
	box_key(a, 'y', 0);
	text = str_printf("tare --demo cp web:/etc %s/", a->dir);
	assert_string_equal(box_command(a), text);
	free(text);
	/* but with a slash at its end it goes into it */
	file_copy_out(a, TARE_TREE_CONTAINER, "web", "/etc");
	box_type(a, "/");
	box_key(a, KEYC_ENTER, 0);
	text = str_printf("tare --demo cp web:/etc %s/etc/", a->dir);
	assert_string_equal(box_command(a), text);
	free(text);
	text = str_printf("copied /etc of web to %s/etc/etc", a->dir);
	assert_string_equal(a->toast, text);
	free(text);
	rmdir("etc");
	file_copy_out(a, TARE_TREE_VOLUME, "data", "/x");
	box_key(a, 'u', MOD_CTRL);
	box_type(a, "-y"); /* no option, and not standard output */
	box_key(a, KEYC_ENTER, 0);
	assert_string_equal(box_command(a), "tare --demo cp --volume data:/x ./-y");
	/* what is there is not replaced without a word */
	close(open(there, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	file_copy_out(a, TARE_TREE_VOLUME, "data", "/x");
	box_key(a, 'u', MOD_CTRL);
	box_type(a, there);
	box_key(a, KEYC_ENTER, 0);
	assert_non_null(strstr(box_text(a), "Replace"));
	box_key(a, 'n', 0);
	file_copy_in(a, TARE_TREE_VOLUME, "data", "/sub");
	box_type(a, "/does/not/exist");
	box_key(a, KEYC_ENTER, 0);
	assert_non_null(strstr(box_text(a), "there is no such file here"));
	box_key(a, 'u', MOD_CTRL);
	box_type(a, there);
	box_key(a, KEYC_ENTER, 0);
	text = str_printf("tare --demo cp --volume %s data:/sub/", there);
	assert_string_equal(box_command(a), text);
	unlink(there);
	assert_int_equal(chdir("/"), 0);
}

#define WITH_A_BOX(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_A_BOX(a_volume_is_made_of_each_kind),
	        WITH_A_BOX(one_in_use_is_not_removed),
	        WITH_A_BOX(a_backup_goes_into_the_repository_that_was_told),
	        WITH_A_BOX(a_restore_in_place_asks_twice),
	        WITH_A_BOX(a_new_volume_is_restored_at_once),
	        WITH_A_BOX(the_newest_needs_no_id),
	        WITH_A_BOX(without_a_backup_nothing_is_asked),
	        WITH_A_BOX(a_key_that_is_wanted_is_asked_for),
	        WITH_A_BOX(one_file_is_restored),
	        WITH_A_BOX(a_backup_is_verified_and_forgotten),
	        WITH_A_BOX(a_whole_repository_is_verified_and_pruned),
	        WITH_A_BOX(files_go_out_and_come_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
