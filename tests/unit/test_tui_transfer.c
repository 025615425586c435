/* Images on their way, as the user asks for them: what is run, what is asked before, what follows from a
 * failure. A shell stands for tare. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tui_box.h"

static int set_up(void **state)
{
	*state = box_open(30, 100);
	return 0;
}

static int tear_down(void **state)
{
	box_close(*state);
	return 0;
}

/* `script` instead of tare; it has the words in "$@". */
static void tare_is(struct app *a, const char *script)
{
	strv_free(a->tare);
	a->tare = NULL;
	strv_add(&a->tare, "/bin/sh");
	strv_add(&a->tare, "-c");
	strv_add(&a->tare, script);
	strv_add(&a->tare, "tare");
}

static void target_image(struct app *a, const char *repository)
{
	const struct tare_image_list *l = model_images(a->model);

	free(a->targets);
	a->targets = calloc(64, sizeof(*a->targets));
	a->n_targets = 0;
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->rows[i].repository, repository)) {
			model_image_object(&l->rows[i], &a->targets[0]);
			a->n_targets = 1;
		}
	assert_int_equal(a->n_targets, 1);
}

static void an_image_is_pulled_by_its_name(void **state)
{
	struct app *a = *state;

	actions_perform(a, ACTION_IMG_PULL);
	box_key(a, KEYC_ENTER, 0);
	assert_int_equal(a->n_dialogs, 1);
	box_type(a, "Alpine");
	assert_non_null(strstr(box_text(a), "lower case"));
	box_key(a, 'u', MOD_CTRL);
	box_type(a, "alpine:3.20");
	box_key(a, KEYC_ENTER, 0);
	assert_string_equal(box_command(a), "tare --demo pull alpine:3.20");
	assert_string_equal(a->toast, "pulled alpine:3.20");
	actions_perform(a, ACTION_IMG_PULL);
	box_type(a, "quay.io/a/b linux/ar");
	box_key(a, KEYC_TAB, 0);
	box_key(a, KEYC_TAB, 0);
	box_key(a, KEYC_ENTER, 0);
	assert_string_equal(box_command(a), "tare --demo pull --platform linux/arm64 quay.io/a/b");
	/* what was pulled before is a key away */
	actions_perform(a, ACTION_IMG_PULL);
	box_key(a, KEYC_UP, 0);
	box_key(a, KEYC_UP, 0);
	box_key(a, KEYC_ENTER, 0);
	assert_string_equal(box_command(a), "tare --demo pull alpine:3.20");
}

static void an_image_is_pushed_where_one_says(void **state)
{
	struct app *a = *state;

	target_image(a, "shop/api");
	actions_perform(a, ACTION_IMG_PUSH);
	box_key(a, KEYC_ENTER, 0);
	assert_string_equal(box_command(a), "tare --demo push shop/api:2.4");
	assert_string_equal(a->toast, "pushed shop/api:2.4");
	actions_perform(a, ACTION_IMG_PUSH);
	box_key(a, 'u', MOD_CTRL);
	box_key(a, KEYC_ENTER, 0);
	assert_int_equal(a->n_dialogs, 1);
	box_type(a, "localhost:5000/api:1");
	box_key(a, KEYC_ENTER, 0);
	assert_string_equal(box_command(a), "tare --demo push shop/api:2.4 localhost:5000/api:1");
	a->n_targets = 0;
	actions_perform(a, ACTION_IMG_PUSH);
	assert_string_equal(a->toast, "no image is selected; 2 shows them");
}

static void what_a_search_finds_is_pulled(void **state)
{
	struct app *a = *state;

	tare_is(a,
	        "case \"$*\" in *list-tags*) echo '{\"Name\":\"nginx\",\"Tags\":[\"latest\",\"1.27\"]}';;"
	        "*) echo '[{\"Name\":\"nginx\",\"Description\":\"web \\u001b[31mserver\",\"StarCount\":20000,"
	        "\"IsOfficial\":true},{\"Name\":\"x/nginx\"},{\"no\":1},7]';; esac");
	actions_perform(a, ACTION_IMG_SEARCH);
	box_type(a, "nginx");
	box_key(a, KEYC_ENTER, 0);
	assert_string_equal(box_command(a), "tare --demo --json search nginx");
	assert_int_equal(a->n_dialogs, 1);
	assert_non_null(strstr(box_text(a), "official  20000 stars  web"));
	assert_non_null(strstr(box_text(a), "2/2"));
	assert_null(strchr(box_text(a), '\x1b'));
	box_key(a, KEYC_RIGHT, 0);
	assert_int_equal(a->n_dialogs, 0);
	assert_string_equal(box_command(a), "tare --demo --json search --list-tags nginx");
	assert_int_equal(a->n_dialogs, 1);
	box_type(a, "1.2");
	box_key(a, KEYC_ENTER, 0);
	assert_string_equal(box_command(a), "tare --demo pull nginx:1.27");
}

static void a_search_that_finds_nothing_says_so(void **state)
{
	static const char *const answers[] = {"echo '[]'", "echo '{'", "echo '[[],null]'", "true"};
	struct app *a = *state;

	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		tare_is(a, answers[i]);
		a->toast[0] = '\0';
		actions_perform(a, ACTION_IMG_SEARCH);
		box_type(a, "nothing");
		box_key(a, KEYC_ENTER, 0);
		box_run_jobs(a);
		assert_int_equal(a->n_dialogs, 0);
		assert_string_equal(a->toast, "nothing found for nothing");
	}
}

