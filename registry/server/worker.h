/* The worker: the process that speaks HTTP, in its sandbox. */
#ifndef TARE_REGISTRY_WORKER_H
#define TARE_REGISTRY_WORKER_H

#include "registry/server/server.h"
#include "registry/server/server_files.h"
#include "registry/server/token.h"

/* What the supervisor has opened for it; borrowed. */
struct worker_start {
	const struct server_options *options;
	const struct server_files *files;
	int storage_fd, listen_fd, channel_fd;
	int log_fd;   /* of the access log, or -1 */
	int store_fd; /* of the store whose images are served, or -1 */
	unsigned char token_key[TOKEN_KEY_SIZE];
};

/* The exit code: 0 after a drain. Tells over the channel that it is ready, or why it is not. */
int worker_main(const struct worker_start *w);

#endif
