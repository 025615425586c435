/* The loop, with each of its back ends: what is told, in which order, and that nothing wakes it for nothing.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "tui/loop.h"

#define MS 1000000

struct rig {
	struct loop *loop;
	int a[2], b[2];
	int calls, last_fd;
	unsigned last_ready;
	struct loop_timer timer, timer2;
	int64_t fired_at;
	int order[8], n_order;
};

static struct loop *new_loop(void **state)
{
	struct err e = ERR_INIT;
	struct loop *l = *state ? loop_new_poll(&e) : loop_new(&e);

	assert_non_null(l);
	return l;
}

static void rig_open(struct rig *r, void **state)
{
	*r = (struct rig){.loop = new_loop(state)};
	assert_int_equal(pipe2(r->a, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(r->b, O_CLOEXEC | O_NONBLOCK), 0);
}

static void rig_close(struct rig *r)
{
	loop_free(r->loop);
	for (int i = 0; i < 2; i++) {
		close(r->a[i]);
		close(r->b[i]);
	}
}

static void stop(void *arg)
{
	struct rig *r = arg;

	r->fired_at = now_monotonic();
	loop_stop(r->loop);
}

static void stop_after(struct rig *r, int ms)
{
	r->timer.fn = stop;
	r->timer.arg = r;
	loop_arm(r->loop, &r->timer, now_monotonic() + (int64_t)ms * MS);
}

static void read_one(void *arg, int fd, unsigned ready)
{
	struct rig *r = arg;
	char c;

	r->calls++;
	r->last_fd = fd;
	r->last_ready = ready;
	if (read(fd, &c, 1) == 0)
		loop_remove(r->loop, fd);
}

static void tells_readers(void **state)
{
	struct rig r;

	rig_open(&r, state);
	assert_int_equal(loop_add(r.loop, r.a[0], LOOP_READ, read_one, &r, NULL), 0);
	assert_int_equal(write(r.a[1], "xyz", 3), 3);
	stop_after(&r, 20);
	assert_int_equal(loop_run(r.loop, NULL), 0);
	assert_int_equal(r.calls, 3);
	assert_int_equal(r.last_ready, LOOP_READ);
	rig_close(&r);
}

static void tells_hang_ups_with_what_is_wanted(void **state)
{
	struct rig r;

	rig_open(&r, state);
	assert_int_equal(loop_add(r.loop, r.a[0], LOOP_READ, read_one, &r, NULL), 0);
	close(r.a[1]);
	r.a[1] = -1;
	stop_after(&r, 20);
	assert_int_equal(loop_run(r.loop, NULL), 0);
	assert_int_equal(r.calls, 1);
	assert_int_equal(r.last_ready, LOOP_READ | LOOP_HANGUP);
	rig_close(&r);
}

static void says_nothing_of_what_is_not_wanted(void **state)
{
	struct rig r;

	rig_open(&r, state);
	assert_int_equal(loop_add(r.loop, r.a[0], LOOP_READ, read_one, &r, NULL), 0);
	assert_int_equal(write(r.a[1], "x", 1), 1);
	close(r.a[1]);
	r.a[1] = -1;
	loop_want(r.loop, r.a[0], 0);
	stop_after(&r, 10);
	assert_int_equal(loop_run(r.loop, NULL), 0);
	assert_int_equal(r.calls, 0);
	assert_true(loop_wakeups(r.loop) <= 2);
	loop_want(r.loop, r.a[0], LOOP_READ);
	stop_after(&r, 10);
	assert_int_equal(loop_run(r.loop, NULL), 0);
	assert_int_equal(r.calls, 2);
	rig_close(&r);
}

static void refuses_files(void **state)
{
	struct loop *l = new_loop(state);
	struct err e = ERR_INIT;
	char name[] = "/tmp/tare-test-XXXXXX";
	int fd = mkstemp(name);

	unlink(name);
	assert_int_equal(loop_add(l, fd, LOOP_READ, read_one, NULL, &e), -1);
	assert_non_null(strstr(e.msg, "always ready"));
	assert_int_equal(loop_add(l, -1, LOOP_READ, read_one, NULL, &e), -1);
	close(fd);
	loop_free(l);
}

static void remove_both_and_open_anew(void *arg, int fd, unsigned ready)
{
	struct rig *r = arg;
	int other = fd == r->a[0] ? r->b[0] : r->a[0];

	(void)ready;
	r->calls++;
	loop_remove(r->loop, fd);
	loop_remove(r->loop, other);
	/* The same number again, with nothing to read: its news of before must not be told. */
	assert_int_equal(dup2(r->a[1], other), other);
	assert_int_equal(loop_add(r->loop, other, LOOP_READ, read_one, r, NULL), 0);
}

static void forgets_news_of_what_was_removed(void **state)
{
	struct rig r;

	rig_open(&r, state);
	assert_int_equal(loop_add(r.loop, r.a[0], LOOP_READ, remove_both_and_open_anew, &r, NULL), 0);
	assert_int_equal(loop_add(r.loop, r.b[0], LOOP_READ, remove_both_and_open_anew, &r, NULL), 0);
	assert_int_equal(write(r.a[1], "x", 1), 1);
	assert_int_equal(write(r.b[1], "x", 1), 1);
	stop_after(&r, 10);
	assert_int_equal(loop_run(r.loop, NULL), 0);
	assert_int_equal(r.calls, 1);
	rig_close(&r);
}

