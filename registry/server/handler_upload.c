/* Uploads: POST, PATCH, PUT, GET, DELETE, and the mount. */
#include <stdlib.h>
#include <string.h>

#include "base/defence.h"
#include "base/err.h"
#include "base/proc.h"
#include "registry/server/access.h"
#include "registry/server/exchange_range.h"
#include "registry/server/handler_verb.h"
#include "registry/server/identity.h"
#include "registry/server/metrics.h"
#include "registry/server/quota.h"
#include "registry/server/server.h"

#define UPLOAD_IDLE INT64_C(60000000000) /* ns, after which one goes when there are too many */

/* What the header said, until the body is there. */
struct upload_request {
	uint64_t before; /* the upload's size */
	struct digest digest;
	bool ranged;
	uint64_t first, last;
};

static const char *owner_of(const struct exchange *x)
{
	return x->identity ? identity_name(x->identity) : "";
}

static void describe(struct exchange *x, const char *id, uint64_t size)
{
	exchange_location(x, "/v2/%s/blobs/uploads/%s", x->repository, id);
	exchange_header(x, MHD_HTTP_HEADER_RANGE, "0-%llu", (unsigned long long)(size ? size - 1 : 0));
	exchange_header(x, "Docker-Upload-UUID", "%s", id);
}

static enum MHD_Result bad_digest(struct exchange *x)
{
	return exchange_error(
	        x, 0, API_DIGEST_INVALID, "not a digest: sha256: or sha512: and lower-case hex digits");
}

static enum MHD_Result created(struct exchange *x, const struct digest *d)
{
	exchange_location(x, "/v2/%s/blobs/%s:%s", x->repository, d->alg, d->hex);
	exchange_header(x, "Docker-Content-Digest", "%s:%s", d->alg, d->hex);
	return exchange_empty(x, MHD_HTTP_CREATED);
}

static enum MHD_Result no_upload(struct exchange *x, const struct err *e)
{
	if (e->kind == ERR_CONFLICT)
		return exchange_error(x, MHD_HTTP_CONFLICT, API_BLOB_UPLOAD_INVALID, "%s", e->msg);
	if (e->kind == ERR_NOT_FOUND)
		return exchange_error(x, 0, API_BLOB_UPLOAD_UNKNOWN, "%s", e->msg);
	return exchange_failed(x, e);
}

static struct upload_request *remember(struct exchange *x)
{
	struct upload_request *q = calloc(1, sizeof(*q));
	x->handler_state = q;
	return q;
}

static void give_back(struct exchange *x, unsigned of, uint64_t bytes)
{
	if (x->server->quota && of)
		quota_give(x->server->quota, (enum quota_of)of, x->repository, bytes);
}

static void count_uploads(struct exchange *x, int change)
{
	if (x->server->metrics)
		metrics_uploads(x->server->metrics, change);
}

/* ------------------------------------------------------------------ POST */

/* A blob of a repository that one may not read is not had by mounting it into one's own. Test:
 * registry-spec.bats, "rights: …". */
static bool may_read(void *arg, const char *repository)
{
	struct exchange *x = arg;
	return !DEFENCE("mount-rights") || !x->server->access ||
	       access_allows(x->server->access, x->identity, repository, RIGHT_PULL);
}

/* A mount is counted when it is known how much it is; what is too much goes again. */
static enum MHD_Result mounted(struct exchange *x, const struct digest *d, uint64_t fresh)
{
	struct err e = ERR_INIT;
	if (fresh && x->server->quota &&
	        quota_take(x->server->quota, QUOTA_REPOSITORY, x->repository, fresh, &e) < 0) {
		blob_drop(x->server->storage, x->held, d, NULL);
		return quota_refuse(x, &e);
	}
	return created(x, d);
}

/* Answers when there is something to say; otherwise the upload begins. */
static enum MHD_Result try_mount(struct exchange *x, const char *mount)
{
	const char *from = exchange_query(x, "from", 0);
	struct digest d;
	uint64_t fresh = 0;
	struct err e = ERR_INIT;
	if (!digest_read(mount, &d))
		return bad_digest(x);
	if (from && !*from)
		from = NULL;
	if (from && !repository_name_ok(from))
		return exchange_error(x, 0, API_NAME_INVALID, "from: not the name of a repository");
	int rc = blob_mount(x->held, &d, from, may_read, x, &fresh, &e);
	if (rc < 0)
		return exchange_failed(x, &e);
	return rc ? mounted(x, &d, fresh) : MHD_YES;
}

