/* Partial downloads: partial/ALG/HEX holds what has come of a blob so far, and outlives the process, so that
 * the next pull goes on from there. Its lock is its maker's: a second puller waits for it and then finds the
 * blob.
 *
 * A blob that is whole gets its place by a link and keeps its partial until an index names it: a pull that is
 * cut after that loses the blob to the next sweep, but not what was downloaded. So a blob that has a partial
 * beside it was perhaps never synced, and whoever finds both hashes it again.
 *
 * A manifest's digest is a key as well, of an empty file: who holds it pulls that image.
 *
 * A sweep removes those that nobody has locked and that are older than a week, or all of them (image prune
 * -a). */
#ifndef TARE_STORE_PARTIAL_H
#define TARE_STORE_PARTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/oci/digest.h"
#include "engine/store/store.h"

struct err;

#define PARTIAL_KEPT_NS (INT64_C(7) * 24 * 3600 * 1000000000)

struct partial {
	int fd; /* read and write, locked; -1: none */
	struct digest digest;
	uint64_t have; /* bytes in it when it was opened */
};
#define PARTIAL_INIT                                                                                         \
	{                                                                                                    \
		.fd = -1                                                                                     \
	}
/* 1: it is ours, made when it was missing. 0: another process has it and `wait` is false. -1 with e. */
int partial_open(const struct store *s, const struct digest *d, bool wait, struct partial *p, struct err *e);
/* Is there one, whoever has it? */
bool partial_exists(const struct store *s, const struct digest *d);
/* It is whole and right: the blob is there from now on (the caller syncs before an index names it, and calls
 * partial_forget() after). Still locked. */
int partial_publish(const struct store *s, const struct partial *p, struct err *e);
/* It was wrong: begin anew with an empty one, which is locked as well. A file that is a blob already is never
 * written to again. */
int partial_restart(const struct store *s, struct partial *p, struct err *e);
/* It is published, and others need not wait; the descriptor stays open for reading. */
void partial_unlock(const struct partial *p);
/* Leave it for the next time, or remove it. */
void partial_close(struct partial *p);
void partial_drop(const struct store *s, struct partial *p);
/* An index names the blob: what is beside it has done its duty. */
void partial_forget(const struct store *s, const struct digest *d);
/* Remove those that nobody works on and that were last written before `older_than` (ns since the epoch),
 * adding what became free. */
int partial_sweep(const struct store *s, int64_t older_than, uint64_t *freed, struct err *e);

#endif
