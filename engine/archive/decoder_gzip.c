/* Gzip (RFC 1952): members one after the other, each a header, a deflate stream, its CRC and its length. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/err.h"
#include "engine/archive/decoder.h"
#include "engine/archive/raw_inflate.h"

#define HEADER_MAX ((size_t)128 << 10) /* the extra field alone may have 64 KiB */

enum gzip_flag { FLAG_HCRC = 2, FLAG_EXTRA = 4, FLAG_NAME = 8, FLAG_COMMENT = 16, FLAG_RESERVED = 0xe0 };
enum gzip_state { GZIP_HEADER, GZIP_DATA, GZIP_BETWEEN, GZIP_END };

struct gzip {
	struct decoder decoder;
	const struct raw_inflate *raw;
	void *stream;
	enum gzip_state state;
	uint32_t crc, size;       /* of the member's uncompressed bytes */
	size_t header_len;        /* so far */
	unsigned long header_crc; /* so far */
};

static int damaged(struct err *e, const char *why)
{
	return err_set(e, ERR_CORRUPT, "the gzip stream is damaged: %s", why);
}

static int truncated(struct err *e)
{
	return err_set(e, ERR_CORRUPT, "the gzip stream is truncated");
}

/* ------------------------------------------------------------------ header */

/* Endless headers (a name or comment without an end, which is read for ever before the first byte comes out):
 * all of a header is at most HEADER_MAX. tests/unit/test_archive_inflate.c */
static int header_bytes(struct gzip *g, struct source *s, unsigned char *dst, size_t n, struct err *e)
{
	g->header_len += n;
	if (g->header_len > HEADER_MAX)
		return damaged(e, "its header is too long");
	ssize_t got = source_take(s, dst, n, e);
	if (got < 0)
		return -1;
	if ((size_t)got < n)
		return truncated(e);
	g->header_crc = crc32(g->header_crc, dst, (uInt)n);
	return 0;
}

static int skip_extra(struct gzip *g, struct source *s, struct err *e)
{
	unsigned char b[256];
	if (header_bytes(g, s, b, 2, e) < 0)
		return -1;
	for (size_t left = b[0] | (size_t)b[1] << 8; left > 0;) {
		size_t n = left < sizeof(b) ? left : sizeof(b);
		if (header_bytes(g, s, b, n, e) < 0)
			return -1;
		left -= n;
	}
	return 0;
}

static int skip_text(struct gzip *g, struct source *s, struct err *e)
{
	unsigned char c;
	do {
		if (header_bytes(g, s, &c, 1, e) < 0)
			return -1;
	} while (c != '\0');
	return 0;
}

static int check_header_crc(struct gzip *g, struct source *s, struct err *e)
{
	unsigned char b[2];
	unsigned long want = g->header_crc & 0xffff;
	if (header_bytes(g, s, b, 2, e) < 0)
		return -1;
	return (b[0] | (unsigned long)b[1] << 8) == want ? 0 : damaged(e, "its header has a wrong checksum");
}

static int read_header(struct gzip *g, struct source *s, struct err *e)
{
	unsigned char h[10];
	g->header_len = 0;
	g->header_crc = crc32(0, NULL, 0);
	if (header_bytes(g, s, h, sizeof(h), e) < 0)
		return -1;
	if (h[0] != 0x1f || h[1] != 0x8b || h[2] != Z_DEFLATED || (h[3] & FLAG_RESERVED))
		return damaged(e, "its header is wrong");
	if (((h[3] & FLAG_EXTRA) && skip_extra(g, s, e) < 0) ||
	        ((h[3] & FLAG_NAME) && skip_text(g, s, e) < 0) ||
	        ((h[3] & FLAG_COMMENT) && skip_text(g, s, e) < 0) ||
	        ((h[3] & FLAG_HCRC) && check_header_crc(g, s, e) < 0))
		return -1;
	g->raw->reset(g->stream);
	g->crc = g->size = 0;
	g->state = GZIP_DATA;
	return 0;
}

/* ------------------------------------------------------------------ data */

static uint32_t little_endian(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int check_trailer(struct gzip *g, struct source *s, struct err *e)
{
	unsigned char b[RAW_TAIL_MAX];
	size_t have = g->raw->tail(g->stream, b);
	ssize_t got = source_take(s, b + have, sizeof(b) - have, e);
	if (got < 0)
		return -1;
	if (have + (size_t)got < sizeof(b))
		return truncated(e);
	if (little_endian(b) != g->crc)
		return damaged(e, "its content has a wrong checksum");
	if (little_endian(b + 4) != g->size)
		return damaged(e, "its content has a wrong length");
	g->state = GZIP_BETWEEN;
	return 0;
}

/* Make up to *len bytes; *len says how many. */
static int read_data(struct gzip *g, struct source *s, unsigned char *out, size_t *len, struct err *e)
{
	const char *why;
	if (s->pos == s->len && source_fill(s, e) < 0)
		return -1;
	size_t in = s->len - s->pos;
	bool last = in == 0;
	int rc = g->raw->step(g->stream, s->data + s->pos, &in, out, len, &why);
	if (rc < 0)
		return damaged(e, why);
	s->pos += in;
	g->crc = g->raw->crc(g->crc, out, *len);
	g->size += (uint32_t)*len;
	if (rc > 0)
		return check_trailer(g, s, e);
	return last && *len == 0 ? truncated(e) : 0;
}

/* Between members: another one, or zero padding up to the end; all else is damage. */
static int next_member(struct gzip *g, struct source *s, struct err *e)
{
	bool padding = false;
	for (;;) {
		while (s->pos < s->len && s->data[s->pos] == 0) {
			s->pos++;
			padding = true;
		}
		if (s->pos < s->len)
			break;
		if (source_fill(s, e) < 0)
			return -1;
		if (s->len == 0) {
			g->state = GZIP_END;
			return 0;
		}
	}
	if (padding || s->data[s->pos] != 0x1f)
		return damaged(e, "garbage after its end");
	g->state = GZIP_HEADER;
	return 0;
}

static int step(struct gzip *g, struct source *s, unsigned char *out, size_t *len, struct err *e)
{
	if (g->state == GZIP_DATA)
		return read_data(g, s, out, len, e);
	*len = 0;
	return g->state == GZIP_HEADER ? read_header(g, s, e) : next_member(g, s, e);
}

static int decode(
        struct decoder *d, struct source *s, unsigned char *out, size_t room, size_t *len, struct err *e)
{
	struct gzip *g = (struct gzip *)d;
	*len = 0;
	while (*len < room && g->state != GZIP_END) {
		size_t made = room - *len;
		if (step(g, s, out + *len, &made, e) < 0)
			return -1;
		*len += made;
	}
	return 0;
}

static void gzip_free(struct decoder *d)
{
	struct gzip *g = (struct gzip *)d;
	if (g->stream)
		g->raw->close(g->stream);
	free(g);
}

struct decoder *decoder_gzip(bool zlib, struct err *e)
{
	struct gzip *g = calloc(1, sizeof(*g));
	if (!g)
		return err_set_null(e, ERR_OTHER, "out of memory");
	g->decoder = (struct decoder){decode, gzip_free};
	g->raw = raw_inflate_isal && !zlib ? raw_inflate_isal : &raw_inflate_zlib;
	g->stream = g->raw->open();
	if (g->stream)
		return &g->decoder;
	gzip_free(&g->decoder);
	return err_set_null(e, ERR_OTHER, "cannot start gzip decompression: out of memory");
}