/* Those that nobody went on with for a while make room. */
static int begin(struct exchange *x, const char *algorithm, char id[UPLOAD_ID_SIZE], struct err *e)
{
	struct server *s = x->server;
	unsigned n = 0;
	if (upload_begin(x->held, algorithm, owner_of(x), id, e) == 0)
		return 0;
	if (e->kind != ERR_CONFLICT)
		return -1;
	uploads_purge(s->storage, now_realtime() - UPLOAD_IDLE, s->quota, &n, NULL);
	count_uploads(x, -(int)n);
	if (s->metrics)
		metrics_count(s->metrics, METRICS_UPLOADS_PURGED, n);
	return n ? upload_begin(x->held, algorithm, owner_of(x), id, e) : -1;
}

static enum MHD_Result begin_upload(struct exchange *x, const char *algorithm, bool keep)
{
	char id[UPLOAD_ID_SIZE];
	struct err e = ERR_INIT;
	if (begin(x, algorithm, id, &e) < 0) {
		if (e.kind != ERR_CONFLICT)
			return exchange_failed(x, &e);
		exchange_header(x, "Retry-After", "%d", (int)(UPLOAD_IDLE / 1000000000));
		return exchange_error(x, 0, API_TOOMANYREQUESTS, "%s", e.msg);
	}
	count_uploads(x, 1);
	if (keep) {
		x->upload = upload_open(x->held, id, owner_of(x), &e);
		return x->upload ? MHD_YES : exchange_failed(x, &e);
	}
	describe(x, id, 0);
	return exchange_empty(x, MHD_HTTP_ACCEPTED);
}

enum MHD_Result upload_post(struct exchange *x)
{
	const char *algorithm = exchange_query(x, "digest-algorithm", 0);
	const char *mount = exchange_query(x, "mount", 0), *digest = exchange_query(x, "digest", 0);
	struct upload_request *q = remember(x);
	struct err e = ERR_INIT;
	if (!q)
		return MHD_NO;
	if (algorithm && strcmp(algorithm, "sha256") != 0 && strcmp(algorithm, "sha512") != 0)
		return exchange_error(x, MHD_HTTP_BAD_REQUEST, API_DIGEST_INVALID,
		        "digest-algorithm: sha256 and sha512 are known here");
	if (!mount && digest && !digest_read(digest, &q->digest))
		return bad_digest(x);
	x->held = repository_get(x->server->storage, x->repository, true, &e);
	if (!x->held)
		return exchange_failed(x, &e);
	if (mount) {
		enum MHD_Result rc = try_mount(x, mount);
		if (rc != MHD_YES || x->answered)
			return rc;
	}
	bool whole = !mount && digest && x->content_length != 0;
	return begin_upload(x, whole ? q->digest.alg : algorithm, whole || (!mount && digest));
}

/* ------------------------------------------------------------------ PATCH and PUT, before the body */

static enum MHD_Result out_of_order(struct exchange *x)
{
	describe(x, x->reference, upload_size(x->upload));
	return exchange_error(x, 0, API_RANGE_INVALID, "the upload goes on at byte %llu",
	        (unsigned long long)upload_size(x->upload));
}

static enum MHD_Result check_range(struct exchange *x, struct upload_request *q)
{
	const char *range = exchange_request_header(x, MHD_HTTP_HEADER_CONTENT_RANGE);
	if (!range)
		return MHD_YES;
	if (content_range_parse(range, &q->first, &q->last) < 0)
		return exchange_error(x, 0, API_BLOB_UPLOAD_INVALID, "Content-Range: it is FIRST-LAST");
	q->ranged = true;
	if (q->first != upload_size(x->upload))
		return out_of_order(x);
	if (x->content_length >= 0 && (uint64_t)x->content_length != q->last - q->first + 1)
		return exchange_error(
		        x, 0, API_SIZE_INVALID, "Content-Range and Content-Length do not agree");
	return MHD_YES;
}

