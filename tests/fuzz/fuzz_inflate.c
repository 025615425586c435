/* Fuzz target: a compressed stream of any bytes. It ends, in whole or with an error that says why, in the
 * same way however its bytes arrive; and what both gzip decoders take is the same to both. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/archive/inflate.h"

#define OUT_MAX ((size_t)4 << 20) /* enough to see a difference */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct feed {
	const char *data;
	size_t left, step;
};

static ssize_t feed(void *arg, void *data, size_t len, struct err *e)
{
	struct feed *f = arg;
	size_t n = f->step < len ? f->step : len;
	(void)e;
	n = n < f->left ? n : f->left;
	memcpy(data, f->data, n);
	f->data += n;
	f->left -= n;
	return (ssize_t)n;
}

/* 0 whole, -1 not, 1 too long to say. */
static int run(const struct buf *packed, size_t step, bool zlib, struct buf *out)
{
	struct feed f = {packed->data, packed->len, step};
	const struct inflate_options o = {.in_alg = "sha256",
	        .out_alg = "sha256",
	        .copy_fd = -1,
	        .read = feed,
	        .arg = &f,
	        .window_max = (uint64_t)8 << 20,
	        .zlib = zlib};
	struct err e = ERR_INIT;
	struct inflate_result r;
	const void *block;
	size_t n;
	int rc = -1;
	cleanup_inflate struct inflate *in = inflate_open(-1, &o, &e);
	while (in && (rc = inflate_block(in, &block, &n, &e)) > 0) {
		if (out->len + n > OUT_MAX)
			return 1;
		buf_add(out, block, n);
	}
	if (rc == 0) {
		rc = inflate_finish(in, &r, &e);
		if (rc == 0 && (r.in_bytes != packed->len || r.out_bytes != out->len || !r.in.hex[0] ||
		                       !r.out.hex[0]))
			abort();
	}
	if (rc < 0 && !e.msg[0])
		abort();
	return rc;
}

/* Most bytes are no stream at all: the first one chooses a beginning. */
static const struct beginning {
	const char *bytes;
	size_t len;
} beginnings[] = {{"", 0}, {"\x1f\x8b\x08", 3}, {"\x1f\x8b\x08\0\0\0\0\0\0\0", 10}, {"\x28\xb5\x2f\xfd", 4},
        {"\x50\x2a\x4d\x18\0\0\0\0\x28\xb5\x2f\xfd", 12}, {"\x1f\x8b\x08\x1e\0\0\0\0\0\0", 10}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_buf struct buf packed = BUF_INIT, whole = BUF_INIT, pieces = BUF_INIT, zlib = BUF_INIT;
	if (size < 2)
		return 0;
	const struct beginning *b = &beginnings[data[0] % (sizeof(beginnings) / sizeof(beginnings[0]))];
	buf_add(&packed, b->bytes, b->len);
	buf_add(&packed, data + 2, size - 2);
	if (packed.len == 0)
		return 0;
	int rc = run(&packed, SIZE_MAX, false, &whole);
	if (run(&packed, 1 + data[1] % 64, false, &pieces) != rc)
		abort();
	if (rc == 0 && (whole.len != pieces.len || memcmp(buf_str(&whole), buf_str(&pieces), whole.len) != 0))
		abort();
	if (run(&packed, SIZE_MAX, true, &zlib) == 0 && rc == 0 &&
	        (whole.len != zlib.len || memcmp(buf_str(&whole), buf_str(&zlib), whole.len) != 0))
		abort();
	return 0;
}
