/* Layer pack: a container's writable layer becomes the tar stream of an image layer: the other way round of
 * unpack.h. overlayfs' marks become OCI's: a device 0:0 called NAME is ".wh.NAME", an opaque directory gets
 * ".wh..wh..opq". Owners, modes, times, devices, fifos, hard links, holes, user.*, POSIX ACL and
 * security.capability attributes are kept. The same tree gives the same bytes: names are sorted, and nothing
 * of the file system itself (inode numbers, order of attributes) gets in.
 *
 * The tree is what a container's processes made, so nothing in it is trusted: names are opened one by one
 * beneath the directory given, no link is followed, and nothing but regular files and directories is ever
 * opened. What a layer cannot hold (sockets, names that would read as whiteouts, paths that nobody could
 * unpack) is left out and reported. */
#ifndef TARE_ARCHIVE_LAYER_PACK_H
#define TARE_ARCHIVE_LAYER_PACK_H

#include <stddef.h>
#include <stdint.h>

struct err;

struct layer_pack_options {
	int (*write)(void *arg, const void *data, size_t len, struct err *e);
	/* What is left out, and why; may be NULL. */
	void (*skipped)(void *arg, const char *path, const char *why);
	/* Bytes of files read so far; may be NULL. */
	void (*progress)(void *arg, uint64_t bytes);
	void *arg;
	/* Paths ("etc/hosts") that are left out while they are an empty file or directory: places made for
	 * mounts. Sorted or not; ends with NULL; may be NULL. */
	const char *const *placeholders;
};

struct layer_pack_result {
	uint64_t bytes, entries, skipped; /* of file data; written; left out */
};

int layer_pack(int dirfd, const struct layer_pack_options *o, struct layer_pack_result *r, struct err *e);

#endif
