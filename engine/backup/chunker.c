#include "engine/backup/chunker.h"

#include <sodium.h>
#include <string.h>

#include "engine/backup/chunk.h"

#define BUNDLE_MIN    ((size_t)256 << 10)
#define BUNDLE_NORMAL ((uint64_t)768 << 10) /* beyond the least, on average */

const struct chunk_sizes chunk_sizes_file = {(size_t)256 << 10, (size_t)1 << 20, CHUNK_MAX};
const struct chunk_sizes chunk_sizes_listing = {(size_t)32 << 10, (size_t)128 << 10, (size_t)512 << 10};

void chunker_init(struct chunker *c, const unsigned char seed[CHUNKER_SEED_SIZE])
{
	unsigned char random[sizeof(c->gear) + sizeof(c->word)];
	_Static_assert(CHUNKER_SEED_SIZE == randombytes_SEEDBYTES, "the seed of libsodium's generator");
	randombytes_buf_deterministic(random, sizeof(random), seed);
	for (size_t i = 0; i < 256; i++)
		c->gear[i] = get_le64(random + 8 * i);
	c->word = get_le64(random + sizeof(c->gear));
	sodium_memzero(random, sizeof(random));
}

/* Cuts where the upper bits of the rolling hash, which depend on the last 64 bytes, are all zero. */
static size_t scan(const struct chunker *c, const unsigned char *p, size_t from, size_t to, unsigned bits,
        uint64_t *hash)
{
	uint64_t h = *hash, mask = ~UINT64_C(0) << (64 - bits);
	for (size_t i = from; i < to; i++) {
		h = (h << 1) + c->gear[p[i]];
		if (!(h & mask))
			return i + 1;
	}
	*hash = h;
	return 0;
}

size_t chunker_cut(const struct chunker *c, const struct chunk_sizes *sizes, const void *data, size_t len)
{
	unsigned bits = (unsigned)__builtin_ctzll(sizes->normal);
	uint64_t hash = 0;
	size_t cut, normal = len < sizes->normal ? len : sizes->normal,
	            max = len < sizes->max ? len : sizes->max;
	if (len <= sizes->min)
		return len;
	cut = scan(c, data, sizes->min, normal, bits + 2, &hash);
	if (!cut)
		cut = scan(c, data, normal, max, bits - 2, &hash);
	return cut ? cut : max;
}

/* A long file ends a bundle more probably than a short one, so that the length of bundles does not depend on
 * that of the files. */
bool chunker_ends_bundle(const struct chunker *c, const void *file, size_t len, size_t bundle)
{
	if (bundle < BUNDLE_MIN)
		return false;
	return word_hash(c->word, file, len) % BUNDLE_NORMAL < CHUNKER_BUNDLED(len);
}
