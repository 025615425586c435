/* The terminal itself: raw mode, the sequences that switch it over and back, and writing without waiting. */
#ifndef _GNU_SOURCE
#define _XOPEN_SOURCE   700
#define _DEFAULT_SOURCE /* TIOCGWINSZ */
#endif
#include "tui/screen_private.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>

#include "base/err.h"
#include "tui/screen_rescue.h"
#undef lines
#undef columns

#define MAX_SIDE         1000 /* a terminal that says it is larger gets a smaller picture */
#define DRAIN_MS         200
#define FOREGROUND_TRIES 8
#define MODES_ON         "\033[?2004h\033[?1004h"
#define MODES_OFF        "\033[?1006l\033[?1002l\033[?1000l\033[?2004l\033[?1004l\033[?2026l"
#define MOUSE_ON         "\033[?1000h\033[?1002h\033[?1006h"
#define MOUSE_OFF        "\033[?1006l\033[?1002l\033[?1000l"
#define RESCUE_START     "\030" /* CAN: ends a sequence that was cut in the middle */

/* Without the pauses ("$<2>") that terminals of the seventies needed. */
static void add_cap(struct buf *b, const char *name)
{
	const char *value = tigetstr(name), *end;

	if (value == (char *)-1)
		return;
	while (value && *value) {
		const char *pause = strstr(value, "$<");

		end = pause ? strchr(pause, '>') : NULL;
		buf_add(b, value, end ? (size_t)(pause - value) : strlen(value));
		value = end ? end + 1 : NULL;
	}
}

/* setupterm() has loaded the terminal. The cursor is shown by "cnorm" but hidden by ncurses. */
static void make_strings(struct screen *s)
{
	if (!s->options.screen_reader)
		add_cap(&s->enter, "smcup");
	/* The scroll region of somebody else would bound ours. */
	if (tigetstr("csr") && tigetstr("csr") != (char *)-1)
		buf_str_add(&s->enter, "\033[r");
	add_cap(&s->enter, "smkx");
	buf_str_add(&s->enter, MODES_ON);

	buf_str_add(&s->leave, MODES_OFF);
	add_cap(&s->leave, "rmacs");
	add_cap(&s->leave, "sgr0");
	buf_str_add(&s->leave, "\033[39;49m");
	add_cap(&s->leave, "rmkx");
	add_cap(&s->leave, "cnorm");
	if (s->options.screen_reader)
		buf_str_add(&s->leave, "\r\n");
	else
		add_cap(&s->leave, "rmcup");
}

/* Our own open file, since O_NONBLOCK on the given one would be seen by the shell that we share it with. */
static int open_again(struct screen *s)
{
	const char *name = ttyname(s->given);

	s->flags = -1;
	s->tty = name ? open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1;
	if (s->tty >= 0)
		return 0;
	s->flags = fcntl(s->given, F_GETFL);
	s->tty = fcntl(s->given, F_DUPFD_CLOEXEC, 3);
	return s->tty < 0 || s->flags < 0 || fcntl(s->tty, F_SETFL, s->flags | O_NONBLOCK) < 0 ? -1 : 0;
}

/* In the background the settings are those of a shell that edits its line: not to be kept as ours. */
static void wait_for_foreground(const struct screen *s)
{
	struct sigaction sa = {.sa_handler = SIG_DFL}, before;

	sigemptyset(&sa.sa_mask);
	sigaction(SIGTTIN, &sa, &before);
	/* Where nobody could bring us to the foreground the signal does nothing. */
	for (int i = 0; i < FOREGROUND_TRIES; i++) {
		pid_t group = tcgetpgrp(s->given);

		if (group < 0 || group == getpgrp())
			break;
		kill(0, SIGTTIN);
	}
	sigaction(SIGTTIN, &before, NULL);
}

int tty_open(struct screen *s, const char *term, struct err *e)
{
	wait_for_foreground(s);
	if (tcgetattr(s->given, &s->saved) < 0)
		return err_sys(e, "cannot ask the terminal for its settings");
	if (open_again(s) < 0)
		return err_sys(e, "cannot open the terminal");
	s->understands_osc = strncmp(term, "linux", 5) != 0 && strncmp(term, "vt", 2) != 0;
	make_strings(s);
	return s->enter.failed || s->leave.failed ? err_no_memory(e) : 0;
}

void tty_close(struct screen *s)
{
	if (s->tty >= 0)
		close(s->tty);
	buf_free(&s->enter);
	buf_free(&s->leave);
}

static int side(int n, int otherwise)
{
	return n <= 0 ? otherwise : n > MAX_SIDE ? MAX_SIDE : n;
}

void tty_size(const struct screen *s, int *rows, int *cols)
{
	struct winsize ws = {0};

	if (ioctl(s->tty, TIOCGWINSZ, &ws) < 0)
		ws = (struct winsize){0};
	*rows = side(ws.ws_row, 24);
	*cols = side(ws.ws_col, 80);
}

/* All keys come as bytes, none as signals; nothing is echoed or changed on the way out. */
static int set_raw(const struct screen *s)
{
	struct termios t = s->saved;

	t.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
	t.c_oflag &= ~(tcflag_t)OPOST;
	t.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	t.c_cflag = (t.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	return tcsetattr(s->given, TCSANOW, &t);
}

int tty_enter(struct screen *s, struct err *e)
{
	cleanup_buf struct buf rescue = BUF_INIT;

	buf_str_add(&rescue, RESCUE_START);
	buf_add(&rescue, s->leave.data, s->leave.len);
	rescue_handle();
	rescue_arm(s->tty, &s->saved, s->flags, buf_str(&rescue), rescue.len);
	if (set_raw(s) < 0)
		return err_sys(e, "cannot set the terminal's mode");
	if (s->flags >= 0)
		fcntl(s->tty, F_SETFL, s->flags | O_NONBLOCK);
	buf_reset(&s->frame);
	s->written = 0;
	s->behind = false;
	buf_add(&s->frame, s->enter.data, s->enter.len);
	if (s->mouse)
		buf_str_add(&s->frame, MOUSE_ON);
	return 0;
}

/* A frame that is under way is let through, so that no sequence is cut. */
static void drain(struct screen *s)
{
	struct pollfd p = {.fd = s->tty, .events = POLLOUT};

	while (tty_write(s) > 0)
		if (poll(&p, 1, DRAIN_MS) <= 0)
			return;
}

void tty_leave(struct screen *s)
{
	drain(s);
	buf_reset(&s->frame);
	s->written = 0;
	rescue_now();
}

int tty_write(struct screen *s)
{
	while (s->written < s->frame.len) {
		ssize_t n = write(s->tty, s->frame.data + s->written, s->frame.len - s->written);

		if (n >= 0)
			s->written += (size_t)n;
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return 1;
		else if (errno != EINTR)
			return -1;
	}
	buf_reset(&s->frame);
	s->written = 0;
	return 0;
}

void screen_mouse(struct screen *s, bool on)
{
	if (s->mouse != on && !s->away && s->tty >= 0)
		buf_str_add(&s->queued, on ? MOUSE_ON : MOUSE_OFF);
	s->mouse = on;
}
