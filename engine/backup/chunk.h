/* Chunk: a piece of the files' content, the unit in which a repository stores and finds it again. */
#ifndef TARE_BACKUP_CHUNK_H
#define TARE_BACKUP_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A digest of the plain content: SHA-256, or BLAKE2b with a key where the repository is sealed, so that
 * nobody without the key can tell whether it holds a file that he knows. */
struct chunk_id {
	unsigned char bytes[32];
};

#define CHUNK_MAX ((size_t)2 << 20) /* bytes of the plain content */

static inline bool chunk_id_equal(const struct chunk_id *a, const struct chunk_id *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* A hash over words for what only has to differ when a byte does: not for what an enemy chooses. For equal
 * lengths, a change within one word always changes it (each step is a bijection of both its operands). */
static inline uint64_t word_hash(uint64_t seed, const void *data, size_t len)
{
	const unsigned char *p = (const unsigned char *)data;
	uint64_t h = seed ^ len * UINT64_C(0x9e3779b97f4a7c15), w;
	for (; len >= sizeof(w); p += sizeof(w), len -= sizeof(w)) {
		memcpy(&w, p, sizeof(w));
		h = (h ^ w) * UINT64_C(0xd6e8feb86659fd93);
		h ^= h >> 32;
	}
	w = 0;
	memcpy(&w, p, len);
	h = (h ^ w) * UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 29;
	return h * UINT64_C(0x9e3779b97f4a7c15) ^ h >> 32;
}

/* Numbers in the repository's files are little-endian. */
static inline void put_le32(unsigned char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

static inline uint32_t get_le32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void put_le64(unsigned char *p, uint64_t v)
{
	put_le32(p, (uint32_t)v);
	put_le32(p + 4, (uint32_t)(v >> 32));
}

static inline uint64_t get_le64(const unsigned char *p)
{
	return get_le32(p) | (uint64_t)get_le32(p + 4) << 32;
}

#endif
