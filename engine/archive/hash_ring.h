/* Hash ring: blocks are filled by one thread and hashed by another, which is at most HASH_RING_BLOCKS behind.
 * So a stream costs its slower half (decoding or hashing), not both. */
#ifndef TARE_ARCHIVE_HASH_RING_H
#define TARE_ARCHIVE_HASH_RING_H

#include <stddef.h>

#include "engine/oci/digest.h"

struct err;
struct hash_ring;

#define HASH_RING_BLOCKS 4

/* alg as for hash_new(). All blocks are of `size` bytes. */
struct hash_ring *hash_ring_new(const char *alg, size_t size, struct err *e);
/* The block to fill next; waits until it is hashed. What was given before stays readable until it comes round
 * again. */
unsigned char *hash_ring_room(struct hash_ring *r);
/* The block has `len` bytes now: hash them. They may be read, not written, from here on. */
void hash_ring_give(struct hash_ring *r, size_t len);
/* The digest of all that was given. */
void hash_ring_finish(struct hash_ring *r, struct digest *d);
void hash_ring_free(struct hash_ring *r); /* NULL allowed; blocks still waiting are dropped */

#endif
