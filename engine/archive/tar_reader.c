#include "engine/archive/tar_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/defence.h"
#include "base/err.h"
#include "engine/archive/tar_header.h"
#include "engine/archive/tar_pax.h"

#define PAX_MAX        ((size_t)1 << 20)  /* bytes of one entry's extended header, as Go's reader allows */
#define NAME_LIMIT     ((size_t)64 << 10) /* GNU long names; PATH_MAX is checked by who makes files */
#define ENTRIES_MAX    5000000
#define EXTENSIONS_MAX 8 /* extended headers in a row before one entry */

void tar_reader_free(struct tar_reader *t)
{
	buf_free(&t->path);
	buf_free(&t->link);
	buf_free(&t->pax);
	buf_free(&t->sparse_map);
}

static int damaged(struct err *e, const char *why)
{
	return err_set(e, ERR_CORRUPT, "the archive is damaged: %s", why);
}

/* Nothing of a tar archive was seen: another file, most likely. */
static int foreign(struct err *e)
{
	return err_set(e, ERR_CORRUPT,
	        "this is no tar archive, neither plain nor compressed with gzip, zstd, xz or bzip2");
}

/* ------------------------------------------------------------------ bytes */

/* Have at least one byte at p. 1, 0 at the end of the stream. */
static int more(struct tar_reader *t, struct err *e)
{
	const void *data;
	if (t->left > 0)
		return 1;
	if (t->ended)
		return 0;
	int rc = inflate_block(t->in, &data, &t->left, e);
	t->p = data;
	if (rc <= 0)
		t->left = 0;
	t->ended = rc <= 0;
	return rc;
}

static void use(struct tar_reader *t, size_t n)
{
	t->p += n;
	t->left -= n;
	t->position += n;
}

/* Exactly len bytes, unless the stream ends before the first. 1, 0, -1. */
static int take(struct tar_reader *t, void *dst, size_t len, struct err *e)
{
	for (size_t done = 0; done < len;) {
		int rc = more(t, e);
		if (rc < 0 || (rc == 0 && done == 0))
			return rc;
		if (rc == 0)
			return t->recognised ? damaged(e, "it is truncated") : foreign(e);
		size_t n = t->left < len - done ? t->left : len - done;
		memcpy((char *)dst + done, t->p, n);
		use(t, n);
		done += n;
	}
	return 1;
}

static int skip(struct tar_reader *t, uint64_t len, struct err *e)
{
	while (len > 0) {
		int rc = more(t, e);
		if (rc < 0)
			return -1;
		if (rc == 0)
			return damaged(e, "it is truncated");
		size_t n = t->left < len ? t->left : (size_t)len;
		use(t, n);
		len -= n;
	}
	return 0;
}

static uint64_t padding(uint64_t size)
{
	return -size & (TAR_BLOCK_SIZE - 1);
}

/* What fills up the last block of an entry's data. */
static int skip_padding(struct tar_reader *t, uint64_t len, struct err *e)
{
	static const unsigned char zeros[TAR_BLOCK_SIZE];
	while (len > 0) {
		int rc = more(t, e);
		if (rc <= 0)
			return rc < 0 ? -1 : damaged(e, "it is truncated");
		size_t n = t->left < len ? t->left : (size_t)len;
		t->dirty |= memcmp(t->p, zeros, n) != 0;
		use(t, n);
		len -= n;
	}
	return 0;
}

static void end_part(const struct tar_reader *t, bool wanted)
{
	if (t->parts)
		inflate_part(t->in, t->left, wanted);
}

/* The data of a header-like entry (pax, long name), at most `max` bytes, appended to b. */
static int take_data(struct tar_reader *t, uint64_t size, size_t max, struct buf *b, struct err *e)
{
	if (DEFENCE("extended-header") && size > max)
		return damaged(e, "an extended header is too long");
	char *room = buf_reserve(b, (size_t)size);
	if (!room)
		return err_no_memory(e);
	int rc = take(t, room, (size_t)size, e);
	if (rc < 0)
		return -1;
	if (rc == 0 && size > 0)
		return damaged(e, "it is truncated");
	b->len += (size_t)size;
	b->data[b->len] = '\0';
	return skip(t, padding(size), e);
}

/* ------------------------------------------------------------------ sparse maps */

/* Pieces ascend, do not overlap, lie inside the file and make up the data. */
static int check_pieces(const struct tar_entry *entry, uint64_t data, struct err *e)
{
	uint64_t at = 0, sum = 0;
	for (size_t i = 0; i < entry->n_pieces; i++) {
		const struct tar_piece *p = &entry->pieces[i];
		if (p->offset < at || p->len > entry->size || p->offset > entry->size - p->len)
			return damaged(e, "the map of a sparse file is wrong");
		at = p->offset + p->len;
		sum += p->len;
	}
	return sum == data ? 0 : damaged(e, "the map of a sparse file does not match its data");
}

