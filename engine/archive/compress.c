#include "engine/archive/compress.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/archive/encoder.h"
#include "engine/archive/piece_writer.h"

#define WINDOW ((size_t)256 << 10)

/* Encoders are given whole windows only, so that the result does not depend on how the bytes came. */
struct compress {
	struct encoder *encoder; /* NULL: plain, or */
	struct piece_writer *pieces;
	struct encoder_sink sink;
	size_t len;
	unsigned char window[WINDOW];
};

/* Levels of a format; a default that is fast enough for a network that is not slow. */
static const struct format {
	int least, most, usual;
	struct encoder *(*open)(int level, struct err *e);
} formats[] = {
        [COMPRESSION_GZIP] = {1, 3, 1, encoder_isal},
        [COMPRESSION_ZSTD] = {1, 19, 3, encoder_zstd}, /* above 19 readers need windows that some refuse */
};

/* 0: nothing to compress with, 1: *f and *level are right. */
static int choose(enum compression kind, int *level, const struct format **f, struct err *e)
{
	if (kind == COMPRESSION_NONE)
		return 0;
	if (kind != COMPRESSION_GZIP && kind != COMPRESSION_ZSTD)
		return err_set(e, ERR_UNSUPPORTED, "cannot compress with %s; choose gzip or zstd",
		        compression_name(kind));
	*f = &formats[kind];
	if (*level == COMPRESS_LEVEL_DEFAULT)
		*level = (*f)->usual;
	if (*level < (*f)->least || *level > (*f)->most)
		return err_set(e, ERR_USAGE, "%s has no compression level %d; choose one from %d to %d",
		        compression_name(kind), *level, (*f)->least, (*f)->most);
	return 1;
}

static int open_encoder(struct compress *c, const struct format *f, int level, struct err *e)
{
	struct err why = ERR_INIT;
	c->encoder = f->open(level, &why);
	if (!c->encoder && !why.msg[0])
		c->encoder = encoder_zlib(level, &why);
	if (!c->encoder && e)
		*e = why;
	return c->encoder ? 0 : -1;
}

static struct compress *make(
        int (*write)(void *arg, const void *data, size_t len, struct err *e), void *arg, struct err *e)
{
	struct compress *c = malloc(sizeof(*c));
	if (!c)
		return err_set_null(e, ERR_OTHER, "out of memory");
	c->encoder = NULL;
	c->pieces = NULL;
	c->sink.write = write;
	c->sink.arg = arg;
	c->len = 0;
	return c;
}

struct compress *compress_new(enum compression kind, int level,
        int (*write)(void *arg, const void *data, size_t len, struct err *e), void *arg, struct err *e)
{
	const struct format *f = NULL;
	cleanup_compress struct compress *c = make(write, arg, e);
	int any = c ? choose(kind, &level, &f, e) : -1;
	if (any < 0 || (any > 0 && open_encoder(c, f, level, e) < 0))
		return NULL;
	return steal_ptr(&c);
}

struct compress *compress_new_parallel(enum compression kind, int level, unsigned threads,
        int (*write)(void *arg, const void *data, size_t len, struct err *e), void *arg, struct err *e)
{
	const struct format *f = NULL;
	cleanup_compress struct compress *c = make(write, arg, e);
	bool usual = level == COMPRESS_LEVEL_DEFAULT && kind == COMPRESSION_ZSTD; /* piece.c has its own */
	int any = c ? choose(kind, &level, &f, e) : -1;
	if (any > 0)
		c->pieces = piece_writer_new(
		        kind, usual ? COMPRESS_LEVEL_DEFAULT : level, threads, write, arg, e);
	if (any < 0 || (any > 0 && !c->pieces))
		return NULL;
	return steal_ptr(&c);
}

int compress_cut(struct compress *c, struct err *e)
{
	return c->pieces ? piece_writer_cut(c->pieces, e) : 0;
}

int compress_add(struct compress *c, const void *data, size_t len, struct err *e)
{
	const unsigned char *p = data;
	if (c->pieces)
		return piece_writer_add(c->pieces, data, len, e);
	if (!c->encoder)
		return len > 0 ? c->sink.write(c->sink.arg, data, len, e) : 0;
	while (len > 0) {
		if (c->len == 0 && len >= WINDOW) {
			if (c->encoder->encode(c->encoder, p, WINDOW, false, &c->sink, e) < 0)
				return -1;
			p += WINDOW;
			len -= WINDOW;
			continue;
		}
		size_t n = len < WINDOW - c->len ? len : WINDOW - c->len;
		memcpy(c->window + c->len, p, n);
		c->len += n;
		p += n;
		len -= n;
		if (c->len < WINDOW)
			break;
		c->len = 0;
		if (c->encoder->encode(c->encoder, c->window, WINDOW, false, &c->sink, e) < 0)
			return -1;
	}
	return 0;
}

int compress_finish(struct compress *c, struct err *e)
{
	if (c->pieces)
		return piece_writer_finish(c->pieces, e);
	return c->encoder ? c->encoder->encode(c->encoder, c->window, c->len, true, &c->sink, e) : 0;
}

void compress_free(struct compress *c)
{
	if (!c)
		return;
	if (c->encoder)
		c->encoder->free(c->encoder);
	piece_writer_free(c->pieces);
	free(c);
}

void compress_free_ptr(struct compress **c)
{
	compress_free(*c);
}
