/* Jobs: children that are started, heard, cancelled and remembered. A shell stands for tare. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>

#include "tests/unit/tui_box.h"

static int set_up(void **state)
{
	struct app *a = box_open(24, 80);

	strv_free(a->tare);
	a->tare = NULL;
	strv_add(&a->tare, "/bin/sh");
	strv_add(&a->tare, "-c");
	*state = a;
	return 0;
}

static int tear_down(void **state)
{
	box_close(*state);
	return 0;
}

static const struct job *run(struct app *a, const char *script, job_done_fn *done, void *arg)
{
	char *const args[] = {(char *)script, NULL};
	struct err e = ERR_INIT;
	const struct job *j = job_start(a->jobs, args, "a job", done, arg, &e);

	assert_non_null(j);
	return j;
}

static void count_done(struct app *a, const struct job *j, void *arg)
{
	(void)a;
	(void)j;
	++*(int *)arg;
}

static void output_and_end_are_told(void **state)
{
	struct app *a = *state;
	int n = 0;
	const struct job *j = run(a, "echo one; echo two; echo note >&2", count_done, &n);

	assert_int_equal(j->state, JOB_RUNNING);
	assert_ptr_equal(jobs_current(a->jobs), j);
	box_run_jobs(a);
	assert_int_equal(n, 1);
	assert_int_equal(j->state, JOB_OK);
	assert_string_equal(j->output, "one\ntwo\n");
	assert_string_equal(j->messages, "note\n");
	assert_true(j->ended >= j->started);
	assert_null(jobs_current(a->jobs));
}

static void an_error_is_its_last_line(void **state)
{
	struct app *a = *state;
	const struct job *j =
	        run(a, "echo first >&2; printf 'tare: no such \\033[31mthing\\n' >&2; exit 3", NULL, NULL);

	box_run_jobs(a);
	assert_int_equal(j->state, JOB_FAILED);
	assert_int_equal(j->exit_code, 3);
	assert_string_equal(j->error, "no such \xef\xbf\xbd[31mthing");
}

static void a_silent_failure_says_its_code(void **state)
{
	struct app *a = *state;
	const struct job *j = run(a, "exit 125", NULL, NULL);

	box_run_jobs(a);
	assert_string_equal(j->error, "ended with exit code 125");
	j = run(a, "kill -SEGV $$", NULL, NULL);
	box_run_jobs(a);
	assert_int_equal(j->exit_code, 128 + SIGSEGV);
}

static void endless_output_is_cut(void **state)
{
	struct app *a = *state;
	const struct job *j = run(a, "head -c 3000000 /dev/zero | tr '\\0' x", NULL, NULL);

	box_run_jobs(a);
	assert_int_equal(j->state, JOB_OK);
	assert_true(strlen(j->output) < 66000);
	assert_non_null(strstr(j->output, "the rest was left out"));
}

static void cancel_stops_it_and_its_children(void **state)
{
	struct app *a = *state;
	const struct job *j = run(a, "sleep 100 | sleep 100", NULL, NULL);

	usleep(50000);
	job_cancel(a->jobs, j->number);
	box_run_jobs(a);
	assert_int_equal(j->state, JOB_CANCELLED);
	assert_true(j->ended - j->started < INT64_C(3000000000));
}

static void stdin_is_empty_and_descriptors_stay_here(void **state)
{
	struct app *a = *state;
	const struct job *j;

	j = run(a, "cat; ls /proc/self/fd | wc -l", NULL, NULL);

	box_run_jobs(a);
	/* 0, 1, 2 and the one that ls reads the directory by */
	assert_int_equal(atoi(j->output), 4);
}

static void a_grandchild_that_keeps_the_pipe_is_not_waited_for(void **state)
{
	struct app *a = *state;
	const struct job *j = run(a, "setsid sleep 3 & echo done", NULL, NULL);

	box_run_jobs(a);
	assert_int_equal(j->state, JOB_OK);
	assert_string_equal(j->output, "done\n");
	assert_true(j->ended - j->started < INT64_C(2000000000));
}

static void the_command_is_as_one_would_type_it(void **state)
{
	struct app *a = *state;
	char *const args[] = {"exit 0", "it's", NULL};
	const struct job *j = job_start(a->jobs, args, "quoted", NULL, NULL, NULL);

	box_run_jobs(a);
	assert_string_equal(j->command, "tare --demo 'exit 0' 'it'\\''s'");
}

