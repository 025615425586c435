/* The caller's side of a terminal: raw mode, detach keys, size, signals; and carrying the input and output of
 * a child. */
#ifndef TARE_ENGINE_RELAY_H
#define TARE_ENGINE_RELAY_H

#include <sys/types.h>

#include "engine/tare.h"

/* A child of ours and our ends of its input and output. relay_exec() closes master, in, out and err. */
struct relay_exec {
	const struct tare_io *io;
	int master;       /* of its terminal, or -1: then the pipes */
	int in, out, err; /* write end, read ends; -1 = not connected */
	pid_t pid;
	int pidfd;
	const char *detach_keys; /* NULL: the default */
};
/* Until the child has ended and its output is drained (EXITED, wait status in *status), or the user detaches.
 */
int relay_exec(const struct relay_exec *r, enum tare_io_end *end, int *status, struct err *e);

#endif
