/* The screen on a real pseudo terminal: what a frame writes, and that the terminal is as before after every
 * way out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "tui/colour.h"
#include "tests/unit/screen_rig.h"
#include "tui/screen.h"

static void a_frame_is_one_synchronized_update(void **state)
{
	struct rig r;

	(void)state;
	set_environment("xterm-256color", "", "");
	open_screen(&r, &(struct screen_options){.mouse = true});
	assert_int_equal(screen_rows(r.s), 10);
	assert_int_equal(screen_cols(r.s), 40);
	frame(&r, "hello", plain);
	assert_true(screen_flush(r.s) > 0);
	seen(&r);
	sees(&r, "\033[?1049h");
	sees(&r, "\033[?1002h");
	sees(&r, "\033[?2026h");
	sees(&r, "hello");
	assert_string_equal(buf_str(&r.seen) + r.seen.len - 8, "\033[?2026l");
	/* the same again: nothing at all */
	frame(&r, "hello", plain);
	assert_int_equal(screen_flush(r.s), 0);
	assert_string_equal(seen(&r), "");
	/* one letter: little more than that */
	frame(&r, "hallo", plain);
	assert_true(screen_flush(r.s) < 40);
	seen(&r);
	sees(&r, "a");
	screen_redraw_all(r.s);
	frame(&r, "hallo", plain);
	screen_flush(r.s);
	seen(&r);
	sees(&r, "hallo");
	screen_close(r.s);
	r.s = NULL;
	seen(&r);
	modes_are_off(&r);
	is_as_before(&r);
	close_rig(&r);
}

static void check_colours(const char *term, const char *colorterm, const char *no_color,
        enum colour_depth depth, const char *bytes)
{
	struct rig r;

	set_environment(term, colorterm, no_color);
	open_screen(&r, &(struct screen_options){0});
	assert_int_equal(screen_depth(r.s), depth);
	frame(&r, "c", (struct style){COLOUR_RGB(0x1a, 0x2b, 0xf3), COLOUR_INDEX(203), ATTR_BOLD});
	screen_flush(r.s);
	seen(&r);
	sees(&r, bytes);
	assert_null(getenv("TERMINFO"));
	close_rig(&r);
}

static void colours_by_depth(void **state)
{
	(void)state;
	check_colours("xterm-256color", "truecolor", "", DEPTH_TRUE, "\033[38;2;26;43;243m\033[48;5;203m");
	check_colours("tmux-256color", "24bit", "", DEPTH_TRUE, "\033[38;2;26;43;243m\033[48;5;203m");
	check_colours("xterm-256color", "", "", DEPTH_256, "\033[38;5;21m\033[48;5;203m");
	check_colours("xterm", "", "", DEPTH_16, "\033[34m\033[41mc");
	check_colours("xterm-256color", "truecolor", "1", DEPTH_MONO, "0;1m");
	check_colours("vt100", "", "", DEPTH_MONO, "0;1m");
}

static void nearest_colours(void **state)
{
	(void)state;
	assert_int_equal(colour_nearest_256(0x000000), 16);
	assert_int_equal(colour_nearest_256(0xffffff), 231);
	assert_int_equal(colour_nearest_256(0x808080), 244);
	for (int i = 16; i < 256; i++)
		assert_int_equal(colour_of_256(colour_nearest_256(colour_of_256(i))), colour_of_256(i));
	assert_int_equal(colour_nearest_16(0xf7768e), 9); /* pale red stays red */
	assert_int_equal(colour_nearest_16(0x101010), 0);
	assert_int_equal(colour_nearest_16(0xc0c0c0), 7);
}

/* More combinations than there are pairs: they are made anew, and the picture stays right. */
static void pairs_are_recycled(void **state)
{
	struct rig r;
	char expected[32];

	(void)state;
	set_environment("xterm-256color", "truecolor", "");
	open_screen(&r, &(struct screen_options){0});
	for (int i = 0; i < 30; i++) {
		struct canvas c = screen_begin(r.s);

		for (int n = 0; n < 400; n++)
			canvas_char(&c, n / 40, n % 40, 'x',
			        (struct style){.fg = COLOUR_RGB(i, n >> 8, n & 255)});
		screen_flush(r.s);
		seen(&r);
	}
	frame(&r, "last", (struct style){.fg = COLOUR_RGB(77, 88, 99)});
	screen_flush(r.s);
	seen(&r);
	snprintf(expected, sizeof(expected), "\033[38;2;77;88;99mlast");
	sees(&r, expected);
	close_rig(&r);
}

