/* Who asks, and what access*.c know of it among themselves. */
#ifndef TARE_REGISTRY_IDENTITY_H
#define TARE_REGISTRY_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

#include "registry/server/token.h"

struct access;

struct identity {
	char name[129];      /* "" anonymous */
	struct token *token; /* or NULL: by password */
};

struct identity *identity_new(const char *name);
/* What an Authorization header proves, or NULL. */
struct identity *access_read_header(struct access *a, const char *header);
bool access_password(struct access *a, const char *user, const char *password, size_t len);
bool access_knows(struct access *a, const char *user);
unsigned access_rights(struct access *a, const char *user, const char *repository);
const unsigned char *access_key(const struct access *a);
const char *access_service(const struct access *a);
/* false: there is no such user. */
bool access_binding(struct access *a, const char *user, char bind[TOKEN_BIND_SIZE]);

#endif