static void first(void *arg)
{
	struct rig *r = arg;

	r->order[r->n_order++] = 1;
}

static void sleeps_until_a_timer(void **state)
{
	struct rig r;
	int64_t start;

	rig_open(&r, state);
	r.timer2 = (struct loop_timer){.fn = first, .arg = &r};
	start = now_monotonic();
	stop_after(&r, 30);
	loop_arm(r.loop, &r.timer2, start + 200 * (int64_t)MS);
	loop_arm(r.loop, &r.timer2, start + 10 * (int64_t)MS); /* moves it */
	assert_int_equal(loop_run(r.loop, NULL), 0);
	assert_int_equal(r.n_order, 1);
	assert_true(r.fired_at - start >= 30 * (int64_t)MS);
	assert_true(loop_wakeups(r.loop) <= 4);
	assert_false(r.timer.armed);
	rig_close(&r);
}

static void again(void *arg)
{
	struct rig *r = arg;

	r->calls++;
	loop_arm(r->loop, &r->timer2, 0);
}

/* One that is always due lets the others have their turn. */
static void a_busy_timer_starves_nobody(void **state)
{
	struct rig r;

	rig_open(&r, state);
	r.timer2 = (struct loop_timer){.fn = again, .arg = &r};
	loop_arm(r.loop, &r.timer2, 0);
	stop_after(&r, 5);
	assert_int_equal(loop_run(r.loop, NULL), 0);
	assert_true(r.calls > 2);
	loop_disarm(r.loop, &r.timer2);
	rig_close(&r);
}

static void on_usr1(void *arg)
{
	struct rig *r = arg;

	r->calls++;
	loop_stop(r->loop);
}

static void before_wait(void *arg)
{
	struct rig *r = arg;

	r->order[0]++;
	if (r->order[0] == 1)
		raise(SIGUSR1);
}

static void delivers_signals(void **state)
{
	struct sigaction before, after;
	struct rig r;

	sigaction(SIGUSR1, NULL, &before);
	rig_open(&r, state);
	assert_int_equal(loop_signal(r.loop, SIGUSR1, on_usr1, &r, NULL), 0);
	loop_before_wait(r.loop, before_wait, &r);
	assert_int_equal(loop_run(r.loop, NULL), 0);
	assert_int_equal(r.calls, 1);
	rig_close(&r);
	sigaction(SIGUSR1, NULL, &after);
	assert_true(before.sa_handler == after.sa_handler);
}

static void say_stuck(int sig)
{
	(void)sig;
	(void)!write(STDOUT_FILENO, "stuck", 5);
}

static void ignore(void *arg)
{
	(void)arg;
}

/* A loop that hangs in a callback is still ended by the second SIGTERM. */
static void a_repeated_signal_ends_a_hanging_loop(void **state)
{
	int out[2], status;
	char text[8] = "";
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		struct loop *l = new_loop(state);

		dup2(out[1], STDOUT_FILENO);
		loop_stuck(say_stuck);
		loop_signal(l, SIGTERM, ignore, NULL, NULL);
		raise(SIGTERM);
		raise(SIGTERM);
		_exit(0);
	}
	close(out[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_int_equal(read(out[0], text, sizeof(text)), 5);
	assert_memory_equal(text, "stuck", 5);
	close(out[0]);
}

static void many_descriptors(void **state)
{
	struct rig r;
	int fds[200];

	rig_open(&r, state);
	assert_int_equal(write(r.a[1], "x", 1), 1);
	for (int i = 0; i < 200; i++) {
		fds[i] = dup(r.b[0]);
		assert_int_equal(loop_add(r.loop, fds[i], LOOP_READ, read_one, &r, NULL), 0);
	}
	assert_int_equal(loop_add(r.loop, r.a[0], LOOP_READ, read_one, &r, NULL), 0);
	for (int i = 0; i < 200; i += 2)
		loop_remove(r.loop, fds[i]);
	stop_after(&r, 10);
	assert_int_equal(loop_run(r.loop, NULL), 0);
	assert_int_equal(r.calls, 1);
	assert_int_equal(r.last_fd, r.a[0]);
	for (int i = 0; i < 200; i++) {
		loop_remove(r.loop, fds[i]);
		close(fds[i]);
	}
	rig_close(&r);
}

#define WITH(f, poll)                                                                                        \
	{                                                                                                    \
		(poll) ? #f " (poll)" : #f, f, NULL, NULL, (poll) ? (void *)1 : NULL                         \
	}
#define BOTH(f) WITH(f, 0), WITH(f, 1)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        BOTH(tells_readers),
	        BOTH(tells_hang_ups_with_what_is_wanted),
	        BOTH(says_nothing_of_what_is_not_wanted),
	        BOTH(refuses_files),
	        BOTH(forgets_news_of_what_was_removed),
	        BOTH(sleeps_until_a_timer),
	        BOTH(a_busy_timer_starves_nobody),
	        BOTH(delivers_signals),
	        BOTH(a_repeated_signal_ends_a_hanging_loop),
	        BOTH(many_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