static void says_what_is_wrong_with_the_terminal(void **state)
{
	const struct screen_options o = {0};
	struct err e = ERR_INIT;
	struct rig r;
	int pipes[2];

	(void)state;
	open_pty(&r);
	setenv("TERM", "dumb", 1);
	assert_null(screen_open(r.slave, &o, &e));
	assert_non_null(strstr(e.msg, "TERM is dumb"));
	unsetenv("TERM");
	assert_null(screen_open(r.slave, &o, &e));
	assert_non_null(strstr(e.msg, "TERM is not set"));
	setenv("TERM", "no-such-terminal", 1);
	assert_null(screen_open(r.slave, &o, &e));
	assert_non_null(strstr(e.msg, "no-such-terminal"));
	setenv("TERM", "xterm", 1);
	assert_int_equal(pipe(pipes), 0);
	assert_null(screen_open(pipes[1], &o, &e));
	assert_non_null(strstr(e.msg, "needs a terminal"));
	close(pipes[0]);
	close(pipes[1]);
	is_as_before(&r);
	close_rig(&r);
}

static void a_terminal_that_takes_nothing(void **state)
{
	struct rig r;
	int frames;

	(void)state;
	set_environment("xterm-256color", "truecolor", "");
	open_screen(&r, &(struct screen_options){0});
	for (frames = 0; frames < 10000 && !screen_is_behind(r.s); frames++) {
		frame(&r, frames % 2 ? "ping" : "pong", (struct style){.fg = COLOUR_INDEX(frames % 200)});
		screen_redraw_all(r.s);
		assert_true(screen_flush(r.s) >= 0);
	}
	assert_true(screen_is_behind(r.s));
	frame(&r, "dropped", plain);
	assert_int_equal(screen_flush(r.s), 0);
	seen(&r);
	frame(&r, "newest", plain);
	assert_true(screen_flush(r.s) > 0);
	assert_false(screen_is_behind(r.s));
	seen(&r);
	assert_null(strstr(buf_str(&r.seen), "dropped"));
	sees(&r, "newest");
	close_rig(&r);
}

static void a_terminal_that_goes_away(void **state)
{
	struct rig r;

	(void)state;
	set_environment("xterm-256color", "", "");
	open_screen(&r, &(struct screen_options){0});
	close(r.master);
	frame(&r, "into the void", plain);
	assert_int_equal(screen_flush(r.s), -1);
	screen_close(r.s);
	r.s = NULL;
	close_rig(&r);
}

static void follows_the_size(void **state)
{
	struct winsize small = {.ws_row = 5, .ws_col = 12}, none = {0},
	               huge = {.ws_row = 65535, .ws_col = 65535};
	struct rig r;

	(void)state;
	set_environment("xterm-256color", "", "");
	open_screen(&r, &(struct screen_options){0});
	assert_false(screen_resize(r.s));
	ioctl(r.slave, TIOCSWINSZ, &small);
	assert_true(screen_resize(r.s));
	assert_int_equal(screen_rows(r.s), 5);
	assert_int_equal(screen_cols(r.s), 12);
	frame(&r, "a line that is too long", plain);
	assert_true(screen_flush(r.s) > 0);
	seen(&r);
	sees(&r, "a line th");
	ioctl(r.slave, TIOCSWINSZ, &none);
	assert_true(screen_resize(r.s));
	assert_int_equal(screen_rows(r.s), 24);
	assert_int_equal(screen_cols(r.s), 80);
	ioctl(r.slave, TIOCSWINSZ, &huge);
	assert_true(screen_resize(r.s));
	assert_int_equal(screen_cols(r.s), 1000);
	close_rig(&r);
}

static void beside_the_frames(void **state)
{
	struct rig r;
	char *text;

	(void)state;
	set_environment("xterm-256color", "", "");
	open_screen(&r, &(struct screen_options){0});
	frame(&r, "x", plain);
	screen_flush(r.s);
	seen(&r);
	assert_true(screen_copy(r.s, "hello", 5));
	screen_bell(r.s);
	screen_title(r.s, "t\033]0;evil\a");
	screen_notify(r.s, "died");
	screen_mouse(r.s, true);
	frame(&r, "x", plain);
	assert_true(screen_flush(r.s) > 0);
	seen(&r);
	sees(&r, "\033]52;c;aGVsbG8=\a");
	sees(&r, "\033]2;t\xef\xbf\xbd]0;evil\xef\xbf\xbd\a");
	sees(&r, "\033]9;died\a");
	sees(&r, "\033[?1006h");
	text = calloc(1, 60000);
	assert_false(screen_copy(r.s, text, 60000));
	free(text);
	close_rig(&r);
}

