/* Ids in the values of extended attributes: those whom a POSIX ACL names, and the root for whom a file's
 * capabilities count. Where files of a user namespace are read or made from outside, they are translated as
 * owners are; the kernel does the same where a mount maps ids. */
#ifndef TARE_ARCHIVE_TREE_XATTR_IDS_H
#define TARE_ARCHIVE_TREE_XATTR_IDS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "engine/archive/tree_entry.h"

struct err;
struct id_maps;

#define XATTR_IDS_GROW 4 /* bytes by which a value may grow */

/* In place: as it is called inside, as it is read from outside. The new length; -1: it means nothing there,
 * and is left out. Who is nobody there is left out of an ACL. */
ssize_t tree_xattr_ids_in(const char *name, void *value, size_t len, const struct id_maps *ids);

/* An entry whose attributes are as they are to be made outside. */
struct tree_xattrs_outside {
	struct tree_entry entry;
	struct tree_xattr xattrs[TREE_XATTRS_MAX];
	struct buf values;
};
/* `entry` itself when nothing in it is to be translated (ids may be NULL), or room->entry; NULL with e. */
const struct tree_entry *tree_xattrs_out(struct tree_xattrs_outside *room, const struct tree_entry *entry,
        const struct id_maps *ids, struct err *e);

#endif
