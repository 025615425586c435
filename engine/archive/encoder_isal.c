#include "engine/archive/encoder.h"

#if __has_include(<isa-l.h>) && !defined(TARE_NO_ISAL)

#include <isa-l.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"

struct isal {
	struct encoder encoder;
	struct isal_zstream z;
	unsigned char level_buffer[];
};

static int encode(
        struct encoder *c, const void *data, size_t len, bool end, struct encoder_sink *sink, struct err *e)
{
	struct isal_zstream *z = &((struct isal *)c)->z;
	z->next_in = (unsigned char *)(uintptr_t)data;
	z->avail_in = (uint32_t)len;
	z->end_of_stream = end;
	do {
		z->next_out = sink->buffer;
		z->avail_out = sizeof(sink->buffer);
		if (isal_deflate(z) != COMP_OK)
			return err_set(e, ERR_OTHER, "cannot compress: ISA-L refuses");
		if (sink->write(sink->arg, sink->buffer, sizeof(sink->buffer) - z->avail_out, e) < 0)
			return -1;
	} while (z->avail_out == 0 || (end && z->internal_state.state != ZSTATE_END));
	return 0;
}

static void isal_free(struct encoder *c)
{
	free(c);
}

struct encoder *encoder_isal(int level, struct err *e)
{
	static const uint32_t sizes[] = {
	        0, ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT};
	struct isal *c = calloc(1, sizeof(*c) + sizes[level]);
	if (!c)
		return err_set_null(e, ERR_OTHER, "out of memory");
	c->encoder = (struct encoder){encode, isal_free};
	isal_deflate_init(&c->z);
	c->z.level = (uint32_t)level;
	c->z.level_buf = c->level_buffer;
	c->z.level_buf_size = sizes[level];
	c->z.gzip_flag = IGZIP_GZIP;
	return &c->encoder;
}

#else

struct encoder *encoder_isal(int level, struct err *e)
{
	(void)level;
	(void)e;
	return NULL;
}

#endif
