#include "engine/archive/tree_xattr.h"

#include <string.h>

bool tree_xattr_of_overlay(const char *name)
{
	return strncmp(name, "trusted.overlay.", 16) == 0 || strncmp(name, "user.overlay.", 13) == 0;
}

bool tree_xattr_kept(enum tree_xattrs which, const char *name)
{
	if (tree_xattr_of_overlay(name))
		return false;
	return which == TREE_XATTRS_ALL || strncmp(name, "user.", 5) == 0 ||
	       strcmp(name, "security.capability") == 0 || strcmp(name, "system.posix_acl_access") == 0 ||
	       strcmp(name, "system.posix_acl_default") == 0;
}
