/* From the first line of a request to its answer: see handler.h. */
#include "registry/server/handler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/err.h"
#include "base/file.h"
#include "registry/server/access.h"
#include "registry/server/access_log.h"
#include "registry/server/cache.h"
#include "registry/server/exchange.h"
#include "registry/server/handler_verb.h"
#include "registry/server/limits.h"
#include "registry/server/quota.h"
#include "registry/server/router.h"
#include "registry/server/server.h"

#define DISCARD_MAX                                                                                          \
	((int64_t)64 << 20) /* of a body that is not wanted: so much is read to be able to answer */
#define MANIFEST_DEFAULT ((uint64_t)4 << 20)

static enum MHD_Result token_answer(struct exchange *x)
{
	return x->server->access
	               ? access_token(x->server->access, x)
	               : exchange_error(x, MHD_HTTP_NOT_FOUND, API_UNSUPPORTED, "no tokens are given here");
}

static const struct verb verbs[] = {
        {ROUTE_BLOB, "GET", RIGHT_PULL, BODY_NONE, NULL, blob_answer},
        {ROUTE_BLOB, "HEAD", RIGHT_PULL, BODY_NONE, NULL, blob_answer},
        {ROUTE_BLOB, "DELETE", RIGHT_DELETE, BODY_NONE, NULL, blob_remove_answer},
        {ROUTE_MANIFEST, "GET", RIGHT_PULL, BODY_NONE, NULL, manifest_answer},
        {ROUTE_MANIFEST, "HEAD", RIGHT_PULL, BODY_NONE, NULL, manifest_answer},
        {ROUTE_MANIFEST, "PUT", RIGHT_PUSH, BODY_COLLECT, manifest_put_begin, manifest_put_end},
        {ROUTE_MANIFEST, "DELETE", RIGHT_DELETE, BODY_NONE, NULL, manifest_remove},
        {ROUTE_UPLOAD, "POST", RIGHT_PUSH, BODY_STREAM, upload_post, upload_post_end},
        {ROUTE_UPLOAD, "PATCH", RIGHT_PUSH, BODY_STREAM, upload_continue, upload_patch_end},
        {ROUTE_UPLOAD, "PUT", RIGHT_PUSH, BODY_STREAM, upload_continue, upload_put_end},
        {ROUTE_UPLOAD, "GET", RIGHT_PUSH, BODY_NONE, NULL, upload_status},
        {ROUTE_UPLOAD, "HEAD", RIGHT_PUSH, BODY_NONE, NULL, upload_status},
        {ROUTE_UPLOAD, "DELETE", RIGHT_PUSH, BODY_NONE, NULL, upload_remove},
        {ROUTE_BASE, "GET", 0, BODY_NONE, NULL, base_answer},
        {ROUTE_BASE, "HEAD", 0, BODY_NONE, NULL, base_answer},
        {ROUTE_TAGS, "GET", RIGHT_PULL, BODY_NONE, NULL, tags_answer},
        {ROUTE_TAGS, "HEAD", RIGHT_PULL, BODY_NONE, NULL, tags_answer},
        {ROUTE_REFERRERS, "GET", RIGHT_PULL, BODY_NONE, NULL, referrers_answer},
        {ROUTE_REFERRERS, "HEAD", RIGHT_PULL, BODY_NONE, NULL, referrers_answer},
        {ROUTE_CATALOG, "GET", RIGHT_PULL, BODY_NONE, NULL, catalog_answer},
        {ROUTE_CATALOG, "HEAD", RIGHT_PULL, BODY_NONE, NULL, catalog_answer},
        {ROUTE_TOKEN, "GET", 0, BODY_NONE, NULL, token_answer},
        {ROUTE_TOKEN, "POST", 0, BODY_COLLECT, NULL, token_answer},
        {ROUTE_METRICS, "GET", 0, BODY_NONE, NULL, metrics_answer},
        {ROUTE_METRICS, "HEAD", 0, BODY_NONE, NULL, metrics_answer},
        {ROUTE_HEALTH, "GET", 0, BODY_NONE, NULL, health_answer},
        {ROUTE_HEALTH, "HEAD", 0, BODY_NONE, NULL, health_answer},
};

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool changes(const struct exchange *x)
{
	return x->verb->rights & (RIGHT_PUSH | RIGHT_DELETE);
}

/* What is only among the local images is not there for who wants to change it. */
bool handler_open(struct exchange *x)
{
	if (!x->held && !x->hidden)
		x->held = repository_get(x->server->storage, x->repository, false, NULL);
	if (x->held && changes(x) && repository_is_local(x->held)) {
		repository_put(x->held);
		x->held = NULL;
	}
	return x->held;
}

/* ------------------------------------------------------------------ begin and end */

void *handler_uri(void *server, const char *uri, struct MHD_Connection *connection)
{
	size_t len = strlen(uri);
	struct exchange *x = calloc(1, sizeof(*x) + len + 1);
	if (!x)
		return NULL;
	char *url = (char *)(x + 1);
	memcpy(url, uri, len + 1);
	x->url = url;
	x->server = server;
	x->connection = connection;
	x->method = "";
	x->route = ROUTE_OTHER;
	x->content_length = -1;
	x->started = now();
	return x;
}

