/* Raw inflate: a deflate stream without any wrapper, by one of two libraries. */
#ifndef TARE_ARCHIVE_RAW_INFLATE_H
#define TARE_ARCHIVE_RAW_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAW_TAIL_MAX 8

struct raw_inflate {
	void *(*open)(void); /* NULL: out of memory */
	void (*close)(void *state);
	void (*reset)(void *state); /* a new stream begins */
	/* Use up what can be used of *in_len bytes and make at most *out_len: both become the numbers used
	 * and made. 1 at the end of the stream, 0, -1: damage, with *why. */
	int (*step)(void *state, const unsigned char *in, size_t *in_len, unsigned char *out, size_t *out_len,
	        const char **why);
	/* After the end: bytes that were read ahead of it and belong to what follows. */
	size_t (*tail)(void *state, unsigned char dst[RAW_TAIL_MAX]);
	uint32_t (*crc)(uint32_t crc, const void *data, size_t len);
};

extern const struct raw_inflate raw_inflate_zlib;
/* ISA-L, three times as fast; NULL where it was not there when this was built. */
extern const struct raw_inflate *const raw_inflate_isal;

#endif
