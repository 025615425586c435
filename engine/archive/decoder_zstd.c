/* Zstandard (RFC 8878): frames and skippable frames, one after the other. Frame headers are looked at before
 * the library sees them, as it would allocate what they ask for. */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/defence.h"
#include "base/err.h"
#include "engine/archive/decoder.h"

#define FRAME_MAGIC      0xfd2fb528u
#define SKIPPABLE_MAGIC  0x184d2a50u
#define FRAME_HEADER_MAX 18
#define WINDOW_MAX       ((uint64_t)128 << 20) /* what `zstd -d` takes without being asked */
#define WINDOW_LOG_MAX   27

struct zstd {
	struct decoder decoder;
	ZSTD_DCtx *ctx;
	bool in_frame;
	uint64_t window_max;
};

struct frame {
	uint64_t window;
	uint32_t dictionary;
};

static int damaged(struct err *e, const char *why)
{
	return err_set(e, ERR_CORRUPT, "the zstd stream is damaged: %s", why);
}

static uint64_t little_endian(const unsigned char *p, size_t len)
{
	uint64_t v = 0;
	for (size_t i = len; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

/* ------------------------------------------------------------------ frames */

/* The header of a frame behind its magic number. False: it is cut off. */
static bool parse_frame(const unsigned char *p, size_t len, struct frame *f)
{
	static const size_t dictionary_sizes[] = {0, 1, 2, 4}, content_sizes[] = {0, 2, 4, 8};
	if (len < 1)
		return false;
	bool single = p[0] & 0x20;
	size_t dictionary_size = dictionary_sizes[p[0] & 3], content_size = content_sizes[p[0] >> 6];
	if (single && content_size == 0)
		content_size = 1;
	if (len < 1 + !single + dictionary_size + content_size)
		return false;
	const unsigned char *at = p + 1;
	if (!single) {
		uint64_t base = (uint64_t)1 << (10 + (*at >> 3));
		f->window = base + base / 8 * (*at & 7);
		at++;
	}
	f->dictionary = (uint32_t)little_endian(at, dictionary_size);
	if (single) /* the window is the whole content */
		f->window = little_endian(at + dictionary_size, content_size) + (content_size == 2 ? 256 : 0);
	return true;
}

/* Memory exhaustion (a header of ten bytes that asks for a window of gigabytes), and dictionaries, which no
 * image can have: refused by what the header says. tests/unit/test_archive_inflate.c */
static int check_frame(const struct zstd *z, const struct frame *f, struct err *e)
{
	if (f->dictionary)
		return err_set(
		        e, ERR_CORRUPT, "the zstd stream needs a dictionary, which a layer cannot have");
	if (!DEFENCE("zstd-window") || f->window <= z->window_max)
		return 0;
	return err_set(e, ERR_CORRUPT,
	        "the zstd stream needs a window of %llu MiB, more than the limit of %llu MiB; compress it "
	        "with a lower level or without --long",
	        (unsigned long long)(f->window >> 20), (unsigned long long)(z->window_max >> 20));
}

static int begin_frame(struct zstd *z, struct source *s, struct err *e)
{
	struct frame f = {0};
	if (source_want(s, FRAME_HEADER_MAX, e) < 0)
		return -1;
	if (!parse_frame(s->data + s->pos + 4, s->len - s->pos - 4, &f))
		return damaged(e, "it is truncated");
	if (check_frame(z, &f, e) < 0)
		return -1;
	z->in_frame = true;
	return 0;
}

static int skip_frame(struct source *s, struct err *e)
{
	unsigned char h[8];
	ssize_t n = source_take(s, h, sizeof(h), e);
	if (n < 0)
		return -1;
	uint64_t left = n == (ssize_t)sizeof(h) ? little_endian(h + 4, 4) : UINT64_MAX;
	while (left > 0) {
		size_t part = left < SOURCE_WINDOW ? (size_t)left : SOURCE_WINDOW;
		n = source_take(s, NULL, part, e);
		if (n < (ssize_t)part)
			return n < 0 ? -1 : damaged(e, "it is truncated");
		left -= part;
	}
	return 0;
}

/* 1: go on, 0: the end, -1. */
static int next_frame(struct zstd *z, struct source *s, struct err *e)
{
	if (source_want(s, 4, e) < 0)
		return -1;
	if (s->pos == s->len)
		return 0;
	uint32_t magic = s->len - s->pos < 4 ? 0 : (uint32_t)little_endian(s->data + s->pos, 4);
	if (magic != FRAME_MAGIC && (magic & ~15u) != SKIPPABLE_MAGIC)
		return damaged(e, "garbage after its end");
	return (magic == FRAME_MAGIC ? begin_frame(z, s, e) : skip_frame(s, e)) < 0 ? -1 : 1;
}

/* ------------------------------------------------------------------ data */

static int read_data(struct zstd *z, struct source *s, unsigned char *dst, size_t *len, struct err *e)
{
	if (s->pos == s->len && source_fill(s, e) < 0)
		return -1;
	ZSTD_inBuffer in = {s->data + s->pos, s->len - s->pos, 0};
	ZSTD_outBuffer out = {dst, *len, 0};
	bool last = in.size == 0;
	size_t rc = ZSTD_decompressStream(z->ctx, &out, &in);
	if (ZSTD_isError(rc))
		return damaged(e, ZSTD_getErrorName(rc));
	s->pos += in.pos;
	*len = out.pos;
	if (rc == 0)
		z->in_frame = false;
	return rc > 0 && last && out.pos == 0 ? damaged(e, "it is truncated") : 0;
}

static int decode(
        struct decoder *d, struct source *s, unsigned char *out, size_t room, size_t *len, struct err *e)
{
	struct zstd *z = (struct zstd *)d;
	*len = 0;
	while (*len < room) {
		size_t made = room - *len;
		if (!z->in_frame) {
			int more = next_frame(z, s, e);
			if (more <= 0)
				return more;
			continue;
		}
		if (read_data(z, s, out + *len, &made, e) < 0)
			return -1;
		*len += made;
	}
	return 0;
}

static void zstd_free(struct decoder *d)
{
	struct zstd *z = (struct zstd *)d;
	ZSTD_freeDCtx(z->ctx);
	free(z);
}

struct decoder *decoder_zstd(uint64_t window_max, struct err *e)
{
	struct zstd *z = calloc(1, sizeof(*z));
	if (!z)
		return err_set_null(e, ERR_OTHER, "out of memory");
	z->decoder = (struct decoder){decode, zstd_free};
	z->window_max = window_max && window_max < WINDOW_MAX ? window_max : WINDOW_MAX;
	z->ctx = ZSTD_createDCtx();
	if (z->ctx && !ZSTD_isError(ZSTD_DCtx_setParameter(z->ctx, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
		return &z->decoder;
	zstd_free(&z->decoder);
	return err_set_null(e, ERR_OTHER, "cannot start zstd decompression: out of memory");
}
