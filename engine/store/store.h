/* The directories of the engine, opened and checked: `root` (lasting) and `state` (gone after a reboot).
 * What is where stands in README.md, "On disk". Every directory is 0700, owned by us, opened by
 * O_NOFOLLOW, and held as a descriptor: no path is walked twice. */
#ifndef TARE_STORE_STORE_H
#define TARE_STORE_STORE_H

#include <stdbool.h>

struct err;

#define STORE_FORMAT        1
#define STORE_ROOT_DEFAULT  "/var/lib/tare"
#define STORE_STATE_DEFAULT "/run/tare"

struct store {
	char *root, *state; /* absolute paths */
	int root_fd, state_fd;
	int containers_fd; /* root/containers */
	int names_fd;      /* root/names: NAME -> ID links, made with O_EXCL semantics: the claim of a name */
	int state_containers_fd; /* state/containers */
	int volumes_fd;          /* root/volumes */
	int layers_fd;           /* root/layers */
	int blobs_fd;            /* root/blobs */
	int seccomp_fd;          /* root/seccomp */
};

/* Make what is missing and check `format`: newer is refused, with the version that can read it. NULL paths
 * mean the defaults. */
int store_open(struct store *s, const char *root, const char *state, struct err *e);
void store_close(struct store *s);
#define cleanup_store __attribute__((cleanup(store_close)))

#endif