static void a_screen_reader_gets_no_other_screen(void **state)
{
	struct rig r;
	struct canvas c;

	(void)state;
	set_environment("xterm-256color", "", "");
	open_screen(&r, &(struct screen_options){.screen_reader = true});
	c = screen_begin(r.s);
	canvas_str(&c, 1, 0, -1, "row", plain);
	canvas_cursor(&c, 1, 0);
	screen_flush(r.s);
	seen(&r);
	sees(&r, "row");
	assert_null(strstr(buf_str(&r.seen), "\033[?1049h"));
	close_rig(&r);
}

/* ---------------------------------------------------------------- ways out */

static pid_t start(struct rig *r, void (*end)(struct screen *))
{
	pid_t pid;

	set_environment("xterm-256color", "truecolor", "");
	open_pty(r);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		child_shows_and(r, end);
		exit(0);
	}
	return pid;
}

static int killing_signal;

static void end_by_signal(struct screen *s)
{
	(void)s;
	raise(killing_signal);
}

static void end_by_exit(struct screen *s)
{
	(void)s;
}

static void after_the_end(struct rig *r, pid_t pid, int sig)
{
	int status;

	seen(r);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (sig) {
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), sig);
	} else {
		assert_true(WIFEXITED(status));
	}
	is_as_before(r);
	{
		cleanup_buf struct buf first = BUF_INIT;

		buf_add(&first, r->seen.data, r->seen.len);
		seen(r);
		buf_add(&first, r->seen.data, r->seen.len);
		buf_reset(&r->seen);
		buf_add(&r->seen, first.data, first.len);
	}
	sees(r, "shown");
	modes_are_off(r);
	if (sig == SIGSEGV)
		sees(r, "rescue_now is at 0x");
	close_rig(r);
}

static void restored_after_signals(void **state)
{
	static const int signals[] = {
	        SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM, SIGHUP, SIGINT, SIGQUIT};
	struct rig r;

	(void)state;
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		killing_signal = signals[i];
		after_the_end(&r, start(&r, end_by_signal), signals[i]);
	}
}

static void restored_after_exit(void **state)
{
	struct rig r;

	(void)state;
	after_the_end(&r, start(&r, end_by_exit), 0);
}

#if !defined(__SANITIZE_ADDRESS__)
static volatile int depth_limit = 1 << 30;

static int overflow(int depth)
{
	volatile char frame_of[4096];

	frame_of[0] = (char)depth;
	return depth < depth_limit ? overflow(depth + 1) + frame_of[0] : 0;
}

static void end_by_stack_overflow(struct screen *s)
{
	(void)s;
	overflow(0);
}

static void restored_after_a_stack_overflow(void **state)
{
	struct rig r;

	(void)state;
	after_the_end(&r, start(&r, end_by_stack_overflow), SIGSEGV);
}
#endif

static void restored_while_stopped(void **state)
{
	struct rig r;
	int status;
	pid_t pid;

	(void)state;
	pid = start(&r, end_by_stopping);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	is_as_before(&r);
	seen(&r);
	modes_are_off(&r);
	kill(pid, SIGCONT);
	for (int i = 0; i < 200 && !strstr(seen(&r), "back again"); i++)
		;
	sees(&r, "\033[?1049h");
	sees(&r, "\033[?2004h");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	is_as_before(&r);
	close_rig(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_is_one_synchronized_update),
		cmocka_unit_test(colours_by_depth),
		cmocka_unit_test(nearest_colours),
		cmocka_unit_test(pairs_are_recycled),
		cmocka_unit_test(says_what_is_wrong_with_the_terminal),
		cmocka_unit_test(a_terminal_that_takes_nothing),
		cmocka_unit_test(a_terminal_that_goes_away),
		cmocka_unit_test(follows_the_size),
		cmocka_unit_test(beside_the_frames),
		cmocka_unit_test(a_screen_reader_gets_no_other_screen),
		cmocka_unit_test(restored_after_signals),
		cmocka_unit_test(restored_after_exit),
#if !defined(__SANITIZE_ADDRESS__)
		cmocka_unit_test(restored_after_a_stack_overflow),
#endif
		cmocka_unit_test(restored_while_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
