/* Whose root this process is: the host's, a system container's, or that of an ordinary user's namespace. */
#ifndef TARE_BASE_USER_NAMESPACE_H
#define TARE_BASE_USER_NAMESPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* In a user namespace of any kind: devices cannot be made there, and overlayfs keeps its marks elsewhere. */
bool in_user_namespace(void);
/* An ordinary user, or root of a namespace in which only that user is mapped as root (and perhaps ids set
 * aside for it beside that); the root of a system container is the first of many ids. */
bool rootless(void);
/* For root of such a namespace: the user as the host knows it, and whether other ids are mapped as well. */
uid_t rootless_user(void);
bool rootless_has_ids(void);

/* A program of the host, by its absolute path from a fixed list of directories, never by PATH: whoever sets
 * the environment would choose what runs, beside setuid programs, with the user's rights. -1 with errno
 * ENOENT. */
int host_program(const char *name, char *dst, size_t size);

#endif
