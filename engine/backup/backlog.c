#include "engine/backup/backlog.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

struct backlog_item {
	struct backlog_item *next;
	struct ticket *ticket; /* NULL: bytes, or a piece whose id is known */
	struct listing_piece piece;
	size_t len; /* of bytes; 0: a piece */
	char bytes[];
};

void backlog_start(struct backlog *b, struct pipeline *p, const struct chunker *c)
{
	*b = (struct backlog){.pipeline = p, .chunker = c, .stream = BUF_INIT};
	b->last = &b->first;
	listing_writer_start(&b->writer, &b->stream);
}

/* ------------------------------------------------------------------ the stream becomes chunks */

static int add_ticket(struct backlog *b, struct err *e)
{
	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 64;
		struct ticket **grown = realloc(b->listing, cap * sizeof(struct ticket *));
		if (!grown)
			return err_no_memory(e);
		b->listing = grown;
		b->cap = cap;
	}
	b->listing[b->n] = ticket_new(e);
	return b->listing[b->n] ? (int)(b->n++, 0) : -1;
}

static int give_chunk(struct backlog *b, const char *data, size_t len, struct err *e)
{
	void *room = pipeline_room(b->pipeline, len, e);
	if (!room)
		return -1;
	if (add_ticket(b, e) < 0) {
		pipeline_room_back(b->pipeline, room, len);
		return -1;
	}
	memcpy(room, data, len);
	return pipeline_give(b->pipeline, b->listing[b->n - 1], room, len, len, e);
}

static int cut_stream(struct backlog *b, bool all, struct err *e)
{
	size_t at = 0, least = all ? 1 : 2 * chunk_sizes_listing.max;
	if (b->stream.failed)
		return err_no_memory(e);
	while (b->stream.len - at >= least) {
		size_t len = chunker_cut(
		        b->chunker, &chunk_sizes_listing, b->stream.data + at, b->stream.len - at);
		if (give_chunk(b, b->stream.data + at, len, e) < 0)
			return -1;
		at += len;
		least = all ? 1 : chunk_sizes_listing.max;
	}
	if (at) {
		memmove(b->stream.data, b->stream.data + at, b->stream.len - at);
		b->stream.len -= at;
	}
	return 0;
}

/* ------------------------------------------------------------------ the line */

static void drop_first(struct backlog *b)
{
	struct backlog_item *item = b->first;
	b->first = item->next;
	if (!b->first)
		b->last = &b->first;
	b->bytes -= sizeof(*item) + item->len;
	ticket_drop(item->ticket);
	free(item);
}

/* What is known goes into the stream; with `down_to`, waits until so few bytes are left. */
static int drain(struct backlog *b, size_t down_to, struct err *e)
{
	for (struct backlog_item *item; (item = b->first);) {
		int rc = 1;
		if (item->ticket)
			rc = b->bytes > down_to ? pipeline_wait(b->pipeline, item->ticket, &item->piece.id, e)
			                        : pipeline_ask(b->pipeline, item->ticket, &item->piece.id, e);
		if (rc <= 0)
			return rc;
		if (item->len)
			buf_add(&b->stream, item->bytes, item->len);
		else
			listing_write_piece(&b->writer, &item->piece, &b->stream);
		drop_first(b);
		if (b->stream.len > 2 * chunk_sizes_listing.max && cut_stream(b, false, e) < 0)
			return -1;
	}
	return 0;
}

static int add(struct backlog *b, struct ticket *t, const struct listing_piece *piece, const void *bytes,
        size_t len, struct err *e)
{
	struct backlog_item *item = malloc(sizeof(*item) + len);
	if (!item)
		return err_no_memory(e);
	*item = (struct backlog_item){.ticket = t ? ticket_hold(t) : NULL, .len = len};
	if (piece)
		item->piece = *piece;
	if (len)
		memcpy(item->bytes, bytes, len);
	*b->last = item;
	b->last = &item->next;
	b->bytes += sizeof(*item) + len;
	return drain(b, SIZE_MAX, e);
}

int backlog_entry(struct backlog *b, const struct tree_entry *entry, struct err *e)
{
	cleanup_buf struct buf head = BUF_INIT;
	struct buf *out = b->first ? &head : &b->stream;
	listing_write_entry(&b->writer, entry, out);
	if (out->failed)
		return err_no_memory(e);
	if (b->first)
		return add(b, NULL, NULL, head.data, head.len, e);
	return b->stream.len > 2 * chunk_sizes_listing.max ? cut_stream(b, false, e) : 0;
}

int backlog_piece(struct backlog *b, struct ticket *t, const struct listing_piece *piece, struct err *e)
{
	if (t || b->first)
		return add(b, t, piece, NULL, 0, e);
	listing_write_piece(&b->writer, piece, &b->stream);
	return 0;
}

int backlog_pieces_end(struct backlog *b, struct err *e)
{
	cleanup_buf struct buf end = BUF_INIT;
	listing_write_pieces_end(b->first ? &end : &b->stream);
	return b->first ? add(b, NULL, NULL, end.data, end.len, e) : 0;
}

int backlog_wait(struct backlog *b, struct err *e)
{
	return drain(b, BACKLOG_MAX / 2, e) < 0 ? -1 : 0;
}

int backlog_finish(struct backlog *b, struct chunk_id **ids, size_t *n, struct err *e)
{
	if (drain(b, 0, e) < 0)
		return -1;
	listing_writer_end(&b->writer, &b->stream);
	if (cut_stream(b, true, e) < 0)
		return -1;
	*ids = calloc(b->n, sizeof(**ids));
	if (!*ids)
		return err_no_memory(e);
	for (*n = 0; *n < b->n; ++*n)
		if (pipeline_wait(b->pipeline, b->listing[*n], &(*ids)[*n], e) < 0)
			return -1;
	return 0;
}

void backlog_end(struct backlog *b)
{
	while (b->first)
		drop_first(b);
	for (size_t i = 0; i < b->n; i++)
		ticket_drop(b->listing[i]);
	free(b->listing);
	buf_free(&b->stream);
}
