/* The supervisor: holds the socket and the storage's directory, keeps a worker running, hands it changed
 * files, and answers status, stop and gc. */
#ifndef TARE_REGISTRY_SUPERVISE_H
#define TARE_REGISTRY_SUPERVISE_H

#include "registry/server/cache.h"
#include "registry/server/server.h"
#include "registry/server/server_files.h"
#include "registry/server/server_record.h"
#include "registry/server/worker.h"

struct err;

struct supervise {
	struct worker_start worker; /* options, files and descriptors */
	struct server_files files;
	struct upstreams upstreams;
	struct server_record record;
	int records_fd, control_fd;
	/* Told once, when the first worker answers, or why it does not (e not NULL). */
	void (*started)(void *arg, const struct err *e);
	void *arg;
};

/* Until it is told to end: the exit code. */
int supervise(struct supervise *s);

#endif
