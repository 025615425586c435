/* Tar reader: ustar, pax, GNU and old v7 archives, entry by entry, from an inflate stream. It only says
 * what stands in the archive; which names and kinds are acceptable is decided by who uses them. Every length
 * that the archive states is bounded here. */
#ifndef TARE_ARCHIVE_TAR_READER_H
#define TARE_ARCHIVE_TAR_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/buf.h"
#include "engine/archive/inflate.h"

struct err;

enum tar_type { TAR_FILE, TAR_HARDLINK, TAR_SYMLINK, TAR_CHAR, TAR_BLOCK, TAR_DIR, TAR_FIFO };

/* A piece of a sparse file that has data. */
struct tar_piece {
	uint64_t offset, len;
};

struct tar_xattr {
	const char *name;
	const void *value;
	size_t len;
};

#define TAR_MAX_XATTRS 64

struct tar_entry {
	enum tar_type type;
	const char *path, *link; /* as written, never NULL; no NUL inside */
	mode_t mode;             /* 07777 */
	uint32_t uid, gid;
	uint64_t size; /* of the file, holes included */
	uint64_t data; /* bytes in the archive */
	struct timespec mtime;
	unsigned major, minor;
	struct tar_xattr xattrs[TAR_MAX_XATTRS];
	size_t n_xattrs;
	bool sparse;
	const struct tar_piece *pieces; /* of a sparse file, ascending */
	size_t n_pieces;
};

struct tar_reader {
	struct inflate *in;
	bool open_end; /* an archive without end marker is accepted (its digest says that it is whole) */
	bool parts;    /* `in` was opened with `part`: it is told where each header and each data ends */
	bool endless;  /* more than 5,000,000 entries are right */
	/* About the entry at hand: where its first header stands in the stream, and how much data follows the
	 * last one (of a sparse file: with its map). */
	uint64_t at, stored;
	uint64_t position; /* in the stream: what was used of it */
	bool dirty;        /* padding that was skipped so far is not all zeros */
	bool ended;        /* there is no more of the stream, or it failed */
	bool headed;       /* the header of the entry at hand has ended as a part */
	/* private */
	bool recognised; /* a header was right: from here on what is wrong is damage */
	const unsigned char *p;
	unsigned char pushed[512]; /* a header that was read already */
	bool has_pushed;
	size_t left;             /* in the current block of the stream */
	uint64_t data_left, pad; /* of the current entry */
	struct tar_entry entry;
	struct buf path, link, pax, sparse_map;
	uint64_t n_entries;
	/* what pax records and GNU long names said about the coming entry */
	struct {
		bool size, uid, gid, mtime, real_size;
		uint64_t size_value, real_size_value;
		uint32_t uid_value, gid_value;
		struct timespec mtime_value;
		unsigned sparse_major, sparse_minor;
		bool sparse;
	} over;
};

#define TAR_READER_INIT(stream)                                                                              \
	{                                                                                                    \
		.in = (stream)                                                                               \
	}
void tar_reader_free(struct tar_reader *t);
#define cleanup_tar_reader __attribute__((cleanup(tar_reader_free)))

/* The next entry, valid until the next call. 1, 0 at the end, -1 with e. Data not read is skipped. */
int tar_next(struct tar_reader *t, const struct tar_entry **entry, struct err *e);
/* The next piece of the entry's data (archive bytes; for a sparse file those of its pieces in turn).
 * 1, 0 at its end, -1 with e. */
int tar_data(struct tar_reader *t, const void **data, size_t *len, struct err *e);

/* After tar_next() said 0: how many bytes stand behind the end marker, and whether all of them are 0. */
int tar_rest(struct tar_reader *t, uint64_t *bytes, bool *zeros, struct err *e);
/* After damage: on to the next block that is a header, from where tar_next() goes on. 1, 0: there is none, -1
 * with e. What data was before it is dropped. */
int tar_resync(struct tar_reader *t, struct err *e);

#endif
