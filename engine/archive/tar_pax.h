/* Tar pax: what the records of an extended header say about the entry that follows it. */
#ifndef TARE_ARCHIVE_TAR_PAX_H
#define TARE_ARCHIVE_TAR_PAX_H

#include <stdint.h>

struct err;
struct tar_reader;

/* t->pax, "LENGTH KEY=VALUE\n" each, into t->over, t->entry and its names; it is changed in place. */
int tar_pax_records(struct tar_reader *t, struct err *e);
/* A piece of the sparse file at hand, whose number is bounded. */
int tar_piece_add(struct tar_reader *t, uint64_t offset, uint64_t len, struct err *e);

#endif
