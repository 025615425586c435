/* docker-credential-NAME: programs that keep credentials, asked over their standard input and output. */
#ifndef TARE_REGISTRY_CREDENTIAL_HELPER_H
#define TARE_REGISTRY_CREDENTIAL_HELPER_H

#include <stdbool.h>

struct credential;
struct err;

/* Is the program there? ERR_NOT_FOUND; ERR_USAGE when `name` cannot be a part of a program's name. */
int credential_helper_find(const char *name, char **path, struct err *e);
/* What it knows of `server` into c; nothing (0) when that is not known. */
int credential_helper_get(const char *name, const char *server, struct credential *c, struct err *e);
int credential_helper_store(const char *name, const char *server, const struct credential *c, struct err *e);
/* ERR_NOT_FOUND when it had none. */
int credential_helper_erase(const char *name, const char *server, struct err *e);
/* The servers it knows. */
int credential_helper_list(const char *name, char ***servers, struct err *e);

#endif
