/* How a process ended that is not our child. */
#ifndef TARE_MONITOR_EXIT_STATUS_H
#define TARE_MONITOR_EXIT_STATUS_H

#include <sys/types.h>

/* Of a process whose end its pidfd has reported (poll), opened before that: its wait status. -1: its parent
 * has taken it, and this kernel does not tell anybody else. */
int exit_status_of(int pidfd, pid_t pid, int *status);

#endif
