/* A child on a pseudo terminal of its own. Portable: POSIX and the terminal's size, which POSIX lacks. */
#ifndef TARE_TUI_PTY_H
#define TARE_TUI_PTY_H

#include <sys/types.h>

struct err;

struct pty {
	int fd; /* our side, not blocking; the caller's to close, which hangs up on the child */
	pid_t pid;
};

/* argv[0] is a path. `env`: "NAME=value" replaces or adds, "NAME" takes away; NULL-terminated. The size is
 * set before the child runs. Where it cannot be run it says so on the terminal and ends with 127. 0, or -1
 * with e. */
int pty_spawn(struct pty *p, char *const *argv, const char *const *env, int rows, int cols, struct err *e);
/* The child gets SIGWINCH. */
void pty_resize(int fd, int rows, int cols);

#endif
