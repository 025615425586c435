/* Directory times: what directories of a layer get when all is written, since every file made in them changes
 * them. A layer may have millions, so only a little is kept in memory and the rest in an unnamed file. */
#ifndef TARE_ARCHIVE_DIR_TIMES_H
#define TARE_ARCHIVE_DIR_TIMES_H

#include <time.h>

#include "base/buf.h"

struct err;

struct dir_times {
	int root;
	struct buf recent;
	int spill; /* older ones, -1: none */
};
#define DIR_TIMES_INIT(rootfd)                                                                               \
	{                                                                                                    \
		.root = (rootfd), .spill = -1                                                                \
	}

/* path is beneath the root, "" the root itself. */
int dir_times_add(struct dir_times *d, const char *path, struct timespec mtime, struct err *e);
/* Set them. What was replaced since by something else is left alone. */
int dir_times_set(const struct dir_times *d, struct err *e);
void dir_times_free(struct dir_times *d);

#endif
