/* The client side of the monitor's socket (engine/monitor/protocol.h). */
#ifndef TARE_ENGINE_ATTACH_CLIENT_H
#define TARE_ENGINE_ATTACH_CLIENT_H

#include <stdbool.h>

#include "base/proc.h"
#include "engine/monitor/handoff.h"
#include "engine/tare.h"

struct attach_client {
	const struct tare_io *io; /* NULL or all -1: only wait for the end */
	int container_fd;         /* the log, from which a reader that fell behind goes on */
	struct proc_id process;   /* process 1, for signals */
	bool terminal;            /* the container has one */
	const char *detach_keys;  /* the container's default, used when io->detach_keys is NULL */
};
/* Connect to `ctl` in the state directory. */
int attach_client_connect(int state_fd, struct err *e);
/* Carry input and output until the container has ended (EXITED: *exit is filled in) or the user detaches.
 * Does not close the socket: a caller from birth closes it after its clean-up. */
int attach_client_run(int sock, const struct attach_client *a, enum tare_io_end *end,
        struct exit_record *exit, struct err *e);

#endif
