#include "engine/store/event_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"

static bool is_current(int state_fd, ino_t inode)
{
	struct stat st;

	return fstatat(state_fd, EVENT_LOG_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == inode;
}

/* Only who holds the lock of a file, and still finds it under its name, may rename it: of two who see it
 * full, the second one would otherwise throw the first one's old file away. */
static void rotate(int state_fd, int fd, ino_t inode)
{
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	if (is_current(state_fd, inode))
		renameat(state_fd, EVENT_LOG_FILE, state_fd, EVENT_LOG_FILE_OLD);
	flock(fd, LOCK_UN);
}

int event_log_add(int state_fd, const char *line, size_t len)
{
	cleanup_fd int fd = -1;
	struct stat st;
	ssize_t n;

	if (len > EVENT_LINE_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	fd = openat(state_fd, EVENT_LOG_FILE,
	        O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return -1;
	n = write(fd, line, len);
	if (n < 0)
		return -1;
	/* A torn line must not swallow the next one. */
	if ((size_t)n < len && write(fd, "\n", 1) < 0)
		return -1;
	if (fstat(fd, &st) == 0 && st.st_size >= EVENT_LOG_MAX)
		rotate(state_fd, fd, st.st_ino);
	return (size_t)n < len ? (errno = ENOSPC, -1) : 0;
}

/* ------------------------------------------------------------------ reading */

/* Open one of the two files: 1, 0 when it is not there, -1. */
static int reader_take(struct event_reader *r, const char *name, bool old, struct err *e)
{
	int fd = openat(r->state_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0) {
		close_fd(&fd);
		return err_sys(e, "cannot open the event log");
	}
	close_fd(&r->fd);
	r->fd = fd;
	r->inode = st.st_ino;
	r->old = old;
	r->offset = 0;
	r->start = r->end = 0;
	return 1;
}

int event_reader_open(struct event_reader *r, int state_fd, bool from_now, struct err *e)
{
	int rc;

	*r = (struct event_reader){.state_fd = state_fd, .fd = -1};
	rc = from_now ? 0 : reader_take(r, EVENT_LOG_FILE_OLD, true, e);
	if (rc == 0)
		rc = reader_take(r, EVENT_LOG_FILE, false, e);
	if (rc < 0)
		return -1;
	if (rc && from_now)
		r->offset = (uint64_t)lseek(r->fd, 0, SEEK_END);
	return 0;
}

void event_reader_close(struct event_reader *r)
{
	close_fd(&r->fd);
}

/* At the end of the open file: 1 go on reading, 0 nothing yet, -1. */
static int reader_end(struct event_reader *r, bool *looked, struct err *e)
{
	if (r->fd >= 0 && is_current(r->state_fd, r->inode))
		return 0;
	/* Renamed, perhaps after an append that came behind our last read: look once more. */
	if (r->fd >= 0 && !*looked) {
		*looked = true;
		return 1;
	}
	*looked = false;
	return reader_take(r, EVENT_LOG_FILE, false, e);
}

static ssize_t reader_fill(struct event_reader *r, struct err *e)
{
	ssize_t n;

	if (r->fd < 0)
		return 0;
	memmove(r->buf, r->buf + r->start, r->end - r->start);
	r->end -= r->start;
	r->start = 0;
	if (r->end == sizeof(r->buf))
		r->end = 0; /* no line of ours: let it go */
	do
		n = pread(r->fd, r->buf + r->end, sizeof(r->buf) - r->end, (off_t)r->offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, "cannot read the event log");
	r->end += (size_t)n;
	r->offset += (uint64_t)n;
	return n;
}

int event_reader_next(struct event_reader *r, char **line, size_t *len, struct err *e)
{
	bool looked = false;

	for (;;) {
		char *newline = memchr(r->buf + r->start, '\n', r->end - r->start);
		ssize_t n;
		int rc;

		if (newline) {
			*line = r->buf + r->start;
			*len = (size_t)(newline - *line);
			*newline = '\0';
			r->start += *len + 1;
			return 1;
		}
		n = reader_fill(r, e);
		if (n < 0)
			return -1;
		if (n > 0)
			continue;
		rc = reader_end(r, &looked, e);
		if (rc <= 0)
			return rc;
	}
}
