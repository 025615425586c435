/* Workers: a queue, at most two threads, and a pipe that wakes the loop. */
#include "tui/worker.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "tui/loop.h"

#define MAX_THREADS 2

struct thread {
	struct workers *ws;
	pthread_t id;
	struct work *running; /* under the lock */
};

struct workers {
	struct loop *loop;
	int pipe[2];
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct work *queue, **queue_end;
	struct work *finished, **finished_end;
	struct thread threads[MAX_THREADS];
	int n_threads, n_idle, n_queued;
	bool stop;
};

static void append(struct work ***end, struct work *w)
{
	w->next = NULL;
	**end = w;
	*end = &w->next;
}

static struct work *take(struct work **head, struct work ***end)
{
	struct work *w = *head;

	if (w) {
		*head = w->next;
		if (!*head)
			*end = head;
		w->next = NULL;
	}
	return w;
}

static void wake(struct workers *ws)
{
	ssize_t n = write(ws->pipe[1], "", 1); /* a full pipe wakes as well */

	(void)n;
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	struct workers *ws = t->ws;

	pthread_mutex_lock(&ws->lock);
	for (;;) {
		struct work *w = take(&ws->queue, &ws->queue_end);

		if (!w && ws->stop)
			break;
		if (!w) {
			ws->n_idle++;
			pthread_cond_wait(&ws->more, &ws->lock);
			ws->n_idle--;
			continue;
		}
		ws->n_queued--;
		t->running = w;
		pthread_mutex_unlock(&ws->lock);
		if (!atomic_load(&w->cancel))
			w->work(w);
		pthread_mutex_lock(&ws->lock);
		t->running = NULL;
		append(&ws->finished_end, w);
		wake(ws);
	}
	pthread_mutex_unlock(&ws->lock);
	return NULL;
}

static void tell_news(struct work *w)
{
	if (w && atomic_exchange(&w->has_news, false) && w->news)
		w->news(w);
}

/* A task that runs stays alive while its news are told: only this thread ends it. */
static void tell_running(struct workers *ws)
{
	for (int i = 0; i < ws->n_threads; i++) {
		struct work *w;

		pthread_mutex_lock(&ws->lock);
		w = ws->threads[i].running;
		pthread_mutex_unlock(&ws->lock);
		tell_news(w);
	}
}

static void tell_finished(struct workers *ws)
{
	for (;;) {
		struct work *w;

		pthread_mutex_lock(&ws->lock);
		w = take(&ws->finished, &ws->finished_end);
		pthread_mutex_unlock(&ws->lock);
		if (!w)
			return;
		tell_news(w);
		if (w->done)
			w->done(w);
	}
}

static void on_wake(void *arg, int fd, unsigned ready)
{
	struct workers *ws = arg;
	char bytes[64];

	(void)ready;
	while (read(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes))
		;
	tell_running(ws);
	tell_finished(ws);
}

static int open_pipe(struct workers *ws, struct err *e)
{
	if (pipe(ws->pipe) < 0)
		return err_sys(e, "cannot make a pipe for workers");
	for (int i = 0; i < 2; i++)
		if (fcntl(ws->pipe[i], F_SETFD, FD_CLOEXEC) < 0 ||
		        fcntl(ws->pipe[i], F_SETFL, O_NONBLOCK) < 0)
			return err_sys(e, "cannot prepare the pipe for workers");
	return loop_add(ws->loop, ws->pipe[0], LOOP_READ, on_wake, ws, e);
}

struct workers *workers_new(struct loop *l, struct err *e)
{
	struct workers *ws = calloc(1, sizeof(*ws));

	if (!ws)
		return err_no_memory(e), NULL;
	ws->loop = l;
	ws->pipe[0] = ws->pipe[1] = -1;
	ws->queue_end = &ws->queue;
	ws->finished_end = &ws->finished;
	pthread_mutex_init(&ws->lock, NULL);
	pthread_cond_init(&ws->more, NULL);
	if (open_pipe(ws, e) < 0) {
		workers_free(ws);
		return NULL;
	}
	return ws;
}

/* Signals are for the loop's thread. */
static int start_thread(struct workers *ws)
{
	struct thread *t = &ws->threads[ws->n_threads];
	sigset_t all, before;
	int failed;

	t->ws = ws;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&t->id, NULL, thread_main, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed)
		return failed;
	ws->n_threads++;
	return 0;
}

int workers_add(struct workers *ws, struct work *w, struct err *e)
{
	int failed = 0;

	pthread_mutex_lock(&ws->lock);
	if (ws->n_queued >= ws->n_idle && ws->n_threads < MAX_THREADS)
		failed = start_thread(ws);
	if (ws->n_threads) {
		append(&ws->queue_end, w);
		ws->n_queued++;
		pthread_cond_signal(&ws->more);
		failed = 0;
	}
	pthread_mutex_unlock(&ws->lock);
	return failed ? err_set(e, ERR_OTHER, "cannot start a thread; too many processes?") : 0;
}

void work_notify(struct workers *ws, struct work *w)
{
	if (!atomic_exchange(&w->has_news, true))
		wake(ws);
}

static void cancel_all(struct workers *ws)
{
	pthread_mutex_lock(&ws->lock);
	ws->stop = true;
	for (struct work *w = ws->queue; w; w = w->next)
		atomic_store(&w->cancel, true);
	for (int i = 0; i < ws->n_threads; i++)
		if (ws->threads[i].running)
			atomic_store(&ws->threads[i].running->cancel, true);
	pthread_cond_broadcast(&ws->more);
	pthread_mutex_unlock(&ws->lock);
}

void workers_free(struct workers *ws)
{
	if (!ws)
		return;
	cancel_all(ws);
	for (int i = 0; i < ws->n_threads; i++)
		pthread_join(ws->threads[i].id, NULL);
	tell_finished(ws);
	loop_remove(ws->loop, ws->pipe[0]);
	for (int i = 0; i < 2; i++)
		if (ws->pipe[i] >= 0)
			close(ws->pipe[i]);
	pthread_cond_destroy(&ws->more);
	pthread_mutex_destroy(&ws->lock);
	free(ws);
}
