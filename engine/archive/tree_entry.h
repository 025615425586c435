/* What a file system keeps of one file: the same whether it was met in a directory tree (tree_walk.h), in an
 * archive (unpack.h) or in a backup (engine/backup/), and what is needed to make it again (tree_make.h). */
#ifndef TARE_ARCHIVE_TREE_ENTRY_H
#define TARE_ARCHIVE_TREE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define TREE_XATTRS_MAX 60 /* of an entry */

/* Which extended attributes are read, and made. Those of overlayfs never. */
enum tree_xattrs {
	TREE_XATTRS_LAYER, /* user.*, POSIX ACLs, security.capability: what an image's layer keeps */
	TREE_XATTRS_ALL,   /* all that the file system tells */
};

struct tree_xattr {
	const char *name;
	const void *value;
	size_t len;
};

struct tree_entry {
	const char *path; /* relative to the tree's root, "" the root itself; no ".", "..", doubled slash */
	mode_t mode;      /* as st_mode, with the type */
	uint32_t uid, gid;
	uint64_t size; /* of a regular file, holes included; otherwise 0 */
	struct timespec mtime;
	unsigned major, minor;
	const char *target; /* of a symbolic link, else NULL */
	const char *first;  /* another name of the same file, which came before: a hard link; else NULL */
	const struct tree_xattr *xattrs; /* sorted by name */
	size_t n_xattrs;
	/* Only where it was met in a tree: how to tell that it is still the same, and that it may have holes.
	 */
	struct timespec ctime;
	uint64_t dev, ino, blocks; /* of 512 bytes */
	uint32_t links;
	bool mount; /* something is mounted over it, and o->one_fs: what it covers is not told */
};

#endif
