/* Tree pack: a directory tree becomes a tar stream (tar_writer.h) with everything that a file system keeps:
 * owners, modes, times to the nanosecond, extended attributes, ACLs, hard links, holes, devices. The same
 * tree gives the same bytes. For layers of images see layer_pack.h. */
#ifndef TARE_ARCHIVE_TREE_PACK_H
#define TARE_ARCHIVE_TREE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/archive/tree_walk.h"

struct err;

struct tree_pack_options {
	/* With `digest`, by a thread of its own; behind the call of tree_pack() no more. */
	int (*write)(void *arg, const void *data, size_t len, struct err *e);
	/* What the tree is called in the archive: "" (entries "./", "./a"), or a name ("etc": "etc/",
	 * "etc/a"; for a single file just its name). */
	const char *prefix;
	/* Of each entry, before it is written: where it begins in the stream, and how much data follows its
	 * header (of a file with holes: their map, too). May be NULL. */
	int (*entry)(void *arg, const struct tree_entry *entry, uint64_t at, uint64_t data, struct err *e);
	/* SHA-256 of each entry's header blocks, and of its data where it has any, in this order; computed on
	 * a thread of its own, so they come later, when other entries have begun, but all before tree_pack()
	 * returns. NULL: none are made. */
	void (*digest)(void *arg, const unsigned char *xxh128);
	void (*skipped)(void *arg, const char *path, const char *why);
	bool (*excluded)(void *arg, const char *path);
	void (*progress)(void *arg, uint64_t bytes); /* of files read so far */
	void *arg;
	enum tree_xattrs xattrs;
	const struct id_maps *ids; /* of tree_walk() */
	bool one_fs, long_paths_fail;
	bool open_end; /* no end marker: the caller adds further entries with its own tar_writer */
};

struct tree_pack_result {
	uint64_t bytes, entries, skipped; /* of file data; written; left out */
	uint64_t length;                  /* of the stream */
};

/* dirfd: a directory (O_PATH will do), whose content and itself are packed. A file that changes its size
 * while it is read is packed with the size it had at first, filled with zeros, and reported as skipped() "it
 * changed". */
int tree_pack(int dirfd, const struct tree_pack_options *o, struct tree_pack_result *r, struct err *e);

#endif
