/* Manifests: GET, HEAD, PUT, DELETE. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/archive/hash.h"
#include "registry/server/cache.h"
#include "registry/server/handler_verb.h"
#include "registry/server/manifest_check.h"
#include "registry/server/quota.h"
#include "registry/server/server.h"

#define TAGS_MAX    64  /* of one PUT; the spec wants at least 10 */
#define MISSING_MAX 100 /* that are named in one answer */

static enum MHD_Result unknown(struct exchange *x)
{
	return exchange_error(x, 0, API_MANIFEST_UNKNOWN, "no such manifest in this repository");
}

static bool looks_like_digest(const char *reference)
{
	return strchr(reference, ':');
}

static enum MHD_Result bad_digest(struct exchange *x)
{
	return exchange_error(
	        x, 0, API_DIGEST_INVALID, "not a digest: sha256: or sha512: and lower-case hex digits");
}

/* ------------------------------------------------------------------ GET */

/* The manifest, open; -1 when it is not there. */
static int open_manifest(struct repository *r, const char *reference, struct stored_manifest *m)
{
	uint64_t size;
	return r && manifest_get(r, reference, m, NULL) == 0 ? blob_get(r, &m->digest, &size) : -1;
}

/* As it is, whatever the client says that it accepts: one that asks for a tag by a list of types that lacks
 * the right one is helped more by the document than by 404. */
enum MHD_Result manifest_answer(struct exchange *x)
{
	struct stored_manifest m;
	struct digest d;
	uint64_t size;
	if (looks_like_digest(x->reference) && !digest_read(x->reference, &d))
		return bad_digest(x);
	if (cache_manifest(x->server->cache, x))
		return MHD_YES;
	int fd = handler_open(x) ? open_manifest(x->held, x->reference, &m) : -1;
	if (fd < 0 && !x->hidden) {
		cleanup_repository struct repository *local =
		        repository_get_local(x->server->storage, x->repository);
		fd = open_manifest(local, x->reference, &m);
	}
	if (fd < 0)
		return unknown(x);
	/* Who asks by HEAD may be about to name it in an index. */
	if (strcmp(x->method, "HEAD") == 0 && x->held)
		blob_stat(x->held, &m.digest, &size);
	exchange_header(x, "Docker-Content-Digest", "%s:%s", m.digest.alg, m.digest.hex);
	if (!exchange_unchanged(x, &m.digest))
		return exchange_document(x, m.media_type, fd, m.size);
	close_fd(&fd);
	return exchange_empty(x, MHD_HTTP_NOT_MODIFIED);
}

/* ------------------------------------------------------------------ PUT */

enum MHD_Result manifest_put_begin(struct exchange *x)
{
	struct digest d;
	const char *tag;
	if (looks_like_digest(x->reference) && !digest_read(x->reference, &d))
		return bad_digest(x);
	if (!looks_like_digest(x->reference) && !tag_ok(x->reference))
		return exchange_error(x, 0, API_TAG_INVALID,
		        "not a tag: letters, digits, _ . - (not first), at most %d", TAG_MAX);
	for (unsigned i = 0; (tag = exchange_query(x, "tag", i)); i++) {
		if (i >= TAGS_MAX)
			return exchange_error(x, MHD_HTTP_URI_TOO_LONG, API_TAG_INVALID,
			        "at most %d tags at once", TAGS_MAX);
		if (!tag_ok(tag))
			return exchange_error(x, 0, API_TAG_INVALID, "tag: not a tag");
	}
	return MHD_YES;
}

/* The tags of the request: the reference when it is one, and those of the query. */
static char **tags_of(struct exchange *x)
{
	char **tags = NULL;
	const char *tag;
	if (!looks_like_digest(x->reference))
		strv_add(&tags, x->reference);
	for (unsigned i = 0; (tag = exchange_query(x, "tag", i)); i++)
		if (!strv_has(tags, tag))
			strv_add(&tags, tag);
	return tags;
}

/* By the algorithm of the digest that was said; a tag's manifest is known by sha256. */
static enum MHD_Result check_digest(struct exchange *x, struct digest *d)
{
	struct digest said = {.alg = "sha256"};
	struct err e = ERR_INIT;
	bool named = digest_read(x->reference, &said);
	if (!named)
		strcpy(said.alg, "sha256");
	if (hash_bytes(said.alg, buf_str(&x->body), x->body.len, d, &e) < 0)
		return exchange_failed(x, &e);
	if (named && !digest_equal(&said, d))
		return exchange_error(
		        x, 0, API_DIGEST_INVALID, "the manifest has the digest %s:%s", d->alg, d->hex);
	return MHD_YES;
}

/* What the manifest names and the repository has not. */
static bool is_missing(struct repository *r, const struct manifest_child *c, bool *wrong_size)
{
	struct stored_manifest m;
	uint64_t size;
	char text[DIGEST_TEXT_SIZE];
	*wrong_size = false;
	if (c->manifest) {
		/* The grace of its bytes begins anew, as that of a blob does. */
		if (manifest_get(r, digest_text(&c->digest, text), &m, NULL) < 0 ||
		        !blob_stat(r, &c->digest, &size))
			return true;
		size = m.size;
	} else if (!blob_stat(r, &c->digest, &size)) {
		return true;
	}
	*wrong_size = size != c->size;
	return false;
}

