/* The container's root directory: attached, made the root of the mount namespace, closed. */
#ifndef TARE_RUNTIME_ROOT_H
#define TARE_RUNTIME_ROOT_H

#include "engine/runtime/mount_tree.h"

struct err;

/* In the child, in its own mount namespace. Afterwards nothing of the host can be reached but by descriptor.
 */
int root_enter(struct container_root *r, int rootfs_fd, struct err *e);
/* Its last part, for a test that leaves it for later. */
int root_pivot(struct container_root *r, struct err *e);
int root_make_readonly(struct container_root *r, struct err *e);

#endif