static void what_cannot_start_is_an_error(void **state)
{
	struct app *a = *state;
	char *const args[] = {"x", NULL};
	struct err e = ERR_INIT;

	strv_free(a->tare);
	a->tare = NULL;
	strv_add(&a->tare, "/nonexistent/tare");
	assert_null(job_start(a->jobs, args, "x", NULL, NULL, &e));
	assert_non_null(strstr(e.msg, "/nonexistent/tare"));
	assert_int_equal(jobs_running(a->jobs), 0);
}

/* A program in tare's place, with the descriptor for progress in $3, or in $4 after two words. */
static void fake_tare(struct app *a, const char *script)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/fake-tare", a->dir);
	unlink(path); /* one that runs goes on with its own */
	f = fopen(path, "w");
	fprintf(f, "#!/bin/sh\n%s\n", script);
	fclose(f);
	chmod(path, 0755);
	strv_free(a->tare);
	a->tare = NULL;
	strv_add(&a->tare, path);
}

static const struct job *start_pull(struct app *a, const char *script)
{
	char *const args[] = {"pull", "x", NULL};
	const struct job *j;

	fake_tare(a, script);
	j = job_start(a->jobs, args, "pull x", NULL, NULL, NULL);
	assert_non_null(j);
	return j;
}

static void progress_lines_are_read(void **state)
{
	struct app *a = *state;
	char *const args[] = {"load", NULL};
	const struct job *j;

	fake_tare(a, "[ \"$1 $2\" = 'load --progress-fd' ] || exit 1\n"
	             "echo '{\"object\":\"busybox\",\"phase\":\"unpack\",\"done\":5,\"total\":10}' >&$3");
	j = job_start(a->jobs, args, "load", NULL, NULL, NULL);
	box_run_jobs(a);
	assert_int_equal(j->state, JOB_OK);
	assert_string_equal(j->what, "busybox");
	assert_string_equal(j->phase, "unpack");
	assert_int_equal(j->done, 5);
	assert_int_equal(j->total, 10);
}

static void each_layer_has_a_row(void **state)
{
	struct app *a = *state;
	const struct job *j =
	        start_pull(a, "cat >&$3 <<'E'\n"
	                      "{\"object\":\"aaa\",\"phase\":\"downloading\",\"done\":50,\"total\":100,"
	                      "\"rate\":25,\"eta\":2}\n"
	                      "{\"object\":\"bbb\",\"phase\":\"waiting\",\"total\":300}\n"
	                      "{\"object\":\"ccc\",\"phase\":\"exists\",\"complete\":true}\n"
	                      "{\"object\":\"aaa\",\"phase\":\"unpacking\",\"done\":10,\"total\":1000}\n"
	                      "{\"object\":\"bbb\",\"phase\":\"downloading\",\"done\":150,\"total\":300,"
	                      "\"rate\":75.5}\nE\n");
	const struct job_object *o = NULL;
	struct job_sum s;

	box_run_jobs(a);
	assert_int_equal(j->state, JOB_OK);
	assert_int_equal(j->objects.n, 3);
	o = j->objects.rows;
	assert_string_equal(o[0].name, "aaa");
	assert_string_equal(o[0].phase, "unpacking");
	assert_int_equal(o[0].done, 10);
	assert_int_equal(o[1].rate, 75);
	assert_int_equal(o[1].eta, 2);
	assert_true(o[2].complete);
	/* the next phase doesn't take the whole back: half of 100 and half of 300 */
	s = job_objects_sum(&j->objects);
	assert_int_equal(s.total, 400);
	assert_int_equal(s.done, 200);
	assert_int_equal(s.complete, 1);
	assert_true(s.share > 0.499 && s.share < 0.501);
	assert_int_equal(s.eta, 2);
}

static void a_rate_that_is_not_told_is_reckoned(void **state)
{
	struct job_objects os = {0};
	static const char first[] = "{\"object\":\"a\",\"phase\":\"p\",\"done\":100,\"total\":1000}";
	static const char second[] = "{\"object\":\"a\",\"phase\":\"p\",\"done\":300,\"total\":1000}";

	(void)state;
	job_objects_take(&os, first, sizeof(first) - 1, INT64_C(1000000000));
	assert_int_equal(os.rows[0].rate, 0);
	assert_int_equal(os.rows[0].eta, -1);
	job_objects_take(&os, second, sizeof(second) - 1, INT64_C(3000000000));
	assert_int_equal(os.rows[0].rate, 100);
	assert_int_equal(os.rows[0].eta, 7);
	job_objects_free(&os);
}

