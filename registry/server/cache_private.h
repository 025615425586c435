/* The cache's own: for cache*.c only. */
#ifndef TARE_REGISTRY_CACHE_PRIVATE_H
#define TARE_REGISTRY_CACHE_PRIVATE_H

#include <pthread.h>

#include "registry/server/cache.h"
#include "registry/server/repository.h"

#define CACHE_CHECKED 1024 /* tags whose freshness is remembered */
#define CACHE_FETCHES 16   /* at a time, others wait; half of those that the supervisor starts */

#define CACHE_ID_SIZE 33 /* 32 hex digits */

/* A blob on its way here; freed with its last user. */
struct flight {
	struct flight *next;
	char key[REPOSITORY_NAME_MAX + DIGEST_TEXT_SIZE + 2];
	unsigned users;
	int fd;              /* the growing file, for reading; -1 until it is known */
	uint64_t size, have; /* size UINT64_MAX: not known yet */
	enum flight_state { FLIGHT_UNDER_WAY, FLIGHT_LANDED, FLIGHT_UNKNOWN, FLIGHT_FAILED } state;
	char why[256];
};

struct cache {
	struct server *server;
	struct upstreams upstreams;
	int channel_fd;
	int64_t ttl;
	char id[CACHE_ID_SIZE]; /* what our own fetches say they come by */
	pthread_mutex_t lock;   /* of flights, fetches, busy and checked */
	pthread_cond_t change;
	struct flight *flights;
	unsigned fetches;
	struct {
		uint64_t name; /* hash of repository and tag; 0 none */
		int64_t at;    /* CLOCK_BOOTTIME */
		bool busy;     /* somebody is asking now */
	} checked[CACHE_CHECKED];
};

/* The upstream with the longest prefix that fits; *path is the name there. NULL: none. */
const struct upstream *upstream_of(const struct upstreams *u, const char *repository, const char **path);
const struct upstream *upstream_of_host(const struct upstreams *u, const char *host);

/* The upstream that `repository` is a copy of, or would be; NULL: none, or it was made by a push. */
const struct upstream *cache_origin(struct cache *c, const char *repository, const char **path);
/* Where what the request asks for may be fetched from. */
const struct upstream *cache_source(struct cache *c, struct exchange *x, const char **path);
/* The repository, made and marked as a copy. */
struct repository *cache_repository(
        struct cache *c, const char *name, const struct upstream *u, struct err *e);

/* Ask the supervisor: a descriptor to read the answer from, for cache_fetch_end(); -1 with e. Waits until
 * there are fewer than CACHE_FETCHES. */
int cache_fetch(struct cache *c, const struct upstream *u, const char *kind, const char *path,
        const char *reference, const char *known, struct err *e);
void cache_fetch_end(struct cache *c, int *fd); /* -1 allowed */
/* The answer's first line, the caller's to put. What follows is content. */
json *cache_fetch_head(int fd, struct err *e);

#endif
