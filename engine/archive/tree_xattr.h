/* Which extended attributes of a file go into an archive or backup, and out of it again. */
#ifndef TARE_ARCHIVE_TREE_XATTR_H
#define TARE_ARCHIVE_TREE_XATTR_H

#include <stdbool.h>

#include "engine/archive/tree_entry.h"

/* One that overlayfs believes in: trusted.overlay.*, and user.overlay.*, which anybody can set and a store
 * mounted with userxattr would take for its marks. */
bool tree_xattr_of_overlay(const char *name);
/* Not those of overlayfs. */
bool tree_xattr_kept(enum tree_xattrs which, const char *name);

#endif
