/* User namespaces: their maps, and mounts that show files by them. */
#ifndef TARE_RUNTIME_USER_NAMESPACE_H
#define TARE_RUNTIME_USER_NAMESPACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "engine/oci/id_map.h"

struct err;

/* Give a child in a new user namespace its maps. */
int user_namespace_map(pid_t pid, const struct id_maps *m, struct err *e);
/* A namespace with these maps that no process lives in: a descriptor for mount_idmap(). */
int user_namespace_open(const struct id_maps *m, struct err *e);

/* The child, once it is mapped: becomes root of the namespace it is in, and of no group else. Takes
 * PR_SET_PDEATHSIG up again, which the kernel drops with the change. -1 with e. */
int user_namespace_become_root(struct err *e);

/* In the caller: pipes and sockets become the container's root's, who can then give them to its users.
 * Devices and files are the host's. */
int user_namespace_own_pipes(const int fds[3], const struct id_maps *m, struct err *e);

/* From now on a detached mount, and with `recursive` those in it, show each file's owner as the namespace
 * maps it: an id on disk is the same id inside. `what` is for the error. */
int mount_idmap(int mount_fd, int userns_fd, bool recursive, const char *what, struct err *e);

#endif
