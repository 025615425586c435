/* What a monitor is given, by the starter that becomes one and by an adoption: ends to hold, and what it is
 * to run and to write for this container. */
#ifndef TARE_ENGINE_SUPERVISION_H
#define TARE_ENGINE_SUPERVISION_H

#include <stddef.h>

#include "engine/engine.h"
#include "engine/monitor/handoff.h"

struct container;
struct err;
struct store;

/* Paths and words that struct monitor_handoff only points to: it lives until monitor_exec(). */
struct supervision {
	char monitor_path[512], tare_path[512];
	const char *cleanup[VERB_WORDS + 1], *restart[VERB_WORDS + 1], *health[VERB_WORDS + 1];
};

/* Where our programs are, before the fork. */
int supervision_find(struct supervision *v, struct err *e);
/* The members of h that the container's record decides: id, input, log, and the commands. */
void supervision_fill(
        struct supervision *v, const struct store *s, const struct container *c, struct monitor_handoff *h);

/* The control socket, bound and listening in the state directory; -1 with e. What another one left is
 * replaced. */
int supervision_listen(int state_fd, struct err *e);
/* The monitor's end of the FIFO `name` ("out", "err") in the state directory. -1 with errno. */
int supervision_output(int state_fd, const char *name);
/* The sockets of published ports beside each other above all that are open, so that two numbers tell the
 * monitor which they are. */
int supervision_ports(const int *held, size_t n, struct monitor_handoff *h, struct err *e);
/* Standard input, output and error become /dev/null: the caller's must see their end when the caller is done.
 */
void supervision_null_stdio(void);
/* A child in the cgroup of monitors, like fork(). */
pid_t supervision_fork(void);

#endif
