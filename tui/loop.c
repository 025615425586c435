/* The loop: what is ready is told to its callback, then timers that are due, then the frame is drawn and it
 * sleeps. Callbacks may add and remove anything: each descriptor has a generation, so that news of a
 * descriptor that was removed (and perhaps opened anew) in the same turn is dropped. */
#include "tui/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/err.h"
#include "tui/loop_backend.h"
#include "tui/loop_signal.h"

#define NS_PER_MS  1000000
#define MAX_BEFORE 4

struct source {
	loop_fd_fn *fn; /* NULL: not watched */
	void *arg;
	unsigned want;
	unsigned generation;
};

struct loop {
	const struct loop_backend *backend;
	void *set;
	struct source *sources; /* by descriptor */
	size_t n_sources;
	struct loop_timer *timers; /* sorted by time */
	struct loop_signals *signals;
	struct {
		loop_fn *fn;
		void *arg;
	} before[MAX_BEFORE];
	int n_before;
	int64_t now;
	uint64_t wakeups;
	bool stop, in_timers;
};

int64_t now_monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 * NS_PER_MS + ts.tv_nsec;
}

static struct loop *new_with(const struct loop_backend *backend, struct err *e)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return err_no_memory(e), NULL;
	l->backend = backend;
	l->set = backend->open(e);
	if (!l->set) {
		free(l);
		return NULL;
	}
	l->now = now_monotonic();
	return l;
}

struct loop *loop_new(struct err *e)
{
#ifdef _GNU_SOURCE
	return new_with(&loop_epoll_backend, e);
#else
	return new_with(&loop_poll_backend, e);
#endif
}

struct loop *loop_new_poll(struct err *e)
{
	return new_with(&loop_poll_backend, e);
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	loop_signals_free(l->signals);
	l->backend->close(l->set);
	free(l->sources);
	free(l);
}

/* ---------------------------------------------------------------- descriptors */

static struct source *source_of(struct loop *l, int fd)
{
	return fd >= 0 && (size_t)fd < l->n_sources && l->sources[fd].fn ? &l->sources[fd] : NULL;
}

static int grow_sources(struct loop *l, size_t n)
{
	struct source *sources;

	if (n <= l->n_sources)
		return 0;
	n = n < 64 ? 64 : n * 2;
	sources = realloc(l->sources, n * sizeof(*sources));
	if (!sources)
		return -1;
	for (size_t i = l->n_sources; i < n; i++)
		sources[i] = (struct source){0};
	l->sources = sources;
	l->n_sources = n;
	return 0;
}

int loop_add(struct loop *l, int fd, unsigned want, loop_fd_fn *fn, void *arg, struct err *e)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "cannot watch descriptor %d", fd);
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		return err_set(e, ERR_USAGE,
		        "cannot watch descriptor %d: a file is always ready; look at it by a timer", fd);
	if (source_of(l, fd))
		return err_set(e, ERR_CONFLICT, "descriptor %d is already watched", fd);
	if (grow_sources(l, (size_t)fd + 1) < 0)
		return err_no_memory(e);
	want &= LOOP_READ | LOOP_WRITE;
	if (want && l->backend->change(l->set, fd, 0, want) < 0)
		return err_sys(e, "cannot watch descriptor %d", fd);
	l->sources[fd] = (struct source){fn, arg, want, l->sources[fd].generation + 1};
	return 0;
}

void loop_want(struct loop *l, int fd, unsigned want)
{
	struct source *s = source_of(l, fd);

	want &= LOOP_READ | LOOP_WRITE;
	if (!s || s->want == want)
		return;
	/* Nothing wanted means not watched at all: else a hang-up would be told again and again. */
	if (l->backend->change(l->set, fd, s->want, want) == 0)
		s->want = want;
}

void loop_remove(struct loop *l, int fd)
{
	struct source *s = source_of(l, fd);

	if (!s)
		return;
	if (s->want)
		l->backend->change(l->set, fd, s->want, 0);
	s->fn = NULL;
	s->want = 0;
	s->generation++;
}