static int finish_sparse(struct tar_reader *t, uint64_t real_size, struct err *e)
{
	t->entry.sparse = true;
	t->entry.size = real_size;
	t->entry.pieces = (const struct tar_piece *)(const void *)t->sparse_map.data;
	t->entry.n_pieces = t->sparse_map.len / sizeof(struct tar_piece);
	return check_pieces(&t->entry, t->data_left, e);
}

/* Old GNU form (type S): four pieces in the header, more in following blocks. */
static int old_sparse_pieces(struct tar_reader *t, const unsigned char *at, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++, at += 24) {
		uint64_t offset, len;
		if (at[0] == '\0')
			continue;
		if (!tar_number(at, 12, &offset) || !tar_number(at + 12, 12, &len))
			return damaged(e, "the map of a sparse file is wrong");
		if (tar_piece_add(t, offset, len, e) < 0)
			return -1;
	}
	return 0;
}

static int old_sparse(struct tar_reader *t, const unsigned char *h, struct err *e)
{
	unsigned char block[TAR_BLOCK_SIZE];
	uint64_t real_size;
	bool extended = h[482] != 0;
	if (!tar_number(h + 483, 12, &real_size) || old_sparse_pieces(t, h + 386, 4, e) < 0)
		return damaged(e, "the map of a sparse file is wrong");
	while (extended) {
		if (take(t, block, sizeof(block), e) <= 0)
			return damaged(e, "it is truncated in the map of a sparse file");
		if (old_sparse_pieces(t, block, 21, e) < 0)
			return -1;
		extended = block[504] != 0;
	}
	return finish_sparse(t, real_size, e);
}

/* A decimal line of the map that form 1.0 keeps before the data; `used` counts the bytes read. */
static int map_number(struct tar_reader *t, uint64_t *used, uint64_t *value, struct err *e)
{
	char digit;
	*value = 0;
	for (unsigned n = 0; n < 21; n++) {
		if (*used >= t->data_left || take(t, &digit, 1, e) <= 0)
			return damaged(e, "it is truncated in the map of a sparse file");
		++*used;
		if (digit == '\n' && n > 0)
			return 0;
		if (digit < '0' || digit > '9' || *value > (INT64_MAX - 9) / 10)
			break;
		*value = *value * 10 + (uint64_t)(digit - '0');
	}
	return damaged(e, "the map of a sparse file is wrong");
}

static int pax_sparse_1(struct tar_reader *t, struct err *e)
{
	uint64_t used = 0, n, offset, len;
	t->sparse_map.len = 0;
	if (map_number(t, &used, &n, e) < 0)
		return -1;
	for (; n > 0; n--)
		if (map_number(t, &used, &offset, e) < 0 || map_number(t, &used, &len, e) < 0 ||
		        tar_piece_add(t, offset, len, e) < 0)
			return -1;
	uint64_t rest = padding(used);
	if (used + rest > t->data_left)
		return damaged(e, "the map of a sparse file is wrong");
	if (skip(t, rest, e) < 0)
		return -1;
	t->data_left -= used + rest;
	return finish_sparse(t, t->over.real_size_value, e);
}

/* ------------------------------------------------------------------ headers */

/* "prefix/name" of ustar, or what a long-name header said before. */
static void header_names(struct tar_reader *t, const unsigned char *h)
{
	const char *name = (const char *)h + TAR_AT_NAME, *prefix = (const char *)h + TAR_AT_PREFIX;
	if (t->path.len == 0) {
		if (memcmp(h + TAR_AT_MAGIC, "ustar", 6) == 0 && prefix[0]) {
			buf_add(&t->path, prefix, strnlen(prefix, 155));
			buf_char(&t->path, '/');
		}
		buf_add(&t->path, name, strnlen(name, 100));
	}
	if (t->link.len == 0)
		buf_add(&t->link, (const char *)h + TAR_AT_LINK, strnlen((const char *)h + TAR_AT_LINK, 100));
	t->entry.path = buf_str(&t->path);
	t->entry.link = buf_str(&t->link);
}

static int header_type(struct tar_entry *entry, char flag, struct err *e)
{
	size_t len = strlen(entry->path);
	switch (flag) {
	case '\0':
	case '0':
	case '7':
	case 'S':
		/* v7 knew no directories but by the slash */
		entry->type = len && entry->path[len - 1] == '/' ? TAR_DIR : TAR_FILE;
		return 0;
	case '1':
		entry->type = TAR_HARDLINK;
		return 0;
	case '2':
		entry->type = TAR_SYMLINK;
		return 0;
	case '3':
		entry->type = TAR_CHAR;
		return 0;
	case '4':
		entry->type = TAR_BLOCK;
		return 0;
	case '5':
		entry->type = TAR_DIR;
		return 0;
	case '6':
		entry->type = TAR_FIFO;
		return 0;
	default:
		return err_set(e, ERR_CORRUPT, "\"%.200s\" is of an unknown kind ('%c')", entry->path,
		        flag > ' ' && flag < 127 ? flag : '?');
	}
}

