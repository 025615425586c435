/* The caller's terminal while a simulated program runs on it: raw mode that is undone on every way out,
 * detach keys, and output in few writes. */
#include "engine/simulation_shell.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/raw_terminal.h"

#define LOOK_AGAIN_MS 1000 /* whether the container still runs */
#define OUT_BLOCK     4096
#define KEPT_MAX      (32u << 10) /* of what nobody reads */

/* ------------------------------------------------------------------ raw mode */

static int raw_enter(struct sim_terminal *t, struct err *e)
{
	if (!t->io->tty || t->io->in < 0 || !isatty(t->io->in))
		return 0;
	if (raw_terminal_enter(t->io->in, e) < 0)
		return -1;
	t->raw = true;
	return 0;
}

static void raw_leave(struct sim_terminal *t)
{
	if (t->raw)
		raw_terminal_leave();
	t->raw = false;
}

/* ------------------------------------------------------------------ opening */

void sim_terminal_size(struct sim_terminal *t)
{
	t->rows = 24;
	t->cols = 80;
#ifdef TIOCGWINSZ
	struct winsize w;

	if (t->io && ioctl(t->io->out, TIOCGWINSZ, &w) == 0 && w.ws_row && w.ws_col) {
		t->rows = w.ws_row;
		t->cols = w.ws_col;
	}
#endif
}

int sim_terminal_open(struct sim_terminal *t, const struct tare_io *io, struct err *e)
{
	*t = (struct sim_terminal){.io = io, .out = BUF_INIT, .kept = BUF_INIT_MAX(KEPT_MAX)};
	sim_terminal_size(t);
	if (!io)
		return 0;
	if (detach_keys_parse(&t->keys, io->detach_keys, e) < 0)
		return -1;
	if (!io->tty)
		t->keys.n = 0;
	return raw_enter(t, e);
}

void sim_terminal_close(struct sim_terminal *t)
{
	sim_flush(t);
	raw_leave(t);
	buf_free(&t->out);
	buf_free(&t->kept);
}

/* ------------------------------------------------------------------ output */

void sim_flush(struct sim_terminal *t)
{
	if (t->io && t->io->out >= 0 && t->out.len && !t->gone &&
	        write_all(t->io->out, t->out.data, t->out.len) < 0)
		t->gone = true;
	buf_reset(&t->out);
}

void sim_put(struct sim_terminal *t, const char *text, size_t len)
{
	if (!t->io) {
		if (t->kept.len + len < KEPT_MAX)
			buf_add(&t->kept, text, len);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n' && t->io->tty)
			buf_char(&t->out, '\r');
		buf_char(&t->out, text[i]);
	}
	if (t->out.len > OUT_BLOCK)
		sim_flush(t);
}

void sim_say(struct sim_terminal *t, const char *fmt, ...)
{
	cleanup_buf struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	sim_put(t, buf_str(&b), b.len);
}

void sim_complain(struct sim_terminal *t, const char *fmt, ...)
{
	cleanup_buf struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	if (!t->io || t->io->tty) {
		sim_put(t, buf_str(&b), b.len);
		return;
	}
	sim_flush(t);
	if (t->io->err >= 0 && write_all(t->io->err, b.data, b.len) < 0)
		t->gone = true;
}

/* ------------------------------------------------------------------ input */

static void fill(struct sim_terminal *t)
{
	char raw[256];
	ssize_t n = read(t->io->in, raw, sizeof(raw));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	t->in_at = t->in_len = 0;
	if (n <= 0) {
		t->in_end = true;
		t->in_len = detach_keys_flush(&t->keys, t->in);
		return;
	}
	t->detached = detach_keys_feed(&t->keys, raw, (size_t)n, t->in, &t->in_len);
}

/* Somebody else may end the container while its shell waits for a key. */
static bool is_over(struct sim_terminal *t)
{
	const struct sim_container *c;
	struct sim_status st;

	if (!t->s || sim_refresh(t->s, NULL) < 0)
		return false;
	c = sim_by_id(t->s, t->id);
	st = c ? sim_at(c, sim_now(t->s)) : (struct sim_status){0};
	t->ended = !st.there || (st.state != TARE_RUNNING && st.state != TARE_PAUSED);
	return t->ended;
}

int sim_key(struct sim_terminal *t, int ms)
{
	int64_t left = ms < 0 ? INT64_MAX : ms;

	sim_flush(t);
	while (t->in_at == t->in_len) {
		struct pollfd p[2] = {{.fd = -1, .events = POLLIN}, {.fd = -1}};
		int wait = left < LOOK_AGAIN_MS ? (int)left : LOOK_AGAIN_MS, n;

		if (!t->io || t->detached || t->gone || t->ended)
			return SIM_KEY_END;
		if (t->in_end || t->io->in < 0) {
			if (ms < 0)
				return SIM_KEY_END;
		} else {
			p[0].fd = t->io->in;
		}
		p[1].fd = t->io->out;
		n = poll(p, 2, wait);
		if (n < 0 && errno != EINTR)
			return SIM_KEY_END;
		left -= n == 0 && ms >= 0 ? wait : 0;
		if (n == 0 && is_over(t))
			return SIM_KEY_END;
		if (n == 0 && left <= 0)
			return SIM_KEY_NONE;
		if (n > 0 && p[1].revents & POLLERR)
			t->gone = true;
		if (n > 0 && p[0].revents)
			fill(t);
		if (t->in_end && ms >= 0 && t->in_at == t->in_len)
			return SIM_KEY_NONE;
	}
	return (unsigned char)t->in[t->in_at++];
}
