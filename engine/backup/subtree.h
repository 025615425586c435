/* Subtree: the part of a snapshot that is wanted, and how its paths are called then. */
#ifndef TARE_BACKUP_SUBTREE_H
#define TARE_BACKUP_SUBTREE_H

#include <stdbool.h>
#include <string.h>

/* NULL or "": everything. */
static inline bool subtree_has(const char *subtree, const char *path)
{
	size_t len = subtree ? strlen(subtree) : 0;
	return len == 0 || (strncmp(path, subtree, len) == 0 && (path[len] == '/' || !path[len]));
}

/* The path from the subtree on, "" for itself. */
static inline const char *subtree_path(const char *subtree, const char *path)
{
	size_t len = subtree ? strlen(subtree) : 0;
	return path + len + (len && path[len] == '/');
}

#endif
