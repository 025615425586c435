/* Hashes: bytes as they stream by become a digest. SHA-2 where somebody may wish that others bear the same
 * name; XXH3 with 128 bits ("xxh128"), twenty times as fast, where damage is to be found and nothing is
 * named. */
#ifndef TARE_ARCHIVE_HASH_H
#define TARE_ARCHIVE_HASH_H

#include <stddef.h>

#include "engine/oci/digest.h"

#define HASH_XXH128_SIZE 16

struct err;
struct hash;

/* alg: "sha256", "sha512" or "xxh128". */
struct hash *hash_new(const char *alg, struct err *e);
void hash_add(struct hash *h, const void *data, size_t len);
/* The digest of all that was added; the hash is used up afterwards. */
void hash_finish(struct hash *h, struct digest *d);
/* The same, as bytes (32, 64 or 16; raw NULL: dropped), and from here on another one begins. */
void hash_next(struct hash *h, unsigned char *raw);
void hash_free(struct hash *h); /* NULL allowed */
void hash_free_ptr(struct hash **h);
#define cleanup_hash __attribute__((cleanup(hash_free_ptr)))

/* A digest of those bytes as it is written: "sha256" has 32 of them. */
void hash_hex(const char *alg, const unsigned char *raw, size_t len, struct digest *d);

int hash_bytes(const char *alg, const void *data, size_t len, struct digest *d, struct err *e);

#endif
