/* The container's output as a file in the CRI log format, one record a line:
 *
 *   2026-01-31T10:00:00.123456789Z stdout F text
 *
 * F ends a line of the container's, P is a piece of one (the output paused there, or 16 KiB were reached).
 * Times are UTC and never decrease, so a point in time is found by bisection. Rotation renames log to
 * log.1 and so on, between two records. A full disk loses records, never half of one, and is noted in the
 * log when there is room again. */
#ifndef TARE_MONITOR_LOG_WRITER_H
#define TARE_MONITOR_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_FILE        "log"
#define LOG_HEADER      40    /* bytes before the text */
#define LOG_PIECE       16384 /* longest text of a record */
#define LOG_FORMAT_AREA 131072

enum output_stream { STREAM_OUT, STREAM_ERR };

struct log_writer {
	int dir_fd, fd; /* fd -1: no log is written */
	uint64_t size;  /* of the file: everything before it is whole records */
	uint64_t max_size;
	unsigned max_files;
	char *area; /* LOG_FORMAT_AREA bytes where records are put together */
	size_t len;
	int64_t last_ns, second;
	char header[LOG_HEADER];
	bool open_line[2]; /* the stream's last record was P */
	bool failing;
	uint64_t lost_records, lost_bytes;
};

/* Returns with fd -1 when the file cannot be opened: the container runs on without a log. */
void log_open(
        struct log_writer *l, int dir_fd, char *area, uint64_t max_size, unsigned max_files, bool wanted);
void log_write(struct log_writer *l, enum output_stream stream, const char *data, size_t len);
/* A line of our own, "[tare: TEXT]", on stderr. */
void log_note(struct log_writer *l, const char *text);
/* At the end: the note on lost records, if one is due. */
void log_finish(struct log_writer *l);

#endif
