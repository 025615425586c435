/* The mounts below a mount, for kernels on which no call changes them together with it (before 5.12). */
#ifndef TARE_RUNTIME_MOUNT_BELOW_H
#define TARE_RUNTIME_MOUNT_BELOW_H

struct err;

/* `visit` for each, by an O_PATH descriptor of its top; `proc_fd` is our own procfs. The first that fails
 * ends it: -1 with e. */
int mounts_below(
        int proc_fd, int mount_fd, int (*visit)(int fd, void *arg, struct err *e), void *arg, struct err *e);

#endif
