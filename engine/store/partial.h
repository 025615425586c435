/* Partial downloads: partial/ALG/HEX holds what has come of a blob so far, and outlives the process, so that
 * the next pull goes on from there. Its lock is its maker's: a second puller waits for it and then finds the
 * blob. A sweep removes those that nobody has locked and that are older than a week (or all of them:
 * image_sweep's caller says). */
#ifndef TARE_STORE_PARTIAL_H
#define TARE_STORE_PARTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/oci/digest.h"
#include "engine/store/store.h"

struct err;

struct partial {
	int fd; /* read and write, locked; -1: none */
	struct digest digest;
	uint64_t have; /* bytes in it when it was opened */
};
#define PARTIAL_INIT                                                                                         \
	{                                                                                                    \
		.fd = -1                                                                                     \
	}
/* 1: it is ours. 0: another process has it and `wait` is false. -1 with e. */
int partial_open(const struct store *s, const struct digest *d, bool wait, struct partial *p, struct err *e);
/* It is whole and right: it becomes the blob (the caller syncs before an index names it). */
int partial_commit(const struct store *s, struct partial *p, struct err *e);
/* Leave it for the next time, or (it was wrong) remove it. */
void partial_close(struct partial *p);
int partial_drop(const struct store *s, struct partial *p);
/* Remove those that nobody works on and that were last written before `older_than` (ns since the epoch). */
int partial_sweep(const struct store *s, int64_t older_than, uint64_t *freed, struct err *e);

#endif
