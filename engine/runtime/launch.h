/* A launch becomes a process (create.c), and a process joins a running container (enter.c).
 *
 * The caller is the process that will be, or become, the container's supervisor: the container is its
 * child. Both calls return once the command has been executed (or could not be). */
#ifndef TARE_RUNTIME_LAUNCH_H
#define TARE_RUNTIME_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/proc.h"
#include "engine/oci/capability.h"
#include "engine/oci/runtime_spec.h"
#include "engine/runtime/cgroup.h"

struct err;

/* A compiled seccomp filter: an array of struct sock_filter. */
struct seccomp_filter {
	void *insns;
	size_t n_insns;
};

/* Compile (or read from the cache directory, a descriptor, -1 = no cache) the profile in Docker's format at
 * `profile_path` for the given capabilities (bounding set). "unconfined" gives n_insns 0.
 * (Not "seccomp_load": libseccomp has that name.) */
int seccomp_filter_load(
        const char *profile_path, uint64_t caps, int cache_dir_fd, struct seccomp_filter *out, struct err *e);
void seccomp_filter_free(struct seccomp_filter *f);

/* The root file system as a detached mount: lowers from top to bottom as O_PATH directory descriptors,
 * upper and work as descriptors or -1 for a read-only one. `throw_away`: the upper layer will not be used
 * again after a crash (overlay "volatile"). Works for any number of layers on every kernel since 5.10. */
struct rootfs_overlay {
	const int *lower_fds;
	size_t n_lower;
	int upper_fd, work_fd;
	bool throw_away;
	/* NULL, or for each lower a user namespace whose maps say what its files' ids are to be
	 * (user_namespace.h), -1: what they are. Needs 5.19. Never the upper: that would make the overlay
	 * read-only without a word. */
	const int *lower_userns;
};
int rootfs_mount_overlay(const struct rootfs_overlay *o, struct err *e); /* mount descriptor or -1 */

struct launched;
struct launch {
	const struct runtime_spec *spec;
	int userns_fd; /* with a private user namespace: one of the same maps, else -1 */
	int rootfs_fd; /* detached mount; attached by the child, so good for one launch; stays open */
	const struct cgroup *cgroup;          /* or NULL */
	const struct seccomp_filter *seccomp; /* or NULL */
	int stdio[3]; /* become 0, 1, 2 when spec->terminal is false; chowned to the container's user */
	const char *init_path; /* tare-init */
	/* Called in the caller when the child's namespaces exist, while it makes its mounts; its command is
	 * not executed before this has returned 0. -1 with e: the launch fails. Of `launched` pidfd and
	 * id.pid are set; with another's pid namespace they are of a process that another goes on for.
	 * NULL: nothing. */
	int (*born)(const struct launched *child, void *arg, struct err *e);
	void *born_arg;
};

struct launched {
	struct proc_id id;
	int pidfd;
	int terminal_fd; /* master of the container's terminal, or -1 */
	/* The detached mount that tare-init was executed from, or -1. Its last close waits for a kernel grace
	 * period (50 us to some ms): keep it until nobody waits for you, best in the monitor, from which
	 * launch_enter() callers can take it again. */
	int hold_fd;
};
/* 0; -1 with e (kinds NO_COMMAND, NOT_EXECUTABLE, …): the child is dead and reaped then. */
int launch_create(const struct launch *l, struct launched *out, struct err *e);

struct enter {
	/* process part only is used: args env cwd user caps …; init: a reaper stays as the command's parent
	 */
	const struct runtime_spec *spec;
	struct proc_id target; /* the container's process 1 */
	const struct cgroup *cgroup;
	const struct seccomp_filter *seccomp;
	int stdio[3]; /* as above; with spec->terminal a terminal is made inside the container's devpts */
	const char *init_path;
	int init_fd; /* the container's hold_fd, when it is at hand and still the same program; or -1 */
};
int launch_enter(const struct enter *x, struct launched *out, struct err *e);

uint64_t capability_bounding(void); /* of this process: every set is intersected with it */

#endif
