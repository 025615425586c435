/* A container's log, read record by record over its rotated files, oldest first. Rotation while reading is
 * followed: files are known by their inode, and what has been opened can be read to its end. */
#ifndef TARE_LOG_READER_H
#define TARE_LOG_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/tare.h"

struct err;

#define LOG_STAMP_LEN 30 /* "2026-01-31T10:00:00.123456789Z" */

struct log_record {
	const char *stamp; /* LOG_STAMP_LEN bytes; NULL: the line is not of our format, text is all of it */
	enum tare_log_stream stream;
	bool partial; /* the container's line goes on in the stream's next record */
	const char *text;
	size_t len;
};

struct log_reader {
	int dir_fd; /* borrowed */
	int fd;     /* -1: no log yet */
	ino_t inode;
	uint64_t offset; /* of the next record */
	bool gap;        /* rotation has thrown away something that was not read yet */
	char *buf;       /* [start, end) is read and not given yet */
	size_t start, end;
};

/* At the oldest record. No log at all is no error: there are no records yet. */
int log_reader_open(struct log_reader *r, int dir_fd, struct err *e);
/* At `offset` of the open file `fd`, which is taken. */
int log_reader_open_at(struct log_reader *r, int dir_fd, int fd, uint64_t offset, struct err *e);
void log_reader_close(struct log_reader *r);
/* Move to the last `lines` lines of the container. */
int log_reader_tail(struct log_reader *r, int64_t lines, struct err *e);
/* Move to (at or shortly before) the first record at `stamp` or later. */
int log_reader_since(struct log_reader *r, const char *stamp, struct err *e);
/* 1: a record, valid until the next call; 0: there is none yet; -1 with e. */
int log_reader_next(struct log_reader *r, struct log_record *rec, struct err *e);

#endif
