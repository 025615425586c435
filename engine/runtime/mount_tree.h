/* Mounts by descriptor: made detached, given their attributes, attached to a target that was resolved inside
 * the container's root (R1). No path is walked twice, and none by the kernel's ordinary rules. */
#ifndef TARE_RUNTIME_MOUNT_TREE_H
#define TARE_RUNTIME_MOUNT_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/oci/runtime_spec.h"

struct err;

/* The words of a mount's option list, sorted. */
struct mount_options {
	uint64_t set, clear;  /* MOUNT_ATTR_… */
	uint64_t propagation; /* MS_PRIVATE …, 0 = leave */
	bool recursive;       /* rbind, and propagation to all below */
	bool bind;
	bool top_only; /* the attributes are not for what is mounted below */
	bool chown;    /* what is in it becomes the container's user's */
	char **data;   /* for the file system itself: "size=64k", borrowed from the list */
	size_t n_data;
};
#define MOUNT_DATA_MAX 32
/* `data` has room for MOUNT_DATA_MAX. */
int mount_options_parse(char *const *list, struct mount_options *o, char **data, struct err *e);

/* The container's root as the child works on it. */
struct container_root {
	int fd;                /* O_PATH-like descriptor of its top */
	int proc_fd;           /* our own procfs, attached nowhere (R2); -1 until container_proc() made it */
	int null_fd;           /* /dev/null of the container, checked; -1 until known */
	const int *host_nodes; /* devfs_host_nodes(), or NULL: make them */
	bool has_nodes;        /* /dev has its devices: devfs_make() */
	bool old_mount_api; /* do without mount_setattr(2) (5.12): set by tests, and when the kernel says so
	                     */
};

/* openat2 in the root, refusing every symbolic link on the way. -1 with errno. */
int open_no_links(int dirfd, const char *path, int flags);

/* A detached instance of a file system with data options and attributes; `source` is what mount tables show.
 * The kernel's own words are part of the error. */
int mount_new(
        const char *type, const char *source, char *const *data, size_t n_data, uint64_t attr, struct err *e);
/* A detached copy of what is at fd (an O_PATH descriptor of a file or directory). -1 with errno. */
int mount_copy(int fd, bool recursive);
/* Attach a detached mount at target, then with `o` (may be NULL) change attributes and propagation. */
int mount_attach(
        struct container_root *r, int mount_fd, int target_fd, const struct mount_options *o, struct err *e);
/* Attributes of a mount that is attached or, with mount_setattr(2), also of one that is not yet. */
int mount_change(struct container_root *r, int mount_fd, const struct mount_options *o, struct err *e);

/* O_PATH descriptors of mount targets, made when missing. */
int target_directory(int root_fd, const char *path, struct err *e);
int target_file(int root_fd, const char *path, struct err *e);
/* /proc, /sys, /dev: a link in the image's name would move them elsewhere (CVE-2019-19921). */
int target_real_directory(int root_fd, const char *path, struct err *e);

/* Our own procfs, made on first use. */
int container_proc(struct container_root *r, struct err *e);
/* The same before any namespace is joined, for who may not make one of the pid namespace he lives in. */
int container_proc_outside(struct container_root *r, struct err *e);
/* The procfs of a pid namespace that we don't live in, detached; from Linux 6.18 on. */
int mount_proc_of(int pid_ns, uint64_t attr, struct err *e);

#endif
