/* The network of an ordinary user's container: its own namespace, connected to the host's by a program that
 * passes packets on as sockets of the user's: pasta, or slirp4netns. Bridges are root's. */
#ifndef TARE_ENGINE_ROOTLESS_NETWORK_H
#define TARE_ENGINE_ROOTLESS_NETWORK_H

#include "engine/network.h"

/* What HostConfig.NetworkMode says of it. */
#define ROOTLESS_NETWORK "user"

/* At creation: the name of the one network there is, into `names`; refused is what only root's networks have.
 */
int rootless_network_resolve(const struct tare_create *q, char ***names, struct err *e);
/* For `what` that needs root's networks: 0, or -1 with e for an ordinary user. */
int rootless_network_refuse(const char *what, struct err *e);
bool rootless_network_is(const char *mode);
/* At a start, in the caller: ports are chosen and free. */
int rootless_network_prepare(struct endpoint_start *x, struct err *e);
/* In the starter, for the namespace of `pid`. Without any program the container has its loopback only, and
 * x->warning says so; with published ports that is an error. */
int rootless_network_attach(struct endpoint_start *x, pid_t pid, struct err *e);
/* After the end: what still runs for it is killed. pasta ends by itself when STATE/containers/ID/netns goes.
 */
void rootless_network_end(int state_fd);
/* The name service that the program answers for inside, or NULL where there is none. */
const char *rootless_network_resolver(void);

#endif
