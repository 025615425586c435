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
	if (*p != '\n') {
		errno = EINVAL;
		return -1;
	}
	*r = (struct exit_record){
	        .code = (int)v[0], .signal = (int)v[1], .oom_killed = v[2] != 0, .finished = v[3]};
	return 0;
}

int exit_record_write(int state_fd, const struct exit_record *r)
{
	int64_t v[4] = {r->code, r->signal, r->oom_killed, r->finished};
	char line[EXIT_LINE_MAX], *p = line;
	ssize_t n;
	int fd;

	for (int i = 0; i < 4; i++) {
		p = decimal_write(p, v[i]);
		*p++ = i < 3 ? ' ' : '\n';
	}
	fd = openat(state_fd, EXIT_FILE_TMP, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	n = write(fd, line, (size_t)(p - line));
	if (n >= 0 && n != p - line) {
		n = -1;
		errno = ENOSPC;
	}
	close(fd);
	if (n < 0 || renameat(state_fd, EXIT_FILE_TMP, state_fd, EXIT_FILE) < 0) {
		int saved = errno;

		unlinkat(state_fd, EXIT_FILE_TMP, 0);
		errno = saved;
		return -1;
	}
	return 0;
}