enum MHD_Result upload_continue(struct exchange *x)
{
	const char *digest = exchange_query(x, "digest", 0);
	struct upload_request *q = remember(x);
	struct err e = ERR_INIT;
	if (!q)
		return MHD_NO;
	if (strcmp(x->method, "PUT") == 0 && !digest_read(digest, &q->digest))
		return bad_digest(x);
	x->held = repository_get(x->server->storage, x->repository, false, NULL);
	if (x->held)
		x->upload = upload_open(x->held, x->reference, owner_of(x), &e);
	else
		err_set(&e, ERR_NOT_FOUND, "no such upload; begin a new one");
	if (!x->upload)
		return no_upload(x, &e);
	q->before = upload_size(x->upload);
	return check_range(x, q);
}

/* ------------------------------------------------------------------ when the body is there */

/* A streamed piece (without Content-Length) that is not as long as its range said is taken back. */
static bool piece_ok(struct exchange *x, const struct upload_request *q)
{
	struct err e = ERR_INIT;
	if (!q->ranged || x->body_bytes == q->last - q->first + 1)
		return true;
	if (upload_truncate(x->upload, q->before, &e) < 0)
		exchange_failed(x, &e);
	else
		exchange_error(x, 0, API_SIZE_INVALID, "the body is not as long as Content-Range says");
	give_back(x, QUOTA_BOTH, x->body_bytes);
	return false;
}

static enum MHD_Result commit(struct exchange *x, const struct digest *d)
{
	struct err e = ERR_INIT;
	unsigned fresh = 0;
	uint64_t size = upload_size(x->upload);
	if (upload_commit(x->upload, d, &fresh, &e) == 0) {
		count_uploads(x, -1);
		give_back(x, QUOTA_BOTH & ~fresh, size);
		return created(x, d);
	}
	if (e.kind != ERR_CORRUPT)
		return exchange_failed(x, &e);
	count_uploads(x, -1);
	give_back(x, QUOTA_BOTH, size);
	return exchange_error(x, 0, API_DIGEST_INVALID, "%s", e.msg);
}

enum MHD_Result upload_post_end(struct exchange *x)
{
	struct upload_request *q = x->handler_state;
	/* Without a body it is only the beginning of an upload that is announced with its digest. */
	if (x->body_bytes > 0 || x->content_length != 0)
		return commit(x, &q->digest);
	describe(x, upload_id(x->upload), 0);
	return exchange_empty(x, MHD_HTTP_ACCEPTED);
}

enum MHD_Result upload_patch_end(struct exchange *x)
{
	if (!piece_ok(x, x->handler_state))
		return MHD_YES;
	describe(x, x->reference, upload_size(x->upload));
	return exchange_empty(x, MHD_HTTP_ACCEPTED);
}

enum MHD_Result upload_put_end(struct exchange *x)
{
	struct upload_request *q = x->handler_state;
	return piece_ok(x, q) ? commit(x, &q->digest) : MHD_YES;
}

/* An upload in one request whose client went away, or was told that it failed: nobody knows its name, so
 * nobody could go on with it. tests/e2e/registry_spec.py "cut in one request" */
void upload_leave(struct exchange *x)
{
	struct upload *u = x->upload;
	x->upload = NULL;
	if (u && strcmp(x->method, "POST") == 0 && x->status != MHD_HTTP_ACCEPTED && !upload_is_gone(u)) {
		uint64_t size = upload_size(u);
		upload_cancel(u, NULL);
		count_uploads(x, -1);
		give_back(x, QUOTA_BOTH, size);
	}
	upload_close(u);
}

/* ------------------------------------------------------------------ GET and DELETE */

enum MHD_Result upload_status(struct exchange *x)
{
	struct err e = ERR_INIT;
	uint64_t size = 0;
	err_set(&e, ERR_NOT_FOUND, "no such upload; begin a new one");
	if (!handler_open(x) || upload_look(x->held, x->reference, owner_of(x), &size, &e) < 0)
		return no_upload(x, &e);
	describe(x, x->reference, size);
	return exchange_empty(x, MHD_HTTP_NO_CONTENT);
}

enum MHD_Result upload_remove(struct exchange *x)
{
	struct err e = ERR_INIT;
	err_set(&e, ERR_NOT_FOUND, "no such upload; begin a new one");
	if (handler_open(x))
		x->upload = upload_open(x->held, x->reference, owner_of(x), &e);
	if (!x->upload)
		return no_upload(x, &e);
	if (upload_cancel(x->upload, &e) < 0)
		return exchange_failed(x, &e);
	count_uploads(x, -1);
	give_back(x, QUOTA_BOTH, upload_size(x->upload));
	return exchange_empty(x, MHD_HTTP_NO_CONTENT);
}
