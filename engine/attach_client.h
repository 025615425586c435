/* A caller at a container's control socket (engine/monitor/protocol.h): attach, and run in the foreground. */
#ifndef TARE_ATTACH_CLIENT_H
#define TARE_ATTACH_CLIENT_H

#include <stdbool.h>

#include "base/proc.h"
#include "engine/monitor/handoff.h"
#include "engine/tare.h"

struct err;

struct attach_client {
	const struct tare_io *io; /* NULL: only wait for the end */
	int container_fd;         /* the log's directory: output is read there when this caller is too slow */
	struct proc_id process;   /* process 1, for forwarded signals */
	bool terminal;            /* the container has one */
	const char *detach_keys;  /* the container's, used when io->detach_keys is NULL; NULL: the default */
};

/* A socket connected to `ctl` in the state directory, or -1. */
int attach_client_connect(int state_fd, struct err *e);
/* Until the container has ended and all its output is passed on (EXITED, *exit is filled in), or until the
 * caller detaches. The socket stays open and the caller's: closing it is detaching, and, for the one who is
 * attached from birth, tells the monitor that the clean-up is done. */
int attach_client_run(int sock, const struct attach_client *opts, enum tare_io_end *end,
        struct exit_record *exit, struct err *e);

#endif