static int header_numbers(struct tar_reader *t, const unsigned char *h, struct err *e)
{
	uint64_t mode, uid = 0, gid = 0, major = 0, minor = 0;
	int64_t mtime = 0;
	struct tar_entry *entry = &t->entry;
	bool device = entry->type == TAR_CHAR || entry->type == TAR_BLOCK;
	if (!tar_number(h + TAR_AT_MODE, 8, &mode) || !tar_signed(h + TAR_AT_MTIME, 12, &mtime))
		return damaged(e, "a header has a wrong number");
	if ((!t->over.uid && (!tar_number(h + TAR_AT_UID, 8, &uid) || uid >= UINT32_MAX)) ||
	        (!t->over.gid && (!tar_number(h + TAR_AT_GID, 8, &gid) || gid >= UINT32_MAX)))
		return damaged(e, "an owner is out of range");
	if (device && (!tar_number(h + TAR_AT_MAJOR, 8, &major) || !tar_number(h + TAR_AT_MINOR, 8, &minor) ||
	                      major > 0xfff || minor > 0xfffff))
		return damaged(e, "a device number is out of range");
	entry->mode = (mode_t)(mode & 07777);
	entry->uid = t->over.uid ? t->over.uid_value : (uint32_t)uid;
	entry->gid = t->over.gid ? t->over.gid_value : (uint32_t)gid;
	entry->mtime = t->over.mtime ? t->over.mtime_value : (struct timespec){mtime, 0};
	entry->major = (unsigned)major;
	entry->minor = (unsigned)minor;
	return 0;
}

/* Sizes, and the data that follows: only files have any, whatever other headers claim (as Go reads them). */
static int header_size(struct tar_reader *t, const unsigned char *h, uint64_t size, struct err *e)
{
	struct tar_entry *entry = &t->entry;
	if (t->over.size)
		size = t->over.size_value;
	if (entry->type != TAR_FILE)
		size = 0;
	entry->size = entry->data = t->data_left = size;
	t->stored = size;
	t->pad = padding(size);
	if (entry->type == TAR_FILE && h[TAR_AT_TYPE] == 'S') {
		if (old_sparse(t, h, e) < 0)
			return -1;
	} else if (entry->type == TAR_FILE && t->over.sparse) {
		if (!t->over.real_size)
			return damaged(e, "the header of a sparse file is wrong");
		int rc = t->over.sparse_major == 1 ? pax_sparse_1(t, e)
		                                   : finish_sparse(t, t->over.real_size_value, e);
		if (rc < 0)
			return -1;
	}
	entry->data = t->data_left;
	return 0;
}

static void forget(struct tar_reader *t)
{
	memset(&t->over, 0, sizeof(t->over));
	t->entry.n_xattrs = t->entry.n_pieces = 0;
	t->entry.sparse = false;
	t->entry.path = t->entry.link = "";
	t->path.len = t->link.len = t->pax.len = t->sparse_map.len = 0;
	if (t->path.data)
		t->path.data[0] = '\0';
	if (t->link.data)
		t->link.data[0] = '\0';
}

/* A header block: 1, 0 at the end of the archive, -1. */
static int take_header(struct tar_reader *t, unsigned char *h, struct err *e)
{
	int rc = t->has_pushed ? 1 : take(t, h, TAR_BLOCK_SIZE, e);
	if (t->has_pushed)
		memcpy(h, t->pushed, TAR_BLOCK_SIZE);
	t->has_pushed = false;
	if (rc < 0)
		return -1;
	if (rc == 0)
		return t->open_end     ? 0
		       : t->recognised ? damaged(e, "it is truncated")
		                       : err_set(e, ERR_CORRUPT, "the archive is empty");
	if (!tar_block_empty(h)) {
		bool right = tar_checksum_ok(h);
		if (!right && !t->recognised && memcmp(h + TAR_AT_MAGIC, "ustar", 5) != 0)
			return foreign(e);
		t->recognised = true;
		return right ? 1 : damaged(e, "a header has a wrong checksum");
	}
	t->recognised = true;
	rc = take(t, h, TAR_BLOCK_SIZE, e);
	if (rc < 0 || (rc > 0 && !tar_block_empty(h)))
		return rc < 0 ? -1 : damaged(e, "data after its end marker");
	return 0;
}