static const struct job_object *take(struct job_objects *os, const char *line)
{
	return job_objects_take(os, line, strlen(line), INT64_C(1000000000));
}

static void odd_progress_does_no_harm(void **state)
{
	static const char *const nothing[] = {"", "{", "[]", "null", "12", "\"x\"", "{\"object\":\"a\"} x",
	        "\xff\xfe", "{\"object\":\"\\ud800\"", "[[[[[[[["};
	struct job_objects os = {0};
	const struct job_object *o;
	struct job_sum s;

	(void)state;
	for (size_t i = 0; i < sizeof(nothing) / sizeof(*nothing); i++)
		assert_null(take(&os, nothing[i]));
	assert_int_equal(os.n, 0);
	/* numbers that are none */
	o = take(&os,
	        "{\"object\":\"a\",\"phase\":\"p\",\"done\":-5,\"total\":-9223372036854775808,\"rate\":-1,"
	        "\"eta\":-7}");
	assert_int_equal(o->done, 0);
	assert_int_equal(o->total, 0);
	assert_int_equal(o->rate, 0);
	assert_int_equal(o->eta, -1);
	o = take(&os, "{\"object\":\"a\",\"done\":\"9\",\"total\":[1],\"rate\":1e999,\"eta\":1e300}");
	assert_int_equal(o->done, 0);
	assert_int_equal(o->rate, 0);
	/* more than there is to do */
	take(&os, "{\"object\":\"b\",\"phase\":\"p\",\"done\":900,\"total\":100}");
	take(&os, "{\"object\":\"c\",\"done\":9223372036854775807,\"total\":9223372036854775807,\"rate\":"
	          "1e14}");
	take(&os, "{\"object\":\"d\",\"done\":1,\"total\":9223372036854775807,\"rate\":1e14,"
	          "\"eta\":9223372036854775807}");
	s = job_objects_sum(&os);
	assert_true(s.share >= 0 && s.share <= 1);
	assert_true(s.eta <= 100 * 3600);
	job_objects_free(&os);
}

static void foreign_names_in_progress_stay_harmless(void **state)
{
	struct job_objects os = {0};
	char line[2000] = "{\"object\":\"";
	const struct job_object *o;

	(void)state;
	memset(line + strlen(line), 'n', 1000);
	strcat(line, "\",\"phase\":\"a phase that is longer than any column could ever be\"}");
	o = take(&os, line);
	assert_true(strlen(o->name) < sizeof(o->name) && strlen(o->phase) < sizeof(o->phase));
	o = take(&os, "{\"object\":\"\\u001b]52;c;eA==\\u0007\",\"phase\":\"\\u202egnp\\n\"}");
	assert_null(strchr(o->name, '\x1b'));
	assert_null(strchr(o->name, '\a'));
	assert_null(strstr(o->phase, "\xe2\x80\xae"));
	assert_null(strchr(o->phase, '\n'));
	/* a name of wide characters is cut between two of them */
	strcpy(line, "{\"object\":\"");
	for (int i = 0; i < 100; i++)
		strcat(line, "\xe6\xbc\xa2");
	strcat(line, "\"}");
	o = take(&os, line);
	assert_true(strlen(o->name) % 3 == 0);
	job_objects_free(&os);
}

static void hostile_progress_is_bounded(void **state)
{
	struct app *a = *state;
	const struct job *j = start_pull(a,
	        "awk 'BEGIN { for (i = 0; i < 100000; i++) "
	        "printf \"{\\\"object\\\":\\\"o%d\\\",\\\"phase\\\":\\\"p\\\"}\\n\", i }' >&$3\n"
	        "head -c 300000 /dev/zero | tr '\\0' x >&$3\n"
	        "echo >&$3; echo '{\"object\":\"o5\",\"phase\":\"last\"}' >&$3");

	box_run_jobs(a);
	assert_int_equal(j->state, JOB_OK);
	assert_int_equal(j->objects.n, JOB_OBJECTS_MAX);
	assert_true(j->objects.cut);
	assert_string_equal(j->objects.rows[5].phase, "last");
	assert_true(j->ended - j->started < INT64_C(5000000000));
}

