/* Unpack: the tar stream of a layer becomes a directory. All that is foreign here is the archive: no name
 * in it is resolved anywhere but beneath the directory given (openat2), nothing is followed out of it, and
 * what could be mistaken for overlayfs' own marks is refused.
 *
 * Whiteouts become what overlayfs understands: ".wh.NAME" a character device 0:0 called NAME, ".wh..wh..opq"
 * the attribute trusted.overlay.opaque on its directory. Owners, modes, times, devices, holes, hard links,
 * user.*, POSIX ACL and security.capability attributes are kept; other attributes are dropped. */
#ifndef TARE_ARCHIVE_UNPACK_H
#define TARE_ARCHIVE_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/archive/inflate.h"

struct err;
struct progress;

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

#endif
