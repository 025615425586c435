#include "engine/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/raw_terminal.h"

/* ------------------------------------------------------------------ raw mode */

static int raw_enter(struct relay *r, struct err *e)
{
	if (!r->io->tty || r->io->in < 0 || !isatty(r->io->in))
		return 0;
	if (raw_terminal_enter(r->io->in, e) < 0)
		return -1;
	r->raw = true;
	return 0;
}

static void raw_leave(struct relay *r)
{
	if (r->raw)
		raw_terminal_leave();
	r->raw = false;
}

/* ------------------------------------------------------------------ signals */

/* What Docker's clients pass on, without those that mean the caller itself: stop and continue (job control),
 * SIGCHLD, SIGPIPE. SIGWINCH becomes a size. */
static void proxied(sigset_t *set)
{
	static const int sigs[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM};

	for (size_t i = 0; i < sizeof(sigs) / sizeof(*sigs); i++)
		sigaddset(set, sigs[i]);
	for (int s = SIGRTMIN; s <= SIGRTMAX; s++)
		sigaddset(set, s);
}

static int signals_take(struct relay *r, struct err *e)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set;

	sigemptyset(&set);
	if (r->io->tty)
		sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGCONT);
	sigaddset(&set, SIGCHLD); /* wakes who waits for a child, which may have stopped (relay_exec.c) */
	if (r->io->sig_proxy)
		proxied(&set);
	r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->signal_fd < 0)
		return err_sys(e, "cannot watch signals");
	pthread_sigmask(SIG_BLOCK, &set, &r->old_mask);
	sigaction(SIGPIPE, &ignore, &r->old_pipe);
	return 0;
}

static void signals_handle(struct relay *r, struct relay_events *ev)
{
	struct signalfd_siginfo si;

	while (read(r->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGWINCH) {
			ev->resized = true;
		} else if (si.ssi_signo == SIGCONT) {
			/* After a stop the shell has given the terminal its own settings. */
			if (r->raw)
				raw_terminal_again();
			ev->resized = r->raw;
		} else if (si.ssi_signo == SIGCHLD) {
			ev->child = true;
		} else if (ev->n_signals < (int)(sizeof(ev->signals) / sizeof(*ev->signals))) {
			ev->signals[ev->n_signals++] = (int)si.ssi_signo;
		}
	}
}

/* ------------------------------------------------------------------ outputs */

/* Titles, clipboard, answers typed by the terminal itself: what a process prints that has no terminal of its
 * own is shown as logs shows it (rule R5). Into pipes and files every byte goes as it is.
 *
 * A pipe or terminal is opened again, so that O_NONBLOCK is ours alone: set on the caller's description it
 * would break every other program that shares it. Files never block; sockets are asked per call. */
