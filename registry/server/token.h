/* Tokens: JSON Web Tokens (RFC 7519) that only this server issues and only this server reads, signed by
 * HMAC-SHA256 with the storage's key. */
#ifndef TARE_REGISTRY_TOKEN_H
#define TARE_REGISTRY_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/server/storage.h"

struct err;

#define TOKEN_KEY_SIZE   32
#define TOKEN_MAX        16384 /* characters */
#define TOKEN_SCOPES_MAX 32
#define TOKEN_LIFE       300     /* seconds; clients take less than 60 for a mistake */
#define TOKEN_REFRESH    2592000 /* of one that is changed for others: 30 days */
#define TOKEN_SKEW       60      /* between two clocks */
#define TOKEN_BIND_SIZE  33      /* 32 hex digits */

struct token_scope {
	char repository[REPOSITORY_NAME_MAX + 1];
	unsigned rights; /* enum right */
};

struct token {
	char subject[129];          /* a user, "" anonymous */
	int64_t issued, expires;    /* seconds since the epoch */
	bool catalog;               /* may list repositories */
	bool refresh;               /* is only good for getting other tokens */
	char bind[TOKEN_BIND_SIZE]; /* of a refresh token: stands for the password it was given for */
	unsigned n;
	struct token_scope scopes[TOKEN_SCOPES_MAX];
};

/* An allocated text, or NULL. */
char *token_sign(const unsigned char key[TOKEN_KEY_SIZE], const char *audience, const struct token *t);
/* now: seconds since the epoch. -1: not ours, not for us, or not for this time. */
int token_verify(const unsigned char key[TOKEN_KEY_SIZE], const char *audience, const char *text, size_t len,
        int64_t now, struct token *t);
/* "repository:NAME:pull,push" or "registry:catalog:*" added to what t has; what makes no sense is left out.
 */
void token_scope_add(struct token *t, const char *scope, size_t len);
unsigned token_rights(const struct token *t, const char *repository);

#endif
