/* The loop's back end for every POSIX system: poll(2) over an array that has one entry per descriptor. */
#include "tui/loop_backend.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/err.h"

struct poll_set {
	struct pollfd *fds;
	size_t n, cap;
	size_t turn; /* where the next answer starts, so that no descriptor starves behind busy ones */
};

static void *poll_open(struct err *e)
{
	struct poll_set *set = calloc(1, sizeof(*set));

	if (!set)
		err_no_memory(e);
	return set;
}

static void poll_close(void *arg)
{
	struct poll_set *set = arg;

	free(set->fds);
	free(set);
}

static struct pollfd *entry_of(struct poll_set *set, int fd)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->fds[i].fd == fd)
			return &set->fds[i];
	return NULL;
}

static struct pollfd *entry_new(struct poll_set *set, int fd)
{
	if (set->n == set->cap) {
		size_t cap = set->cap ? set->cap * 2 : 16;
		struct pollfd *fds = realloc(set->fds, cap * sizeof(*fds));

		if (!fds)
			return NULL;
		set->fds = fds;
		set->cap = cap;
	}
	set->fds[set->n] = (struct pollfd){.fd = fd};
	return &set->fds[set->n++];
}

static int poll_change(void *arg, int fd, unsigned old, unsigned want)
{
	struct poll_set *set = arg;
	struct pollfd *p = entry_of(set, fd);

	(void)old;
	if (!want) {
		if (p)
			*p = set->fds[--set->n];
		return 0;
	}
	if (!p)
		p = entry_new(set, fd);
	if (!p) {
		errno = ENOMEM;
		return -1;
	}
	p->events = (short)((want & LOOP_READ ? POLLIN : 0) | (want & LOOP_WRITE ? POLLOUT : 0));
	return 0;
}

static unsigned ready_of(short events)
{
	unsigned ready = 0;

	if (events & POLLIN)
		ready |= LOOP_READ;
	if (events & POLLOUT)
		ready |= LOOP_WRITE;
	if (events & (POLLHUP | POLLERR | POLLNVAL))
		ready |= LOOP_HANGUP;
	return ready;
}

static int poll_wait(void *arg, int timeout_ms, struct loop_ready ready[LOOP_READY_MAX])
{
	struct poll_set *set = arg;
	int left = poll(set->fds, (nfds_t)set->n, timeout_ms), n = 0;

	if (left < 0)
		return errno == EINTR ? 0 : -1;
	for (size_t k = 0; k < set->n && left > 0 && n < LOOP_READY_MAX; k++) {
		const struct pollfd *p = &set->fds[(set->turn + k) % set->n];

		if (!p->revents)
			continue;
		left--;
		ready[n++] = (struct loop_ready){p->fd, ready_of(p->revents)};
	}
	set->turn++;
	return n;
}

const struct loop_backend loop_poll_backend = {
        .open = poll_open,
        .close = poll_close,
        .change = poll_change,
        .wait = poll_wait,
};
