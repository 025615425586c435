/* Pieces: a compressed archive whose content was cut every 2 MiB, each piece compressed for itself. So
 * several threads do it, and damage stays within a piece. What stands in front of each is part of the format,
 * so that `zstd -d` and `gzip -d` read such a stream like any other: with zstd a skippable frame, with gzip
 * an extra field ("TA") of the member's header. It says
 *
 *   "TareFrm1", where the content begins in the whole (8 bytes, little-endian as all numbers), how long the
 *   piece is compressed and uncompressed (4 bytes each), the CRC-32 of the compressed piece, and that of what
 *   was said so far (4 bytes each).
 *
 * Its checksum is of the compressed bytes because decoders overlook some: reserved bits, bits that fill up.
 * What the files are is vouched for by stronger digests inside the archive. */
#ifndef TARE_ARCHIVE_PIECE_H
#define TARE_ARCHIVE_PIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/archive/inflate.h"

struct err;

#define PIECE_MAGIC      "TareFrm1" /* 8 bytes behind the start with zstd, 16 with gzip */
#define PIECE_SIZE       ((size_t)2 << 20)
#define PIECE_LIMIT      ((size_t)8 << 20) /* of what a reader takes, either side */
#define PIECE_HEADER_MAX 44

struct piece {
	uint64_t at;
	uint32_t packed, plain; /* bytes */
	uint32_t crc;           /* of what is packed */
};

size_t piece_header_size(enum compression kind);
void piece_header_write(enum compression kind, const struct piece *p, unsigned char *header);
/* False: it is damaged, or none. */
bool piece_header_read(enum compression kind, const unsigned char *header, struct piece *p);
/* Whether it is meant as one, damaged or not. */
bool piece_header_is(enum compression kind, const unsigned char *header);

/* level: of the format, or for zstd COMPRESS_LEVEL_DEFAULT (compress.h).
 * Content into p->packed bytes at `dst`, at most piece_bound(); checksum and lengths are filled in. `own`
 * keeps what can be used again; piece_free_own(). */
size_t piece_bound(enum compression kind, size_t plain);
int piece_pack(enum compression kind, int level, const void *data, size_t len, unsigned char *dst,
        struct piece *p, void **own, struct err *e);
/* And back, p->plain bytes at `dst`. */
bool piece_is_right(const struct piece *p, const unsigned char *packed);
int piece_unpack(enum compression kind, const struct piece *p, const unsigned char *packed,
        unsigned char *dst, void **own, struct err *e);
/* How much the compressed bytes themselves say that comes out, 0: they do not. */
uint32_t piece_plain_size(enum compression kind, const unsigned char *packed, size_t len);
void piece_free_packer(void *own);   /* of zstd */
void piece_free_unpacker(void *own); /* of zstd */

#endif
