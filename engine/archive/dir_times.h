/* Directory times: what directories of a tree get when all is written: their times, since every file made in
 * them changes them, and their default ACLs, since every file made in them would inherit them. A tree may
 * have millions, so only a little is kept in memory and the rest in an unnamed file. */
#ifndef TARE_ARCHIVE_DIR_TIMES_H
#define TARE_ARCHIVE_DIR_TIMES_H

#include <stdbool.h>
#include <time.h>

#include "base/buf.h"

struct err;

struct dir_times {
	int root;
	bool in_root; /* as in tree_make.h */
	struct buf recent;
	int spill; /* older ones, -1: none */
};
#define DIR_TIMES_INIT(rootfd, links_in_root)                                                                \
	{                                                                                                    \
		.root = (rootfd), .in_root = (links_in_root), .spill = -1                                    \
	}

/* path is beneath the root, "" the root itself; acl: the value of system.posix_acl_default, at most
 * XATTR_SIZE_MAX bytes, NULL: none. */
int dir_times_add(struct dir_times *d, const char *path, struct timespec mtime, const void *acl,
        size_t acl_len, struct err *e);
/* Set them. What was replaced since by something else is left alone. */
int dir_times_set(const struct dir_times *d, struct err *e);
void dir_times_free(struct dir_times *d);

#endif
