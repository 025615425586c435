/* A screen on a pseudo terminal of its own, and what the terminal got. */
#ifndef TARE_TESTS_SCREEN_RIG_H
#define TARE_TESTS_SCREEN_RIG_H

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "tui/screen.h"

static const struct style plain;

struct rig {
	int master, slave;
	struct termios before;
	struct screen *s;
	struct buf seen;
};

static inline void set_environment(const char *term, const char *colorterm, const char *no_color)
{
	setenv("TERM", term, 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("COLORTERM", colorterm, 1);
	setenv("NO_COLOR", no_color, 1);
}

static inline void open_pty(struct rig *r)
{
	struct winsize ws = {.ws_row = 10, .ws_col = 40};

	*r = (struct rig){0};
	assert_int_equal(openpty(&r->master, &r->slave, NULL, NULL, &ws), 0);
	fcntl(r->master, F_SETFD, FD_CLOEXEC);
	fcntl(r->master, F_SETFL, O_NONBLOCK);
	assert_int_equal(tcgetattr(r->slave, &r->before), 0);
}

static inline void open_screen(struct rig *r, const struct screen_options *o)
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

static inline void sees(struct rig *r, const char *bytes)
{
	if (!strstr(buf_str(&r->seen), bytes))
		fail_msg("\"%s\" is not in \"%s\"", bytes + (*bytes == '\033'), buf_str(&r->seen));
}

static inline void is_as_before(struct rig *r)
{
	struct termios now;

	assert_int_equal(tcgetattr(r->slave, &now), 0);
	assert_int_equal(now.c_iflag, r->before.c_iflag);
	assert_int_equal(now.c_oflag, r->before.c_oflag);
	assert_int_equal(now.c_cflag, r->before.c_cflag);
	assert_int_equal(now.c_lflag, r->before.c_lflag);
	assert_memory_equal(now.c_cc, r->before.c_cc, sizeof(now.c_cc));
}

static inline void modes_are_off(struct rig *r)
{
	static const char *const off[] = {"\033[?1006l", "\033[?1002l", "\033[?1000l", "\033[?2004l",
	        "\033[?1004l", "\033[?2026l", "\033[?1049l", "\033[?1l"};

	for (size_t i = 0; i < sizeof(off) / sizeof(*off); i++)
		sees(r, off[i]);
	assert_non_null(strstr(buf_str(&r->seen), "\033[?25h"));
}

static inline void close_rig(struct rig *r)
{
	screen_close(r->s);
	close(r->slave);
	close(r->master);
	buf_free(&r->seen);
}

static inline void frame(struct rig *r, const char *text, struct style s)
{
	struct canvas c = screen_begin(r->s);

	canvas_str(&c, 2, 3, -1, text, s);
}

static inline void child_shows_and(struct rig *r, void (*end)(struct screen *))
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

static inline void end_by_stopping(struct screen *s)
{
	struct canvas c;

	screen_stop(s);
	c = screen_begin(s);
	canvas_str(&c, 1, 0, -1, "back again", plain);
	screen_flush(s);
	screen_close(s);
}

#endif
