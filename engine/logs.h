/* A container's log for `logs`: the records between two points, back in the form the container wrote them. */
#ifndef TARE_LOGS_H
#define TARE_LOGS_H

#include "engine/tare.h"

struct err;

/* container_fd: where `log`, `log.1` … lie. state_fd: of the run under way, or -1; following ends when `exit`
 * appears there (or it is removed) and everything that was written before has been passed on. Writes to
 * o->out and o->err in large blocks. A reader that has gone (EPIPE) ends it without an error. */
int logs_read(int container_fd, int state_fd, const struct tare_log_options *o, struct err *e);

#endif
