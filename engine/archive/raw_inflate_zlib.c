#include <stdlib.h>
#include <zlib.h>

#include "engine/archive/raw_inflate.h"

#define RAW_WINDOW_BITS (-15)

static void *raw_open(void)
{
	z_stream *z = calloc(1, sizeof(*z));
	if (z && inflateInit2(z, RAW_WINDOW_BITS) == Z_OK)
		return z;
	free(z);
	return NULL;
}

static void raw_close(void *state)
{
	inflateEnd(state);
	free(state);
}

static void raw_reset(void *state)
{
	inflateReset(state);
}

static int raw_step(void *state, const unsigned char *in, size_t *in_len, unsigned char *out, size_t *out_len,
        const char **why)
{
	z_stream *z = state;
	z->next_in = (unsigned char *)(uintptr_t)in;
	z->avail_in = (uInt)*in_len;
	z->next_out = out;
	z->avail_out = (uInt)*out_len;
	int rc = inflate(z, Z_NO_FLUSH);
	*in_len -= z->avail_in;
	*out_len -= z->avail_out;
	if (rc == Z_STREAM_END)
		return 1;
	if (rc == Z_OK || rc == Z_BUF_ERROR)
		return 0;
	*why = z->msg ? z->msg : "data error";
	return -1;
}

/* zlib gives back whole bytes by itself. */
static size_t raw_tail(void *state, unsigned char dst[RAW_TAIL_MAX])
{
	(void)state;
	(void)dst;
	return 0;
}

static uint32_t raw_crc(uint32_t crc, const void *data, size_t len)
{
	return (uint32_t)crc32_z(crc, data, len);
}

const struct raw_inflate raw_inflate_zlib = {raw_open, raw_close, raw_reset, raw_step, raw_tail, raw_crc};
