/* Inflate: a descriptor or any other source with plain, gzip (several members), zstd, xz or bzip2 content is
 * read as a stream of uncompressed blocks, while both sides are counted and hashed and one of them can be
 * copied.
 *
 * The kind is told by the first bytes, never by a name or a label. Checksums inside the formats are checked;
 * a stream that ends too early or has garbage behind it is ERR_CORRUPT, and so is one that grows without
 * reason (see inflate.c). */
#ifndef TARE_ARCHIVE_INFLATE_H
#define TARE_ARCHIVE_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/oci/digest.h"

struct err;
struct inflate;

enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD, COMPRESSION_XZ, COMPRESSION_BZIP2 };
const char *compression_name(enum compression c);

struct inflate_options {
	const char *in_alg, *out_alg; /* which digests to compute: "sha256", "sha512", NULL: none */
	int copy_fd; /* the stream is copied here, -1: nowhere: as it is when OCI has a media type for it
	              * (plain, gzip, zstd), uncompressed otherwise */
	/* Where the bytes come from instead of fd, when set: the number of bytes, as few as there are just
	 * now, 0 at the end, -1 with e. May wait. */
	ssize_t (*read)(void *arg, void *data, size_t len, struct err *e);
	void *arg;
	/* Instead of out_alg: SHA-256 of each part that inflate_part() ends, on a thread of its own as well.
	 * They come in order, within inflate_block() and inflate_parts_end(). */
	void (*part)(void *arg, const unsigned char *xxh128);
	void *part_arg;
	/* Pieces (piece.h) are read as what they are, and may unpack to any multiple of their size: files of
	 * zeros are no bomb in a backup that a user names. */
	bool backup;
	/* Of such a stream: told of each that is damaged, in order with the blocks; zeros
	 * stand for its content, if that is lost. NULL: damage ends it. */
	void (*damaged)(void *arg, uint64_t from, uint64_t len, const char *why);
#define INFLATE_CUT_OFF "it is cut off" /* `why` of the last one, when the stream ends in it */
	void *damaged_arg;
	bool hash_aside; /* `out` is computed on a thread of its own, at most four windows of 256 KiB behind
	                  */
	/* A zstd frame says how much history its decoder has to keep: mostly 2 to 8 MiB, up to 128 MiB after
	 * `zstd -22` or --long. A stream that asks for more than this (0: 128 MiB) is refused. */
	uint64_t window_max;
	/* Only what OCI has media types for: plain, gzip, zstd. What xz needs of memory can't be bounded. */
	bool oci_only;
	bool zlib; /* gzip by zlib even where ISA-L is there: tests compare them */
};

struct inflate_result {
	enum compression kind; /* of the input */
	enum compression copy; /* of what went to copy_fd */
	struct digest in, out;
	uint64_t in_bytes, out_bytes;
};

/* fd stays the caller's, -1 with o->read. `o` is read during the call only. NULL with e. */
struct inflate *inflate_open(int fd, const struct inflate_options *o, struct err *e);
/* The next uncompressed bytes, valid until the next call. 1, 0 at the end, -1 with e. */
int inflate_block(struct inflate *in, const void **data, size_t *len, struct err *e);
/* A part of the uncompressed side ends `back` bytes before the end of the block that came last. `wanted`: its
 * digest is. */
void inflate_part(struct inflate *in, size_t back, bool wanted);
/* The digests of all parts that have ended. No block may be asked for after it. */
void inflate_parts_end(struct inflate *in);
/* Read what is left, and give the totals. */
int inflate_finish(struct inflate *in, struct inflate_result *r, struct err *e);
enum compression inflate_kind(const struct inflate *in);
/* Whether it is a stream of pieces, in which not a byte can change without being found. */
bool inflate_in_pieces(const struct inflate *in);
/* Compressed bytes read so far, for progress. */
uint64_t inflate_position(const struct inflate *in);
void inflate_free(struct inflate *in); /* NULL allowed */
void inflate_free_ptr(struct inflate **in);
#define cleanup_inflate __attribute__((cleanup(inflate_free_ptr)))

#endif
