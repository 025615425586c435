/* Tokens: how one is asked for at a realm, what may be a realm, and what the realm answers. */
#ifndef TARE_REGISTRY_TOKEN_H
#define TARE_REGISTRY_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct credential;

#define TOKEN_ANSWER_MAX ((size_t)1 << 20)
#define TOKEN_TEXT_MAX   ((size_t)256 << 10)
#define TOKEN_LEAST_S    60 /* servers may not give less; some say 0 */
#define TOKEN_MOST_S     3600

/* May our credentials, or at least a question, go to `realm`, which the registry at `registry_url` (reached
 * at the address `peer`, "" unknown) named? -1 with e. *public_only: its name must not lead to a private
 * address. */
int token_check_realm(
        const char *realm, const char *registry_url, const char *peer, bool *public_only, struct err *e);

/* realm?service=…&scope=…&scope=…&account=…&client_id=tare, allocated; NULL without memory. */
char *token_url(const char *realm, const char *service, const char *scopes, const char *account);
/* The form of an OAuth2 request: grant_type=refresh_token with the identity token, else password. `scopes`
 * are separated by spaces in both. */
char *token_form(const char *service, const char *scopes, const struct credential *c);
/* "Basic …" for a user and a password, allocated. */
char *token_basic(const struct credential *c);

/* "Bearer …" of an answer, and for how many seconds it counts. */
int token_read_answer(const struct buf *body, char **header, int64_t *seconds, struct err *e);

#endif
