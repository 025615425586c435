/* The ":" line: what words mean, completion, history; and how a line is split into words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tui_box.h"
#include "tui/command_line.h"
#include "tui/words.h"

static int set_up(void **state)
{
	*state = box_open(24, 80);
	return 0;
}

static int tear_down(void **state)
{
	box_close(*state);
	return 0;
}

/* What waits for the dialog to be closed is done by the loop. */
static enum action act(struct app *a, const char *text)
{
	a->acted = ACTION_NONE;
	command_line_run(a, text);
	box_run_jobs_for(a, 20);
	return a->acted;
}

static const char *job_command(struct app *a)
{
	const struct job *const *jobs;
	size_t n;

	box_run_jobs(a);
	n = jobs_list(a->jobs, &jobs);
	return n ? jobs[n - 1]->command : "";
}

static void names_are_actions(void **state)
{
	struct app *a = *state;

	assert_int_equal(act(a, "stop"), ACTION_CTR_STOP);
	assert_int_equal(act(a, " : zoom "), ACTION_ZOOM);
	assert_int_equal(act(a, "help"), ACTION_HELP);
	assert_int_equal(act(a, "h"), ACTION_HELP);
	assert_int_equal(act(a, "theme"), ACTION_THEMES);
	command_line_run(a, "q");
	assert_true(a->has_quit);
}

/* The same word for each kind of thing. */
static void a_word_is_of_what_is_selected(void **state)
{
	struct app *a = *state;
	char **found = NULL;

	a->targets = calloc(1, sizeof(*a->targets));
	a->n_targets = 1;
	a->targets[0].kind = OBJECT_VOLUME;
	assert_int_equal(act(a, "prune"), ACTION_VOL_PRUNE);
	assert_int_equal(act(a, "inspect"), ACTION_VOL_INSPECT);
	a->targets[0].kind = OBJECT_NETWORK;
	assert_int_equal(act(a, "prune"), ACTION_NET_PRUNE);
	command_line_complete(a, "prun", &found);
	assert_true(strv_has(found, "volume-prune"));
	assert_string_equal(found[0], "prune");
	strv_free(found);
}

static void what_is_not_known_is_said(void **state)
{
	struct app *a = *state;

	assert_int_equal(act(a, "stpo"), ACTION_NONE);
	assert_non_null(strstr(a->toast, "did you mean stop?"));
	assert_int_equal(a->toast_kind, TOAST_ERROR);
	command_line_run(a, "tare 'x");
	assert_non_null(strstr(a->toast, "quote"));
	command_line_run(a, "");
}

static void settings_are_checked(void **state)
{
	struct app *a = *state;

	command_line_run(a, "set mouse no");
	assert_string_equal(config_get(a->config, "mouse", ""), "no");
	command_line_run(a, "set mouse purple");
	assert_int_equal(a->toast_kind, TOAST_ERROR);
	assert_string_equal(config_get(a->config, "mouse", ""), "no");
	command_line_run(a, "set colur 16");
	assert_non_null(strstr(a->toast, "did you mean color?"));
	command_line_run(a, "theme nosuchtheme");
	assert_int_equal(a->toast_kind, TOAST_ERROR);
}

static void tare_commands_become_jobs(void **state)
{
	struct app *a = *state;

	command_line_run(a, "tare ps --filter 'label=a b'");
	assert_string_equal(job_command(a), "tare --demo ps --filter 'label=a b'");
	/* what it printed is shown */
	assert_int_equal(a->n_dialogs, 1);
	assert_non_null(strstr(box_text(a), "label=a b"));
	command_line_run(a, "!version");
	assert_string_equal(job_command(a), "tare --demo version");
	command_line_run(a, "stop shop-db");
	assert_string_equal(job_command(a), "tare --demo stop shop-db");
	assert_string_equal(a->toast, "done: stop shop-db");
}

static void what_talks_gets_a_terminal(void **state)
{
	struct app *a = *state;

	command_line_run(a, "tare run -it busybox");
	assert_string_equal(a->shell, "run -it busybox");
	command_line_run(a, "exec -ti web sh");
	assert_string_equal(a->shell, "exec -ti web sh");
	a->shell[0] = '\0';
	command_line_run(a, "tare run -dit busybox");
	assert_string_equal(a->shell, "");
	box_run_jobs(a);
}

static void completion_knows_names_and_words(void **state)
{
	struct app *a = *state;
	char **c = NULL;

	command_line_complete(a, "sto", &c);
	assert_true(strv_has(c, "stop"));
	strv_free_ptr(&c);
	command_line_complete(a, "stop shop-d", &c);
	assert_int_equal(strv_len(c), 1);
	assert_string_equal(c[0], "shop-db");
	strv_free_ptr(&c);
	/* a quote that is open yet */
	command_line_complete(a, "'", &c);
	command_line_complete(a, "theme 'n", &c);
	assert_null(c);
	command_line_complete(a, "set mou", &c);
	assert_true(strv_has(c, "mouse"));
	strv_free_ptr(&c);
	command_line_complete(a, "set color ", &c);
	assert_true(strv_has(c, "256"));
	strv_free_ptr(&c);
}

static void tab_completes_and_history_comes_back(void **state)
{
	struct app *a = *state;

	app_push(a, command_line_new(a));
	box_type(a, "stop shop-d");
	assert_non_null(strstr(box_text(a), ":stop shop-d"));
	box_key(a, KEYC_TAB, 0);
	assert_non_null(strstr(box_text(a), ":stop shop-db"));
	box_key(a, KEYC_ENTER, 0);
	assert_int_equal(a->n_dialogs, 0);
	assert_string_equal(job_command(a), "tare --demo stop shop-db");
	app_push(a, command_line_new(a));
	box_type(a, "x");
	box_key(a, KEYC_UP, 0);
	assert_non_null(strstr(box_text(a), ":stop shop-db"));
	box_key(a, KEYC_DOWN, 0);
	assert_non_null(strstr(box_text(a), ":x"));
	box_key(a, KEYC_ESCAPE, 0);
	assert_int_equal(a->n_dialogs, 0);
}

static void a_line_splits_as_in_a_shell(void **state)
{
	char **w = words_split("  a 'b c' \"d\\\"e\" f\\ g '' x'y'z ", NULL);
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(strv_len(w), 6);
	assert_string_equal(w[1], "b c");
	assert_string_equal(w[2], "d\"e");
	assert_string_equal(w[3], "f g");
	assert_string_equal(w[4], "");
	assert_string_equal(w[5], "xyz");
	strv_free(w);
	assert_null(words_split("   ", &e));
	assert_string_equal(e.msg, "");
	assert_null(words_split("a \"b", &e));
	assert_non_null(strstr(e.msg, "quote"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(names_are_actions, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_word_is_of_what_is_selected, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(what_is_not_known_is_said, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(settings_are_checked, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(tare_commands_become_jobs, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(what_talks_gets_a_terminal, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(completion_knows_names_and_words, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(tab_completes_and_history_comes_back, set_up, tear_down),
	        cmocka_unit_test(a_line_splits_as_in_a_shell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
