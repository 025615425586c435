/* Unpack: the tar stream of a layer becomes a directory. All that is foreign here is the archive: no name
 * in it is resolved anywhere but beneath the directory given (openat2), nothing is followed out of it, and
 * what could be mistaken for overlayfs' own marks is refused.
 *
 * Whiteouts become what overlayfs understands: ".wh.NAME" a character device 0:0 called NAME, ".wh..wh..opq"
 * the mark "opaque" on its directory (overlay_mark.h). Owners, modes, times, devices, holes, hard links,
 * user.*, POSIX ACL and security.capability attributes are kept; other attributes are dropped. */
#ifndef TARE_ARCHIVE_UNPACK_H
#define TARE_ARCHIVE_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/archive/inflate.h"
#include "engine/archive/tree_make.h"

struct err;
struct progress;
struct tar_entry;
struct tar_reader;

struct unpack_options {
	bool open_end;             /* no end marker is needed: the caller checks a digest */
	struct progress *progress; /* may be NULL */
	const char *label;         /* for progress */
	uint64_t total;            /* compressed bytes, 0 unknown */
};

struct unpack_result {
	uint64_t bytes, entries; /* of file data; of files, directories and so on */
};

/* On failure what was made so far stays in dirfd; the caller removes it. */
int unpack_layer(struct inflate *in, int dirfd, const struct unpack_options *o, struct unpack_result *r,
        struct err *e);

enum unpack_next {
	UNPACK_MAKE = 0,
	UNPACK_READ = 1,  /* nothing is made of it, but its data goes to data() and done() is called */
	UNPACK_LEAVE = 2, /* nothing is made of it and nothing said */
};

/* Any archive of a tree, with plain names: ".wh." means nothing in it, and a device 0:0 is a device. */
struct unpack_tree_options {
	struct tree_make_options make;
	struct progress *progress; /* may be NULL */
	const char *label;         /* for progress */
	const char *doing;         /* the same: NULL "unpacking" */
	uint64_t total;            /* compressed bytes, 0 unknown */
	/* All may be NULL. Before each entry: its path is in the form that tree_entry.h says, whatever the
	 * archive wrote ("./a//b/"). It may change all of it (path, first, owner; what it points to has to
	 * stay until done()). Returns UNPACK_… or -1 with e. */
	int (*entry)(void *arg, struct tree_entry *entry, struct err *e);
	/* The data of a file as it stands in the archive (of a sparse one that of its pieces), in turn. */
	int (*data)(void *arg, const struct tree_entry *entry, const void *data, size_t len, struct err *e);
	/* The entry is whole: made, or, UNPACK_READ, read. */
	int (*done)(void *arg, const struct tree_entry *entry, struct err *e);
	void *arg;
};

/* The reader is the caller's, so that it can look at what it says of headers and padding. On failure what was
 * made so far stays in dirfd. */
int unpack_tree(struct tar_reader *t, int dirfd, const struct unpack_tree_options *o, struct unpack_result *r,
        struct err *e);

/* What an entry says, but for its names and extended attributes: for who reads an archive without making
 * anything of it. */
void unpack_describe(const struct tar_entry *t, struct tree_entry *entry);

#endif
