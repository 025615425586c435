#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "engine/backup/listing.h"
#include "engine/backup/listing_format.h"

static void put_number(struct buf *out, uint64_t v)
{
	char bytes[10];
	size_t n = 0;
	for (; v >= 0x80; v >>= 7)
		bytes[n++] = (char)(v | 0x80);
	bytes[n++] = (char)v;
	buf_add(out, bytes, n);
}

static void put_signed(struct buf *out, int64_t v)
{
	put_number(out, v < 0 ? ~((uint64_t)v << 1) : (uint64_t)v << 1);
}

static void put_bytes(struct buf *out, const void *data, size_t len)
{
	put_number(out, len);
	buf_add(out, data, len);
}

void listing_writer_start(struct listing_writer *w, struct buf *out)
{
	memset(w, 0, sizeof(*w));
	buf_char(out, LISTING_VERSION);
}

static void put_path(struct listing_writer *w, const char *path, struct buf *out)
{
	size_t shared = 0, len = strlen(path);
	while (path[shared] && path[shared] == w->path[shared])
		shared++;
	put_number(out, shared);
	put_bytes(out, path + shared, len - shared);
	memcpy(w->path, path, len < sizeof(w->path) ? len + 1 : 0);
}

static void put_times(const struct tree_entry *entry, struct buf *out)
{
	put_signed(out, entry->mtime.tv_sec);
	put_number(out, (uint64_t)entry->mtime.tv_nsec);
	put_signed(out, entry->ctime.tv_sec);
	put_number(out, (uint64_t)entry->ctime.tv_nsec);
}

static void put_kind(const struct tree_entry *entry, struct buf *out)
{
	if (entry->first) {
		put_bytes(out, entry->first, strlen(entry->first));
	} else if (S_ISREG(entry->mode)) {
		put_number(out, entry->size);
	} else if (S_ISLNK(entry->mode)) {
		put_bytes(out, entry->target, strlen(entry->target));
	} else if (S_ISCHR(entry->mode) || S_ISBLK(entry->mode)) {
		put_number(out, entry->major);
		put_number(out, entry->minor);
	}
}

void listing_write_entry(struct listing_writer *w, const struct tree_entry *entry, struct buf *out)
{
	bool xattrs = entry->n_xattrs > 0 && !entry->first;
	buf_char(out, (char)(entry->mode >> 12 | (xattrs ? LISTING_XATTRS : 0) |
	                      (entry->first ? LISTING_LINK : 0)));
	put_path(w, entry->path, out);
	put_number(out, entry->mode & 07777);
	put_number(out, entry->uid);
	put_number(out, entry->gid);
	put_times(entry, out);
	put_number(out, entry->ino);
	put_kind(entry, out);
	if (xattrs)
		put_number(out, entry->n_xattrs);
	for (size_t i = 0; xattrs && i < entry->n_xattrs; i++) {
		put_bytes(out, entry->xattrs[i].name, strlen(entry->xattrs[i].name));
		put_bytes(out, entry->xattrs[i].value, entry->xattrs[i].len);
	}
	w->entries++;
}

void listing_write_piece(struct listing_writer *w, const struct listing_piece *piece, struct buf *out)
{
	if (piece->hole) {
		buf_char(out, LISTING_HOLE);
	} else if (!w->any_id || !chunk_id_equal(&w->id, &piece->id)) {
		buf_char(out, LISTING_CHUNK);
		buf_add(out, piece->id.bytes, sizeof(piece->id.bytes));
		put_number(out, piece->offset);
	} else if (w->end != piece->offset) {
		buf_char(out, LISTING_SAME_CHUNK);
		put_number(out, piece->offset);
	} else {
		buf_char(out, LISTING_GOES_ON);
	}
	put_number(out, piece->len);
	if (piece->hole)
		return;
	w->id = piece->id;
	w->end = piece->offset + piece->len;
	w->any_id = true;
}

void listing_write_pieces_end(struct buf *out)
{
	buf_char(out, LISTING_END);
}

void listing_writer_end(struct listing_writer *w, struct buf *out)
{
	buf_char(out, LISTING_END);
	put_number(out, w->entries);
}