void handler_completed(
        void *server, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why)
{
	struct server *s = server;
	struct exchange *x = *state;
	(void)why;
	*state = NULL;
	if (!x)
		return;
	upload_leave(x);
	repository_put(x->held);
	if (s->limits && x->begun)
		limits_end(s->limits, connection);
	if (s->metrics)
		metrics_request(s->metrics, x->route, x->method, x->status, x->body_bytes, x->sent,
		        now() - x->started);
	access_log_write(s->log, x);
	identity_free(x->identity);
	if (x->response)
		MHD_destroy_response(x->response);
	buf_free(&x->body);
	buf_free(&x->headers);
	free(x->handler_state);
	free(x);
}

/* ------------------------------------------------------------------ the request's head */

struct framing {
	unsigned lengths, encodings;
	bool odd;
	const char *length, *encoding;
};

static enum MHD_Result see_framing(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct framing *f = cls;
	(void)kind;
	/* "Content-Length : 5" is none to us and may be one to others. */
	f->odd |= strpbrk(key, " \t") != NULL;
	if (strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
		f->lengths++;
		f->length = value;
	} else if (strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
		f->encodings++;
		f->encoding = value;
	}
	return MHD_YES;
}

/* Request smuggling: two programs on the way that disagree on where a request ends, as with both
 * Content-Length and Transfer-Encoding, or two lengths. Such a request is refused and its connection closed.
 * tests/e2e/registry_spec.py "smuggling" */
static bool framing_ok(struct exchange *x)
{
	struct framing f = {0};
	MHD_get_connection_values(x->connection, MHD_HEADER_KIND, see_framing, &f);
	if (f.odd || f.lengths + f.encodings > 1 || (f.encoding && strcasecmp(f.encoding, "chunked") != 0) ||
	        (f.length && (!*f.length || strspn(f.length, "0123456789") != strlen(f.length))))
		return false;
	if (f.length) {
		errno = 0;
		x->content_length = strtoll(f.length, NULL, 10);
	} else {
		x->content_length = f.encoding ? -1 : 0;
	}
	return !f.length || errno == 0;
}

/* All methods of the route, for 405's Allow. */
static const struct verb *find_verb(struct exchange *x, struct buf *allow)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		const struct verb *v = &verbs[i];
		if (v->route != x->route ||
		        (v->route == ROUTE_UPLOAD &&
		                (*x->reference == '\0') != (strcmp(v->method, "POST") == 0)))
			continue;
		if (strcmp(v->method, x->method) == 0)
			return v;
		buf_printf(allow, "%s%s", allow->len ? ", " : "", v->method);
	}
	return NULL;
}

static enum MHD_Result route_request(struct exchange *x)
{
	struct router_match m;
	cleanup_buf struct buf allow = BUF_INIT;
	enum router_result found = router_find(x->url, &m);
	x->route = m.route;
	strcpy(x->repository, m.repository);
	strcpy(x->reference, m.reference);
	if (found == ROUTER_NOTHING)
		return exchange_error(
		        x, MHD_HTTP_NOT_FOUND, API_UNSUPPORTED, "there is nothing at this path");
	if (found != ROUTER_FOUND)
		return exchange_error(x, 0, API_NAME_INVALID,
		        found == ROUTER_BAD_NAME
		                ? "not the name of a repository: lower-case letters and digits, parted by "
		                  ". _ __ - or /, at most %d bytes"
		                : "the path is too long or has bytes that no path here has (at most %d "
		                  "bytes)",
		        REPOSITORY_NAME_MAX);
	x->verb = find_verb(x, &allow);
	if (x->verb)
		return MHD_YES;
	exchange_header(x, MHD_HTTP_HEADER_ALLOW, "%s", buf_str(&allow));
	return exchange_error(x, 0, API_UNSUPPORTED, "%s is not possible here", x->method);
}

/* Not of the API: these ask for themselves. */
static bool is_beside(enum route route)
{
	return route == ROUTE_TOKEN || route == ROUTE_METRICS || route == ROUTE_HEALTH;
}

static enum MHD_Result ask_access(struct exchange *x)
{
	struct access *a = x->server->access;
	if (a && access_identify(a, x) < 0)
		return access_challenge(a, x, x->repository, x->verb->rights);
	if (a && !is_beside(x->route)) {
		enum access_verdict v = access_check(a, x, x->repository, x->verb->rights);
		if (v == ACCESS_HIDDEN)
			x->hidden = true;
		else if (v != ACCESS_GRANTED)
			return access_refuse(a, x, v, x->repository, x->verb->rights);
	}
	if (x->server->options && x->server->options->read_only && changes(x))
		return exchange_error(x, 0, API_UNSUPPORTED, "this registry is read-only");
	if (x->verb->rights & RIGHT_PUSH && cache_owns(x->server->cache, x->repository))
		return exchange_error(x, 0, API_DENIED,
		        "this repository is a copy of an upstream's; push under another name");
	return MHD_YES;
}

