/* Chunk index: which chunks the packs of a repository hold, and where: 44 bytes of memory each, of which 20
 * are of the id (whoever reads a chunk compares the whole one). Not locked: pipeline.h does that. */
#ifndef TARE_BACKUP_CHUNK_INDEX_H
#define TARE_BACKUP_CHUNK_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/backup/blob.h"

struct err;

enum chunk_mark {
	CHUNK_USED = 1, /* a snapshot needs it */
	CHUNK_BAD = 2,  /* verify has met it damaged */
};

struct chunk_row {
	unsigned char id[20];
	uint32_t pack, offset, plain, next;
	uint32_t stored : 28, zstd : 1, marks : 3;
};

struct chunk_index {
	struct chunk_row **segments;
	uint32_t *heads; /* of chains; 0: none, otherwise the row's number + 1 */
	size_t n, n_segments, n_heads;
	uint64_t seed; /* so that nobody can choose ids that share a chain */
};

/* NULL when it is not there. The row stays where it is. */
struct chunk_row *chunk_index_find(const struct chunk_index *x, const struct chunk_id *id);
/* 1: it is new (*row is its), 0: it was there (*row too). -1 with e. */
int chunk_index_add(struct chunk_index *x, const struct chunk_id *id, struct chunk_row **row, struct err *e);
/* What blob_decode() needs; the check is not known here. */
void chunk_row_blob(const struct chunk_row *row, const struct chunk_id *id, struct blob *b);
void chunk_index_free(struct chunk_index *x);

#endif
