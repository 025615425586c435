/* Tar writer: entries with everything that a file system keeps, as a stream of blocks. ustar headers, and a
 * pax header before an entry that they cannot hold: long or odd names, large numbers, fractions of seconds,
 * extended attributes, holes. Nothing in it depends on when or where it is written. */
#ifndef TARE_ARCHIVE_TAR_WRITER_H
#define TARE_ARCHIVE_TAR_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/buf.h"

struct err;

/* What the bytes of a stream are: all that stands before an entry's data, or the data. */
enum tar_part { TAR_PART_HEADER, TAR_PART_DATA, TAR_PART_PADDING };

struct tar_writer {
	int (*write)(void *arg, const void *data, size_t len, struct err *e);
	void *arg;
	/* Where the stream is put together, instead of the buffer below: the next block of `room` bytes, once
	 * the one before was written. NULL: the buffer. */
	unsigned char *(*next)(void *arg);
	size_t room;
	/* A part ends `at` bytes into the block at hand; none without bytes is told. May be NULL. */
	void (*ended)(void *arg, enum tar_part part, size_t at);
	uint64_t written;    /* of the stream: where the next byte stands */
	uint64_t left, size; /* data bytes that the open entry still needs; of all it has */
	struct buf pax;
	size_t len;
	unsigned char *block;
	unsigned char buffer[64 << 10];
};

struct tar_member {
	char type;               /* '0' file, '1' hard link, '2' symbolic link, '3' '4' devices, '5', '6' */
	const char *path, *link; /* link "" where there is none */
	mode_t mode;             /* 07777 */
	uint32_t uid, gid;
	uint64_t size; /* of the data that follows */
	struct timespec mtime;
	unsigned major, minor;
	const struct buf *more; /* further pax records (tar_writer_record()), or NULL */
};

void tar_writer_init(struct tar_writer *w,
        int (*write)(void *arg, const void *data, size_t len, struct err *e), void *arg);
void tar_writer_free(struct tar_writer *w);
/* A pax record, for tar_member.more: "SCHILY.xattr.user.x", … */
void tar_writer_record(struct buf *records, const char *key, const void *value, size_t len);
/* The header; `size` bytes of tar_writer_data() follow, and tar_writer_end(). */
int tar_writer_begin(struct tar_writer *w, const struct tar_member *m, struct err *e);
int tar_writer_data(struct tar_writer *w, const void *data, size_t len, struct err *e);
/* Instead of tar_writer_data(): where its next bytes are to be put, at most *len, 0 when all are there. Then
 * say how many they were. */
void *tar_writer_space(struct tar_writer *w, size_t *len);
int tar_writer_filled(struct tar_writer *w, size_t len, struct err *e);
int tar_writer_end(struct tar_writer *w, struct err *e);
/* What was put together so far goes out; so whoever writes gets it before what comes next. */
int tar_writer_flush(struct tar_writer *w, struct err *e);
/* The end marker, and the rest of the buffer. */
int tar_writer_finish(struct tar_writer *w, struct err *e);

#endif
