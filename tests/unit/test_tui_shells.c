/* Shells: several children at once, their ends, and floods that must not hold up the loop. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "tui/descriptors.h"
#include "tui/app.h"
#include "tui/config.h"
#include "tui/loop.h"
#include "tui/screen.h"
#include "tui/shells.h"
#include "tui/terminal.h"

#define MS ((int64_t)1000000)

/* What the shells need of the dashboard. */
struct app {
	struct loop *loop;
	struct config *config;
	struct screen *screen;
	struct shells *shells;
	unsigned redraws, toasts, alerts, ticks;
	struct loop_timer timer, tick;
};

struct loop *app_loop(struct app *a)
{
	return a->loop;
}

struct config *app_config(struct app *a)
{
	return a->config;
}

struct screen *app_screen(struct app *a)
{
	return a->screen;
}

const struct descriptors *app_descriptors(struct app *a)
{
	static const struct descriptors as_they_are;

	(void)a;
	return &as_they_are;
}
char *const *app_tare_command(struct app *a)
{
	static char *const words[] = {"/bin/sh", "-c", NULL};

	(void)a;
	return words;
}

void app_redraw(struct app *a)
{
	a->redraws++;
}

void app_toast(struct app *a, enum toast_kind kind, const char *fmt, ...)
{
	(void)kind;
	(void)fmt;
	a->toasts++;
}

void app_alert(struct app *a, const struct object *o, const char *fmt, ...)
{
	(void)fmt;
	a->alerts += o && o->kind == OBJECT_SHELL;
}

static struct app app;
static int terminal[2] = {-1, -1};

static void on_child(void *arg)
{
	struct app *a = arg;
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		shells_child_ended(a->shells, pid, status);
}

static void on_timer(void *arg)
{
	loop_stop(((struct app *)arg)->loop);
}

static void on_tick(void *arg)
{
	struct app *a = arg;

	a->ticks++;
	loop_arm(a->loop, &a->tick, now_monotonic() + 5 * MS);
}

static int set_up(void **state)
{
	struct screen_options o = {.depth = DEPTH_256};
	struct err e = ERR_INIT;

	(void)state;
	memset(&app, 0, sizeof app);
	setenv("TERM", "xterm-256color", 1);
	setenv("COLORTERM", "truecolor", 1);
	terminal[0] = posix_openpt(O_RDWR | O_NOCTTY);
	if (terminal[0] < 0 || grantpt(terminal[0]) != 0 || unlockpt(terminal[0]) != 0)
		return -1;
	terminal[1] = open(ptsname(terminal[0]), O_RDWR | O_NOCTTY);
	app.loop = loop_new(&e);
	app.config = config_load(&e);
	app.screen = screen_open(terminal[1], &o, &e);
	app.shells = shells_new(&app);
	app.timer = (struct loop_timer){.fn = on_timer, .arg = &app};
	app.tick = (struct loop_timer){.fn = on_tick, .arg = &app};
	return app.screen && app.shells ? loop_signal(app.loop, SIGCHLD, on_child, &app, &e) : -1;
}

static int tear_down(void **state)
{
	(void)state;
	shells_free(app.shells);
	screen_close(app.screen);
	config_free(app.config);
	loop_free(app.loop);
	close_fd(&terminal[0]);
	close_fd(&terminal[1]);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return 0;
}

static void run_for(int ms)
{
	struct err e = ERR_INIT;

	loop_arm(app.loop, &app.timer, now_monotonic() + ms * MS);
	assert_int_equal(loop_run(app.loop, &e), 0);
	loop_disarm(app.loop, &app.timer);
}

/* Until it has ended, at most ten seconds. */
static void run_to_end(const struct shell *sh)
{
	for (int i = 0; i < 1000 && !sh->ended; i++)
		run_for(10);
	assert_true(sh->ended);
}

