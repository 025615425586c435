/* Workers: tasks run beside the loop, their news and ends are told on its thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "tui/loop.h"
#include "tui/worker.h"

struct task {
	struct work work; /* first */
	struct workers *ws;
	struct loop *loop;
	pthread_t loop_thread, ran_on;
	int *left;
	int steps, news;
	bool done, told_elsewhere;
	atomic_int reached;
};

static void count(struct work *w)
{
	struct task *t = (struct task *)w;

	t->ran_on = pthread_self();
	for (int i = 0; i < t->steps && !atomic_load(&w->cancel); i++) {
		atomic_fetch_add(&t->reached, 1);
		work_notify(t->ws, w);
		usleep(1000);
	}
}

static void on_news(struct work *w)
{
	struct task *t = (struct task *)w;

	t->news++;
	t->told_elsewhere |= !pthread_equal(pthread_self(), t->loop_thread);
}

static void on_done(struct work *w)
{
	struct task *t = (struct task *)w;

	t->done = true;
	t->told_elsewhere |= !pthread_equal(pthread_self(), t->loop_thread);
	if (--*t->left == 0)
		loop_stop(t->loop);
}

static void stop(void *arg)
{
	loop_stop(arg);
}

static void runs_many_tasks(void **state)
{
	struct err e = ERR_INIT;
	struct loop *l = loop_new(&e);
	struct workers *ws = workers_new(l, &e);
	struct task tasks[8];
	int left = 8;

	(void)state;
	assert_non_null(ws);
	for (int i = 0; i < 8; i++) {
		tasks[i] = (struct task){.work = {.work = count, .done = on_done, .news = on_news},
		        .ws = ws,
		        .loop = l,
		        .loop_thread = pthread_self(),
		        .left = &left,
		        .steps = 3};
		assert_int_equal(workers_add(ws, &tasks[i].work, &e), 0);
	}
	assert_int_equal(loop_run(l, &e), 0);
	for (int i = 0; i < 8; i++) {
		assert_true(tasks[i].done);
		assert_int_equal(atomic_load(&tasks[i].reached), 3);
		assert_true(tasks[i].news >= 1 && tasks[i].news <= 3);
		assert_false(tasks[i].told_elsewhere);
		assert_false(pthread_equal(tasks[i].ran_on, pthread_self()));
	}
	workers_free(ws);
	loop_free(l);
}

static void cancels_at_the_end(void **state)
{
	struct err e = ERR_INIT;
	struct loop *l = loop_new(&e);
	struct workers *ws = workers_new(l, &e);
	struct task tasks[4];
	int left = 100;

	(void)state;
	for (int i = 0; i < 4; i++) {
		tasks[i] = (struct task){.work = {.work = count, .done = on_done},
		        .ws = ws,
		        .loop = l,
		        .loop_thread = pthread_self(),
		        .left = &left,
		        .steps = 1000000};
		assert_int_equal(workers_add(ws, &tasks[i].work, &e), 0);
	}
	struct loop_timer t = {.fn = stop, .arg = l};
	loop_arm(l, &t, now_monotonic() + 5000000);
	assert_int_equal(loop_run(l, &e), 0);
	workers_free(ws);
	for (int i = 0; i < 4; i++)
		assert_true(tasks[i].done);
	assert_int_equal(atomic_load(&tasks[3].reached), 0); /* never began */
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(runs_many_tasks),
	        cmocka_unit_test(cancels_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
