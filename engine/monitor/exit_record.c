/* The file `exit`: how a run ended, one line. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/monitor/decimal.h"
#include "engine/monitor/handoff.h"

#define EXIT_FILE     "exit"
#define EXIT_FILE_TMP ".exit.tmp"
#define EXIT_LINE_MAX 128

int exit_record_read(int state_fd, struct exit_record *r)
{
	char line[EXIT_LINE_MAX];
	const char *p = line;
	int64_t v[4];
	ssize_t n;
	int fd = openat(state_fd, EXIT_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return -1;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (n < 0)
		return -1;
	line[n] = '\0';
	for (int i = 0; i < 4; i++) {
		if ((i && *p++ != ' ') || !decimal_read(&p, &v[i])) {
			errno = EINVAL;
			return -1;
		}
	}
	bool unknown = !strncmp(p, " 1", 2);
	if (p[unknown ? 2 : 0] != '\n') {
		errno = EINVAL;
		return -1;
	}
	*r = (struct exit_record){.code = (int)v[0],
	        .signal = (int)v[1],
	        .oom_killed = v[2] != 0,
	        .finished = v[3],
	        .unknown = unknown};
	return 0;
}

static int open_tmp(int state_fd)
{
	return openat(state_fd, EXIT_FILE_TMP, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int exit_record_reserve(int state_fd)
{
	static const char blank[EXIT_LINE_MAX];
	int fd = open_tmp(state_fd);

	if (fd >= 0 && write(fd, blank, sizeof(blank)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Over what was reserved, then no longer than it is. */
static int put(int fd, const char *line, size_t len)
{
	ssize_t n = pwrite(fd, line, len, 0);

	if (n >= 0 && n != (ssize_t)len)
		errno = ENOSPC;
	return n == (ssize_t)len && ftruncate(fd, n) == 0 ? 0 : -1;
}

int exit_record_write_reserved(int state_fd, int fd, const struct exit_record *r)
{
	int64_t v[4] = {r->code, r->signal, r->oom_killed, r->finished};
	char line[EXIT_LINE_MAX], *p = line;

	for (int i = 0; i < 4; i++) {
		p = decimal_write(p, v[i]);
		*p++ = ' ';
	}
	if (r->unknown)
		*p++ = '1';
	else
		p--;
	*p++ = '\n';
	if (put(fd, line, (size_t)(p - line)) < 0 ||
	        renameat(state_fd, EXIT_FILE_TMP, state_fd, EXIT_FILE) < 0) {
		int saved = errno;

		unlinkat(state_fd, EXIT_FILE_TMP, 0);
		errno = saved;
		return -1;
	}
	return 0;
}

int exit_record_write(int state_fd, const struct exit_record *r)
{
	int fd = open_tmp(state_fd), rc;

	if (fd < 0)
		return -1;
	rc = exit_record_write_reserved(state_fd, fd, r);
	close(fd);
	return rc;
}
