/* The loop's back end for Linux: epoll, whose cost doesn't grow with descriptors that are quiet. */
#ifdef _GNU_SOURCE
#include "tui/loop_backend.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/err.h"

struct epoll_set {
	int fd;
};

static void *epoll_open(struct err *e)
{
	struct epoll_set *set = calloc(1, sizeof(*set));

	if (!set)
		return err_no_memory(e), NULL;
	set->fd = epoll_create1(EPOLL_CLOEXEC);
	if (set->fd < 0) {
		err_sys(e, "cannot wait for events");
		free(set);
		return NULL;
	}
	return set;
}

static void epoll_close(void *arg)
{
	struct epoll_set *set = arg;

	close(set->fd);
	free(set);
}

static int epoll_change(void *arg, int fd, unsigned old, unsigned want)
{
	struct epoll_set *set = arg;
	struct epoll_event ev = {.data.fd = fd};

	ev.events = (want & LOOP_READ ? (uint32_t)EPOLLIN : 0) | (want & LOOP_WRITE ? (uint32_t)EPOLLOUT : 0);
	return epoll_ctl(set->fd, !want ? EPOLL_CTL_DEL : old ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev);
}

static unsigned ready_of(uint32_t events)
{
	unsigned ready = 0;

	if (events & EPOLLIN)
		ready |= LOOP_READ;
	if (events & EPOLLOUT)
		ready |= LOOP_WRITE;
	if (events & (EPOLLHUP | EPOLLERR))
		ready |= LOOP_HANGUP;
	return ready;
}

static int epoll_wait_ready(void *arg, int timeout_ms, struct loop_ready ready[LOOP_READY_MAX])
{
	struct epoll_set *set = arg;
	struct epoll_event events[LOOP_READY_MAX];
	int n = epoll_wait(set->fd, events, LOOP_READY_MAX, timeout_ms);

	if (n < 0)
		return errno == EINTR ? 0 : -1;
	for (int i = 0; i < n; i++)
		ready[i] = (struct loop_ready){events[i].data.fd, ready_of(events[i].events)};
	return n;
}

const struct loop_backend loop_epoll_backend = {
        .open = epoll_open,
        .close = epoll_close,
        .change = epoll_change,
        .wait = epoll_wait_ready,
};
#else
typedef int loop_epoll_is_linux_only; /* ISO C wants a declaration in every file */
#endif
