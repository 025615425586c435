/* Compress: bytes become a gzip stream (by ISA-L, by zlib where it is missing) or a zstd stream, block by
 * block. The same input gives the same bytes on the same build of the library, in whatever pieces it comes.
 */
#ifndef TARE_ARCHIVE_COMPRESS_H
#define TARE_ARCHIVE_COMPRESS_H

#include <stddef.h>

#include "engine/archive/inflate.h"

struct err;
struct compress;

#define COMPRESS_LEVEL_DEFAULT (-1)

/* kind: COMPRESSION_NONE, _GZIP (level 1 to 3, usually 1) or _ZSTD (1 to 19, usually 3). write() gets the
 * compressed bytes; -1 with e ends it. */
struct compress *compress_new(enum compression kind, int level,
        int (*write)(void *arg, const void *data, size_t len, struct err *e), void *arg, struct err *e);
/* The same by several threads (0: one for each processor), in pieces (piece.h) whose damage does not spread.
 */
struct compress *compress_new_parallel(enum compression kind, int level, unsigned threads,
        int (*write)(void *arg, const void *data, size_t len, struct err *e), void *arg, struct err *e);
/* What follows shares nothing with what came before; only where there are pieces. */
int compress_cut(struct compress *c, struct err *e);
int compress_add(struct compress *c, const void *data, size_t len, struct err *e);
int compress_finish(struct compress *c, struct err *e);
void compress_free(struct compress *c); /* NULL allowed */
void compress_free_ptr(struct compress **c);
#define cleanup_compress __attribute__((cleanup(compress_free_ptr)))

#endif
