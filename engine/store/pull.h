/* Pulls: what a running pull, load, import or commit needs, protected from a sweep.
 *
 * A pull is a file pulls/RANDOM, locked as long as its maker lives, with one digest a line: blobs and
 * diffIDs that nothing in the index reaches yet. A sweep reads it while it is locked and removes it when it
 * isn't. Drafts of blobs lie beside it under the same rule.
 *
 * The directory's own lock orders both sides: making a file, or protecting a digest and then looking whether
 * it is there, happens under the shared lock; a sweep holds it exclusively from reading the roots to its last
 * removal. So a digest that was found present after it was protected stays present. */
#ifndef TARE_STORE_PULL_H
#define TARE_STORE_PULL_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/oci/digest.h"
#include "engine/store/store.h"

struct err;

struct pull {
	int fd; /* the file, locked; -1: none */
	char name[40];
};
#define PULL_INIT                                                                                            \
	{                                                                                                    \
		.fd = -1                                                                                     \
	}

int pull_begin(const struct store *s, struct pull *p, struct err *e);
/* From now on `d`, as blob or as layer, is not swept. */
int pull_protect(const struct store *s, struct pull *p, const struct digest *d, struct err *e);
void pull_end(const struct store *s, struct pull *p);

/* No sweep begins as long as this descriptor is open: what was found while it was stays until something that
 * lasts names it. Two system calls; not to be held while somebody else is waited for. */
int pull_hold(const struct store *s, struct err *e);

/* For blob, layer and gc only. */
int pull_dir_open(const struct store *s, struct err *e);
/* A new locked file pulls/PREFIXrandom, open for reading and writing. */
int pull_file_make(const struct store *s, const char *prefix, char *name, size_t size, struct err *e);
void pull_file_remove(const struct store *s, const char *name);

#endif
