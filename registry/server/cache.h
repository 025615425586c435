/* The pull-through cache: repositories that are copies of those of other registries, fetched when somebody
 * first asks for them, and kept.
 *
 * --upstream HOST[=PREFIX]: what is asked for as PREFIX/a/b comes from HOST as a/b; without PREFIX it is HOST
 * itself ("docker.io/library/alpine"), an empty one makes all names those of HOST (Docker's
 * registry-mirrors). A client that names the registry by ?ns=HOST (containerd) gets the same repositories. A
 * repository that was made by a push stays what was pushed, whatever its name; a copy can't be pushed to. A
 * tag is asked for upstream again after `ttl`; when nobody answers there, what is here is given, with a
 * warning.
 *
 * The worker can't open a connection: it asks the supervisor, which runs `tare-transfer --internal fetch`
 * with the host's own registries.conf and logins, and hands it the end of a pipe. A blob goes into an upload
 * at the speed of the upstream while any number of clients read the same file as it grows: a slow one delays
 * nobody. */
#ifndef TARE_REGISTRY_CACHE_H
#define TARE_REGISTRY_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/server/exchange.h"

struct cache;
struct err;
struct server;

/* One of `texts` ("HOST[=PREFIX]"); ERR_USAGE quotes a wrong one. */
struct upstream {
	char *host, *prefix;
};
struct upstreams {
	struct upstream *list;
	size_t n;
};
int upstreams_parse(char *const *texts, struct upstreams *u, struct err *e);
void upstreams_free(struct upstreams *u);

/* channel_fd: to the supervisor, borrowed. NULL with e. */
struct cache *cache_new(struct server *s, int channel_fd, struct err *e);
void cache_free(struct cache *c); /* NULL allowed; when no request runs */

/* For the handlers; without a cache (NULL) nothing happens. */
/* The repository that ?ns= means. Before rights are asked for. */
void cache_rename(struct cache *c, struct exchange *x);
/* Brings the manifest of the request here unless it is and is fresh. True: answered, with an error. */
bool cache_manifest(struct cache *c, struct exchange *x);
/* True: answered, by an error or with the blob as it comes. */
bool cache_blob(struct cache *c, struct exchange *x, const struct digest *d);
/* Is anything being fetched? Then it must not be freed. */
bool cache_is_busy(struct cache *c);
/* Is it a copy, which nobody may push to? */
bool cache_owns(struct cache *c, const char *repository);

/* In the supervisor: {"do":"fetch",…} with a descriptor, which is taken. False: no process was started. */
bool cache_fetch_start(const struct upstreams *u, json *message, int fd);

#endif
