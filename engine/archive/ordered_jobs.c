#include "engine/archive/ordered_jobs.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/err.h"

/* Job n stands at n % jobs. All numbers are counted since the beginning. */
struct ordered_jobs {
	struct ordered_jobs_options options;
	pthread_mutex_t lock;
	pthread_cond_t given_one, done_one;
	size_t given, begun, taken;
	bool stop, *done; /* of each place */
	char *jobs;
	pthread_t *threads;
	unsigned started;
};

static void *job_at(const struct ordered_jobs *j, size_t n)
{
	return j->jobs + n % j->options.jobs * j->options.job_size;
}

static void *work(void *arg)
{
	struct ordered_jobs *j = arg;
	void *own = NULL;
	pthread_mutex_lock(&j->lock);
	for (;;) {
		while (!j->stop && j->begun == j->given)
			pthread_cond_wait(&j->given_one, &j->lock);
		if (j->stop)
			break;
		size_t n = j->begun++;
		pthread_mutex_unlock(&j->lock);
		j->options.work(job_at(j, n), &own);
		pthread_mutex_lock(&j->lock);
		j->done[n % j->options.jobs] = true;
		pthread_cond_signal(&j->done_one);
	}
	pthread_mutex_unlock(&j->lock);
	if (own)
		j->options.free_own(own);
	return NULL;
}

/* Signals are the business of the program's own threads. Fewer threads than wanted will do. */
static void start(struct ordered_jobs *j)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (j->started < j->options.threads && pthread_create(&j->threads[j->started], NULL, work, j) == 0)
		j->started++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

struct ordered_jobs *ordered_jobs_new(const struct ordered_jobs_options *o, struct err *e)
{
	struct ordered_jobs *j = calloc(1, sizeof(*j));
	if (!j)
		return err_set_null(e, ERR_OTHER, "out of memory");
	j->options = *o;
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->given_one, NULL);
	pthread_cond_init(&j->done_one, NULL);
	j->jobs = calloc(o->jobs, o->job_size);
	j->done = calloc(o->jobs, sizeof(*j->done));
	j->threads = calloc(o->threads, sizeof(*j->threads));
	if (j->jobs && j->done && j->threads) {
		start(j);
		if (j->started)
			return j;
		err_set(e, ERR_OTHER, "cannot start a thread: the limit of processes is reached");
	} else {
		err_no_memory(e);
	}
	ordered_jobs_free(j);
	return NULL;
}

void *ordered_jobs_room(struct ordered_jobs *j)
{
	return j->given - j->taken < j->options.jobs ? job_at(j, j->given) : NULL;
}

void ordered_jobs_give(struct ordered_jobs *j)
{
	pthread_mutex_lock(&j->lock);
	j->done[j->given % j->options.jobs] = false;
	j->given++;
	pthread_cond_signal(&j->given_one);
	pthread_mutex_unlock(&j->lock);
}

void *ordered_jobs_take(struct ordered_jobs *j)
{
	if (j->taken == j->given)
		return NULL;
	pthread_mutex_lock(&j->lock);
	while (!j->done[j->taken % j->options.jobs])
		pthread_cond_wait(&j->done_one, &j->lock);
	pthread_mutex_unlock(&j->lock);
	return job_at(j, j->taken);
}

void ordered_jobs_drop(struct ordered_jobs *j)
{
	j->taken++;
}

void ordered_jobs_free(struct ordered_jobs *j)
{
	if (!j)
		return;
	pthread_mutex_lock(&j->lock);
	j->stop = true;
	pthread_cond_broadcast(&j->given_one);
	pthread_mutex_unlock(&j->lock);
	for (unsigned i = 0; i < j->started; i++)
		pthread_join(j->threads[i], NULL);
	for (size_t i = 0; j->jobs && i < j->options.jobs; i++)
		j->options.free_job(job_at(j, i));
	pthread_cond_destroy(&j->done_one);
	pthread_cond_destroy(&j->given_one);
	pthread_mutex_destroy(&j->lock);
	free(j->threads);
	free(j->done);
	free(j->jobs);
	free(j);
}

unsigned ordered_jobs_threads(unsigned wanted, unsigned most)
{
	cpu_set_t set;
	if (!wanted)
		wanted = sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
	return wanted > most ? most : wanted ? wanted : 1;
}
