/* The mounts of a spec, in its order. */
#ifndef TARE_RUNTIME_MOUNTS_H
#define TARE_RUNTIME_MOUNTS_H

#include "engine/runtime/mount_tree.h"

struct err;
struct runtime_spec;

/* In the launcher, while the host's paths mean what the user meant: a detached copy of every bind source, -1
 * for the other mounts. *fds has spec->n_mounts entries. Their files' ids are mapped by the user namespace,
 * if there is one (-1). */
int mount_sources_open(const struct runtime_spec *spec, int userns_fd, int **fds, struct err *e);
void mount_sources_close(const struct runtime_spec *spec, int **fds);

/* With a pid namespace to be joined (or -1), /proc is of that one, where we never live: into fds, unless the
 * engine has one from the other container. */
int mounts_open_joined_proc(const struct runtime_spec *spec, int pid_ns, int *fds, struct err *e);

/* For a user namespace, before its mounts are made: those of a type that shows the caller's namespaces
 * ("proc", "sysfs"), into fds, where they are not there yet. */
int mounts_make_views(const struct runtime_spec *spec, const char *type, int *fds, struct err *e);

/* The files of /proc that may be mounted over: what resource views like lxcfs replace. */
bool mount_may_cover_proc(const char *destination);

/* In the child. `dev_is_ours`: /dev is a tmpfs made here, to be filled with devices. */
int mounts_make(struct container_root *r, const struct runtime_spec *spec, const int *source_fds,
        bool *dev_is_ours, struct err *e);

#endif
