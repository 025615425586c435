/* Users and their passwords, as `htpasswd -B` writes them: "NAME:$2y$05$…" per line. bcrypt only. */
#ifndef TARE_REGISTRY_HTPASSWD_H
#define TARE_REGISTRY_HTPASSWD_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct htpasswd;

#define HTPASSWD_FILE_MAX ((size_t)4 << 20)
#define HTPASSWD_NAME_MAX 128
#define HTPASSWD_COST_MAX 14 /* one check of 14 takes a second */
#define PASSWORD_MAX      72 /* bcrypt looks at no more */

/* NULL with e, which names the line and what to do. */
struct htpasswd *htpasswd_parse(const char *text, struct err *e);
void htpasswd_free(struct htpasswd *h);
/* Takes as long whether or not there is such a user. */
bool htpasswd_check(const struct htpasswd *h, const char *name, const char *password, size_t len);
/* The stored hash of a user, or NULL. */
const char *htpasswd_hash(const struct htpasswd *h, const char *name);

#endif
