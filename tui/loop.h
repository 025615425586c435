/* The one loop: descriptors, timers, signals. Two back ends, epoll and poll, behind one interface. There is no
 * tick: with nothing armed it sleeps until a descriptor is ready. */
#ifndef TARE_TUI_LOOP_H
#define TARE_TUI_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct loop;

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 };
typedef void loop_fd_fn(void *arg, int fd, unsigned ready);
typedef void loop_fn(void *arg);

struct loop *loop_new(struct err *e);
void loop_free(struct loop *l);

/* A descriptor that stays the caller's. loop_remove() before closing it; allowed from within any callback. */
int loop_add(struct loop *l, int fd, unsigned want, loop_fd_fn *fn, void *arg, struct err *e);
void loop_want(struct loop *l, int fd, unsigned want);
void loop_remove(struct loop *l, int fd);

/* Timers live in the caller's struct, so arming allocates nothing. at: CLOCK_MONOTONIC ns. Arming again moves
 * it. One shot. */
struct loop_timer {
	int64_t at; /* private */
	loop_fn *fn;
	void *arg;
	struct loop_timer *next; /* private */
	bool armed;
};
void loop_arm(struct loop *l, struct loop_timer *t, int64_t at);
void loop_disarm(struct loop *l, struct loop_timer *t);

/* A signal, delivered as a callback of the loop (self-pipe or signalfd). SIGCHLD, SIGWINCH, SIGTERM, … */
int loop_signal(struct loop *l, int sig, loop_fn *fn, void *arg, struct err *e);

/* Called each time before it waits: the frame scheduler. */
void loop_before_wait(struct loop *l, loop_fn *fn, void *arg);

int loop_run(struct loop *l, struct err *e); /* until loop_stop() */
void loop_stop(struct loop *l);
int64_t loop_now(const struct loop *l); /* CLOCK_MONOTONIC ns, as of the start of this turn */
int64_t now_monotonic(void);
uint64_t loop_wakeups(const struct loop *l); /* how often it woke up; for tests and the bench */

#endif
