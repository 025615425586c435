/* The source and the destination of a copy, found and held by descriptor: what happens to their names
 * afterwards changes nothing. */
#ifndef TARE_ENGINE_CONTAINER_COPY_SIDE_H
#define TARE_ENGINE_CONTAINER_COPY_SIDE_H

#include <limits.h>
#include <stdbool.h>

#include "engine/container_copy_path.h"

struct container_tree;
struct err;

struct copy_side {
	const struct container_tree *tree; /* NULL: this host */
	const char *shown;                 /* as it was typed */
	struct copy_path path;
};

/* An O_PATH descriptor of the source; a symbolic link itself unless `follow`, or written as a directory. */
int copy_source_open(const struct copy_side *s, bool follow, enum copy_kind *kind, struct err *e);

struct copy_dest {
	int parent;              /* O_PATH, what `name` is in; -1: it has no name ("/") */
	int fd;                  /* O_PATH, -1: there is nothing yet */
	char name[NAME_MAX + 1]; /* where the links that it may be lead to */
	enum copy_kind kind;
};
#define COPY_DEST_INIT                                                                                       \
	{                                                                                                    \
		.parent = -1, .fd = -1                                                                       \
	}
int copy_dest_open(const struct copy_side *s, struct copy_dest *d, struct err *e);
void copy_dest_close(struct copy_dest *d);
#define cleanup_copy_dest __attribute__((cleanup(copy_dest_close)))

#endif
