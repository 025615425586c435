/* registry start, stop, status, gc: the rows of tare's table, run by tare-registry. */
#ifndef TARE_CLI_REGISTRY_OPTIONS_H
#define TARE_CLI_REGISTRY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/command.h"

struct registry_start_options {
	const char *listen, *storage;
	int64_t port;
	bool detach, read_only, local_images, sparse;
	const char *tls_certificate, *tls_key;
	const char *htpasswd, *acl, *anonymous, *realm;
	uint64_t quota, repository_quota, min_free, max_manifest;
	int64_t connections, connections_per_address, rate, catalog_max;
	int64_t timeout, drain; /* ns, as all durations */
	int64_t gc_interval, gc_grace, upload_age, scrub_interval, cache_ttl;
	char **keep, **upstreams;
	bool keep_untagged;
	const char *access_log;
};

struct registry_stop_options {
	int64_t port; /* 0: the only one that runs */
};

struct registry_status_options {
	int64_t port;
};

struct registry_gc_options {
	int64_t port;
	const char *storage;
	int64_t grace; /* -1: not said */
	char **keep;
	bool keep_untagged, dry_run;
};

extern const struct command registry_commands[];

#endif
