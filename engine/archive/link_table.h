/* Files with several names, by device and inode: which name came first. */
#ifndef TARE_ARCHIVE_LINK_TABLE_H
#define TARE_ARCHIVE_LINK_TABLE_H

#include <stddef.h>
#include <sys/stat.h>

/* Starts zeroed. */
struct link_table {
	struct link_slot *slots;
	size_t n, cap;
};
/* *first is the name under which the file was met before (valid as long as the table), or NULL: then `path`
 * is remembered. -1: no memory. */
int link_table_find(struct link_table *t, const struct stat *st, const char *path, const char **first);
void link_table_free(struct link_table *t);

#endif