static void a_secret_goes_by_standard_input_alone(void **state)
{
	struct app *a = *state;
	char *const args[] = {"login", "--password-stdin", NULL};
	const struct job *j;
	struct err e = ERR_INIT;
	char large[JOB_INPUT_MAX + 2];

	fake_tare(a, "read word; echo \"got ${#word}\"; read more || echo end; echo \"$*\" >&2");
	j = job_start_with_input(a->jobs, args, "geheim", "log in", NULL, NULL, &e);
	assert_non_null(j);
	box_run_jobs(a);
	assert_string_equal(j->output, "got 6\nend\n");
	assert_string_equal(j->messages, "login --password-stdin\n");
	assert_null(strstr(j->command, "geheim"));
	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	assert_null(job_start_with_input(a->jobs, args, large, "log in", NULL, NULL, &e));
	assert_int_equal(jobs_running(a->jobs), 0);
}

static void running_ones_stand_first_with_their_bars(void **state)
{
	struct app *a = *state;
	const char *text;

	start_pull(a,
	        "echo '{\"object\":\"aaa\",\"phase\":\"downloading\",\"done\":50,\"total\":100,\"rate\":1024,"
	        "\"eta\":3}' >&$3\necho '{\"object\":\"bbb\",\"phase\":\"exists\",\"complete\":true}' >&$3\n"
	        "exec sleep 20");
	box_run_jobs_for(a, 300);
	fake_tare(a, "exit 0");
	job_start(a->jobs, (char *const[]){"tag", NULL}, "tag", NULL, NULL, NULL);
	box_run_jobs_for(a, 300);
	app_push(a, action_log_new(a));
	text = box_text(a);
	assert_true(strstr(text, "pull x") && strstr(text, "tag") &&
	            strstr(text, "pull x") < strstr(text, "tag"));
	assert_non_null(strstr(text, "1 of 2"));
	assert_non_null(strstr(text, "50%"));
	assert_null(strstr(text, "bbb"));
	box_key(a, KEYC_ENTER, 0);
	text = box_text(a);
	assert_non_null(strstr(text, "aaa"));
	assert_non_null(strstr(text, "bbb"));
	assert_non_null(strstr(text, "0:03"));
	box_key(a, 'x', 0);
	box_run_jobs(a);
	assert_non_null(strstr(box_text(a), "cancelled"));
}

static void the_log_shows_what_was_done(void **state)
{
	struct app *a = *state;
	const char *text;

	run(a, "echo hello; echo trouble >&2; exit 1", NULL, NULL);
	box_run_jobs(a);
	app_push(a, action_log_new(a));
	text = box_text(a);
	assert_non_null(strstr(text, "failed"));
	assert_non_null(strstr(text, "trouble"));
	assert_null(strstr(text, "    hello"));
	box_key(a, KEYC_ENTER, 0);
	assert_non_null(strstr(box_text(a), "    hello"));
	box_key(a, 'c', 0);
	assert_string_equal(a->copied, "tare --demo 'echo hello; echo trouble >&2; exit 1'");
	box_key(a, KEYC_ESCAPE, 0);
	assert_int_equal(a->n_dialogs, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(output_and_end_are_told, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(an_error_is_its_last_line, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_silent_failure_says_its_code, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(endless_output_is_cut, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(cancel_stops_it_and_its_children, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(stdin_is_empty_and_descriptors_stay_here, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_grandchild_that_keeps_the_pipe_is_not_waited_for, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(the_command_is_as_one_would_type_it, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(what_cannot_start_is_an_error, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(progress_lines_are_read, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(each_layer_has_a_row, set_up, tear_down),
	        cmocka_unit_test(a_rate_that_is_not_told_is_reckoned),
	        cmocka_unit_test(odd_progress_does_no_harm),
	        cmocka_unit_test(foreign_names_in_progress_stay_harmless),
	        cmocka_unit_test_setup_teardown(hostile_progress_is_bounded, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_secret_goes_by_standard_input_alone, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(running_ones_stand_first_with_their_bars, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(the_log_shows_what_was_done, set_up, tear_down),
	};

	/* what this program was itself given is not meant */
	for (int fd = 3; fd < 1024; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
