/* The layers of a container as directories and as an overlay of them that is attached nowhere. */
#ifndef TARE_ENGINE_CONTAINER_LAYERS_H
#define TARE_ENGINE_CONTAINER_LAYERS_H

#include <stddef.h>

struct container;
struct err;
struct store;

#define LAYERS_MAX 512

/* O_PATH descriptors, top first. */
struct container_layers {
	int fds[LAYERS_MAX + 2];
	size_t n;
	int userns[LAYERS_MAX + 2]; /* by whose maps it is seen, or -1; borrowed */
	int inverse;                /* a user namespace that shows ids as they are inside, 0: none */
};
void container_layers_close(struct container_layers *l);
#define cleanup_layers __attribute__((cleanup(container_layers_close)))

/* "upper" or "work" of its directory. */
int container_layer_dir(const struct container *c, const char *name, struct err *e);
/* The writable layer, ids in it as they are inside the container's user namespace. */
int container_upper(const struct container *c, struct err *e);
/* The writable layer on top of those that are opened below it. */
int container_layers_add_upper(const struct container *c, struct container_layers *l, struct err *e);
/* Those of the image, or the host directory that takes their place. */
int container_layers_add_lower(
        const struct store *s, const struct container *c, struct container_layers *l, struct err *e);
/* The overlay of them, without and with a writable layer (descriptors). */
int container_layers_mount(const struct container_layers *l, int upper, int work, struct err *e);
/* What the container began with, read-only. */
int container_lower(const struct store *s, const struct container *c, struct err *e);

#endif
