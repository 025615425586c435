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
#include "tui/screen.h"

static const struct style plain;

struct rig {
	int master, slave;
	struct termios before;
	struct screen *s;
	struct buf seen;
};

static void set_environment(const char *term, const char *colorterm, const char *no_color)
{
	setenv("TERM", term, 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("COLORTERM", colorterm, 1);
	setenv("NO_COLOR", no_color, 1);
}

static void open_pty(struct rig *r)
{
	struct winsize ws = {.ws_row = 10, .ws_col = 40};

	*r = (struct rig){0};
	assert_int_equal(openpty(&r->master, &r->slave, NULL, NULL, &ws), 0);
	fcntl(r->master, F_SETFD, FD_CLOEXEC);
	fcntl(r->master, F_SETFL, O_NONBLOCK);
	assert_int_equal(tcgetattr(r->slave, &r->before), 0);
}

static void open_screen(struct rig *r, const struct screen_options *o)
{
	struct err e = ERR_INIT;

	open_pty(r);
	r->s = screen_open(r->slave, o, &e);
	if (!r->s)
		fail_msg("%s", e.msg);
}

/* All that the terminal got since the last call. */
static const char *seen(struct rig *r)
{
	char block[4096];
	ssize_t n;

	buf_reset(&r->seen);
	for (;;) {
		struct pollfd p = {.fd = r->master, .events = POLLIN};

		if (poll(&p, 1, 20) <= 0)
			break;
		n = read(r->master, block, sizeof(block));
		if (n <= 0)
			break;
		buf_add(&r->seen, block, (size_t)n);
	}
	return buf_str(&r->seen);
}

static void sees(struct rig *r, const char *bytes)
{
	if (!strstr(buf_str(&r->seen), bytes))
		fail_msg("\"%s\" is not in \"%s\"", bytes + (*bytes == '\033'), buf_str(&r->seen));
}

static void is_as_before(struct rig *r)
{
	struct termios now;

	assert_int_equal(tcgetattr(r->slave, &now), 0);
	assert_int_equal(now.c_iflag, r->before.c_iflag);
	assert_int_equal(now.c_oflag, r->before.c_oflag);
	assert_int_equal(now.c_cflag, r->before.c_cflag);
	assert_int_equal(now.c_lflag, r->before.c_lflag);
	assert_memory_equal(now.c_cc, r->before.c_cc, sizeof(now.c_cc));
}

static void modes_are_off(struct rig *r)
{
	static const char *const off[] = {"\033[?1006l", "\033[?1002l", "\033[?1000l", "\033[?2004l",
	        "\033[?1004l", "\033[?2026l", "\033[?1049l", "\033[?1l"};

	for (size_t i = 0; i < sizeof(off) / sizeof(*off); i++)
		sees(r, off[i]);
	assert_non_null(strstr(buf_str(&r->seen), "\033[?25h"));
}

static void close_rig(struct rig *r)
{
	screen_close(r->s);
	close(r->slave);
	close(r->master);
	buf_free(&r->seen);
}

static void frame(struct rig *r, const char *text, struct style s)
{
	struct canvas c = screen_begin(r->s);

	canvas_str(&c, 2, 3, -1, text, s);
}

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

static void child_shows_and(struct rig *r, void (*end)(struct screen *))
{
	static const int caught_by_cmocka[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
	static struct screen *s; /* so that it is no leak when the child exits */
	struct rlimit no_core = {0, 0};
	struct canvas c;

	for (size_t i = 0; i < sizeof(caught_by_cmocka) / sizeof(*caught_by_cmocka); i++)
		signal(caught_by_cmocka[i], SIG_DFL);
	s = screen_open(r->slave, &(struct screen_options){.mouse = true}, NULL);
	c = screen_begin(s);
	setrlimit(RLIMIT_CORE, &no_core);
	close(r->master);
	/* A crash says so on standard error, which is no business of this test's output. */
	dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
	canvas_str(&c, 0, 0, -1, "shown", plain);
	screen_flush(s);
	end(s);
}

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

static void end_by_stopping(struct screen *s)
{
	struct canvas c;

	screen_stop(s);
	c = screen_begin(s);
	canvas_str(&c, 1, 0, -1, "back again", plain);
	screen_flush(s);
	screen_close(s);
}

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

/* The Linux console's description has no size; that of a vt100 has pauses. */
static void plain_terminals(void **state)
{
	static const char *const terms[] = {"linux", "vt100"};
	struct rig r;

	(void)state;
	setenv("LINES", "1000000", 1);
	setenv("COLUMNS", "1000000", 1);
	for (size_t i = 0; i < sizeof(terms) / sizeof(*terms); i++) {
		set_environment(terms[i], "", "");
		open_screen(&r, &(struct screen_options){0});
		assert_string_equal(getenv("LINES"), "1000000");
		assert_int_equal(screen_cols(r.s), 40);
		frame(&r, "shown", plain);
		screen_flush(r.s);
		screen_close(r.s);
		r.s = NULL;
		seen(&r);
		sees(&r, "shown");
		assert_null(strstr(buf_str(&r.seen), "$<"));
		is_as_before(&r);
		close_rig(&r);
	}
	unsetenv("LINES");
	unsetenv("COLUMNS");
}

/* `tare < /dev/tty`: what is given can't be written to. */
static void a_descriptor_to_read_from(void **state)
{
	struct err e = ERR_INIT;
	struct rig r;
	int fd;

	(void)state;
	set_environment("xterm-256color", "", "");
	open_pty(&r);
	fd = open(ttyname(r.slave), O_RDONLY | O_NOCTTY);
	r.s = screen_open(fd, &(struct screen_options){0}, &e);
	assert_non_null(r.s);
	frame(&r, "shown", plain);
	screen_flush(r.s);
	screen_close(r.s);
	r.s = NULL;
	seen(&r);
	modes_are_off(&r);
	is_as_before(&r);
	close(fd);
	close_rig(&r);
}

/* A program that had the terminal meanwhile was killed, and left it raw. */
static void the_modes_of_others_are_not_kept(void **state)
{
	struct termios raw;
	struct rig r;

	(void)state;
	set_environment("xterm-256color", "", "");
	open_screen(&r, &(struct screen_options){0});
	screen_suspend(r.s);
	raw = r.before;
	cfmakeraw(&raw);
	tcsetattr(r.slave, TCSANOW, &raw);
	screen_resume(r.s);
	screen_close(r.s);
	r.s = NULL;
	is_as_before(&r);
	close_rig(&r);
}

static void shell_that_edits_its_line(struct rig *r)
{
	struct termios t = r->before;
	int status;
	pid_t pid;

	setsid();
	ioctl(r->slave, TIOCSCTTY, 0);
	signal(SIGTTOU, SIG_IGN);
	t.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
	tcsetattr(r->slave, TCSANOW, &t);
	pid = fork();
	if (pid == 0) {
		struct err e = ERR_INIT;

		signal(SIGTTOU, SIG_DFL);
		setpgid(0, 0);
		screen_close(screen_open(r->slave, &(struct screen_options){0}, &e));
		_exit(*e.msg != '\0');
	}
	setpgid(pid, pid);
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		_exit(2);
	tcsetattr(r->slave, TCSANOW, &r->before);
	tcsetpgrp(r->slave, pid);
	kill(-pid, SIGCONT);
	if (waitpid(pid, &status, 0) != pid)
		_exit(3);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 4);
}

/* `tare &`, and fg: the settings that come back are those of the foreground. */
static void started_in_the_background(void **state)
{
	struct rig r;
	int status;
	pid_t pid;

	(void)state;
	set_environment("xterm-256color", "", "");
	open_pty(&r);
	pid = fork();
	if (pid == 0)
		shell_that_edits_its_line(&r);
	while (waitpid(pid, &status, WNOHANG) == 0)
		seen(&r);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	is_as_before(&r);
	close_rig(&r);
}

/* ^Z stops what started us and waits for us as well. */
static void all_of_the_job_stops(void **state)
{
	struct rig r;
	int status;
	pid_t pid, around;

	(void)state;
	set_environment("xterm-256color", "truecolor", "");
	open_pty(&r);
	around = fork();
	if (around == 0) {
		setpgid(0, 0);
		pid = fork();
		if (pid == 0) {
			child_shows_and(&r, end_by_stopping);
			_exit(0);
		}
		while (waitpid(pid, &status, 0) != pid)
			;
		_exit(0);
	}
	for (int i = 0; i < 50 && waitpid(around, &status, WUNTRACED | WNOHANG) != around; i++)
		seen(&r);
	assert_true(WIFSTOPPED(status));
	kill(-around, SIGCONT);
	while (waitpid(around, &status, WNOHANG) == 0)
		seen(&r);
	assert_true(WIFEXITED(status));
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
		cmocka_unit_test(plain_terminals),
		cmocka_unit_test(a_descriptor_to_read_from),
		cmocka_unit_test(the_modes_of_others_are_not_kept),
		cmocka_unit_test(started_in_the_background),
		cmocka_unit_test(all_of_the_job_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
