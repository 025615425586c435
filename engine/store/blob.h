/* Blobs: content under blobs/ALG/HEX, immutable, named by its digest. Whoever writes one has computed the
 * digest (this room hashes nothing: the hot path must not need a crypto library). */
#ifndef TARE_STORE_BLOB_H
#define TARE_STORE_BLOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "engine/oci/digest.h"
#include "engine/store/store.h"

struct err;

/* The whole blob, at most b->max bytes. A missing blob is ERR_CORRUPT: the store is damaged. */
int blob_read(const struct store *s, const struct digest *d, struct buf *b, struct err *e);
/* Read-only descriptor, -1 with errno. */
int blob_open(const struct store *s, const struct digest *d);
bool blob_exists(const struct store *s, const struct digest *d, uint64_t *size);
int blob_remove(const struct store *s, const struct digest *d);

/* A blob under way: a locked file in pulls/, which a sweep leaves alone while we live and removes after. */
struct blob_draft {
	int fd; /* write here */
	char name[40];
};
#define BLOB_DRAFT_INIT                                                                                      \
	{                                                                                                    \
		.fd = -1                                                                                     \
	}
int blob_draft_open(const struct store *s, struct blob_draft *d, struct err *e);
/* Make the draft the blob `digest`, replacing one that is there already (it might be the half-written one of
 * a crash). The caller syncs the file system before the index names it. The draft is empty afterwards. */
int blob_draft_commit(
        const struct store *s, struct blob_draft *d, const struct digest *digest, struct err *e);
/* Remove an unfinished draft; nothing for an empty one. */
void blob_draft_drop(const struct store *s, struct blob_draft *d);

#endif
