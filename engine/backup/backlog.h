/* Backlog: what a listing will say, in its order, while chunks that it names are still being hashed. It
 * becomes the listing's stream as ids come in, and that stream becomes chunks itself. */
#ifndef TARE_BACKUP_BACKLOG_H
#define TARE_BACKUP_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "engine/backup/chunker.h"
#include "engine/backup/listing.h"
#include "engine/backup/pipeline.h"

struct backlog_item;

struct backlog {
	struct pipeline *pipeline;
	const struct chunker *chunker;
	struct listing_writer writer;
	struct backlog_item *first, **last;
	size_t bytes; /* of memory that waits */
	struct buf stream;
	struct ticket **listing; /* chunks of the stream */
	size_t n, cap;
};

#define BACKLOG_MAX ((size_t)6 << 20) /* more: wait until it shrinks */

void backlog_start(struct backlog *b, struct pipeline *p, const struct chunker *c);
int backlog_entry(struct backlog *b, const struct tree_entry *entry, struct err *e);
/* Of the entry before. ticket NULL: piece->id is known. */
int backlog_piece(struct backlog *b, struct ticket *t, const struct listing_piece *piece, struct err *e);
int backlog_pieces_end(struct backlog *b, struct err *e);
static inline bool backlog_is_long(const struct backlog *b)
{
	return b->bytes > BACKLOG_MAX;
}
/* Wait until it is short again. Every ticket in it must have been given to the pipeline. */
int backlog_wait(struct backlog *b, struct err *e);
/* The rest, and the ids of the stream's chunks (the caller's to free). */
int backlog_finish(struct backlog *b, struct chunk_id **ids, size_t *n, struct err *e);
void backlog_end(struct backlog *b);

#endif
