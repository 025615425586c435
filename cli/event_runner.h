/* events --exec: a command of the user's for each event, one at a time. A process of its own keeps those that
 * wait, so that a command that hangs stops neither the watch nor what is shown. */
#ifndef TARE_CLI_EVENT_RUNNER_H
#define TARE_CLI_EVENT_RUNNER_H

#include <sys/types.h>

#include "base/json.h"

struct err;

#define EVENT_QUEUE_MAX 1024 /* events that wait; of those beyond it the number is told */

struct event_runner {
	pid_t pid; /* 0: none */
	int fd;    /* a line per event */
};

/* `command` is a text for /bin/sh. */
int event_runner_start(struct event_runner *r, const char *command, struct err *e);
/* -1 when the runner is gone. */
int event_runner_add(struct event_runner *r, json *event);
/* Wait until all that was added has been done. */
void event_runner_end(struct event_runner *r);

#endif
