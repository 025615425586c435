/* Chunker: where a stream is cut, decided by what is in it alone, so that a byte put in at the front moves
 * one cut and not all of them (FastCDC: a rolling hash by a table of random words, with a stricter mask
 * before the wanted length and a looser one behind it). Small files are put together; where such a bundle
 * ends is decided by the content of its files in the same spirit.
 *
 * The table comes from the repository's seed: cuts of two repositories tell nothing about each other. */
#ifndef TARE_BACKUP_CHUNKER_H
#define TARE_BACKUP_CHUNKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHUNKER_SEED_SIZE 32
#define CHUNKER_SMALL     ((size_t)64 << 10) /* files shorter than that are bundled */

struct chunker {
	uint64_t gear[256];
	uint64_t word;
};

struct chunk_sizes {
	size_t min, normal, max; /* normal: a power of two */
};
extern const struct chunk_sizes chunk_sizes_file, chunk_sizes_listing;

void chunker_init(struct chunker *c, const unsigned char seed[CHUNKER_SEED_SIZE]);
/* The length of the chunk at the beginning of data, which has at least sizes->max bytes or is the rest. */
size_t chunker_cut(const struct chunker *c, const struct chunk_sizes *sizes, const void *data, size_t len);
/* Whether a bundle ends behind this file, its last: `bundle` bytes with it. */
bool chunker_ends_bundle(const struct chunker *c, const void *file, size_t len, size_t bundle);
/* What a small file counts in its bundle: so that a bundle of empty ones ends as well. */
#define CHUNKER_BUNDLED(len) ((len) + 256)
#define CHUNKER_BUNDLE_MAX   CHUNK_MAX

#endif
