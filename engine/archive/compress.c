#include "engine/archive/compress.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "engine/archive/encoder.h"

#define WINDOW ((size_t)256 << 10)

/* Encoders are given whole windows only, so that the result does not depend on how the bytes came. */
struct compress {
	struct encoder *encoder; /* NULL: plain */
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

static int open_encoder(struct compress *c, enum compression kind, int level, struct err *e)
{
	if (kind == COMPRESSION_NONE)
		return 0;
	if (kind != COMPRESSION_GZIP && kind != COMPRESSION_ZSTD)
		return err_set(e, ERR_UNSUPPORTED, "cannot compress with %s; choose gzip or zstd",
		        compression_name(kind));
	const struct format *f = &formats[kind];
	if (level == COMPRESS_LEVEL_DEFAULT)
		level = f->usual;
	if (level < f->least || level > f->most)
		return err_set(e, ERR_USAGE, "%s has no compression level %d; choose one from %d to %d",
		        compression_name(kind), level, f->least, f->most);
	struct err why = ERR_INIT;
	c->encoder = f->open(level, &why);
	if (!c->encoder && !why.msg[0])
		c->encoder = encoder_zlib(level, &why);
	if (!c->encoder && e)
		*e = why;
	return c->encoder ? 0 : -1;
}

struct compress *compress_new(enum compression kind, int level,
        int (*write)(void *arg, const void *data, size_t len, struct err *e), void *arg, struct err *e)
{
	cleanup_compress struct compress *c = malloc(sizeof(*c));
	if (!c)
		return err_set_null(e, ERR_OTHER, "out of memory");
	c->encoder = NULL;
	c->sink.write = write;
	c->sink.arg = arg;
	c->len = 0;
	if (open_encoder(c, kind, level, e) < 0)
		return NULL;
	struct compress *made = c;
	c = NULL;
	return made;
}

int compress_add(struct compress *c, const void *data, size_t len, struct err *e)
{
	const unsigned char *p = data;
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
	return c->encoder ? c->encoder->encode(c->encoder, c->window, c->len, true, &c->sink, e) : 0;
}

void compress_free(struct compress *c)
{
	if (!c)
		return;
	if (c->encoder)
		c->encoder->free(c->encoder);
	free(c);
}

void compress_free_ptr(struct compress **c)
{
	compress_free(*c);
}
