/* Access: who may do what. Without an htpasswd file everybody may do everything that the anonymous policy
 * says (all by default: the server listens on loopback unless told otherwise). With one: Basic credentials
 * (bcrypt, checked in constant time, remembered for a minute by a keyed hash, so that bcrypt's cost is paid
 * once), or Bearer tokens that our own issuer at /token gave, signed by a key in the storage. Rights per
 * repository come from an ACL file of lines "PATTERN WHO RIGHTS" (WHO: a user, @all, @anonymous; RIGHTS:
 * pull,push,delete or none), the first that fits counts.
 *
 * What somebody may not read does not exist for him: same status, same body. */
#ifndef TARE_REGISTRY_ACCESS_H
#define TARE_REGISTRY_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"

struct access;
struct err;
struct exchange;
struct identity;

enum right { RIGHT_PULL = 1, RIGHT_PUSH = 2, RIGHT_DELETE = 4 };

struct access_options {
	const char *htpasswd; /* its content, NULL: none is asked */
	const char *acl; /* its content, NULL: those who are known may do all, anonymous ones what `anonymous`
	                    says */
	unsigned anonymous;           /* rights of nobody */
	const char *issuer, *service; /* of tokens: "http://localhost:5000/token", "localhost:5000" */
	unsigned char key[32];
};
struct access *access_new(const struct access_options *o, struct err *e);
void access_free(struct access *a);
/* Replace users and rules while requests run. */
int access_reload(struct access *a, const struct access_options *o, struct err *e);

/* From the Authorization header. 0; -1 when it is there and wrong (the caller answers 401). */
int access_identify(struct access *a, struct exchange *x);
void identity_free(struct identity *i);
const char *identity_name(const struct identity *i); /* "" anonymous */
bool access_allows(struct access *a, const struct identity *i, const char *repository, unsigned rights);
/* 401 with the challenge for that scope, or 404/403 as the rule above says. */
int access_refuse(struct access *a, struct exchange *x, const char *repository, unsigned rights);
/* GET and POST /token: the handler. */
int access_token(struct access *a, struct exchange *x);

#endif