static struct shell *start(const char *script)
{
	char *const args[] = {(char *)script, NULL};
	struct object about = {.kind = OBJECT_CONTAINER, .id = "abc"};
	struct err e = ERR_INIT;
	struct shell *sh = shells_start(app.shells, args, "web", &about, &e);

	assert_non_null(sh);
	return sh;
}

static bool shows(const struct shell *sh, const char *text)
{
	cleanup_buf struct buf out = BUF_INIT;
	int64_t end = term_top(sh->term) + term_rows(sh->term) - 1;

	term_text(sh->term, (struct term_place){term_oldest(sh->term), 0},
	        (struct term_place){end, TERM_MAX_COLS}, &out);
	return strstr(buf_str(&out), text) != NULL;
}

static void a_past_without_end_is_bounded(void **state)
{
	(void)state;
	config_remember(app.config, "scrollback", "2000000000000000000");
	run_to_end(start("exit 0"));
}

static void a_life(void **state)
{
	struct shell *sh = start("stty size; echo $TERM:$COLORTERM.; read x; echo got $x; exit 3");
	struct object o = shell_object(sh);
	struct err e = ERR_INIT;
	char text[32];

	(void)state;
	assert_string_equal(o.id, "1");
	assert_ptr_equal(shells_of(app.shells, &o), sh);
	for (int i = 0; i < 500 && !shows(sh, "xterm"); i++)
		run_for(10);
	assert_true(shows(sh, "24 80"));
	/* The screen here is none of true colour, whatever the environment says. */
	assert_true(shows(sh, "xterm-256color:."));
	assert_true(sh->active);
	shell_watch(sh, true);
	assert_false(sh->active);
	for (const char *c = "hi"; *c; c++)
		term_key(sh->term, (struct key){(uint32_t)*c, 0});
	term_key(sh->term, (struct key){KEYC_ENTER, 0});
	shell_flush(sh);
	run_to_end(sh);
	assert_int_equal(sh->exit_code, 3);
	assert_true(shows(sh, "got hi"));
	assert_string_equal(shell_state(sh, text, sizeof text), "exited 3");
	/* again, in the same place */
	assert_int_equal(shell_restart(sh, &e), 0);
	assert_false(sh->ended);
	assert_false(shows(sh, "got hi"));
	shell_end(sh);
	run_to_end(sh);
	assert_int_equal(sh->exit_code, 128 + SIGHUP);
	shell_close(sh);
	assert_int_equal(shells_count(app.shells), 0);
	assert_null(shells_of(app.shells, &o));
}

static void stubborn(void **state)
{
	struct shell *sh = start("trap '' HUP; echo ready; while :; do sleep 1; done");

	(void)state;
	for (int i = 0; i < 500 && !shows(sh, "ready"); i++)
		run_for(10);
	shell_end(sh);
	run_for(50);
	assert_false(sh->ended);
	shell_end(sh);
	run_to_end(sh);
	assert_int_equal(sh->exit_code, 128 + SIGKILL);
}

/* Something that goes on in the background keeps the terminal open, but not the shell. */
static void a_grandchild(void **state)
{
	struct shell *sh = start("(trap '' HUP; sleep 3) & echo last words; exit 4");

	(void)state;
	run_to_end(sh);
	assert_int_equal(sh->exit_code, 4);
	assert_true(shows(sh, "last words"));
}

static void sizes(void **state)
{
	struct shell *sh =
	        start("trap 'n=$((n+1)); stty size' WINCH; echo ready; while read x; do echo $n times; done");

	(void)state;
	for (int i = 0; i < 500 && !shows(sh, "ready"); i++)
		run_for(10);
	/* Of a storm the last one counts. */
	for (int i = 0; i < 200; i++)
		shell_resize(sh, 30 + i % 7, 90 + i % 11);
	shell_resize(sh, 40, 100);
	run_for(100);
	term_paste(sh->term, "\n", 1);
	shell_flush(sh);
	for (int i = 0; i < 500 && !shows(sh, "40 100"); i++)
		run_for(10);
	assert_int_equal(term_rows(sh->term), 40);
	assert_int_equal(term_cols(sh->term), 100);
	assert_true(shows(sh, "40 100"));
	assert_false(shows(sh, "3 times"));
	/* The next one begins with the size of the pane. */
	assert_int_equal(term_rows(start("exit 0")->term), 40);
}