static void sink_open(struct relay_sink *s, int fd, bool from_terminal)
{
	struct stat st;
	char path[64];
	int own;

	*s = (struct relay_sink){
	        .fd = fd, .to_terminal = !from_terminal && fd >= 0 && isatty(fd), .clean = BUF_INIT};
	if (fd < 0 || fstat(fd, &st) < 0 || !(S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (own < 0)
		return;
	s->fd = own;
	s->owned = true;
}

static void sink_close(struct relay_sink *s)
{
	if (s->owned)
		close(s->fd);
	buf_free(&s->clean);
	*s = (struct relay_sink){.fd = -1};
}

static ssize_t sink_try(struct relay_sink *s)
{
	ssize_t n = -1;

	if (!s->owned) {
		n = send(s->fd, s->data, s->len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n >= 0 || errno != ENOTSOCK)
			return n;
	}
	return write(s->fd, s->data, s->len);
}

static void sink_flush(struct relay_sink *s)
{
	while (s->len) {
		ssize_t n = s->fd < 0 || s->broken ? (ssize_t)s->len : sink_try(s);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			s->broken = true;
			continue;
		}
		s->data += n;
		s->len -= (size_t)n;
	}
}

void relay_write(struct relay *r, int sink, const char *data, size_t len)
{
	struct relay_sink *s = &r->sink[sink];

	if (s->to_terminal) {
		buf_reset(&s->clean);
		terminal_filter_add(&s->filter, &s->clean, data, len);
		data = s->clean.data;
		len = s->clean.len;
	}
	s->data = data;
	s->len = len;
	sink_flush(s);
}

/* The start of a sequence that never ended. */
static void sink_end(struct relay_sink *s)
{
	if (!s->to_terminal || s->len)
		return;
	buf_reset(&s->clean);
	terminal_filter_end(&s->filter, &s->clean);
	s->data = s->clean.data;
	s->len = s->clean.len;
	sink_flush(s);
}

bool relay_pending(const struct relay *r)
{
	return r->sink[0].len || r->sink[1].len;
}

/* ------------------------------------------------------------------ the whole */

int relay_open(struct relay *r, const struct tare_io *io, const char *keys, bool from_terminal, struct err *e)
{
	*r = (struct relay){.io = io, .in_open = io->in >= 0, .signal_fd = -1};
	r->sink[0].fd = r->sink[1].fd = -1;
	if (detach_keys_parse(&r->keys, io->detach_keys ? io->detach_keys : keys, e) < 0)
		return -1;
	/* Without a terminal nobody types them, and binary input must pass unchanged. */
	if (!io->tty)
		r->keys.n = 0;
	if (signals_take(r, e) < 0)
		return -1;
	if (raw_enter(r, e) < 0) {
		relay_close(r);
		return -1;
	}
	sink_open(&r->sink[0], io->out, from_terminal);
	sink_open(&r->sink[1], io->err, from_terminal);
	return 0;
}

void relay_close(struct relay *r)
{
	if (r->signal_fd < 0)
		return;
	for (int i = 0; i < 2; i++) {
		sink_end(&r->sink[i]);
		sink_close(&r->sink[i]);
	}
	raw_leave(r);
	close_fd(&r->signal_fd);
	pthread_sigmask(SIG_SETMASK, &r->old_mask, NULL);
	sigaction(SIGPIPE, &r->old_pipe, NULL);
}

int relay_poll(const struct relay *r, bool want_input, struct pollfd p[RELAY_POLL])
{
	int n = 0;

	p[n++] = (struct pollfd){.fd = r->signal_fd, .events = POLLIN};
	p[n++] = (struct pollfd){.fd = want_input && r->in_open ? r->io->in : -1, .events = POLLIN};
	for (int i = 0; i < 2; i++)
		p[n++] = (struct pollfd){.fd = r->sink[i].len ? r->sink[i].fd : -1, .events = POLLOUT};
	return n;
}

static void input_handle(struct relay *r, struct relay_events *ev)
{
	char raw[RELAY_INPUT];
	ssize_t n = read(r->io->in, raw, sizeof(raw));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		r->in_open = false;
		ev->in_end = true;
		ev->in_len = detach_keys_flush(&r->keys, ev->in);
		return;
	}
	ev->detached = detach_keys_feed(&r->keys, raw, (size_t)n, ev->in, &ev->in_len);
}

void relay_handle(struct relay *r, const struct pollfd *p, int n, struct relay_events *ev)
{
	ev->resized = ev->detached = ev->in_end = false;
	ev->in_len = 0;
	ev->n_signals = 0;
	ev->child = false;
	if (n != RELAY_POLL)
		return;
	if (p[0].revents)
		signals_handle(r, ev);
	if (p[1].fd >= 0 && p[1].revents)
		input_handle(r, ev);
	for (int i = 0; i < 2; i++)
		if (p[2 + i].fd >= 0 && p[2 + i].revents)
			sink_flush(&r->sink[i]);
}

void relay_initial_size(const struct tare_io *io, unsigned *rows, unsigned *cols)
{
	struct winsize w;

	*rows = *cols = 0;
	if (io && io->tty && (ioctl(io->out, TIOCGWINSZ, &w) == 0 || ioctl(io->in, TIOCGWINSZ, &w) == 0)) {
		*rows = w.ws_row;
		*cols = w.ws_col;
	}
}

bool relay_size(const struct relay *r, unsigned short *rows, unsigned short *cols)
{
	struct winsize ws;

	if (!r->io->tty || ioctl(r->io->in >= 0 ? r->io->in : r->io->out, TIOCGWINSZ, &ws) < 0)
		return false;
	*rows = ws.ws_row;
	*cols = ws.ws_col;
	return ws.ws_row && ws.ws_col;
}
