/* Listing: the files of a snapshot as a stream of bytes, in the order of tree_walk.h, parents first, with
 * every attribute and where the content stands. Two snapshots of trees that hardly differ have streams that
 * hardly differ, so that most of their chunks are the same.
 *
 * Numbers are varints (seven bits a byte, least first), signed ones folded (0, -1, 1, …).
 *
 *   1                                the version, once
 *   entry: kind                      st_mode >> 12, + 16: has xattrs, + 32: another name of a file before
 *     shared, length, bytes          of the path: how much of the one before it shares
 *     mode uid gid mtime mtime-ns ctime ctime-ns inode
 *     length, bytes                  of another name: the first one
 *     otherwise size                 of a file
 *               major minor          of a device
 *               length, bytes        of a symbolic link's target
 *     number; length, bytes, length, bytes   xattrs
 *     pieces of a file (not of another name), which together are as long as it:
 *       1 length                     a hole
 *       2 length                     goes on in the chunk where the piece before ended
 *       3 offset length              elsewhere in the same chunk
 *       4 id offset length           in another chunk
 *       0                            the end
 *   0 entries                        the end */
#ifndef TARE_BACKUP_LISTING_H
#define TARE_BACKUP_LISTING_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/archive/tree_entry.h"
#include "engine/backup/chunk.h"

struct buf;
struct err;

#define LISTING_VALUE_MAX 65536 /* of an attribute: the kernel's XATTR_SIZE_MAX */

struct listing_piece {
	bool hole;
	struct chunk_id id;
	uint32_t offset;  /* in the chunk */
	uint64_t at, len; /* in the file */
};

/* In the order of a walk, where what is in a directory follows it at once: "a", "a/b", "a-b". */
int listing_path_compare(const char *a, const char *b);

/* ------------------------------------------------------------------ writing */

struct listing_writer {
	char path[PATH_MAX]; /* of the entry before */
	struct chunk_id id;  /* of the piece before */
	uint64_t end, entries;
	bool any_id;
};
void listing_writer_start(struct listing_writer *w, struct buf *out);
/* Two halves, so that entries can be described before it is known what their chunks are called. */
void listing_write_entry(struct listing_writer *w, const struct tree_entry *entry, struct buf *out);
void listing_write_piece(struct listing_writer *w, const struct listing_piece *piece, struct buf *out);
void listing_write_pieces_end(struct buf *out);
void listing_writer_end(struct listing_writer *w, struct buf *out);

/* ------------------------------------------------------------------ reading */

/* The next bytes of the stream: 1, 0 at its end, -1. They stay until the next call. */
typedef int (*listing_source_fn)(void *arg, const unsigned char **data, size_t *len, struct err *e);

struct listing_reader;
struct listing_reader *listing_reader_new(listing_source_fn source, void *arg, struct err *e);
/* 1 and *entry, which stays until the next call; 0 at the end. Paths are in order, without doubles, free of
 * "..", and each one's directory was there before. */
int listing_next(struct listing_reader *r, const struct tree_entry **entry, struct err *e);
/* Of the file at hand: 1, 0, -1. Those that nobody asks for are passed over. */
int listing_piece(struct listing_reader *r, struct listing_piece *piece, struct err *e);
void listing_reader_free(struct listing_reader *r); /* NULL allowed */
void listing_reader_free_ptr(struct listing_reader **r);
#define cleanup_listing_reader __attribute__((cleanup(listing_reader_free_ptr)))

#endif