static void dispatch(struct loop *l, const struct loop_ready *ready, const unsigned *generations, int n)
{
	for (int i = 0; i < n && !l->stop; i++) {
		struct source *s = source_of(l, ready[i].fd);
		unsigned told = ready[i].ready;

		if (!s || s->generation != generations[i])
			continue;
		/* A hang-up is news to a reader: its read() answers at once with the rest or the end. */
		if (told & LOOP_HANGUP)
			told |= s->want & LOOP_READ;
		told &= s->want | LOOP_HANGUP;
		if (told)
			s->fn(s->arg, ready[i].fd, told);
	}
}

/* ---------------------------------------------------------------- timers */

void loop_disarm(struct loop *l, struct loop_timer *t)
{
	struct loop_timer **p = &l->timers;

	if (!t->armed)
		return;
	while (*p && *p != t)
		p = &(*p)->next;
	if (*p)
		*p = t->next;
	t->next = NULL;
	t->armed = false;
}

void loop_arm(struct loop *l, struct loop_timer *t, int64_t at)
{
	struct loop_timer **p = &l->timers;

	loop_disarm(l, t);
	/* One that arms itself anew for "at once" waits for the next turn, or it would starve the rest. */
	t->at = l->in_timers && at <= l->now ? l->now + 1 : at;
	at = t->at;
	while (*p && (*p)->at <= at)
		p = &(*p)->next;
	t->next = *p;
	*p = t;
	t->armed = true;
}

static void run_timers(struct loop *l)
{
	l->in_timers = true;
	while (l->timers && l->timers->at <= l->now && !l->stop) {
		struct loop_timer *t = l->timers;

		loop_disarm(l, t);
		t->fn(t->arg);
	}
	l->in_timers = false;
}

/* Rounded up: waking too early would only mean to wait again. */
static int timeout_ms(const struct loop *l)
{
	int64_t ns;

	if (!l->timers)
		return -1;
	ns = l->timers->at - now_monotonic();
	if (ns <= 0)
		return 0;
	ns = (ns + NS_PER_MS - 1) / NS_PER_MS;
	return ns > INT_MAX ? INT_MAX : (int)ns;
}

/* ---------------------------------------------------------------- signals, running */

int loop_signal(struct loop *l, int sig, loop_fn *fn, void *arg, struct err *e)
{
	if (!l->signals)
		l->signals = loop_signals_new(l, e);
	return l->signals ? loop_signals_add(l->signals, sig, fn, arg, e) : -1;
}

void loop_before_wait(struct loop *l, loop_fn *fn, void *arg)
{
	if (l->n_before < MAX_BEFORE) {
		l->before[l->n_before].fn = fn;
		l->before[l->n_before++].arg = arg;
	}
}

static int turn(struct loop *l, struct err *e)
{
	struct loop_ready ready[LOOP_READY_MAX];
	unsigned generations[LOOP_READY_MAX];
	int n = l->backend->wait(l->set, timeout_ms(l), ready);

	l->wakeups++;
	l->now = now_monotonic();
	if (n < 0)
		return err_sys(e, "cannot wait for events");
	for (int i = 0; i < n; i++)
		generations[i] = (size_t)ready[i].fd < l->n_sources ? l->sources[ready[i].fd].generation : 0;
	dispatch(l, ready, generations, n);
	run_timers(l);
	return 0;
}

int loop_run(struct loop *l, struct err *e)
{
	l->stop = false;
	while (!l->stop) {
		for (int i = 0; i < l->n_before && !l->stop; i++)
			l->before[i].fn(l->before[i].arg);
		if (!l->stop && turn(l, e) < 0)
			return -1;
	}
	return 0;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}

int64_t loop_now(const struct loop *l)
{
	return l->now;
}

uint64_t loop_wakeups(const struct loop *l)
{
	return l->wakeups;
}
