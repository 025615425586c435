/* Decoders: one compression format each, from a source's bytes to uncompressed ones. Damage is ERR_CORRUPT,
 * and so are a stream that ends too early and one with garbage behind it. */
#ifndef TARE_ARCHIVE_DECODER_H
#define TARE_ARCHIVE_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/archive/inflate.h"
#include "engine/archive/source.h"

struct err;

struct decoder {
	/* Fill `out` with `room` bytes; *len says how many came, fewer only at the end of the stream. */
	int (*decode)(struct decoder *d, struct source *s, unsigned char *out, size_t room, size_t *len,
	        struct err *e);
	void (*free)(struct decoder *d);
};

/* zlib: not ISA-L even where it is there. */
struct decoder *decoder_gzip(bool zlib, struct err *e);
/* window_max: as in struct inflate_options. */
struct decoder *decoder_zstd(uint64_t window_max, struct err *e);
/* What a backup is compressed as (piece.h). damaged: as in struct inflate_options. */
struct decoder *decoder_pieces(enum compression kind,
        void (*damaged)(void *arg, uint64_t from, uint64_t len, const char *why), void *arg, struct err *e);
/* xz and bzip2, by libarchive. The source must stay where it is. */
struct decoder *decoder_library(enum compression kind, struct source *s, struct err *e);

#endif