static uint64_t body_limit(const struct exchange *x)
{
	const struct server_options *o = x->server->options;
	if (x->route == ROUTE_TOKEN)
		return ACCESS_FORM_MAX;
	return o && o->max_manifest ? o->max_manifest : MANIFEST_DEFAULT;
}

static enum MHD_Result too_large(struct exchange *x)
{
	return exchange_error(x, MHD_HTTP_CONTENT_TOO_LARGE, API_SIZE_INVALID,
	        "a manifest has at most %llu bytes here", (unsigned long long)body_limit(x));
}

static enum MHD_Result prepare_body(struct exchange *x)
{
	uint64_t coming = x->content_length > 0 ? (uint64_t)x->content_length : 0;
	struct err e = ERR_INIT;
	x->body_kind = x->verb->body;
	x->body.max = (size_t)body_limit(x) + 1;
	if (x->body_kind == BODY_COLLECT && coming > body_limit(x))
		return too_large(x);
	if (x->body_kind != BODY_NONE && x->route != ROUTE_TOKEN && x->server->quota &&
	        quota_check(x->server->quota, QUOTA_BOTH, x->repository, coming, &e) < 0)
		return quota_refuse(x, &e);
	return MHD_YES;
}

/* Each step answers when the request goes no further. */
static enum MHD_Result read_head(struct exchange *x)
{
	struct limits *l = x->server->limits;
	unsigned retry_after = 0;
	enum MHD_Result rc = MHD_YES;
	if (l)
		limits_begin(l, x->connection);
	x->begun = true;
	if (!framing_ok(x)) {
		x->must_close = true;
		return exchange_error(x, MHD_HTTP_BAD_REQUEST, API_UNSUPPORTED,
		        "where the request ends is told in two ways");
	}
	rc = route_request(x);
	if (rc == MHD_YES && !x->answered && l && !limits_admit(l, x->connection, &retry_after))
		rc = limits_refuse(x, retry_after);
	if (rc == MHD_YES && !x->answered)
		cache_rename(x->server->cache, x);
	if (rc == MHD_YES && !x->answered)
		rc = ask_access(x);
	if (rc == MHD_YES && !x->answered)
		rc = prepare_body(x);
	if (rc == MHD_YES && !x->answered && x->verb->begin)
		rc = x->verb->begin(x);
	return rc;
}

/* ------------------------------------------------------------------ the body */

/* Bytes are taken from the quota before they are written, and what cannot be written is given back. */
static enum MHD_Result stream(struct exchange *x, const char *data, size_t len)
{
	struct quota *q = x->server->quota;
	struct err e = ERR_INIT;
	if (!x->upload)
		return MHD_YES;
	if (q && quota_take(q, QUOTA_BOTH, x->repository, len, &e) < 0)
		return quota_refuse(x, &e);
	if (upload_append(x->upload, data, len, &e) == 0)
		return MHD_YES;
	if (q)
		quota_give(q, QUOTA_BOTH, x->repository, len);
	return exchange_failed(x, &e);
}

static enum MHD_Result read_body(struct exchange *x, const char *data, size_t len)
{
	x->body_bytes += len;
	if (x->server->limits && !limits_pace(x->server->limits, x->started, x->body_bytes))
		return MHD_NO;
	if (x->answered || x->body_kind == BODY_NONE)
		return x->body_bytes > (uint64_t)DISCARD_MAX ? MHD_NO : MHD_YES;
	if (x->body_kind == BODY_STREAM)
		return stream(x, data, len);
	if (x->body_bytes > body_limit(x))
		return too_large(x);
	buf_add(&x->body, data, len);
	return MHD_YES;
}

/* ------------------------------------------------------------------ the callback */

static enum MHD_Result send_answer(struct exchange *x)
{
	struct MHD_Response *r = x->response;
	x->response = NULL;
	/* Who has the answer may go on with the upload on another connection at once. */
	upload_leave(x);
	enum MHD_Result rc = r ? MHD_queue_response(x->connection, x->status, r) : MHD_NO;
	if (r)
		MHD_destroy_response(r);
	return rc;
}

/* An answer before the body: when the client waits for leave to send it, or there is too much to throw away.
 */
static bool answers_early(struct exchange *x)
{
	return x->answered &&
	       (x->must_close || x->content_length > DISCARD_MAX ||
	               (x->content_length != 0 && exchange_request_header(x, MHD_HTTP_HEADER_EXPECT)));
}

enum MHD_Result handler_request(void *server, struct MHD_Connection *connection, const char *url,
        const char *method, const char *version, const char *data, size_t *size, void **state)
{
	struct exchange *x = *state;
	enum MHD_Result rc = MHD_YES;
	(void)server, (void)connection, (void)url, (void)version;
	if (!x)
		return MHD_NO;
	if (!x->begun) {
		x->method = method;
		rc = read_head(x);
		return rc == MHD_YES && answers_early(x) ? send_answer(x) : rc;
	}
	if (*size > 0) {
		rc = read_body(x, data, *size);
		*size = 0;
		return rc;
	}
	if (!x->answered)
		rc = x->verb->finish(x);
	return rc == MHD_YES ? send_answer(x) : rc;
}
