/* A repository at a registry: its endpoints (mirrors first), our credentials and tokens there, and the verbs
 * of the OCI distribution spec. Authentication, retries with back-off (429 and 5xx, Retry-After), resumption
 * of broken downloads by Range, and falling back from mirror to mirror per request happen in here; who calls
 * sees bytes in order or one clear error. One thread, that of its struct http.
 *
 * Tries: five at the registry itself, two at a mirror, after 0.5 s, doubling to 30 s ($TARE_RETRY_MS: the
 * first delay in milliseconds, for tests), or what Retry-After says, at most 60 s.
 *
 * Credentials go only to the host that asked for them, and to the token realm that host named (https, or a
 * realm on the same host); tokens are kept per host and scope for as long as they last. */
#ifndef TARE_REGISTRY_REMOTE_H
#define TARE_REGISTRY_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "engine/oci/manifest.h"
#include "engine/oci/reference.h"
#include "registry/client/credential.h"
#include "registry/client/http.h"
#include "registry/client/registries.h"

struct err;
struct remote;

enum remote_access { REMOTE_PULL, REMOTE_PUSH /* and pull */ };

struct remote_options {
	enum remote_access access;
	const char *authfile;                /* --authfile, or NULL */
	const struct credential *credential; /* --creds: instead of the files; or NULL */
	bool insecure;                       /* --tls-verify=false: any certificate, and plain http */
	const char *mount_from; /* push: a second repository of the same registry to ask pull access to, or
	                           NULL */
};

/* `http` and `registries` are borrowed for its life. The reference's tag and digest don't matter here. NULL
 * with e. */
struct remote *remote_open(struct http *http, const struct registries *registries,
        const struct reference *ref, const struct remote_options *o, struct err *e);
void remote_free(struct remote *r);
void remote_free_ptr(struct remote **r);
#define cleanup_remote __attribute__((cleanup(remote_free_ptr)))
/* "docker.io/library/alpine", for messages. */
const char *remote_name(const struct remote *r);

/* ------------------------------------------------------------------ small things, waited for */

/* GET /v2/ with our credentials: may we in? ERR_PERMISSION says what the registry said. For login. */
int remote_ping(struct remote *r, struct err *e);
/* What `tag_or_digest` is now, by HEAD (which no registry counts as a pull); only digest, size and media type
 * of `d` are set. ERR_NOT_FOUND. A registry whose HEAD lacks the digest is asked by GET. */
int remote_head(struct remote *r, const char *tag_or_digest, struct descriptor *d, struct err *e);
/* The document itself into `doc` (its max counts, at most MANIFEST_MAX_BYTES). `d` gets media type, size and
 * the digest computed from the bytes, which is checked against a digest asked for and against
 * Docker-Content-Digest. */
int remote_manifest(
        struct remote *r, const char *tag_or_digest, struct buf *doc, struct descriptor *d, struct err *e);
/* A whole small blob (a config), checked against its descriptor. */
int remote_blob(struct remote *r, const struct descriptor *d, struct buf *content, struct err *e);
/* PUT a manifest; `tag_or_digest`. What the registry calls it must be `d`. */
int remote_put_manifest(struct remote *r, const char *tag_or_digest, const struct descriptor *d,
        const void *doc, size_t len, struct err *e);

/* ------------------------------------------------------------------ blobs, many at a time */

/* A blob on its way here. Bytes from `offset` on are given to data() in order, exactly once, across retries
 * and mirrors; never more than size - offset. All strings borrowed until done(). */
struct remote_download {
	const struct descriptor *blob; /* its size is a hard limit */
	uint64_t offset;               /* we have that much of it */
	int (*data)(void *arg, const void *data, size_t len, struct err *e);
	/* All bytes have come: are they right? -1 with e: this server lied; restart() is called (forget
	 * everything, offset becomes 0) and the next endpoint tried, until none is left. Both may be NULL. */
	int (*check)(void *arg, struct err *e);
	int (*restart)(void *arg, struct err *e);
	/* Called once, last; why is NULL when all is well. */
	void (*done)(void *arg, const struct err *why);
	void *arg;
};
/* Copied. Starts when a stream is free. */
int remote_download(struct remote *r, const struct remote_download *d, struct err *e);

/* A blob on its way there: HEAD, then a mount, then a chunked upload that goes on after a broken connection
 * from where the registry says it is. */
enum remote_outcome { REMOTE_EXISTED, REMOTE_MOUNTED, REMOTE_UPLOADED };
struct remote_upload {
	const struct descriptor *blob;
	int fd;                 /* its bytes, read by pread from 0 */
	const char *mount_from; /* repository (a path without host) that should have it, or NULL */
	void (*progress)(void *arg, uint64_t sent); /* may go back after a retry; may be NULL */
	void (*done)(void *arg, enum remote_outcome outcome, const struct err *why);
	void *arg;
};
int remote_upload(struct remote *r, const struct remote_upload *u, struct err *e);

/* ------------------------------------------------------------------ for remote_*.c: requests on one endpoint
 */

/* A request relative to an endpoint of r: "blobs/sha256:…", "manifests/latest", "blobs/uploads/?mount=…"
 * under /v2/REPOSITORY/, or a full URL that this registry gave us (an upload location; resolved against the
 * request's URL). Authenticated, retried (`tries` at most, 0: the default) when nothing of the body was
 * consumed that can't be had again, on endpoint `endpoint` (index; -1: the registry itself, the last one).
 * Fields of http_request other than url, authorization and tls are the caller's. done() is called once, after
 * the last try, and before this returns when not even the first could be sent. A path that begins with "/" is
 * relative to the host ("/v2/", "/v2/_catalog?n=100"). A redirect that isn't followed is an answer. */
struct remote_request {
	struct http_request http;
	const char *path;
	int endpoint;
	unsigned tries;
	int (*rewind)(void *arg,
	        struct err *e); /* before a retry of a request whose read() was used; NULL: no retry */
};
int remote_request(struct remote *r, const struct remote_request *q, struct err *e);
/* An answer that isn't what was hoped for, as an error: the registry's own words (the spec's JSON errors,
 * bounded and made harmless), its kind by status (401, 403: PERMISSION; 404: NOT_FOUND; 429 with limits
 * named: OTHER; …). `doing`: "pull docker.io/library/alpine:latest". Returns -1. */
int remote_error(const struct remote *r, const char *doing, const struct http_answer *a, struct err *e);

#endif
