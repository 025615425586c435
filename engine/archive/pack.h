/* Pack: a tar archive of plain files is written to a descriptor (tar_writer.h), the same input giving the
 * same bytes: owner 0, time 0. */
#ifndef TARE_ARCHIVE_PACK_H
#define TARE_ARCHIVE_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "engine/archive/tar_writer.h"

struct err;

struct pack {
	int fd; /* borrowed */
	struct tar_writer tar;
};
void pack_init(struct pack *p, int fd);
void pack_free(struct pack *p);
/* A whole small file. */
int pack_file(struct pack *p, const char *name, const void *data, size_t len, struct err *e);
/* A file of `size` bytes, which pack_data() then gives; pack_end() checks that they were all. */
int pack_begin(struct pack *p, const char *name, uint64_t size, struct err *e);
int pack_data(struct pack *p, const void *data, size_t len, struct err *e);
int pack_end(struct pack *p, struct err *e);
/* The end marker, and the rest of the buffer. */
int pack_finish(struct pack *p, struct err *e);

#endif
