/* Access: who may do what. Without an htpasswd file everybody may do everything that the anonymous policy
 * says (all by default: the server listens on loopback unless told otherwise). With one: Basic credentials
 * (bcrypt, checked in constant time, remembered for a minute by a keyed hash, so that bcrypt's cost is paid
 * once), or Bearer tokens that our own issuer at /token gave, signed by a key in the storage. Rights per
 * repository come from an ACL file of lines "PATTERN WHO RIGHTS" (acl.h), the first that fits counts.
 *
 * What somebody may not read does not exist for him: same status, same body. */
#ifndef TARE_REGISTRY_ACCESS_H
#define TARE_REGISTRY_ACCESS_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

#include "registry/server/acl.h"

struct access;
struct err;
struct exchange;
struct identity;
struct metrics;
struct tls;

enum right { RIGHT_PULL = 1, RIGHT_PUSH = 2, RIGHT_DELETE = 4, RIGHT_ALL = 7 };

struct access_options {
	const char *htpasswd; /* its content, NULL: none is asked */
	const char *acl; /* its content, NULL: those who are known may do all, anonymous ones what `anonymous`
	                    says */
	unsigned anonymous;      /* rights of nobody */
	const char *realm;       /* URL of the issuer, NULL: /token at the address that the client came to */
	const char *service;     /* the audience of tokens; NULL: "tare-registry" */
	const struct tls *tls;   /* NULL: plain http */
	unsigned char key[32];   /* signs tokens */
	struct metrics *metrics; /* or NULL */
};
struct access *access_new(const struct access_options *o, struct err *e);
void access_free(struct access *a);
/* Replace users and rules while requests run; key, realm and service stay. */
int access_reload(struct access *a, const struct access_options *o, struct err *e);

/* From the Authorization header into x->identity. 0; -1 when it is there and wrong: access_challenge(). */
int access_identify(struct access *a, struct exchange *x);
void identity_free(struct identity *i);              /* NULL and the anonymous one allowed */
const char *identity_name(const struct identity *i); /* "" anonymous */

enum access_verdict {
	ACCESS_GRANTED,
	ACCESS_UNKNOWN, /* log in first: access_challenge() */
	ACCESS_HIDDEN,  /* may not read it: answer as if there were no such repository */
	ACCESS_DENIED,  /* may read, or it is a write: 403 DENIED, whether it exists or not */
};
/* May x->identity do that there? repository "" : /v2/ itself and the catalog (any known user). */
enum access_verdict access_check(
        struct access *a, const struct exchange *x, const char *repository, unsigned rights);
/* The plain question, for the source of a mount. */
bool access_allows(struct access *a, const struct identity *i, const char *repository, unsigned rights);
/* May it be in the catalog that he sees? */
bool access_lists(struct access *a, const struct identity *i, const char *repository);
/* 401 with WWW-Authenticate for those rights; repository "" for none in particular. */
enum MHD_Result access_challenge(
        struct access *a, struct exchange *x, const char *repository, unsigned rights);
/* 401 or 403, as the verdict says (HIDDEN is the caller's: it knows what "missing" looks like there). */
enum MHD_Result access_refuse(
        struct access *a, struct exchange *x, enum access_verdict v, const char *repository, unsigned rights);
/* GET and POST /token: the handler; a POST's body (a form, at most ACCESS_FORM_MAX) is in x->body. */
#define ACCESS_FORM_MAX 16384
enum MHD_Result access_token(struct access *a, struct exchange *x);

#endif
