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

static void progress_lines_are_read(void **state)
{
	struct app *a = *state;
	char *const args[] = {"load", NULL};
	const struct job *j;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/fake-tare", a->dir);
	f = fopen(path, "w");
	fprintf(f, "#!/bin/sh\n[ \"$1 $2\" = 'load --progress-fd' ] || exit 1\n"
	           "echo '{\"object\":\"busybox\",\"phase\":\"unpack\",\"done\":5,\"total\":10}' >&$3\n");
	fclose(f);
	chmod(path, 0755);
	strv_free(a->tare);
	a->tare = NULL;
	strv_add(&a->tare, path);
	j = job_start(a->jobs, args, "load", NULL, NULL, NULL);
	box_run_jobs(a);
	assert_int_equal(j->state, JOB_OK);
	assert_string_equal(j->what, "busybox");
	assert_string_equal(j->phase, "unpack");
	assert_int_equal(j->done, 5);
	assert_int_equal(j->total, 10);
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
	        cmocka_unit_test_setup_teardown(the_log_shows_what_was_done, set_up, tear_down),
	};

	/* what this program was itself given is not meant */
	for (int fd = 3; fd < 1024; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
