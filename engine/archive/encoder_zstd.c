#include <stdlib.h>
#include <zstd.h>

#include "base/err.h"
#include "engine/archive/encoder.h"

struct zstd {
	struct encoder encoder;
	ZSTD_CCtx *ctx;
};

static int encode(
        struct encoder *c, const void *data, size_t len, bool end, struct encoder_sink *sink, struct err *e)
{
	ZSTD_CCtx *ctx = ((struct zstd *)c)->ctx;
	ZSTD_inBuffer in = {data, len, 0};
	size_t left;
	do {
		ZSTD_outBuffer out = {sink->buffer, sizeof(sink->buffer), 0};
		left = ZSTD_compressStream2(ctx, &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left))
			return err_set(e, ERR_OTHER, "cannot compress: %s", ZSTD_getErrorName(left));
		if (out.pos > 0 && sink->write(sink->arg, sink->buffer, out.pos, e) < 0)
			return -1;
	} while (end ? left > 0 : in.pos < in.size);
	return 0;
}

static void zstd_free(struct encoder *c)
{
	ZSTD_freeCCtx(((struct zstd *)c)->ctx);
	free(c);
}

struct encoder *encoder_zstd(int level, struct err *e)
{
	struct zstd *c = calloc(1, sizeof(*c));
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	if (!c || !ctx) {
		free(c);
		ZSTD_freeCCtx(ctx);
		return err_set_null(e, ERR_OTHER, "out of memory");
	}
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1);
	c->encoder = (struct encoder){encode, zstd_free};
	c->ctx = ctx;
	return &c->encoder;
}
