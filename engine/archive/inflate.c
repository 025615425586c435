#include "engine/archive/inflate.h"

#include <archive.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/archive/hash.h"

#define WINDOW ((size_t)256 << 10)

struct inflate {
	int fd, copy_fd;
	ssize_t (*read)(void *arg, void *data, size_t len, struct err *e);
	void *arg;
	enum compression kind;
	bool copy_output; /* copy_fd gets the uncompressed side */
	bool source_end;  /* the descriptor has no more bytes */
	bool ended;       /* the uncompressed side has ended */
	uint64_t in_bytes, out_bytes;
	struct hash *in_hash, *out_hash;
	z_stream z;
	bool z_open, z_member; /* z_member: inside a gzip member */
	struct archive *archive;
	struct err source_error; /* of the read callback, which cannot hand it through libarchive */
	size_t pos, len;         /* of the input window */
	unsigned char in[WINDOW];
	unsigned char out[WINDOW];
};

const char *compression_name(enum compression c)
{
	static const char *const names[] = {"tar", "gzip", "zstd", "xz", "bzip2"};
	return names[c];
}

/* ------------------------------------------------------------------ input side */

/* Up to `len` bytes of the source; fewer only at its end, or when it gives what it has just now. */
static ssize_t read_source(const struct inflate *in, void *data, size_t len, struct err *e)
{
	if (in->read)
		return in->read(in->arg, data, len, e);
	ssize_t n = read_full(in->fd, data, len);
	return n < 0 ? err_sys(e, "cannot read the archive") : n;
}

/* Add to the input window what the source has; nothing is added at its end. */
static int fill_more(struct inflate *in, struct err *e)
{
	unsigned char *new = in->in + in->len;
	if (in->source_end)
		return 0;
	ssize_t n = read_source(in, new, WINDOW - in->len, e);
	if (n < 0)
		return -1;
	in->source_end = n == 0;
	in->len += (size_t)n;
	in->in_bytes += (uint64_t)n;
	if (in->in_hash)
		hash_add(in->in_hash, new, (size_t)n);
	if (in->copy_fd >= 0 && !in->copy_output && write_all(in->copy_fd, new, (size_t)n) < 0)
		return err_sys(e, "cannot store the archive");
	return 0;
}

/* Refill the input window, which is used up. */
static int fill(struct inflate *in, struct err *e)
{
	in->pos = in->len = 0;
	return fill_more(in, e);
}

#define MAGIC_MAX 6
static enum compression sniff(const unsigned char *p, size_t len)
{
	static const struct {
		const char *magic;
		size_t len;
		enum compression kind;
	} magics[] = {
	        {"\x1f\x8b", 2, COMPRESSION_GZIP},
	        {"\x28\xb5\x2f\xfd", 4, COMPRESSION_ZSTD},
	        {"\xfd"
	         "7zXZ\0",
	                6, COMPRESSION_XZ},
	        {"BZh", 3, COMPRESSION_BZIP2},
	};
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (len >= magics[i].len && memcmp(p, magics[i].magic, magics[i].len) == 0)
			return magics[i].kind;
	/* A zstd stream may begin with a skippable frame: 0x184D2A50 to 0x184D2A5F. */
	if (len >= 4 && (p[0] & 0xf0) == 0x50 && memcmp(p + 1, "\x2a\x4d\x18", 3) == 0)
		return COMPRESSION_ZSTD;
	return COMPRESSION_NONE;
}

/* ------------------------------------------------------------------ bombs */

#define BOMB_FLOOR ((uint64_t)64 << 20)
#define BOMB_RATIO 400

/* Decompression bomb (a megabyte that unpacks to gigabytes and fills the disk): once more than 64 MiB have
 * come out, less than 1/400 of that having gone in ends it. Gzip cannot pack tighter than 1:1032, and images
 * of programs and data stay below 1:20. tests/unit/test_archive_inflate.c */
static int check_bomb(const struct inflate *in, struct err *e)
{
	if (in->kind == COMPRESSION_NONE || in->out_bytes <= BOMB_FLOOR ||
	        in->out_bytes / BOMB_RATIO <= in->in_bytes)
		return 0;
	return err_set(e, ERR_CORRUPT,
	        "the archive unpacks to more than %d times its size; refused as a decompression bomb (if it "
	        "is meant so, "
	        "uncompress it first)",
	        BOMB_RATIO);
}

/* ------------------------------------------------------------------ gzip */

