/* Files with several names, by device and inode: which name came first. */
#ifndef TARE_ARCHIVE_LINK_TABLE_H
#define TARE_ARCHIVE_LINK_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Starts as LINK_TABLE_INIT. */
struct link_table {
	struct link_slot *slots; /* there may be millions: small, and the paths one behind the other */
	size_t n, cap;
	struct buf paths;
	uint64_t *devices; /* those that were met: mostly one */
	uint32_t n_devices;
};
#define LINK_TABLE_MAX ((size_t)1 << 30)
#define LINK_TABLE_INIT                                                                                      \
	{                                                                                                    \
		.paths = BUF_INIT_MAX(LINK_TABLE_MAX)                                                        \
	}
/* The name under which the file was met before, or NULL. Valid until the next link_table_add(). */
const char *link_table_find(const struct link_table *t, uint64_t dev, uint64_t ino);
/* One that is not there yet. -1: no memory. */
int link_table_add(struct link_table *t, uint64_t dev, uint64_t ino, const char *path);
void link_table_free(struct link_table *t);

#endif
