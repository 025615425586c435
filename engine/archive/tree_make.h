/* Tree make: entries are made beneath a directory, with all their attributes: the other way round of
 * tree_walk.h. All that is foreign here are the entries: no name in them is resolved anywhere but beneath the
 * directory given (openat2), and nothing is followed out of it. What stands in the way of an entry goes, as a
 * later entry of the same name wins; a directory that is there already only gets new attributes. */
#ifndef TARE_ARCHIVE_TREE_MAKE_H
#define TARE_ARCHIVE_TREE_MAKE_H

#include <stdbool.h>

#include "engine/archive/tree_entry.h"

struct err;
struct tree_make;

struct tree_make_options {
	enum {
		TREE_MAKE_LAYER,
		TREE_MAKE_ALL
	} xattrs;           /* as in tree_walk.h; those of overlayfs are refused */
	bool overlay_marks; /* a whiteout that is met is overlayfs' (a device 0:0), not something to refuse */
	bool own;           /* everything belongs to `uid` and `gid` instead of to whom the entries say */
	uint32_t uid, gid;
	bool in_root; /* symbolic links of the tree, absolute ones too, lead to places inside the root, as in
	                 a chroot; otherwise those that lead out are refused */
	bool keep_kind; /* what is there keeps its kind: a file never replaces a directory or the other way
	                   round (docker cp); ERR_CONFLICT */
	bool live; /* other processes may use the tree: a file is made aside and renamed over an old one */
};

struct tree_make *tree_make_new(int dirfd, const struct tree_make_options *o, struct err *e);
/* Make one. A regular file is returned as a descriptor to write to (0 and up), which tree_make_file_end()
 * takes back; for all others 0. -1 with e. */
int tree_make_entry(struct tree_make *m, const struct tree_entry *entry, int *file, struct err *e);
/* Owner, mode, attributes, time; closes *file. `entry` is the one that began it. */
int tree_make_file_end(struct tree_make *m, const struct tree_entry *entry, int *file, struct err *e);
/* Times of directories, which everything made in them changes. */
int tree_make_end(struct tree_make *m, struct err *e);
void tree_make_free(struct tree_make *m); /* NULL allowed */
void tree_make_free_ptr(struct tree_make **m);
#define cleanup_tree_make __attribute__((cleanup(tree_make_free_ptr)))

#endif
