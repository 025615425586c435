/* A container's files as one tree, whether it runs or not, for those that read or write them from outside.
 *
 * Running: the root of its process 1, which is checked to be that process. Stopped: its overlay, with its
 * volumes and binds at their places, in a mount namespace that this process takes for itself; so nothing can
 * be seen from the host, and nothing outlives us however we end. No program of the container is run, no
 * library loaded (CVE-2019-14271). */
#ifndef TARE_ENGINE_CONTAINER_TREE_H
#define TARE_ENGINE_CONTAINER_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "engine/engine.h"

struct err;

enum container_tree_use {
	CONTAINER_TREE_READ,
	CONTAINER_TREE_WRITE, /* one that does not run stays locked: it cannot be started meanwhile */
	CONTAINER_TREE_BARE,  /* read it without what is mounted in it */
};

/* Where something is mounted only while the container runs: here an empty directory. */
struct absent_mount {
	char *destination;
	dev_t dev;
};

struct container_tree {
	struct store store;
	struct container container;
	char *name;                  /* for messages */
	int root;                    /* O_PATH */
	int pidfd;                   /* of process 1, -1: it does not run */
	int hold;                    /* of a volume */
	struct id_maps ids;          /* by which owners are seen in it; empty: as they are inside */
	int userns;                  /* of these maps, for what is mounted in it to be written; 0: none */
	struct volume_locks volumes; /* of one that does not run: nothing is swapped in behind our back */
	bool one_fs;                 /* what is mounted in it may never answer, and is not entered */
	struct absent_mount *absent;
	size_t n_absent;
};
#define CONTAINER_TREE_NO_STORE                                                                              \
	{                                                                                                    \
		.root_fd = -1, .state_fd = -1, .containers_fd = -1, .names_fd = -1,                          \
		.state_containers_fd = -1, .volumes_fd = -1, .layers_fd = -1, .blobs_fd = -1,                \
		.seccomp_fd = -1                                                                             \
	}
#define CONTAINER_TREE_INIT                                                                                  \
	{                                                                                                    \
		.store = CONTAINER_TREE_NO_STORE, .container = CONTAINER_INIT, .root = -1, .pidfd = -1,      \
		.hold = -1                                                                                   \
	}
/* The calling thread gets a mount namespace of its own when the container does not run. */
int container_tree_open(struct container_tree *t, const char *root, const char *state, const char *ref,
        enum container_tree_use use, struct err *e);
/* The same of a volume, which is held. */
int container_tree_open_volume(
        struct container_tree *t, const char *root, const char *state, const char *name, struct err *e);
void container_tree_close(struct container_tree *t);
#define cleanup_container_tree __attribute__((cleanup(container_tree_close)))

/* A path of the tree, its links followed inside it; -1 with errno. */
int container_tree_path(const struct container_tree *t, const char *path, int flags);
/* CONFLICT for a path in what is only mounted while the container runs, by its name; otherwise 0. */
int container_tree_refuse_absent(
        const struct container_tree *t, const char *path, const char *shown, struct err *e);
/* CONFLICT once a container that ran has ended. */
int container_tree_check(const struct container_tree *t, struct err *e);
/* Whether `fd`, found at `path`, can be read, or written to: not what the kernel makes up, what is only there
 * while the container runs, what is read-only. */
int container_tree_judge(const struct container_tree *t, int fd, const char *path, bool write, struct err *e);
/* NULL, or what its owners are to be translated by. */
const struct id_maps *container_tree_ids(const struct container_tree *t);
/* container_tree_stopped.c: the root of one that does not run, in a namespace that is ours already. */
int container_tree_attach(struct container_tree *t, bool write, struct err *e);

#endif
