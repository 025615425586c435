/* "container:ID" in a spec, looked up at the moment of a start: the other container's namespaces, /dev/shm
 * and /proc. */
#ifndef TARE_ENGINE_JOIN_H
#define TARE_ENGINE_JOIN_H

#include "engine/oci/runtime_spec.h"

struct err;
struct store;

/* Open namespaces, and the paths by which a child of ours reaches them. */
struct join {
	int fds[NS_KIND_COUNT];
	char paths[NS_KIND_COUNT][32];
	/* the other's /dev/shm and /proc, which belong to its ipc and pid namespace, or NULL */
	struct spec_mount *shm, *proc;
};
/* Points the ns entries of `spec` (a copy whose members are borrowed) at descriptors that are held in `j`. */
int join_resolve(const struct store *s, struct runtime_spec *spec, struct join *j, struct err *e);
void join_close(struct join *j);

#endif
