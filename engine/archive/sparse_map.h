/* Where a file with holes has data, and the text that says so in front of its data in an archive (GNU tar's
 * sparse format 1.0: number of pieces, then offset and length of each, one decimal number a line, filled up
 * to a whole block). */
#ifndef TARE_ARCHIVE_SPARSE_MAP_H
#define TARE_ARCHIVE_SPARSE_MAP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"

struct err;

struct sparse_map {
	struct sparse_piece {
		uint64_t offset, len;
	} * list;
	size_t n, cap;
	uint64_t size, data; /* of the file; of all pieces together */
	struct buf text;
};
#define SPARSE_MAP_INIT                                                                                      \
	{                                                                                                    \
		0                                                                                            \
	}
/* 1: it has holes that are worth it. 0: better written as it is. -1 with e. */
int sparse_map_read(int fd, const struct stat *st, struct sparse_map *m, struct err *e);
void sparse_map_free(struct sparse_map *m);
#define cleanup_sparse_map __attribute__((cleanup(sparse_map_free)))

#endif
