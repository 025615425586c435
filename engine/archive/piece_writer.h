/* Piece writer: a stream becomes compressed pieces (piece.h), several at the same time. What comes out
 * depends on the content and the level, not on the number of threads. */
#ifndef TARE_ARCHIVE_PIECE_WRITER_H
#define TARE_ARCHIVE_PIECE_WRITER_H

#include <stddef.h>

#include "engine/archive/inflate.h"

struct err;
struct piece_writer;

/* threads 0: as many as there are processors; bounded by the memory that they need. */
struct piece_writer *piece_writer_new(enum compression kind, int level, unsigned threads,
        int (*write)(void *arg, const void *data, size_t len, struct err *e), void *arg, struct err *e);
int piece_writer_add(struct piece_writer *w, const void *data, size_t len, struct err *e);
/* The piece at hand ends here. */
int piece_writer_cut(struct piece_writer *w, struct err *e);
int piece_writer_finish(struct piece_writer *w, struct err *e);
void piece_writer_free(struct piece_writer *w); /* NULL allowed */

#endif
