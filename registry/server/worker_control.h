/* What the supervisor asks of the worker: new files, the end, and questions of the control socket. */
#ifndef TARE_REGISTRY_WORKER_CONTROL_H
#define TARE_REGISTRY_WORKER_CONTROL_H

#include <microhttpd.h>

#include "registry/server/sandbox.h"
#include "registry/server/worker.h"

struct worker {
	struct server server;
	const struct worker_start *start;
	struct tls *tls; /* NULL: plain http */
	struct MHD_Daemon *http;
	struct sandbox_state sandbox;
	_Atomic unsigned collections; /* of garbage, asked for and not yet done */
};

/* One message; -1: drain now. */
int worker_control(struct worker *w);
int worker_reload(struct worker *w, const struct server_files *f, struct err *e);

#endif
