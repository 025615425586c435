#include "engine/log_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"

#define BLOCK      (256 << 10)
#define HEADER     40 /* bytes of a record before its text */
#define STREAM_AT  31
#define TAG_AT     38
#define RECORD_MAX (HEADER + 16384 + 1)
#define NAME_SIZE  32
#define FILES_MAX  10000
/* A rotation at work leaves one number without a file for a moment. Whoever goes through the numbers while
 * many rotations pass may meet several such gaps in a row; as many as this are the end. */
#define MISSES_MAX 16

/* ------------------------------------------------------------------ files */

static const char *file_name(char dst[NAME_SIZE], unsigned number)
{
	snprintf(dst, NAME_SIZE, number ? "log.%u" : "log", number);
	return dst;
}

/* Is there a file of this number, and which. */
static bool file_inode(int dir_fd, unsigned number, ino_t *inode)
{
	char name[NAME_SIZE];
	struct stat st;

	if (fstatat(dir_fd, file_name(name, number), &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	*inode = st.st_ino;
	return true;
}

static int file_open(int dir_fd, unsigned number)
{
	char name[NAME_SIZE];

	return openat(dir_fd, file_name(name, number), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* The number of the oldest file. */
static unsigned oldest_number(int dir_fd)
{
	unsigned oldest = 0;
	ino_t inode;

	for (unsigned n = 1; n <= oldest + MISSES_MAX && n < FILES_MAX; n++)
		if (file_inode(dir_fd, n, &inode))
			oldest = n;
	return oldest;
}

static int take_file(struct log_reader *r, int fd, uint64_t offset, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(e, ERR_CORRUPT, "the container's log is not a file");
	}
	close_fd(&r->fd);
	r->fd = fd;
	r->inode = st.st_ino;
	r->offset = offset;
	r->start = r->end = 0;
	return 0;
}

static int reader_init(struct log_reader *r, int dir_fd, struct err *e)
{
	*r = (struct log_reader){.dir_fd = dir_fd, .fd = -1};
	r->buf = malloc(BLOCK);
	return r->buf ? 0 : err_no_memory(e);
}

static bool is_oldest(int dir_fd, int fd)
{
	struct stat st;
	ino_t inode;

	return fstat(fd, &st) == 0 && file_inode(dir_fd, oldest_number(dir_fd), &inode) && inode == st.st_ino;
}

/* Open the oldest file when none is open. 1, 0 none there, -1. Rotation may remove it, or give its number to
 * the next one, between finding and opening; under a flood of them the last one opened has to do. */
static int open_oldest(struct log_reader *r, struct err *e)
{
	cleanup_fd int fd = -1;

	for (int tries = 0; tries < 20 && (fd < 0 || !is_oldest(r->dir_fd, fd)); tries++) {
		close_fd(&fd);
		fd = file_open(r->dir_fd, oldest_number(r->dir_fd));
		if (fd < 0 && errno != ENOENT)
			return err_sys(e, "cannot open the container's log");
	}
	if (fd < 0)
		return 0;
	return take_file(r, steal_fd(&fd), 0, e) < 0 ? -1 : 1;
}

int log_reader_open(struct log_reader *r, int dir_fd, struct err *e)
{
	if (reader_init(r, dir_fd, e) < 0)
		return -1;
	if (open_oldest(r, e) < 0) {
		log_reader_close(r);
		return -1;
	}
	return 0;
}

int log_reader_open_at(struct log_reader *r, int dir_fd, int fd, uint64_t offset, struct err *e)
{
	if (reader_init(r, dir_fd, e) < 0) {
		close(fd);
		return -1;
	}
	if (take_file(r, fd, offset, e) < 0) {
		log_reader_close(r);
		return -1;
	}
	return 0;
}

void log_reader_close(struct log_reader *r)
{
	close_fd(&r->fd);
	free(r->buf);
	r->buf = NULL;
}

/* The file after the one that is open. 1 it is open now; 0 there is none (yet); -1. */
static int next_file(struct log_reader *r, struct err *e)
{
	unsigned number, misses = 0;
	ino_t inode;
	int fd;

	for (number = 1; misses < MISSES_MAX && number < FILES_MAX; number++) {
		bool there = file_inode(r->dir_fd, number, &inode);

		if (there && inode == r->inode)
			break;
		misses = there ? 0 : misses + 1;
	}
	if (misses == MISSES_MAX || number == FILES_MAX) {
		r->gap = true;
		return open_oldest(r, e);
	}
	fd = file_open(r->dir_fd, number - 1);
	if (fd < 0)
		return 0;
	/* Rotated meanwhile: then it is not the next one. */
	if (!file_inode(r->dir_fd, number, &inode) || inode != r->inode) {
		close(fd);
		return next_file(r, e);
	}
	return take_file(r, fd, 0, e) < 0 ? -1 : 1;
}

/* ------------------------------------------------------------------ records */

static bool stamp_at(const char *p, size_t len)
{
	return len >= HEADER && p[LOG_STAMP_LEN - 1] == 'Z' && p[10] == 'T' && p[4] == '-' &&
	       p[LOG_STAMP_LEN] == ' ' && p[TAG_AT - 1] == ' ' && (p[TAG_AT] == 'F' || p[TAG_AT] == 'P') &&
	       p[TAG_AT + 1] == ' ' &&
	       (!memcmp(p + STREAM_AT, "stdout", 6) || !memcmp(p + STREAM_AT, "stderr", 6));
}

static void record_parse(const char *line, size_t len, struct log_record *rec)
{
	if (!stamp_at(line, len)) {
		*rec = (struct log_record){.stream = TARE_LOG_OUT, .text = line, .len = len};
		return;
	}
	rec->stamp = line;
	rec->stream = line[STREAM_AT + 3] == 'o' ? TARE_LOG_OUT : TARE_LOG_ERR;
	rec->partial = line[TAG_AT] == 'P';
	rec->text = line + HEADER;
	rec->len = len - HEADER;
}

/* More bytes into the buffer: their number, 0 at the end of the file, -1. */
static ssize_t fill(struct log_reader *r, struct err *e)
{
	ssize_t n;

	if (r->start) {
		memmove(r->buf, r->buf + r->start, r->end - r->start);
		r->end -= r->start;
		r->start = 0;
	}
	do
		n = pread(r->fd, r->buf + r->end, BLOCK - r->end, (off_t)(r->offset + r->end));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, "cannot read the container's log");
	r->end += (size_t)n;
	return n;
}

/* The end of the open file was reached: 1 there is more to read, 0 not yet, -1. */
static int at_end(struct log_reader *r, bool *looked, struct err *e)
{
	ino_t inode;

	if (!file_inode(r->dir_fd, 0, &inode) || inode == r->inode)
		return 0;
	/* Written between our reading and the rotation? Only a second look after it can tell. */
	if (!*looked) {
		*looked = true;
		return 1;
	}
	*looked = false;
	return next_file(r, e);
}

int log_reader_next(struct log_reader *r, struct log_record *rec, struct err *e)
{
	bool looked = false;

	if (r->fd < 0) {
		int rc = open_oldest(r, e);

		if (rc <= 0)
			return rc;
	}
	for (;;) {
		char *line = r->buf + r->start;
		char *newline = memchr(line, '\n', r->end - r->start);
		size_t len = (size_t)((newline ? newline : r->buf + r->end) - line);
		ssize_t n;

		if (newline || len == BLOCK) {
			record_parse(line, len, rec);
			/* A line longer than any of ours comes in pieces. */
			if (!newline)
				rec->partial = true;
			len += newline != NULL;
			r->start += len;
			r->offset += len;
			return 1;
		}
		n = fill(r, e);
		if (n < 0)
			return -1;
		if (n == 0) {
			int rc = at_end(r, &looked, e);

			if (rc <= 0)
				return rc;
		}
	}
}

/* ------------------------------------------------------------------ tail: backwards by blocks */

struct tail {
	int64_t want, lines; /* lines found so far */
	bool any;            /* a record has been seen */
	uint64_t start;      /* of the earliest record that belongs to them, in the file at hand */
};

/* The record at `tag` stands before the ones seen so far. False: it is the first that is not wanted. */
static bool tail_record(struct tail *t, char tag)
{
	if (t->any && tag != 'F')
		return true; /* a piece of the line after it */
	if (t->lines == t->want)
		return false;
	t->lines++;
	t->any = true;
	return true;
}

static char tag_of(const char *record, size_t len)
{
	return stamp_at(record, len) ? record[TAG_AT] : 'F';
}

/* 1: the start was found in this file; 0: all of it is wanted; -1. */
static int tail_file(struct log_reader *r, uint64_t size, struct tail *t, struct err *e)
{
	uint64_t at = size;

	t->start = size;
	while (size) {
		uint64_t lo = at > BLOCK / 2 ? at - BLOCK / 2 : 0;
		uint64_t hi = at + HEADER < size ? at + HEADER : size;
		const char *newline;

		if (pread(r->fd, r->buf, hi - lo, (off_t)lo) != (ssize_t)(hi - lo))
			return err_sys(e, "cannot read the container's log");
		while ((newline = memrchr(r->buf, '\n', at - lo))) {
			at = lo + (uint64_t)(newline - r->buf);
			if (at + 1 == size)
				continue;
			if (!tail_record(t, tag_of(newline + 1, hi - at - 1)))
				return 1;
			t->start = at + 1;
		}
		if (!lo) {
			if (!tail_record(t, tag_of(r->buf, hi)))
				return 1;
			t->start = 0;
			return 0;
		}
		at = lo;
	}
	return 0;
}

int log_reader_tail(struct log_reader *r, int64_t lines, struct err *e)
{
	struct tail t = {.want = lines};
	unsigned oldest = oldest_number(r->dir_fd);
	ino_t before = 0;

	for (unsigned number = 0; number <= oldest + 1; number++) {
		int fd = file_open(r->dir_fd, number), rc;
		struct stat st;

		if (fd < 0 && errno == ENOENT)
			continue; /* a name may be missing for a moment while files are renamed */
		if (fd < 0)
			return err_sys(e, "cannot open the container's log");
		if (fstat(fd, &st) == 0 && st.st_ino == before) {
			close(fd); /* renamed while we looked at it */
			continue;
		}
		if (take_file(r, fd, 0, e) < 0)
			return -1;
		before = r->inode;
		rc = tail_file(r, (uint64_t)st.st_size, &t, e);
		if (rc < 0)
			return -1;
		r->offset = t.start;
		if (rc)
			break;
	}
	return 0;
}

/* ------------------------------------------------------------------ since: bisection */

/* The first of our records at or after `from`: its offset and stamp. 1, 0 none, -1. */
static int record_after(
        struct log_reader *r, uint64_t from, uint64_t *at, char stamp[LOG_STAMP_LEN], struct err *e)
{
	ssize_t n = pread(r->fd, r->buf, 4 * (size_t)RECORD_MAX, (off_t)from);
	char *p = r->buf, *end;

	if (n < 0)
		return err_sys(e, "cannot read the container's log");
	end = p + n;
	if (from) {
		p = memchr(p, '\n', (size_t)n);
		p = p ? p + 1 : end;
	}
	while (p && p < end) {
		if (stamp_at(p, (size_t)(end - p))) {
			*at = from + (uint64_t)(p - r->buf);
			memcpy(stamp, p, LOG_STAMP_LEN);
			return 1;
		}
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : NULL;
	}
	return 0;
}

/* In the open file; *none: everything in it is older. */
static int bisect(struct log_reader *r, const char *stamp, bool *none, struct err *e)
{
	uint64_t lo = 0, hi, at = 0;
	char found[LOG_STAMP_LEN];
	struct stat st;

	if (fstat(r->fd, &st) < 0)
		return err_sys(e, "cannot read the container's log");
	hi = (uint64_t)st.st_size;
	*none = true;
	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;
		int rc = record_after(r, mid, &at, found, e);

		if (rc < 0)
			return -1;
		if (rc && memcmp(found, stamp, LOG_STAMP_LEN) < 0) {
			lo = at + 1;
		} else {
			if (rc)
				*none = false;
			hi = mid;
		}
	}
	/* lo lies within the last older record, or is 0: the reader skips from its end. */
	r->offset = lo ? lo - 1 : 0;
	return 0;
}

int log_reader_since(struct log_reader *r, const char *stamp, struct err *e)
{
	for (unsigned number = oldest_number(r->dir_fd);; number--) {
		int fd = file_open(r->dir_fd, number);
		bool none = true;

		if (fd >= 0) {
			if (take_file(r, fd, 0, e) < 0 || bisect(r, stamp, &none, e) < 0)
				return -1;
			if (!none || !number)
				return 0;
		}
		if (!number)
			return 0;
	}
}
