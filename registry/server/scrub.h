/* Scrub: every blob of the storage is read and hashed anew. One that is not what its name says is moved to
 * STORAGE/damaged/ALG-HEX and taken from all repositories: a client gets "unknown" rather than wrong bytes,
 * and the next push brings it again. */
#ifndef TARE_REGISTRY_SCRUB_H
#define TARE_REGISTRY_SCRUB_H

#include <stdint.h>

struct err;
struct metrics;
struct storage;

struct scrub_options {
	uint64_t rate; /* bytes a second, so that clients feel nothing; 0: as fast as it goes */
	/* Asked after each block: true ends it. May be NULL. */
	_Bool (*stop)(void *arg);
	void *arg;
	struct metrics *metrics; /* or NULL */
};
struct scrub_result {
	unsigned blobs, damaged;
};
int scrub_run(struct storage *s, const struct scrub_options *o, struct scrub_result *r, struct err *e);

#endif