static void a_password_is_neither_shown_nor_logged(void **state)
{
	struct app *a = *state;

	tare_is(a, "read p; test \"$p\" = 'ge heim' && echo \"$*\"");
	actions_perform(a, ACTION_IMG_LOGIN);
	box_type(a, "quay.io");
	box_key(a, KEYC_TAB, 0);
	box_type(a, "ada");
	box_key(a, KEYC_TAB, 0);
	box_type(a, "ge heim");
	assert_null(strstr(box_text(a), "heim"));
	assert_non_null(strstr(box_text(a),
	        "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2"));
	box_key(a, 's', MOD_CTRL);
	assert_string_equal(box_command(a), "tare --demo login --username ada --password-stdin quay.io");
	assert_string_equal(box_last_job(a)->output, "login --username ada --password-stdin quay.io\n");
	assert_string_equal(a->toast, "log in to quay.io: done");
}

static void a_registry_that_asks_gets_a_login_and_the_pull_again(void **state)
{
	struct app *a = *state;
	char mark[128], script[512];

	snprintf(mark, sizeof(mark), "%s/in", a->dir);
	snprintf(script, sizeof(script),
	        "case $1 in login) touch %s;; *) test -e %s || { echo 'tare: quay.io wants to know who asks; "
	        "log in first: tare login quay.io' >&2; exit 1; };; esac",
	        mark, mark);
	tare_is(a, script);
	actions_perform(a, ACTION_IMG_PULL);
	box_type(a, "quay.io/secret/one");
	box_key(a, KEYC_ENTER, 0);
	box_run_jobs(a);
	assert_string_equal(a->toast, ""); /* which would lie over the form */
	assert_int_equal(a->n_dialogs, 1);
	assert_non_null(strstr(box_text(a), "Log in to a registry"));
	assert_non_null(strstr(box_text(a), "quay.io"));
	box_type(a, "ada");
	box_key(a, KEYC_TAB, 0);
	box_type(a, "x");
	box_key(a, 's', MOD_CTRL);
	box_run_jobs(a);
	box_run_jobs(a);
	assert_string_equal(box_command(a), "tare --demo pull quay.io/secret/one");
	assert_string_equal(a->toast, "pulled quay.io/secret/one");
}

static void what_failed_is_tried_again(void **state)
{
	struct app *a = *state;
	char script[256];

	actions_perform(a, ACTION_AGAIN);
	assert_string_equal(a->toast, "nothing has failed yet");
	snprintf(script, sizeof(script), "test -e %s/there || { touch %s/there; exit 1; }", a->dir, a->dir);
	tare_is(a, script);
	actions_perform(a, ACTION_IMG_PULL);
	box_type(a, "alpine");
	box_key(a, KEYC_ENTER, 0);
	box_run_jobs(a);
	assert_int_equal(a->toast_kind, TOAST_ERROR);
	actions_perform(a, ACTION_AGAIN);
	assert_string_equal(box_command(a), "tare --demo pull alpine");
	assert_string_equal(a->toast, "pulled alpine");
	actions_perform(a, ACTION_AGAIN);
	assert_string_equal(a->toast, "nothing has failed yet");
}

static void a_failed_login_keeps_no_password(void **state)
{
	struct app *a = *state;

	tare_is(a, "exit 1");
	actions_perform(a, ACTION_IMG_LOGIN);
	box_key(a, KEYC_TAB, 0);
	box_type(a, "ada");
	box_key(a, KEYC_TAB, 0);
	box_type(a, "x");
	box_key(a, 's', MOD_CTRL);
	box_run_jobs(a);
	assert_string_equal(a->toast, "log in to docker.io failed: ended with exit code 1 (! shows the log)");
	actions_perform(a, ACTION_AGAIN);
	assert_string_equal(a->toast, "nothing has failed yet");
}

static void an_image_is_made_of_a_container(void **state)
{
	struct app *a = *state;

	box_target_one(a, "shop-db");
	actions_perform(a, ACTION_CTR_COMMIT);
	box_type(a, "shop/db:snapshot");
	box_key(a, KEYC_TAB, 0);
	box_type(a, "before the move");
	box_key(a, KEYC_TAB, 0);
	box_type(a, "'ENV A=b'");
	box_key(a, KEYC_TAB, 0);
	box_key(a, ' ', 0);
	box_key(a, 's', MOD_CTRL);
	assert_string_equal(box_command(a),
	        "tare --demo commit --message 'before the move' --change 'ENV A=b' "
	        "--pause=false shop-db shop/db:snapshot");
	assert_string_equal(a->toast, "made shop/db:snapshot of shop-db");
	box_target_one(a, "shop-migrate");
	actions_perform(a, ACTION_CTR_COMMIT);
	box_type(a, "m");
	box_key(a, 's', MOD_CTRL);
	assert_string_equal(box_command(a), "tare --demo commit shop-migrate m");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(an_image_is_pulled_by_its_name, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(an_image_is_pushed_where_one_says, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(what_a_search_finds_is_pulled, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_search_that_finds_nothing_says_so, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_password_is_neither_shown_nor_logged, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_registry_that_asks_gets_a_login_and_the_pull_again, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(what_failed_is_tried_again, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_failed_login_keeps_no_password, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(an_image_is_made_of_a_container, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