static int open_gzip(struct inflate *in, struct err *e)
{
	/* 15 window bits, +16: gzip wrapper, whose CRC and length zlib checks. */
	if (inflateInit2(&in->z, 15 + 16) != Z_OK)
		return err_set(e, ERR_OTHER, "cannot start gzip decompression: out of memory");
	in->z_open = in->z_member = true;
	return 0;
}

/* Between members: another one, zero padding up to the end, or damage. 1: go on, 0: end. */
static int next_member(struct inflate *in, struct err *e)
{
	bool padding = false;
	for (;;) {
		while (in->pos < in->len && in->in[in->pos] == 0) {
			in->pos++;
			padding = true;
		}
		if (in->pos < in->len)
			break;
		if (fill(in, e) < 0)
			return -1;
		if (in->len == 0)
			return 0;
	}
	if (padding || in->in[in->pos] != 0x1f)
		return err_set(e, ERR_CORRUPT, "the gzip stream is damaged: garbage after its end");
	inflateReset(&in->z);
	in->z_member = true;
	return 1;
}

static int gzip_step(struct inflate *in, struct err *e)
{
	if (in->pos == in->len && fill(in, e) < 0)
		return -1;
	if (in->len == 0)
		return err_set(e, ERR_CORRUPT, "the gzip stream is truncated");
	in->z.next_in = in->in + in->pos;
	in->z.avail_in = (uInt)(in->len - in->pos);
	int rc = inflate(&in->z, Z_NO_FLUSH);
	in->pos = in->len - in->z.avail_in;
	if (rc == Z_STREAM_END)
		in->z_member = false;
	else if (rc != Z_OK && rc != Z_BUF_ERROR)
		return err_set(e, ERR_CORRUPT, "the gzip stream is damaged: %s",
		        in->z.msg ? in->z.msg : "data error");
	return 0;
}

static int gzip_block(struct inflate *in, const void **data, size_t *len, struct err *e)
{
	in->z.next_out = in->out;
	in->z.avail_out = WINDOW;
	while (in->z.avail_out > 0) {
		if (!in->z_member) {
			int more = next_member(in, e);
			if (more < 0)
				return -1;
			if (more == 0)
				break;
		}
		if (gzip_step(in, e) < 0)
			return -1;
	}
	*data = in->out;
	*len = WINDOW - in->z.avail_out;
	return 0;
}

/* ------------------------------------------------------------------ the others, by libarchive */

static la_ssize_t feed(struct archive *a, void *arg, const void **data)
{
	struct inflate *in = arg;
	if (in->pos == in->len && fill(in, &in->source_error) < 0) {
		archive_set_error(a, EIO, "read error");
		return -1;
	}
	*data = in->in + in->pos;
	size_t n = in->len - in->pos;
	in->pos = in->len;
	return (la_ssize_t)n;
}

static int library_error(struct inflate *in, struct err *e)
{
	const char *why = archive_error_string(in->archive);
	if (in->source_error.msg[0]) {
		if (e)
			*e = in->source_error;
		return -1;
	}
	return err_set(e, ERR_CORRUPT, "the %s stream is damaged: %s", compression_name(in->kind),
	        why ? why : "data error");
}

/* Exactly the one filter that was recognised: libarchive's own guessing would also undo a second one inside.
 */
static int open_library(struct inflate *in, struct err *e)
{
	int filter = in->kind == COMPRESSION_ZSTD ? ARCHIVE_FILTER_ZSTD
	             : in->kind == COMPRESSION_XZ ? ARCHIVE_FILTER_XZ
	                                          : ARCHIVE_FILTER_BZIP2;
	struct archive_entry *entry;
	in->archive = archive_read_new();
	if (!in->archive)
		return err_no_memory(e);
	archive_read_support_format_raw(in->archive);
	if (archive_read_append_filter(in->archive, filter) != ARCHIVE_OK ||
	        archive_read_open(in->archive, in, NULL, feed, NULL) != ARCHIVE_OK)
		return library_error(in, e);
	if (archive_read_next_header(in->archive, &entry) != ARCHIVE_OK)
		return library_error(in, e);
	return 0;
}

static int library_block(struct inflate *in, const void **data, size_t *len, struct err *e)
{
	la_int64_t offset;
	int rc;
	do {
		*len = 0;
		rc = archive_read_data_block(in->archive, data, len, &offset);
	} while (rc == ARCHIVE_OK && *len == 0);
	if (rc == ARCHIVE_EOF)
		*len = 0;
	return rc == ARCHIVE_OK || rc == ARCHIVE_EOF ? 0 : library_error(in, e);
}

