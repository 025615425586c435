/* What launcher and child say to each other. Over a SOCK_SEQPACKET pair, which ends where the child becomes
 * tare-init: what failed (a whole struct err), the terminal. Over a pipe, which ends with the command's
 * execve: what tare-init reports (engine/init/handoff.h). Who joins a container holds the pipe where the
 * container can see it, so the launcher believes nothing of it that could do harm. */
#ifndef TARE_RUNTIME_REPORT_H
#define TARE_RUNTIME_REPORT_H

#include <stdbool.h>
#include <sys/types.h>

struct err;
struct runtime_spec;

struct report_ends {
	int talk, init; /* the socket; the pipe */
};
#define REPORT_ENDS_NONE                                                                                     \
	{                                                                                                    \
		-1, -1                                                                                       \
	}
int report_open(struct report_ends *launcher, struct report_ends *child, struct err *e);
void report_close(struct report_ends *r);

/* Child: the last word before dying. */
_Noreturn void report_die(int fd, const struct err *e);
int report_send_terminal(int fd, int master, struct err *e);

/* Child: wait until the launcher has done its part. Fails when the launcher is gone. */
int report_await_go(int fd, struct err *e);
/* In the child, which takes PR_SET_PDEATHSIG up again: whether it came in time. -1 with e when it did not. */
int report_launcher_lives(int fd, struct err *e);

/* Parent: what the child waits for. */
void report_go(int fd);
/* Parent: of a child that is dead, the error that it reported, if it did. */
bool report_take_error(int fd, struct err *e);
/* Parent: wait for the command's execve. 0, with the terminal's master (or -1); -1 with e. `spec` for
 * messages. *born: the child's pid; becomes that of our other child who goes on in its place. */
int report_wait(const struct report_ends *r, const struct runtime_spec *spec, int *terminal_fd, pid_t *born,
        struct err *e);

#endif
