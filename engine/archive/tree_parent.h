/* Tree parent: the directory that an entry is made in, found beneath the tree's root and nowhere else, and
 * made where it is missing. */
#ifndef TARE_ARCHIVE_TREE_PARENT_H
#define TARE_ARCHIVE_TREE_PARENT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "engine/archive/tree_make.h"

struct tree_parent {
	int root;
	const struct tree_make_options *options;
	int fd;              /* the directory that `path` is; O_PATH, -1: none is held */
	char path[PATH_MAX]; /* relative, "" the root */
	uint64_t entries;    /* made so far, by whom this belongs to */
	uint64_t implied;    /* directories made for entries that came without them */
};

/* p->fd becomes the directory `path`. 0, -1 with e. */
int tree_parent_enter(struct tree_parent *p, const char *path, struct err *e);
/* A descriptor (O_PATH) of a directory that is there; -1 with errno. */
int tree_parent_resolve(const struct tree_parent *p, const char *path);
/* What the errno of that means. -1. */
int tree_parent_error(struct err *e);
void tree_parent_leave(struct tree_parent *p);

/* A device 0:0, where it is overlayfs' mark. */
bool tree_parent_whiteout(const struct tree_parent *p, const struct stat *st);
/* A new directory in p->fd or another `dir` where a whiteout was: it hides what is below it, all of it. */
int tree_parent_make_opaque(const struct tree_parent *p, int dir, const char *name, struct err *e);
int tree_parent_set_opaque(int dir, struct err *e);

#endif