/* ------------------------------------------------------------------ the whole */

static int plain_block(struct inflate *in, const void **data, size_t *len, struct err *e)
{
	if (in->pos == in->len && fill(in, e) < 0)
		return -1;
	*data = in->in + in->pos;
	*len = in->len - in->pos;
	in->pos = in->len;
	return 0;
}

static int open_kind(struct inflate *in, struct err *e)
{
	switch (in->kind) {
	case COMPRESSION_NONE:
		return 0;
	case COMPRESSION_GZIP:
		return open_gzip(in, e);
	default:
		return open_library(in, e);
	}
}

/* The first bytes are read before the kind is known, so their copy is made here. */
static int start(struct inflate *in, int copy_fd, struct err *e)
{
	while (in->len < MAGIC_MAX && !in->source_end)
		if (fill_more(in, e) < 0)
			return -1;
	in->kind = sniff(in->in, in->len);
	in->copy_output = in->kind == COMPRESSION_XZ || in->kind == COMPRESSION_BZIP2;
	in->copy_fd = copy_fd;
	if (copy_fd >= 0 && !in->copy_output && write_all(copy_fd, in->in, in->len) < 0)
		return err_sys(e, "cannot store the archive");
	return open_kind(in, e);
}

struct inflate *inflate_open(int fd, const struct inflate_options *o, struct err *e)
{
	cleanup_inflate struct inflate *in = malloc(sizeof(*in));
	if (!in)
		return err_set_null(e, ERR_OTHER, "out of memory");
	memset(in, 0, offsetof(struct inflate, in));
	in->fd = fd;
	in->copy_fd = -1;
	in->read = o->read;
	in->arg = o->arg;
	if (o->in_alg && !(in->in_hash = hash_new(o->in_alg, e)))
		return NULL;
	if (o->out_alg && !(in->out_hash = hash_new(o->out_alg, e)))
		return NULL;
	if (start(in, o->copy_fd, e) < 0)
		return NULL;
	struct inflate *made = in;
	in = NULL;
	return made;
}

int inflate_block(struct inflate *in, const void **data, size_t *len, struct err *e)
{
	int rc;
	*len = 0;
	if (in->ended)
		return 0;
	if (in->kind == COMPRESSION_NONE)
		rc = plain_block(in, data, len, e);
	else if (in->kind == COMPRESSION_GZIP)
		rc = gzip_block(in, data, len, e);
	else
		rc = library_block(in, data, len, e);
	if (rc < 0)
		return -1;
	in->ended = *len == 0;
	in->out_bytes += *len;
	if (in->out_hash)
		hash_add(in->out_hash, *data, *len);
	if (in->copy_fd >= 0 && in->copy_output && write_all(in->copy_fd, *data, *len) < 0)
		return err_sys(e, "cannot store the archive");
	return check_bomb(in, e) < 0 ? -1 : !in->ended;
}

int inflate_finish(struct inflate *in, struct inflate_result *r, struct err *e)
{
	const void *data;
	size_t len;
	int rc;
	while ((rc = inflate_block(in, &data, &len, e)) > 0)
		;
	if (rc < 0)
		return -1;
	do {
		if (fill(in, e) < 0) /* whatever a decoder did not ask for belongs to the input as well */
			return -1;
	} while (in->len > 0);
	memset(r, 0, sizeof(*r));
	r->kind = in->kind;
	r->copy = in->copy_output ? COMPRESSION_NONE : in->kind;
	r->in_bytes = in->in_bytes;
	r->out_bytes = in->out_bytes;
	if (in->in_hash)
		hash_finish(in->in_hash, &r->in);
	if (in->out_hash)
		hash_finish(in->out_hash, &r->out);
	return 0;
}

enum compression inflate_kind(const struct inflate *in)
{
	return in->kind;
}

uint64_t inflate_position(const struct inflate *in)
{
	return in->in_bytes;
}

void inflate_free(struct inflate *in)
{
	if (!in)
		return;
	if (in->z_open)
		inflateEnd(&in->z);
	if (in->archive)
		archive_read_free(in->archive);
	hash_free(in->in_hash);
	hash_free(in->out_hash);
	free(in);
}

void inflate_free_ptr(struct inflate **in)
{
	inflate_free(*in);
}
