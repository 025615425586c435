/* Tar manifest: the last member of a backup's archive, an mtree(5) text with a line for each entry, in their
 * order. It is made while the archive is written, and made again while it is read: that both are the same is
 * what says that not a byte of the archive has changed.
 *
 *   #mtree
 *   # tare-backup 1
 *   ./etc/hosts type=file mode=0644 uid=0 gid=0 size=12 time=1700000000.000000001 at=1024 header=HEX
 *           xxh128=HEX                              (one line)
 *   # sha256 HEX zstd          of all lines above; how the archive was compressed: none, gzip or zstd
 *
 * Keywords of our own: `at`, where the entry's first header stands in the archive; `header`, XXH3 (128 bits,
 * as xxh128sum writes it) of all header blocks, so of attributes and xattrs, too; `xxh128`, that of its
 * content; `data` and `archived`, length and XXH3 of what the archive has of a file with holes, instead of
 * its content's; `hardlink`, the first name of the same file. */
#ifndef TARE_BACKUP_TAR_MANIFEST_H
#define TARE_BACKUP_TAR_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/archive/inflate.h"
#include "engine/archive/tree_entry.h"
#include "engine/oci/digest.h"

struct hash;
struct tar_member;

#define TAR_MANIFEST_NAME ".tare-backup.mtree"

struct tar_manifest {
	/* private: */
	struct buf text; /* the end of it: what is not in `spill` yet */
	int spill;       /* an unnamed file, -1: not needed so far */
	uint64_t size;   /* of all */
	uint64_t *slots; /* where digests that are still to come belong; 0: nowhere */
	size_t first, n_slots, cap;
	struct hash *hash;
	struct digest digest; /* of the lines, when it has ended */
	bool torn;            /* lines whose digests never come are right */
	struct err err;       /* what went wrong where nobody could be told */
};
#define TAR_MANIFEST_INIT                                                                                    \
	{                                                                                                    \
		.spill = -1                                                                                  \
	}
int tar_manifest_begin(struct tar_manifest *m, struct err *e);
/* A line. `at` and `data` as tree_pack.h tells them. Its digest of the header, and that of its data where it
 * has any, come by tar_manifest_digest() in the order of the lines, any time later. */
int tar_manifest_add(
        struct tar_manifest *m, const struct tree_entry *entry, uint64_t at, uint64_t data, struct err *e);
/* A digest is going to come that belongs to no line. */
int tar_manifest_drop(struct tar_manifest *m, struct err *e);
void tar_manifest_digest(struct tar_manifest *m, const unsigned char *xxh128);
/* All digests have come: the last line. Then all of it is in `spill`. */
int tar_manifest_end(struct tar_manifest *m, enum compression kind, struct err *e);
/* The finished text, from its beginning. */
int tar_manifest_read(struct tar_manifest *m,
        int (*each)(void *arg, const void *data, size_t len, struct err *e), void *arg, struct err *e);
void tar_manifest_free(struct tar_manifest *m);
#define cleanup_tar_manifest __attribute__((cleanup(tar_manifest_free)))

/* How it stands in the archive. */
void tar_manifest_member(struct tar_member *member, uint64_t size);
/* XXH3 of that member's header block. */
int tar_manifest_header(uint64_t size, unsigned char *xxh128, struct err *e);
bool tar_manifest_is(const struct tree_entry *entry);

/* ---- as it was read ---- */

/* Whether the text in `fd` is what was written, by its last line, which is told. 1, 0, -1 with e. */
int tar_manifest_check(int fd, uint64_t size, struct digest *lines, enum compression *kind, struct err *e);

struct tar_manifest_line {
	char *path; /* decoded, without "./": "" is the root; NULL: the line is none of an entry */
	uint64_t at, data;
	const char *header, *content; /* digests' digits in the line itself, NULL: none */
};
/* `line`, without its newline, is changed in place; what comes out points into it. False: it makes no sense.
 */
bool tar_manifest_parse(char *line, struct tar_manifest_line *l);

#endif
