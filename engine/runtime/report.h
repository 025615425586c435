/* The channel between launcher and child: a SOCK_SEQPACKET pair whose child end dies with the command's
 * execve. The child says what failed (a whole struct err), hands over the terminal, and as tare-init reports
 * stage and errno (engine/init/handoff.h). */
#ifndef TARE_RUNTIME_REPORT_H
#define TARE_RUNTIME_REPORT_H

#include <stdbool.h>

struct err;
struct runtime_spec;

int report_pair(int *parent_end, int *child_end, struct err *e);

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
 * messages. */
int report_wait(int fd, const struct runtime_spec *spec, int *terminal_fd, struct err *e);

#endif
