/* Signals of the loop, by the self-pipe trick: the handler marks the signal and writes a byte. signalfd would
 * need the signals blocked, and a blocked signal is inherited by every child. */
#include "tui/loop_signal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"

#define N_SIGNALS 65

struct caught {
	loop_fn *fn;
	void *arg;
	struct sigaction before;
};

struct loop_signals {
	struct loop *loop;
	int pipe[2];
	struct caught caught[N_SIGNALS];
};

/* What a signal handler can reach: it has no argument. */
static volatile sig_atomic_t wake_fd = -1, pending[N_SIGNALS];
static loop_stuck_fn *volatile stuck_fn;

void loop_stuck(loop_stuck_fn *fn)
{
	stuck_fn = fn;
}

/* A request to end that the loop has not even seen when it is repeated: the loop hangs. */
static void end_anyway(int sig)
{
	if (stuck_fn)
		stuck_fn(sig);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void on_signal(int sig)
{
	int saved = errno;
	ssize_t n;

	if (pending[sig] && (sig == SIGTERM || sig == SIGHUP || sig == SIGINT || sig == SIGQUIT))
		end_anyway(sig);
	pending[sig] = 1;
	n = write((int)wake_fd, "", 1); /* a full pipe wakes the loop just as well */
	(void)n;
	errno = saved;
}

static void on_pipe(void *arg, int fd, unsigned ready)
{
	struct loop_signals *s = arg;
	char bytes[64];

	(void)ready;
	while (read(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes))
		;
	for (int sig = 1; sig < N_SIGNALS; sig++) {
		if (!pending[sig])
			continue;
		pending[sig] = 0;
		if (s->caught[sig].fn)
			s->caught[sig].fn(s->caught[sig].arg);
	}
}

static int prepare_pipe(int fds[2])
{
	if (pipe(fds) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if (fcntl(fds[i], F_SETFD, FD_CLOEXEC) < 0 || fcntl(fds[i], F_SETFL, O_NONBLOCK) < 0)
			return -1;
	return 0;
}

struct loop_signals *loop_signals_new(struct loop *l, struct err *e)
{
	struct loop_signals *s;

	if (wake_fd >= 0)
		return err_set_null(e, ERR_CONFLICT, "another loop catches the signals");
	s = calloc(1, sizeof(*s));
	if (!s)
		return err_no_memory(e), NULL;
	s->loop = l;
	s->pipe[0] = s->pipe[1] = -1;
	if (prepare_pipe(s->pipe) < 0) {
		err_sys(e, "cannot make a pipe for signals");
		loop_signals_free(s);
		return NULL;
	}
	if (loop_add(l, s->pipe[0], LOOP_READ, on_pipe, s, e) < 0) {
		loop_signals_free(s);
		return NULL;
	}
	wake_fd = s->pipe[1];
	return s;
}

int loop_signals_add(struct loop_signals *s, int sig, loop_fn *fn, void *arg, struct err *e)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, before;

	if (sig < 1 || sig >= N_SIGNALS)
		return err_set(e, ERR_USAGE, "no signal %d", sig);
	sigemptyset(&sa.sa_mask);
	pending[sig] = 0;
	if (sigaction(sig, &sa, &before) < 0)
		return err_sys(e, "cannot catch signal %d", sig);
	if (!s->caught[sig].fn)
		s->caught[sig].before = before;
	s->caught[sig].fn = fn;
	s->caught[sig].arg = arg;
	return 0;
}

void loop_signals_free(struct loop_signals *s)
{
	if (!s)
		return;
	for (int sig = 1; sig < N_SIGNALS; sig++)
		if (s->caught[sig].fn)
			sigaction(sig, &s->caught[sig].before, NULL);
	if (wake_fd == s->pipe[1])
		wake_fd = -1;
	loop_remove(s->loop, s->pipe[0]);
	for (int i = 0; i < 2; i++)
		if (s->pipe[i] >= 0)
			close(s->pipe[i]);
	free(s);
}
