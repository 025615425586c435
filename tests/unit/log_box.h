/* Log files for tests: written as the monitor writes them, read through a store. */
#ifndef TARE_TESTS_LOG_BOX_H
#define TARE_TESTS_LOG_BOX_H

#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"

#define BOX_START INT64_C(1767261600000000000) /* 2026-01-01T10:00:00Z */

/* An unnamed file. */
static inline int box_file(void)
{
	char path[] = "/tmp/tare-log-XXXXXX";
	int fd = mkstemp(path);

	unlink(path);
	return fd;
}

/* One record, `seconds` after the start. */
static inline void box_record(int fd, double seconds, char stream, char tag, const char *text, size_t len)
{
	char head[64], stamp[TIME_TEXT_SIZE];
	int n = snprintf(head, sizeof(head), "%s std%s %c ",
	        time_format(BOX_START + (int64_t)(seconds * 1e9), stamp), stream == 'o' ? "out" : "err", tag);

	lseek(fd, 0, SEEK_END);
	if (write(fd, head, (size_t)n) < 0 || write(fd, text, len) < 0 || write(fd, "\n", 1) < 0)
		abort();
}

static inline void box_line(int fd, double seconds, const char *text)
{
	box_record(fd, seconds, 'o', 'F', text, strlen(text));
}

#endif
