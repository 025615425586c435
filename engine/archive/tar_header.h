/* The 512-byte header of a tar entry (POSIX.1-2017, pax): where fields are, and its two kinds of number. */
#ifndef TARE_ARCHIVE_TAR_HEADER_H
#define TARE_ARCHIVE_TAR_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAR_BLOCK_SIZE 512u

enum tar_field {
	TAR_AT_NAME = 0,
	TAR_AT_MODE = 100,
	TAR_AT_UID = 108,
	TAR_AT_GID = 116,
	TAR_AT_SIZE = 124,
	TAR_AT_MTIME = 136,
	TAR_AT_CHECKSUM = 148,
	TAR_AT_TYPE = 156,
	TAR_AT_LINK = 157,
	TAR_AT_MAGIC = 257,
	TAR_AT_MAJOR = 329,
	TAR_AT_MINOR = 337,
	TAR_AT_PREFIX = 345,
};

/* A field of `len` bytes: octal digits, or (first bit set) base 256. An empty field is 0. */
bool tar_signed(const unsigned char *field, size_t len, int64_t *value);
/* The same; negative numbers are refused. */
bool tar_number(const unsigned char *field, size_t len, uint64_t *value);
bool tar_checksum_ok(const unsigned char *header);
bool tar_block_empty(const unsigned char *block);

#endif
