/* The one loop: descriptors, timers, signals. Two back ends, epoll and poll, behind one interface. There is
 * no tick: with nothing armed it sleeps until a descriptor is ready. */
#ifndef TARE_TUI_LOOP_H
#define TARE_TUI_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct loop;

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 };
typedef void loop_fd_fn(void *arg, int fd, unsigned ready);
typedef void loop_fn(void *arg);

struct loop *loop_new(struct err *e);      /* epoll where there is one, else poll */
struct loop *loop_new_poll(struct err *e); /* poll everywhere */
void loop_free(struct loop *l);

/* A descriptor that stays the caller's. loop_remove() before closing it; allowed from within any callback.
 * want 0: not watched for now, not even for a hang-up; otherwise LOOP_HANGUP is told whatever is wanted,
 * together with LOOP_READ if that is wanted, and told again until the descriptor is removed. A regular file
 * can't be waited for and is refused. */
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

/* A signal, delivered as a callback of the loop. SIGCHLD, SIGWINCH, SIGTERM, … Only one loop per process at a
 * time catches signals. */
int loop_signal(struct loop *l, int sig, loop_fn *fn, void *arg, struct err *e);
/* SIGTERM, SIGHUP, SIGINT or SIGQUIT came again and the loop has not even seen the first: it hangs. fn is
 * then called within the signal handler (a screen sets screen_rescue()), and the signal kills. */
typedef void loop_stuck_fn(int sig);
void loop_stuck(loop_stuck_fn *fn);

/* Called each time before it waits: the frame scheduler. */
void loop_before_wait(struct loop *l, loop_fn *fn, void *arg);

int loop_run(struct loop *l, struct err *e); /* until loop_stop() */
void loop_stop(struct loop *l);
int64_t loop_now(const struct loop *l); /* CLOCK_MONOTONIC ns, as of the start of this turn */
int64_t now_monotonic(void);
uint64_t loop_wakeups(const struct loop *l); /* how often it woke up; for tests and the bench */

#endif
