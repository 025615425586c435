/* The access control list: who may do what in which repository, a rule per line, the first that fits counts.
 * README.md, "Registry", has an example.
 *
 * In a pattern * is any text without a slash, ** any text, ? one character but a slash, {user} the name of
 * who asks. WHO: names, @users (all who logged in), @anonymous (who did not), @all (everybody). RIGHTS: pull,
 * push, delete, or all, or none. Where no rule fits nothing may be done. */
#ifndef TARE_REGISTRY_ACL_H
#define TARE_REGISTRY_ACL_H

#include <stdbool.h>
#include <stddef.h>

struct acl;
struct err;

#define ACL_FILE_MAX ((size_t)1 << 20)

/* "pull,push,delete", "all", "none": bits of enum right (access.h). */
int rights_parse(const char *text, unsigned *rights, struct err *e);

struct acl *acl_parse(const char *text, struct err *e);
void acl_free(struct acl *a);
/* user "": anonymous. */
unsigned acl_rights(const struct acl *a, const char *repository, const char *user);
bool acl_matches(const char *pattern, const char *repository, const char *user);

#endif
