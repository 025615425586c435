/* The registry server: what it was told, and what one process of it holds.
 *
 * `tare registry start` is two processes. The supervisor opens storage, certificates and the socket, starts
 * the worker, starts it again when it dies, hands it changed files (certificates, htpasswd, ACL) and runs
 * tare-transfer for the pull-through cache. The worker speaks HTTP: it drops every capability, sets
 * no_new_privs, and puts itself under Landlock (nothing but the storage's descriptor) and seccomp before the
 * first byte of a client is read. */
#ifndef TARE_REGISTRY_SERVER_H
#define TARE_REGISTRY_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/server/storage.h"

struct err;

struct server_options {
	const char *listen;  /* address, "127.0.0.1" */
	int port;            /* 5000 */
	const char *storage; /* directory; NULL: ROOT/registry */
	bool detach, read_only;
	bool local_images;                                      /* serve the store's own images, too */
	const char *certificate, *key;                          /* TLS */
	const char *htpasswd, *acl;                             /* files */
	const char *anonymous;                                  /* "pull,push,delete", "pull", "none" */
	uint64_t quota, repository_quota, min_free;             /* bytes, 0: none */
	uint64_t max_manifest;                                  /* bytes, default 4 MiB */
	unsigned connections, connections_per_address, timeout; /* seconds */
	unsigned rate; /* requests a second per address, 0: no limit */
	int64_t gc_interval, gc_grace, upload_age, scrub_interval; /* ns */
	char **keep;                                               /* keep rules: see gc.h */
	bool keep_untagged;
	char **upstreams;       /* --upstream HOST[=PREFIX], see cache.h */
	int64_t cache_ttl;      /* ns, after which a tag is asked for upstream again */
	const char *access_log; /* file, "-" or NULL */
	bool sparse;            /* manifests may miss their children */
	unsigned catalog_max;   /* entries of a page of the catalog, default 1000; more are refused */
	const char *realm;      /* URL of the token issuer as clients see it, or NULL */
	int64_t drain;          /* ns that running requests get at the end */
};

/* One per worker. */
struct server {
	const struct server_options *options;
	struct storage *storage;
	int storage_fd; /* its directory */
	struct access *access;
	struct metrics *metrics;
	struct quota *quota;
	struct limits *limits;
	struct access_log *log;
	struct gc *gc;
	struct cache *cache;   /* or NULL */
	int64_t started;       /* CLOCK_BOOTTIME, ns */
	_Atomic bool draining; /* SIGTERM came: finish what runs, answer with Connection: close */
};

#endif
