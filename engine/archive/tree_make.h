/* Tree make: entries are made beneath a directory, with all their attributes: the other way round of
 * tree_walk.h. All that is foreign here are the entries: no name in them is resolved anywhere but beneath the
 * directory given (openat2), and nothing is followed out of it. What stands in the way of an entry goes, as a
 * later entry of the same name wins; a directory that is there already only gets new attributes. */
#ifndef TARE_ARCHIVE_TREE_MAKE_H
#define TARE_ARCHIVE_TREE_MAKE_H

#include <stdbool.h>

#include "engine/archive/tree_entry.h"

struct err;
struct id_maps;
struct tree_make;

struct tree_make_options {
	enum tree_xattrs xattrs; /* others are dropped; those of overlayfs are refused */
	/* A device 0:0 is overlayfs' whiteout: it says what the layers below have lost, and a directory made
	 * in its place is opaque. Otherwise it is a device like others. */
	bool overlay_marks;
	bool own; /* everything belongs to `uid` and `gid` instead of to whom the entries say */
	uint32_t uid, gid;
	/* NULL, or of a user namespace whose files these become: entries' owners, and whom their ACLs and
	 * capabilities name, are called so inside. `uid` and `gid` are not. */
	const struct id_maps *ids;
	bool in_root;   /* symbolic links in the way to an entry, absolute ones too, lead to places inside the
	                   root, as in a chroot; otherwise those that lead out are refused */
	bool keep_kind; /* what is there keeps its kind: a file never replaces a directory or the other way
	                   round (docker cp); ERR_CONFLICT */
	bool live; /* other processes may use the tree: what is no directory is made aside and renamed over an
	              old one */
	bool any_parents; /* directories that no entry describes are made however many they are: who gives the
	                     entries is trusted so far */
	/* An attribute that this file system cannot keep; may be NULL. */
	void (*dropped)(void *arg, const char *path, const char *what);
	void *arg;
};

struct tree_make *tree_make_new(int dirfd, const struct tree_make_options *o, struct err *e);
/* Make one; 0, or -1 with e, the path quoted. What is not there yet of its parents is made, 0755. For a
 * regular file (that is no hard link) *file is the descriptor to write its data to, which
 * tree_make_file_end() takes back; for all others, and on failure, -1. Its size becomes entry->size there, so
 * holes need no writing. Paths and targets are checked here: "..", "." and empty names in them are refused.
 */
int tree_make_entry(struct tree_make *m, const struct tree_entry *entry, int *file, struct err *e);
/* Owner, mode, attributes, time; closes *file, on failure too. `entry` is the one that began it. */
int tree_make_file_end(struct tree_make *m, const struct tree_entry *entry, int *file, struct err *e);
/* The directory `path` hides what the layers below have in it (".wh..wh..opq"); overlay_marks only. */
int tree_make_opaque(struct tree_make *m, const char *path, struct err *e);
/* Times of directories, which everything made in them changes, and their default ACLs, which everything made
 * in them would inherit. */
int tree_make_end(struct tree_make *m, struct err *e);
void tree_make_free(struct tree_make *m); /* NULL allowed */
void tree_make_free_ptr(struct tree_make **m);
#define cleanup_tree_make __attribute__((cleanup(tree_make_free_ptr)))

#endif