static void bells(void **state)
{
	struct shell *sh = start("printf '\\a\\a'; sleep 0.05; printf '\\a'; sleep 5");

	(void)state;
	for (int i = 0; i < 500 && !sh->rang; i++)
		run_for(10);
	run_for(100);
	assert_true(sh->rang);
	assert_int_equal(app.alerts, 1);
	shell_watch(sh, true);
	assert_false(sh->rang);
}

/* Sixteen that never stop writing: the loop still turns, all get on, and their terminals hold no more than
 * they may. */
static void floods(void **state)
{
	struct shell *sh[16];

	(void)state;
	for (int i = 0; i < 16; i++)
		sh[i] = start("exec yes 0123456789012345678901234567890123456789");
	shell_watch(sh[0], true);
	on_tick(&app);
	run_for(1000);
	/* a busy machine has not started all of them by now */
	for (int i = 0; i < 16; i++)
		for (int wait = 0; wait < 100 && !term_top(sh[i]->term); wait++)
			run_for(100);
	loop_disarm(app.loop, &app.tick);
	/* 200 would be all; a machine that is busy with other things gives fewer. */
	assert_true(app.ticks > 25);
	for (int i = 0; i < 16; i++) {
		assert_true(term_top(sh[i]->term) > 0);
		assert_true(term_top(sh[i]->term) - term_oldest(sh[i]->term) <= 5000);
	}
	/* The one that is looked at goes first. */
	assert_true(term_top(sh[0]->term) > term_top(sh[1]->term));
}

static void recordings(void **state)
{
	char dir[] = "/tmp/tare-shells-XXXXXX", path[600] = "", folder[300];
	cleanup_buf struct buf b = BUF_INIT;
	struct dirent *d;

	(void)state;
	assert_non_null(mkdtemp(dir));
	setenv("XDG_STATE_HOME", dir, 1);
	struct shell *sh = start("read x; echo recorded");
	shell_record(sh);
	assert_non_null(sh->recording);
	term_paste(sh->term, "\n", 1);
	shell_flush(sh);
	run_to_end(sh);
	assert_null(sh->recording);
	assert_int_equal(app.toasts, 2);
	snprintf(folder, sizeof folder, "%s/tare", dir);
	cleanup_dir DIR *files = opendir(folder);
	assert_non_null(files);
	while ((d = readdir(files)))
		if (strstr(d->d_name, ".cast"))
			snprintf(path, sizeof path, "%s/%s", folder, d->d_name);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read_to_buf(fd, &b), 0);
	assert_non_null(strstr(buf_str(&b), "{\"version\": 2, \"width\": 80, \"height\": 24"));
	assert_non_null(strstr(buf_str(&b), "recorded\\r\\n"));
	remove_tree_at(AT_FDCWD, dir);
	/* Where it cannot, it says so and the shell goes on. */
	setenv("XDG_STATE_HOME", "/dev/null/x", 1);
	assert_int_equal(chdir("/proc"), 0);
	sh = start("sleep 5");
	shell_record(sh);
	assert_null(sh->recording);
	assert_int_equal(app.toasts, 3);
	assert_int_equal(chdir("/"), 0);
}

static void too_many(void **state)
{
	char *const args[] = {"exit 0", NULL};
	struct err e = ERR_INIT;

	(void)state;
	for (int i = 0; i < SHELLS_MAX; i++)
		start("exit 0");
	assert_null(shells_start(app.shells, args, "web", NULL, &e));
	assert_non_null(strstr(e.msg, "close one"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_life, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(stubborn, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_grandchild, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(sizes, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(bells, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(floods, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(recordings, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(too_many, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_past_without_end_is_bounded, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
