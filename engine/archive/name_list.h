/* Name list: the names in a directory, sorted by their bytes. A directory may have millions, so they stand
 * one behind the other in one piece of memory. */
#ifndef TARE_ARCHIVE_NAME_LIST_H
#define TARE_ARCHIVE_NAME_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;

struct name_list {
	struct buf text;
	uint32_t *at; /* where each name begins in the text */
	size_t n, cap;
};
#define NAME_LIST_MAX ((size_t)1 << 30) /* bytes of names in one directory */
#define NAME_LIST_INIT                                                                                       \
	{                                                                                                    \
		.text = BUF_INIT_MAX(NAME_LIST_MAX)                                                          \
	}

/* All in the directory that dirfd is (O_PATH is enough), but "." and "..". */
int name_list_read(struct name_list *l, int dirfd, struct err *e);
const char *name_list_get(const struct name_list *l, size_t i);
void name_list_free(struct name_list *l);
#define cleanup_name_list __attribute__((cleanup(name_list_free)))

#endif
