/* What is in the container's /dev, and the paths of /proc and /sys that are hidden or read-only. */
#ifndef TARE_RUNTIME_DEVFS_H
#define TARE_RUNTIME_DEVFS_H

#include "engine/runtime/mount_tree.h"

struct err;
struct runtime_spec;
struct spec_mount;

/* In the launcher, where mknod(2) is not permitted (no CAP_MKNOD): detached copies of the host's nodes to
 * bind in their place. */
#define DEVFS_NODES 6
int devfs_host_nodes(int fds[DEVFS_NODES], struct err *e);

/* In the launcher, for a container with a user namespace: the detached tmpfs that `m` describes, owned by the
 * container's root, with all nodes and devices in it. 1: this process may make no devices either. */
int devfs_make(const struct runtime_spec *spec, const struct spec_mount *m, int *mount_fd, struct err *e);

/* Docker's nodes and links (when /dev is ours), then the spec's devices. Leaves r->null_fd. */
int devfs_fill(struct container_root *r, const struct runtime_spec *spec, bool dev_is_ours, struct err *e);
/* /dev/console becomes the container's terminal. */
int devfs_console(struct container_root *r, int slave, struct err *e);

#endif
