/* Hash ring: blocks are filled by one thread and hashed by another, which is at most HASH_RING_BLOCKS behind.
 * So a stream costs its slower half (decoding or hashing), not both. A ring has one digest of everything that
 * was given, or (hash_ring_parts) one of each part of it. */
#ifndef TARE_ARCHIVE_HASH_RING_H
#define TARE_ARCHIVE_HASH_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "engine/oci/digest.h"

struct err;
struct hash_ring;

#define HASH_RING_BLOCKS 4

/* alg as for hash_new(). All blocks are of `size` bytes. */
struct hash_ring *hash_ring_new(const char *alg, size_t size, struct err *e);
/* Each part's XXH3 (128 bits) is given to done(), in order, by the thread that fills the blocks: within
 * hash_ring_room() and hash_ring_end(). */
struct hash_ring *hash_ring_parts(
        size_t size, void (*done)(void *arg, const unsigned char *xxh128), void *arg, struct err *e);
/* Before the first block: each of them goes to write(), too, by the thread that hashes. What fails there is
 * told by hash_ring_check(), soon after and at the latest behind hash_ring_end(); nothing is written any more
 * then. */
void hash_ring_write(
        struct hash_ring *r, int (*write)(void *arg, const void *data, size_t len, struct err *e), void *arg);
int hash_ring_check(struct hash_ring *r, struct err *e);
/* A part ends at `end` of the block that is given next; what follows is another one. `wanted`: its digest is.
 * At most one for each HASH_RING_PART bytes of a block. */
#define HASH_RING_PART 128
void hash_ring_mark(struct hash_ring *r, size_t end, bool wanted);
/* Wait for the digests of all parts that have ended. */
void hash_ring_end(struct hash_ring *r);

/* Before the first block: that thread fills the blocks, too, ahead of who uses them. read() gives up to
 * `room` bytes, 0 at the end, -1 with e. */
void hash_ring_read(
        struct hash_ring *r, ssize_t (*read)(void *arg, void *data, size_t room, struct err *e), void *arg);
/* Instead of hash_ring_room(): the next block that was read, and how much it has; then hash_ring_give(). 0 at
 * the end, -1 with e. */
ssize_t hash_ring_next(struct hash_ring *r, unsigned char **data, struct err *e);

/* The block to fill next; waits until it is hashed. What was given before stays readable until it comes round
 * again. */
unsigned char *hash_ring_room(struct hash_ring *r);
/* The block has `len` bytes now: hash them. They may be read, not written, from here on. */
void hash_ring_give(struct hash_ring *r, size_t len);
/* The digest of all that was given. */
void hash_ring_finish(struct hash_ring *r, struct digest *d);
void hash_ring_free(struct hash_ring *r); /* NULL allowed; blocks still waiting are dropped */

#endif
