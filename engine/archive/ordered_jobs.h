/* Ordered jobs: pieces of work that threads do at the same time and that come back in the order in which they
 * were given. Their number is fixed, so memory is; one thread gives and takes. */
#ifndef TARE_ARCHIVE_ORDERED_JOBS_H
#define TARE_ARCHIVE_ORDERED_JOBS_H

#include <stddef.h>

struct err;
struct ordered_jobs;

struct ordered_jobs_options {
	unsigned threads, jobs; /* jobs: at most that many are under way or waiting to be taken */
	size_t job_size;        /* of each, zeroed at first */
	/* What a thread does with one; `own` is the thread's, NULL at first. */
	void (*work)(void *job, void **own);
	void (*free_own)(void *own);
	void (*free_job)(void *job);
};
struct ordered_jobs *ordered_jobs_new(const struct ordered_jobs_options *o, struct err *e);
/* The job to fill next; NULL: take one first. */
void *ordered_jobs_room(struct ordered_jobs *j);
void ordered_jobs_give(struct ordered_jobs *j); /* the one that room() returned */
/* The oldest, done; NULL: none was given. It stays valid until ordered_jobs_drop(). */
void *ordered_jobs_take(struct ordered_jobs *j);
void ordered_jobs_drop(struct ordered_jobs *j);
void ordered_jobs_free(struct ordered_jobs *j); /* NULL allowed */

/* `wanted`, or as many as there are processors that this process may use; at most `most`. */
unsigned ordered_jobs_threads(unsigned wanted, unsigned most);

#endif
