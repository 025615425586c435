/* The relay between the caller and a child of ours: exec. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/traced.h"
#include "engine/relay.h"

enum { P_CHILD = RELAY_POLL, P_IN, P_OUT, P_ERR, P_COUNT };

struct exec {
	struct relay relay;
	struct relay_child *child;
	int in_fd, out_fd[2]; /* our ends; the terminal's master is in_fd and out_fd[0] */
	bool ended, in_ending;
	int status;
	struct relay_events ev;
	const char *in; /* input the child has not taken */
	size_t in_len;
	char block[2][RELAY_BLOCK];
};

static void resize(struct exec *x)
{
	struct winsize ws = {0};

	if (x->child->terminal_fd >= 0 && relay_size(&x->relay, &ws.ws_row, &ws.ws_col))
		ioctl(x->child->terminal_fd, TIOCSWINSZ, &ws);
}

static void input_close(struct exec *x)
{
	static const char end_of_file = 4; /* what a terminal's user types */

	x->in_len = 0;
	x->in_ending = false;
	x->relay.in_open = false;
	if (x->in_fd >= 0 && x->child->terminal_fd >= 0) {
		if (write(x->in_fd, &end_of_file, 1) < 0)
			x->in_fd = -1;
	} else {
		close_fd(&x->child->in_fd);
	}
	x->in_fd = -1;
}

static void input_push(struct exec *x)
{
	while (x->in_len && x->in_fd >= 0) {
		ssize_t n = write(x->in_fd, x->in, x->in_len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			input_close(x);
			return;
		}
		x->in += n;
		x->in_len -= (size_t)n;
	}
	if (x->in_ending)
		input_close(x);
}

/* True: there may be more at once. */
static bool output_pull(struct exec *x, int stream)
{
	ssize_t n;

	if (x->out_fd[stream] < 0 || x->relay.sink[stream].len)
		return false;
	n = read(x->out_fd[stream], x->block[stream], RELAY_BLOCK);
	if (n > 0) {
		relay_write(&x->relay, stream, x->block[stream], (size_t)n);
		return true;
	}
	/* A terminal's master says EIO when no process has the other end open. */
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		x->out_fd[stream] = -1;
	return n < 0 && errno == EINTR;
}

/* A command that asks to be traced by its parent has us as its tracer, and stops at each signal. */
static int reap(struct exec *x, struct err *e)
{
	pid_t pid;

	do
		pid = waitpid(x->child->pid, &x->status, WNOHANG);
	while (pid < 0 && errno == EINTR);
	if (pid < 0)
		return err_sys(e, "cannot wait for the command");
	if (pid > 0 && WIFSTOPPED(x->status))
		traced_let_go(pid, WSTOPSIG(x->status));
	else
		x->ended = pid == x->child->pid;
	return 0;
}

static void caller_events(struct exec *x)
{
	struct relay_events *ev = &x->ev;

	if (ev->resized)
		resize(x);
	for (int i = 0; i < ev->n_signals; i++)
		pidfd_signal(x->child->pidfd, ev->signals[i]);
	if (ev->in_end)
		x->in_ending = true;
	if (ev->in_len) {
		x->in = ev->in;
		x->in_len = ev->in_len;
	}
	if (x->in_len || x->in_ending)
		input_push(x);
}

/* After the end only what is in the pipes already is waited for, not for strangers that hold them open. */
static bool drained(struct exec *x)
{
	for (int s = 0; s < 2; s++)
		while (output_pull(x, s))
			;
	return !relay_pending(&x->relay);
}

static int loop(struct exec *x, enum tare_io_end *end, struct err *e)
{
	struct pollfd p[P_COUNT];

	for (;;) {
		if (x->ended && drained(x)) {
			*end = TARE_IO_EXITED;
			return 0;
		}
		relay_poll(&x->relay, !x->in_len && x->in_fd >= 0, p);
		p[P_CHILD] = (struct pollfd){.fd = x->ended ? -1 : x->child->pidfd, .events = POLLIN};
		p[P_IN] = (struct pollfd){.fd = x->in_len ? x->in_fd : -1, .events = POLLOUT};
		for (int s = 0; s < 2; s++)
			p[P_OUT + s] = (struct pollfd){
			        .fd = x->relay.sink[s].len ? -1 : x->out_fd[s], .events = POLLIN};
		if (poll(p, P_COUNT, -1) < 0 && errno != EINTR)
			return err_sys(e, "cannot wait for the command's output");
		relay_handle(&x->relay, p, RELAY_POLL, &x->ev);
		if (x->ev.detached) {
			*end = TARE_IO_DETACHED;
			return 0;
		}
		caller_events(x);
		if (p[P_IN].revents)
			input_push(x);
		for (int s = 0; s < 2; s++)
			if (p[P_OUT + s].revents)
				output_pull(x, s);
		if ((p[P_CHILD].revents || (x->ev.child && !x->ended)) && reap(x, e) < 0)
			return -1;
	}
}

static void ends_open(struct exec *x)
{
	struct relay_child *c = x->child;

	x->in_fd = c->terminal_fd >= 0 ? c->terminal_fd : c->in_fd;
	x->out_fd[0] = c->terminal_fd >= 0 ? c->terminal_fd : c->out_fd;
	x->out_fd[1] = c->terminal_fd >= 0 ? -1 : c->err_fd;
	if (x->in_fd >= 0)
		set_nonblock(x->in_fd, true);
	for (int s = 0; s < 2; s++)
		if (x->out_fd[s] >= 0)
			set_nonblock(x->out_fd[s], true);
}

int relay_exec(struct relay_child *c, const struct tare_io *io, const char *keys, enum tare_io_end *end,
        int *status, struct err *e)
{
	cleanup_free struct exec *x = calloc(1, sizeof(*x));
	int rc;

	if (!x)
		return err_no_memory(e);
	x->child = c;
	ends_open(x);
	if (relay_open(&x->relay, io, keys, c->terminal_fd >= 0, e) < 0)
		return -1;
	resize(x);
	/* it may have stopped before signals were watched */
	rc = reap(x, e) < 0 ? -1 : loop(x, end, e);
	relay_close(&x->relay);
	*status = x->status;
	return rc;
}
