/* Tree walk: every file of a directory tree, parents before what is in them, names sorted by their bytes, so
 * the same tree gives the same sequence.
 *
 * The tree is what a container's processes made and may change while it is walked, so nothing in it is
 * trusted: names are opened one by one beneath the directory given, no link is followed, and nothing but
 * regular files and directories is ever opened for reading. */
#ifndef TARE_ARCHIVE_TREE_WALK_H
#define TARE_ARCHIVE_TREE_WALK_H

#include <stdbool.h>

#include "engine/archive/tree_entry.h"

struct err;
struct id_maps;
struct tree_walk;

enum tree_walk_next {
	TREE_WALK_ON = 0,
	/* The client left it out: so is what is in this directory, and other names of this file are not given
	 * as hard links to it. */
	TREE_WALK_NOT_INTO = 1,
};

struct tree_walk_options {
	/* Called for each entry, the root ("") first, its attributes without xattrs; `entry` and what it
	 * points to are valid during the call. Returns TREE_WALK_… or -1 with e. */
	int (*entry)(void *arg, struct tree_walk *w, const struct tree_entry *entry, struct err *e);
	/* What cannot be had in an archive (sockets, …); may be NULL. */
	void (*skipped)(void *arg, const char *path, const char *why);
	/* Asked before an entry is opened at all; true leaves it and what is in it out. May be NULL. */
	bool (*excluded)(void *arg, const char *path);
	void *arg;
	enum tree_xattrs xattrs;
	/* NULL, or of a user namespace whose files these are: owners, and whom ACLs and capabilities name,
	 * are given as they are called inside. */
	const struct id_maps *ids;
	bool one_fs; /* what is mounted in the tree is given as a place only (a directory that is not entered,
	                an empty file, without xattrs); see tree_entry.mount */
	bool long_paths_fail; /* a path that nobody could unpack is an error instead of being skipped */
};

/* dirfd may be O_PATH, and may be a single file, link or device: that is one entry then, with the path "".
 * ERR_… with the path quoted, control characters made harmless. Entries that vanish during the walk are left
 * out. */
int tree_walk(int dirfd, const struct tree_walk_options *o, struct err *e);

/* Within entry(), about the entry at hand. An entry that is asked neither of these costs no open for reading.
 * The regular file or directory opened for reading; the walk's own, closed after the call. -1 with e. */
int tree_walk_open(struct tree_walk *w, struct err *e);
/* Reads the extended attributes into entry->xattrs (a copy of what entry() got; valid during the call). */
int tree_walk_xattrs(struct tree_walk *w, struct tree_entry *entry, struct err *e);

#endif
