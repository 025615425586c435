#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/err.h"
#include "engine/archive/encoder.h"

#define GZIP_WRAPPER (15 + 16) /* window bits, and what asks zlib for gzip's header and trailer */
#define GZIP_OS_NONE 255       /* as ISA-L writes it: the same on every system */

struct zlib {
	struct encoder encoder;
	z_stream z;
	gz_header header;
};

static int encode(
        struct encoder *c, const void *data, size_t len, bool end, struct encoder_sink *sink, struct err *e)
{
	z_stream *z = &((struct zlib *)c)->z;
	z->next_in = (unsigned char *)(uintptr_t)data;
	z->avail_in = (uInt)len;
	do {
		z->next_out = sink->buffer;
		z->avail_out = sizeof(sink->buffer);
		if (deflate(z, end ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR)
			return err_set(e, ERR_OTHER, "cannot compress: zlib refuses");
		if (sink->write(sink->arg, sink->buffer, sizeof(sink->buffer) - z->avail_out, e) < 0)
			return -1;
	} while (z->avail_out == 0);
	return 0;
}

static void zlib_free(struct encoder *c)
{
	deflateEnd(&((struct zlib *)c)->z);
	free(c);
}

struct encoder *encoder_zlib(int level, struct err *e)
{
	static const int levels[] = {0, 1, 4, 6}; /* of about the size that ISA-L's give */
	struct zlib *c = calloc(1, sizeof(*c));
	if (!c ||
	        deflateInit2(&c->z, levels[level], Z_DEFLATED, GZIP_WRAPPER, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(c);
		return err_set_null(e, ERR_OTHER, "out of memory");
	}
	c->encoder = (struct encoder){encode, zlib_free};
	c->header.os = GZIP_OS_NONE;
	deflateSetHeader(&c->z, &c->header);
	return &c->encoder;
}
