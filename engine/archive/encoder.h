/* Encoders: one compressed format each, window by window. */
#ifndef TARE_ARCHIVE_ENCODER_H
#define TARE_ARCHIVE_ENCODER_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/* Where compressed bytes go, and the room they are made in. */
struct encoder_sink {
	int (*write)(void *arg, const void *data, size_t len, struct err *e);
	void *arg;
	unsigned char buffer[64 << 10];
};

struct encoder {
	/* Compress `len` bytes; `end`: they are the last ones, and the stream is finished. */
	int (*encode)(struct encoder *c, const void *data, size_t len, bool end, struct encoder_sink *sink,
	        struct err *e);
	void (*free)(struct encoder *c);
};

/* Gzip without name and time; level 1 to 3. ISA-L's is NULL without e where it was not there when this was
 * built. */
struct encoder *encoder_isal(int level, struct err *e);
struct encoder *encoder_zlib(int level, struct err *e);
/* Zstandard with checksum; level 1 to 19. */
struct encoder *encoder_zstd(int level, struct err *e);

#endif
