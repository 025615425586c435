/* Crew: a few threads for jobs that the network's thread must not do itself. Jobs begin in the order in which
 * they were given; who gives one sees to it that it can end without any other that comes after it. */
#ifndef TARE_REGISTRY_PULL_CREW_H
#define TARE_REGISTRY_PULL_CREW_H

#include <stdbool.h>

#include "base/err.h"

struct pull_crew;

enum pull_job_state { JOB_NONE, JOB_QUEUED, JOB_RUNNING, JOB_ENDED };
struct pull_job {
	int (*work)(void *arg, struct err *e);
	void *arg;
	int rc; /* and why, once it has ended */
	struct err why;
	enum pull_job_state state; /* private from here */
	struct pull_job *next;
};

/* `wake` is called from a thread of the crew whenever a job has ended. At most `max` threads. */
struct pull_crew *pull_crew_new(unsigned max, void (*wake)(void *arg), void *arg, struct err *e);
/* Queued jobs are dropped, running ones waited for. NULL allowed. */
void pull_crew_free(struct pull_crew *c);
/* How many threads suit this machine: its cores and two more, for those that wait. */
unsigned pull_crew_size(void);

/* The job is borrowed until it has ended. -1: not one thread could be had. */
int pull_crew_give(struct pull_crew *c, struct pull_job *j, struct err *e);
/* Before all others that have not begun. */
int pull_crew_give_first(struct pull_crew *c, struct pull_job *j, struct err *e);
bool pull_crew_has_ended(struct pull_crew *c, const struct pull_job *j);
/* Take it back if it has not begun, else wait for its end. Then it is JOB_NONE. */
void pull_crew_take_back(struct pull_crew *c, struct pull_job *j);
/* Sleep until a job ends, at most so long. */
void pull_crew_wait(struct pull_crew *c, int timeout_ms);

#endif
