/* One clone3: the child that will be a container's process. */
#ifndef TARE_RUNTIME_BIRTH_H
#define TARE_RUNTIME_BIRTH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct launched;

/* 0 in the child, its pid in the caller, -1 with e. cgroup_fd -1: no cgroup of its own. The child is born
 * non-dumpable and dies with the caller until tare-init lifts that. */
pid_t birth(uint64_t flags, int cgroup_fd, int *pidfd, struct err *e);
/* Mark all descriptors from `first` on; `old_kernel` takes the way of those before 5.11 (for tests). -1 with
 * errno. */
int close_on_exec_from(unsigned first, bool old_kernel);
/* In the caller, after a failed launch: kill, reap, close. */
void birth_undo(pid_t pid, int *pidfd);

#endif
