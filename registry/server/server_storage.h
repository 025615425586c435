/* The storage as the supervisor opens it: its directory, and the key of the token issuer in it. */
#ifndef TARE_REGISTRY_SERVER_STORAGE_H
#define TARE_REGISTRY_SERVER_STORAGE_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/* path NULL: registry/ in root (NULL: the default). The descriptor of the directory, made when missing unless
 * read_only; its absolute path in `name`. */
int server_storage_open(
        const char *root, const char *path, bool read_only, char *name, size_t size, struct err *e);
/* Read, or made when missing; a key of its own for this run where nothing may be written. */
int server_storage_key(int dirfd, bool read_only, unsigned char key[32], struct err *e);

#endif
