#include "engine/archive/raw_inflate.h"

#if __has_include(<isa-l.h>) && !defined(TARE_NO_ISAL)

#include <isa-l.h>
#include <stdlib.h>

static void *raw_open(void)
{
	struct inflate_state *s = malloc(sizeof(*s));
	if (s)
		isal_inflate_init(s);
	return s;
}

static void raw_reset(void *state)
{
	isal_inflate_reset(state);
}

static int raw_step(void *state, const unsigned char *in, size_t *in_len, unsigned char *out, size_t *out_len,
        const char **why)
{
	struct inflate_state *s = state;
	s->next_in = (unsigned char *)(uintptr_t)in;
	s->avail_in = (uint32_t)*in_len;
	s->next_out = out;
	s->avail_out = (uint32_t)*out_len;
	int rc = isal_inflate(s);
	*in_len -= s->avail_in;
	*out_len -= s->avail_out;
	if (rc >= 0)
		return s->block_state == ISAL_BLOCK_FINISH;
	*why = rc == ISAL_INVALID_LOOKBACK ? "invalid distance too far back"
	       : rc == ISAL_INVALID_SYMBOL ? "invalid code"
	                                   : "invalid block";
	return -1;
}

/* The bits beyond the last byte of the stream are padding; whole bytes are what was read ahead. */
static size_t raw_tail(void *state, unsigned char dst[RAW_TAIL_MAX])
{
	const struct inflate_state *s = state;
	size_t n = (size_t)s->read_in_length / 8;
	uint64_t bits = s->read_in >> s->read_in_length % 8;
	for (size_t i = 0; i < n; i++, bits >>= 8)
		dst[i] = bits & 0xff;
	return n;
}

static uint32_t raw_crc(uint32_t crc, const void *data, size_t len)
{
	return crc32_gzip_refl(crc, data, len);
}

static const struct raw_inflate isal = {raw_open, free, raw_reset, raw_step, raw_tail, raw_crc};
const struct raw_inflate *const raw_inflate_isal = &isal;

#else

const struct raw_inflate *const raw_inflate_isal = NULL;

#endif
