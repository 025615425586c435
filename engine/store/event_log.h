/* The file `events` in the state directory: one JSON object a line, each one O_APPEND write, so that any
 * number of processes add to it without a lock. Past EVENT_LOG_MAX bytes it is renamed to `events.1`, which
 * replaces the older one. */
#ifndef TARE_STORE_EVENT_LOG_H
#define TARE_STORE_EVENT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

#define EVENT_LOG_FILE     "events"
#define EVENT_LOG_FILE_OLD "events.1"
#define EVENT_LINE_MAX     4096 /* with its newline */
#define EVENT_LOG_MAX      (1 << 20)

/* `line` ends with a newline and holds no other. 0, or -1 with errno (EMSGSIZE: too long). */
int event_log_add(int state_fd, const char *line, size_t len);

/* Reading: all that is there, then what is added. */
struct event_reader {
	int state_fd; /* borrowed */
	int fd;
	ino_t inode;
	bool old; /* events.1 is being read */
	uint64_t offset;
	char buf[2 * EVENT_LINE_MAX];
	size_t start, end;
};
/* At the oldest event, or (from_now) behind the newest. */
int event_reader_open(struct event_reader *r, int state_fd, bool from_now, struct err *e);
void event_reader_close(struct event_reader *r);
/* The next line without its newline, terminated, valid until the next call: 1; 0 none yet; -1 with e. A line
 * that is too long is left out. */
int event_reader_next(struct event_reader *r, char **line, size_t *len, struct err *e);

#endif
