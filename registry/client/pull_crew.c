#include "registry/client/pull_crew.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <time.h>

#define THREADS_MAX 6 /* each unpacks with buffers of its own, and all memory is 64 MiB */

struct pull_crew {
	pthread_mutex_t lock;
	pthread_cond_t work, end;
	struct pull_job *first, *last;
	pthread_t threads[THREADS_MAX];
	unsigned n, max, idle;
	unsigned ended; /* jobs since the last look */
	bool closing;
	void (*wake)(void *arg);
	void *arg;
};

unsigned pull_crew_size(void)
{
	int cores = get_nprocs();
	return cores < 1 ? 3 : cores + 2 > THREADS_MAX ? THREADS_MAX : (unsigned)cores + 2;
}

struct pull_crew *pull_crew_new(unsigned max, void (*wake)(void *arg), void *arg, struct err *e)
{
	pthread_condattr_t attr;
	struct pull_crew *c = calloc(1, sizeof(*c));
	if (!c)
		return err_set_null(e, ERR_OTHER, "out of memory");
	c->max = max < THREADS_MAX ? max : THREADS_MAX;
	c->wake = wake;
	c->arg = arg;
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->work, NULL);
	pthread_cond_init(&c->end, &attr);
	pthread_condattr_destroy(&attr);
	return c;
}

static struct pull_job *next_job(struct pull_crew *c)
{
	while (!c->first && !c->closing) {
		c->idle++;
		pthread_cond_wait(&c->work, &c->lock);
		c->idle--;
	}
	struct pull_job *j = c->closing ? NULL : c->first;
	if (!j)
		return NULL;
	c->first = j->next;
	if (!c->first)
		c->last = NULL;
	j->state = JOB_RUNNING;
	return j;
}

static void *serve(void *arg)
{
	struct pull_crew *c = arg;
	struct pull_job *j;
	pthread_mutex_lock(&c->lock);
	while ((j = next_job(c))) {
		pthread_mutex_unlock(&c->lock);
		j->rc = j->work(j->arg, &j->why);
		pthread_mutex_lock(&c->lock);
		j->state = JOB_ENDED;
		c->ended++;
		pthread_cond_broadcast(&c->end);
		c->wake(c->arg);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* One more thread when there are more jobs than idle ones. Signals are the main thread's. Called locked. */
static int hire(struct pull_crew *c, struct err *e)
{
	sigset_t all, before;
	unsigned queued = 0;
	for (const struct pull_job *j = c->first; j; j = j->next)
		queued++;
	if (queued <= c->idle || c->n == c->max)
		return 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&c->threads[c->n], NULL, serve, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		c->n++;
	return c->n ? 0 : err_set(e, ERR_OTHER, "cannot start a thread; too many are running");
}

static int give(struct pull_crew *c, struct pull_job *j, bool first, struct err *e)
{
	pthread_mutex_lock(&c->lock);
	j->state = JOB_QUEUED;
	j->rc = 0;
	j->why = (struct err)ERR_INIT;
	j->next = first ? c->first : NULL;
	if (first || !c->first) {
		c->first = j;
		if (!j->next)
			c->last = j;
	} else {
		c->last->next = j;
		c->last = j;
	}
	int rc = hire(c, e);
	pthread_cond_signal(&c->work);
	pthread_mutex_unlock(&c->lock);
	return rc;
}

int pull_crew_give(struct pull_crew *c, struct pull_job *j, struct err *e)
{
	return give(c, j, false, e);
}

int pull_crew_give_first(struct pull_crew *c, struct pull_job *j, struct err *e)
{
	return give(c, j, true, e);
}

bool pull_crew_has_ended(struct pull_crew *c, const struct pull_job *j)
{
	pthread_mutex_lock(&c->lock);
	bool ended = j->state == JOB_ENDED;
	pthread_mutex_unlock(&c->lock);
	return ended;
}

static void unqueue(struct pull_crew *c, const struct pull_job *j)
{
	struct pull_job *before = NULL;
	for (struct pull_job *at = c->first; at; before = at, at = at->next) {
		if (at != j)
			continue;
		if (before)
			before->next = at->next;
		else
			c->first = at->next;
		if (c->last == at)
			c->last = before;
		return;
	}
}

void pull_crew_take_back(struct pull_crew *c, struct pull_job *j)
{
	pthread_mutex_lock(&c->lock);
	if (j->state == JOB_QUEUED)
		unqueue(c, j);
	while (j->state == JOB_RUNNING)
		pthread_cond_wait(&c->end, &c->lock);
	j->state = JOB_NONE;
	pthread_mutex_unlock(&c->lock);
}

void pull_crew_wait(struct pull_crew *c, int timeout_ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += timeout_ms % 1000 * 1000000L;
	until.tv_sec += timeout_ms / 1000 + until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&c->lock);
	while (!c->ended)
		if (pthread_cond_timedwait(&c->end, &c->lock, &until) != 0)
			break;
	c->ended = 0;
	pthread_mutex_unlock(&c->lock);
}

void pull_crew_free(struct pull_crew *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->closing = true;
	pthread_cond_broadcast(&c->work);
	pthread_mutex_unlock(&c->lock);
	for (unsigned i = 0; i < c->n; i++)
		pthread_join(c->threads[i], NULL);
	pthread_cond_destroy(&c->work);
	pthread_cond_destroy(&c->end);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
