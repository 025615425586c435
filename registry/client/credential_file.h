/* The files that hold credentials: which there are, and how they are read and changed. */
#ifndef TARE_REGISTRY_CREDENTIAL_FILE_H
#define TARE_REGISTRY_CREDENTIAL_FILE_H

#include <stdbool.h>

#include "base/json.h"

struct err;

#define CREDENTIAL_FILE_MAX (1 << 20) /* bytes */

/* Where to look, in order; authfile and $REGISTRY_AUTH_FILE are the only ones when given. */
char **credential_files(const char *authfile);
/* Those of them that are ours and podman's to change; the first is where login writes. */
char **credential_own_files(const char *authfile);

/* The document, an object; NULL without an error (e->kind 0) when there is none to read. `required`: a
 * missing file is an error. */
json *credential_file_read(const char *path, bool required, struct err *e);

/* Read, change(doc, arg) and, when that returns 1, write back, under a lock; missing directories and the
 * file are made when `make`. What change() returned. */
typedef int credential_change(json *doc, const char *path, void *arg, struct err *e);
int credential_file_change(const char *path, bool make, credential_change *change, void *arg, struct err *e);

#endif