static json *detail_of(const struct manifest_child *c)
{
	char text[DIGEST_TEXT_SIZE];
	json *j = json_object_new_object();
	json_set_str(j, "digest", digest_text(&c->digest, text));
	return j;
}

/* All that is missing is told at once. Answers when something is. */
static enum MHD_Result check_children(struct exchange *x, const struct manifest_facts *f)
{
	cleanup_json json *list = json_object_new_array();
	bool sparse = x->server->options && x->server->options->sparse, wrong_size;
	size_t elsewhere = 0;
	for (size_t i = 0; i < f->n_children; i++) {
		const struct manifest_child *c = &f->children[i];
		bool missing = is_missing(x->held, c, &wrong_size);
		if (wrong_size)
			return exchange_error(x, 0, API_MANIFEST_INVALID, "%s:%s has another size",
			        c->digest.alg, c->digest.hex);
		if (missing && (c->may_miss || sparse))
			elsewhere++;
		else if (missing && json_object_array_length(list) < MISSING_MAX)
			exchange_error_add(list, API_MANIFEST_BLOB_UNKNOWN, detail_of(c),
			        c->manifest ? "a manifest is not in this repository: push it first"
			                    : "a blob is not in this repository: push it first");
	}
	if (json_object_array_length(list))
		return exchange_errors(x, MHD_HTTP_BAD_REQUEST, json_object_get(list));
	if (elsewhere)
		exchange_warn(x, "%zu of what it names %s not in this registry", elsewhere,
		        elsewhere == 1 ? "is" : "are");
	return MHD_YES;
}

static enum MHD_Result stored(struct exchange *x, const struct manifest_facts *f, const struct digest *d)
{
	unsigned n = 0;
	exchange_location(x, "/v2/%s/manifests/%s:%s", x->repository, d->alg, d->hex);
	exchange_header(x, "Docker-Content-Digest", "%s:%s", d->alg, d->hex);
	if (digest_is_set(&f->subject))
		exchange_header(x, "OCI-Subject", "%s:%s", f->subject.alg, f->subject.hex);
	for (const char *tag; (tag = exchange_query(x, "tag", n)); n++)
		exchange_header(x, "OCI-Tag", "%s", tag);
	return exchange_empty(x, MHD_HTTP_CREATED);
}

static enum MHD_Result store(struct exchange *x, const struct manifest_facts *f, const struct digest *d)
{
	struct quota *q = x->server->quota;
	struct err e = ERR_INIT;
	unsigned fresh = 0;
	cleanup_strv char **tags = tags_of(x);
	if (q && quota_take(q, QUOTA_BOTH, x->repository, x->body.len, &e) < 0)
		return quota_refuse(x, &e);
	int rc = manifest_put(x->held, buf_str(&x->body), x->body.len, d, f, tags, &fresh, &e);
	if (q && (QUOTA_BOTH & ~fresh))
		quota_give(q, (enum quota_of)(QUOTA_BOTH & ~fresh), x->repository, x->body.len);
	if (rc < 0 && e.kind == ERR_CONFLICT)
		return exchange_error(x, 0, API_MANIFEST_BLOB_UNKNOWN, "%s", e.msg);
	return rc < 0 ? exchange_failed(x, &e) : stored(x, f, d);
}

enum MHD_Result manifest_put_end(struct exchange *x)
{
	cleanup_manifest_facts struct manifest_facts f = MANIFEST_FACTS_INIT;
	const char *type = exchange_request_header(x, MHD_HTTP_HEADER_CONTENT_TYPE);
	struct err e = ERR_INIT;
	struct digest d;
	enum MHD_Result rc = check_digest(x, &d);
	if (rc != MHD_YES || x->answered)
		return rc;
	if (manifest_check(buf_str(&x->body), x->body.len, type, &f, &e) < 0)
		return exchange_error(x, 0, API_MANIFEST_INVALID, "%s", e.msg);
	x->held = repository_get(x->server->storage, x->repository, true, &e);
	if (!x->held)
		return exchange_failed(x, &e);
	f.whole = f.index && !(x->server->options && x->server->options->sparse);
	rc = check_children(x, &f);
	if (rc != MHD_YES || x->answered)
		return rc;
	return store(x, &f, &d);
}

/* ------------------------------------------------------------------ DELETE */

enum MHD_Result manifest_remove(struct exchange *x)
{
	struct digest d;
	struct err e = ERR_INIT;
	uint64_t size = 0;
	if (looks_like_digest(x->reference) && !digest_read(x->reference, &d))
		return bad_digest(x);
	if (!handler_open(x))
		return unknown(x);
	if (manifest_delete(x->held, x->reference, &size, &e) < 0)
		return e.kind == ERR_NOT_FOUND ? unknown(x) : exchange_failed(x, &e);
	if (x->server->quota && size)
		quota_give(x->server->quota, QUOTA_REPOSITORY, x->repository, size);
	return exchange_empty(x, MHD_HTTP_ACCEPTED);
}
