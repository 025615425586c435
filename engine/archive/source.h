/* Source: the bytes of an archive as they are, read window by window from a descriptor or a callback, while
 * they are counted, hashed and copied. */
#ifndef TARE_ARCHIVE_SOURCE_H
#define TARE_ARCHIVE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct hash;

#define SOURCE_WINDOW ((size_t)256 << 10)

struct source {
	int fd;
	ssize_t (*read)(void *arg, void *data, size_t len, struct err *e); /* instead of fd, when set */
	void *arg;
	int copy_fd; /* -1: no copy */
	struct hash *hash;
	uint64_t bytes;  /* read so far */
	bool end;        /* there are no more */
	size_t pos, len; /* of the window: what is not yet used lies between them */
	unsigned char data[SOURCE_WINDOW];
};

/* Refill the window, which is used up; at the end it stays empty. */
int source_fill(struct source *s, struct err *e);
/* The next bytes, read to where they are wanted, when the window is used up: how many, 0 at the end, -1. */
ssize_t source_read(struct source *s, void *dst, size_t len, struct err *e);
/* Have at least `n` bytes in the window, unless the source ends before. */
int source_want(struct source *s, size_t n, struct err *e);
/* The next `n` bytes, fewer at the end: how many, -1 with e. dst NULL: they are skipped. */
ssize_t source_take(struct source *s, void *dst, size_t n, struct err *e);

#endif
