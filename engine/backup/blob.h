/* Blob: a chunk as it stands in a pack: compressed where that helps, sealed where the repository is, with a
 * word about its bytes, so that each one of them counts. */
#ifndef TARE_BACKUP_BLOB_H
#define TARE_BACKUP_BLOB_H

#include <stddef.h>
#include <stdint.h>

#include "engine/backup/chunk.h"

struct err;
struct seal;

struct blob {
	struct chunk_id id;
	uint32_t stored, plain; /* bytes in the pack; of the content */
	uint64_t check;         /* word_hash() of the bytes in the pack */
	unsigned char zstd;     /* compressed; otherwise as it is */
};
#define BLOB_STORED_MAX (CHUNK_MAX + 64) /* what would grow is stored as it is: only sealing adds */

/* One thread's tools. */
struct blob_coder;
struct blob_coder *blob_coder_new(const struct seal *s, struct err *e);
void blob_coder_free(struct blob_coder *c); /* NULL allowed */
void blob_coder_free_ptr(struct blob_coder **c);
#define cleanup_blob_coder __attribute__((cleanup(blob_coder_free_ptr)))

/* b->id is given. *out are b->stored bytes, valid until the next call. */
int blob_encode(
        struct blob_coder *c, const void *data, size_t len, struct blob *b, const void **out, struct err *e);
/* Whether the bytes are those that were stored: also those bits that compression would not miss. */
int blob_check(const struct blob *b, const void *stored, struct err *e);
/* `stored` (b->stored bytes, overwritten) into `plain` (room for b->plain); what comes out has the digest
 * b->id. */
int blob_decode(struct blob_coder *c, const struct blob *b, void *stored, void *plain, struct err *e);

#endif
