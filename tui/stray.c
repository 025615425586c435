/* What was written to standard error while the screen was ours. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "tui/stray.h"

#define STRAY_SHOWN 4096

void stray_catch(struct stray *s)
{
	FILE *file = tmpfile();

	*s = (struct stray){-1, -1};
	if (!file)
		return;
	s->saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	s->file = fcntl(fileno(file), F_DUPFD_CLOEXEC, 3);
	fclose(file);
	if (s->saved >= 0 && s->file >= 0)
		dup2(s->file, STDERR_FILENO);
}

void stray_release(struct stray *s)
{
	char text[STRAY_SHOWN];

	if (s->saved >= 0 && s->file >= 0) {
		dup2(s->saved, STDERR_FILENO);
		off_t size = lseek(s->file, 0, SEEK_END);
		ssize_t n = pread(s->file, text, sizeof text, size > STRAY_SHOWN ? size - STRAY_SHOWN : 0);
		if (n > 0)
			write_all(STDERR_FILENO, text, (size_t)n);
	}
	close_fd(&s->file);
	close_fd(&s->saved);
}