/* A header that only speaks about the next one. 1 when it was such, 0 when not. */
static int take_extension(struct tar_reader *t, const unsigned char *h, uint64_t size, struct err *e)
{
	switch (h[TAR_AT_TYPE]) {
	case 'x':
		t->pax.len = t->entry.n_xattrs = 0; /* they point into the records of the one before */
		if (take_data(t, size, PAX_MAX, &t->pax, e) < 0 || tar_pax_records(t, e) < 0)
			return -1;
		return 1;
	case 'L':
	case 'K': {
		struct buf *b = h[TAR_AT_TYPE] == 'L' ? &t->path : &t->link;
		b->len = 0;
		if (take_data(t, size, NAME_LIMIT, b, e) < 0)
			return -1;
		b->len = strlen(buf_str(b));
		return 1;
	}
	case 'g': /* records for all that follows: says nothing that a file needs (Docker skips it too) */
	case 'V': /* volume label */
		return skip(t, size, e) < 0 || skip(t, padding(size), e) < 0 ? -1 : 1;
	default:
		return 0;
	}
}

static int next_entry(struct tar_reader *t, struct err *e)
{
	unsigned char h[TAR_BLOCK_SIZE];
	uint64_t size;
	unsigned extensions = 0;
	for (;;) {
		int rc = take_header(t, h, e);
		if (rc <= 0)
			return rc == 0 && extensions ? damaged(e, "it is truncated") : rc;
		if (!tar_number(h + TAR_AT_SIZE, 12, &size) || size > INT64_MAX)
			return damaged(e, "a size is negative or out of range");
		rc = take_extension(t, h, size, e);
		if (rc < 0)
			return -1;
		if (rc == 0)
			break;
		if (++extensions > EXTENSIONS_MAX)
			return damaged(e, "too many extended headers in a row");
	}
	header_names(t, h);
	if (t->path.failed || t->link.failed)
		return err_no_memory(e);
	if (header_type(&t->entry, (char)h[TAR_AT_TYPE], e) < 0 || header_numbers(t, h, e) < 0)
		return -1;
	end_part(t, true);
	t->headed = true;
	return header_size(t, h, size, e) < 0 ? -1 : 1;
}

/* What is left of the entry before. */
static int leave(struct tar_reader *t, struct err *e)
{
	uint64_t pad = t->pad;
	if (skip(t, t->data_left, e) < 0)
		return -1;
	t->data_left = t->pad = 0;
	if (t->stored > 0)
		end_part(t, true);
	t->stored = 0;
	if (skip_padding(t, pad, e) < 0)
		return -1;
	if (pad > 0)
		end_part(t, false);
	return 0;
}

int tar_next(struct tar_reader *t, const struct tar_entry **entry, struct err *e)
{
	if (leave(t, e) < 0)
		return -1;
	forget(t);
	t->headed = false;
	t->at = t->position - (t->has_pushed ? TAR_BLOCK_SIZE : 0);
	if (DEFENCE("entries") && ++t->n_entries > ENTRIES_MAX && !t->endless)
		return damaged(e, "it has more than 5,000,000 entries");
	*entry = &t->entry;
	int rc = next_entry(t, e);
	if (rc < 0 && t->path.len) /* as far as the name was read; entry->path may still be the one before */
		err_wrap(e, "at \"%.200s\"", buf_str(&t->path));
	return rc;
}

int tar_rest(struct tar_reader *t, uint64_t *bytes, bool *zeros, struct err *e)
{
	int rc;
	*bytes = 0;
	*zeros = true;
	while ((rc = more(t, e)) > 0) {
		for (size_t i = 0; i < t->left && *zeros; i++)
			*zeros = t->p[i] == 0;
		*bytes += t->left;
		use(t, t->left);
	}
	return rc;
}

int tar_resync(struct tar_reader *t, struct err *e)
{
	t->data_left = t->pad = t->stored = 0;
	if (skip(t, padding(t->position), NULL) < 0)
		return 0;
	for (;;) {
		int rc = take(t, t->pushed, TAR_BLOCK_SIZE, e);
		if (rc <= 0)
			return rc;
		if (memcmp(t->pushed + TAR_AT_MAGIC, "ustar", 5) == 0 && tar_checksum_ok(t->pushed))
			break;
	}
	if (t->parts) /* blocks of the stream are whole blocks of the archive */
		inflate_part(t->in, t->left + TAR_BLOCK_SIZE, false);
	t->has_pushed = true;
	return 1;
}

int tar_data(struct tar_reader *t, const void **data, size_t *len, struct err *e)
{
	if (t->data_left == 0)
		return 0;
	int rc = more(t, e);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return damaged(e, "it is truncated");
	*data = t->p;
	*len = t->left < t->data_left ? t->left : (size_t)t->data_left;
	use(t, *len);
	t->data_left -= *len;
	return 1;
}
