/* One clone3: the child that will be a container's process. */
#ifndef TARE_RUNTIME_BIRTH_H
#define TARE_RUNTIME_BIRTH_H

#include <stdint.h>
#include <sys/types.h>

struct err;
struct launched;

/* 0 in the child, its pid in the caller, -1 with e. cgroup_fd -1: no cgroup of its own. The child is born
 * non-dumpable and dies with the caller until tare-init lifts that. */
pid_t birth(uint64_t flags, int cgroup_fd, int *pidfd, struct err *e);
/* In the caller, after a failed launch: kill, reap, close. */
void birth_undo(pid_t pid, int *pidfd);

#endif
