/* Small things that are waited for: is it there, manifests both ways, configs. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/defence.h"
#include "base/json.h"
#include "engine/archive/hash.h"
#include "registry/client/remote_private.h"

#define BLOB_MAX MANIFEST_MAX_BYTES /* of a config */
#define COST_MAX ((size_t)32 << 20) /* of what a document becomes: half of what a pull may use */

static char accept_line[] =
        "Accept: " MEDIA_OCI_INDEX ", " MEDIA_OCI_MANIFEST ", " MEDIA_DOCKER_LIST ", " MEDIA_DOCKER_MANIFEST;
static char *const accept_headers[] = {accept_line, NULL};

int remote_ping(struct remote *r, struct err *e)
{
	struct remote_request q = {.http = {.method = "GET"}, .path = "/v2/", .endpoint = -1};
	cleanup_reply struct remote_reply reply = REMOTE_REPLY_INIT;
	cleanup_free char *doing = str_printf("speak to %s", r->domain);

	return remote_ask(r, &q, doing ? doing : "speak to it", &reply, e);
}

/* ------------------------------------------------------------------ what an answer says */

/* The attack: small documents that are large once they are parsed (json_parse() allows the store's own more
 * than a pull has). tests/e2e/pull-hostile.bats */
static int check_cost(const struct buf *doc, struct err *e)
{
	if (json_cost(buf_str(doc), doc->len) <= COST_MAX)
		return 0;
	return err_set(e, ERR_CORRUPT, "a document of %zu KiB has too many values", doc->len >> 10);
}

/* "type/subtype" without parameters, or NULL for one that says nothing about what it is. */
static char *media_type_of(const char *content_type)
{
	size_t len = content_type ? strcspn(content_type, "; ") : 0;
	char *type = len ? strndup(content_type, len) : NULL;

	if (type && media_kind(type) == MEDIA_KIND_OTHER && strncmp(type, "application/vnd.", 16) != 0) {
		free(type);
		return NULL;
	}
	return type;
}

static char *media_type_of_document(const struct buf *doc)
{
	cleanup_json json *j = json_parse(buf_str(doc), doc->len, "manifest", NULL);
	const char *said = json_str(j, "mediaType", NULL);

	if (said)
		return strdup(said);
	return strdup(json_get(j, "manifests") ? MEDIA_OCI_INDEX : MEDIA_OCI_MANIFEST);
}

/* The attacks: a document that isn't the one whose digest was asked for, or isn't the one that the registry
 * itself names (test: a_manifest_of_another_digest_is_refused). Both are computed from the bytes. */
static int check_digests(
        const struct buf *doc, const char *asked, const char *named, struct digest *d, struct err *e)
{
	struct digest want = {0}, said = {0}, computed;

	if (named && digest_parse(named, &said, e) < 0)
		return err_wrap(e, "the registry's Docker-Content-Digest");
	digest_read(asked, &want);
	if (hash_bytes(said.alg[0] ? said.alg : "sha256", buf_str(doc), doc->len, &computed, e) < 0)
		return -1;
	if (DEFENCE("manifest-digest") && digest_is_set(&said) && !digest_equal(&said, &computed))
		return err_set(e, ERR_CORRUPT, "the registry calls it %s:%.12s… but sent %s:%.12s…", said.alg,
		        said.hex, computed.alg, computed.hex);
	if (digest_is_set(&want) && strcmp(want.alg, computed.alg) != 0 &&
	        hash_bytes(want.alg, buf_str(doc), doc->len, &computed, e) < 0)
		return -1;
	if (DEFENCE("manifest-digest") && digest_is_set(&want) && !digest_equal(&want, &computed))
		return err_set(e, ERR_CORRUPT, "asked for %s:%.12s… and got %s:%.12s…", want.alg, want.hex,
		        computed.alg, computed.hex);
	*d = computed;
	return 0;
}

static int take_manifest(const struct remote_reply *reply, const char *asked, struct buf *doc,
        struct descriptor *d, struct err *e)
{
	struct digest digest;
	char *type;

	if (check_digests(&reply->body, asked, reply->digest, &digest, e) < 0 ||
	        check_cost(&reply->body, e) < 0)
		return -1;
	type = media_type_of(reply->type);
	if (!type)
		type = media_type_of_document(&reply->body);
	if (doc) {
		buf_reset(doc);
		buf_add(doc, buf_str(&reply->body), reply->body.len);
	}
	if (!type || (doc && doc->failed)) {
		free(type);
		return err_no_memory(e);
	}
	descriptor_free(d);
	memset(d, 0, sizeof(*d));
	d->media_type = type;
	d->digest = digest;
	d->size = reply->body.len;
	return 0;
}

/* ------------------------------------------------------------------ one endpoint after another */

static char *manifest_path(const char *tag_or_digest)
{
	return str_printf("manifests/%s", tag_or_digest);
}

static char *doing_what(const struct remote *r, const char *verb, const char *tag_or_digest)
{
	return str_printf("%s %s%s%s", verb, r->name, strchr(tag_or_digest, ':') ? "@" : ":", tag_or_digest);
}

/* Ask endpoint `at`, by GET or by HEAD. */
static int ask_manifest(struct remote *r, size_t at, const char *method, const char *what, size_t max,
        struct remote_reply *reply, struct err *e)
{
	cleanup_free char *path = manifest_path(what), *doing = doing_what(r, "pull", what);
	struct remote_request q = {
	        .http = {.method = method, .headers = accept_headers, .follow = true, .max = max},
	        .path = path,
	        .endpoint = (int)at};

	if (!path || !doing)
		return err_no_memory(e);
	return remote_ask(r, &q, doing, reply, e);
}

static bool goes_on(const struct remote *r, size_t at, const struct err *e)
{
	if (at + 1 >= r->n || e->kind == ERR_INTERRUPTED)
		return false;
	log_line(LOG_LEVEL_INFO, "mirror %s: %s", r->endpoints[at].is->host, e->msg);
	return true;
}

int remote_manifest(
        struct remote *r, const char *tag_or_digest, struct buf *doc, struct descriptor *d, struct err *e)
{
	size_t max = doc && doc->max && doc->max < MANIFEST_MAX_BYTES ? doc->max : MANIFEST_MAX_BYTES;
	struct err why = ERR_INIT;

	for (size_t at = 0; at < r->n; at++) {
		cleanup_reply struct remote_reply reply = REMOTE_REPLY_INIT;
		if (!remote_may_ask(r, at, strchr(tag_or_digest, ':')))
			continue;
		if (ask_manifest(r, at, "GET", tag_or_digest, max, &reply, &why) == 0 &&
		        take_manifest(&reply, tag_or_digest, doc, d, &why) == 0) {
			r->endpoints[at].gave_manifest = true;
			return 0;
		}
		if (why.kind == ERR_CORRUPT)
			err_wrap(&why, "cannot pull %s", r->name);
		if (!goes_on(r, at, &why))
			break;
	}
	if (e)
		*e = why;
	return -1;
}

/* 1: the headers say it all; 0: they don't. */
static int take_head(const struct remote_reply *reply, const char *asked, struct descriptor *d)
{
	struct digest said, want = {0};
	char *type = media_type_of(reply->type);

	if (!type || !reply->digest || !digest_read(reply->digest, &said) || reply->length == UINT64_MAX ||
	        reply->length > MANIFEST_MAX_BYTES ||
	        (digest_read(asked, &want) && !digest_equal(&want, &said))) {
		free(type);
		return 0;
	}
	descriptor_free(d);
	memset(d, 0, sizeof(*d));
	d->media_type = type;
	d->digest = said;
	d->size = reply->length;
	return 1;
}

int remote_head(struct remote *r, const char *tag_or_digest, struct descriptor *d, struct err *e)
{
	struct err why = ERR_INIT;

	for (size_t at = 0; at < r->n; at++) {
		cleanup_reply struct remote_reply reply = REMOTE_REPLY_INIT;
		if (!remote_may_ask(r, at, strchr(tag_or_digest, ':')))
			continue;
		if (ask_manifest(r, at, "HEAD", tag_or_digest, 0, &reply, &why) == 0) {
			if (take_head(&reply, tag_or_digest, d))
				return 0;
			return remote_manifest(r, tag_or_digest, NULL, d, e);
		}
		if (reply.status == 405 || reply.status == 501)
			return remote_manifest(r, tag_or_digest, NULL, d, e);
		if (!goes_on(r, at, &why))
			break;
	}
	if (e)
		*e = why;
	return -1;
}

/* ------------------------------------------------------------------ configs, and the way up */

/* A config of other bytes or another length than the manifest says. Test: test_registry_remote.c,
 * configs_are_checked. */
static int check_blob(const struct descriptor *d, const struct buf *content, struct err *e)
{
	struct digest computed;

	if (content->len != d->size)
		return err_set(e, ERR_CORRUPT, "%s:%.12s… should have %llu bytes and has %zu", d->digest.alg,
		        d->digest.hex, (unsigned long long)d->size, content->len);
	if (hash_bytes(d->digest.alg, buf_str(content), content->len, &computed, e) < 0)
		return -1;
	if (DEFENCE("config-digest") && !digest_equal(&computed, &d->digest))
		return err_set(e, ERR_CORRUPT, "asked for %s:%.12s… and got %.12s…", d->digest.alg,
		        d->digest.hex, computed.hex);
	return check_cost(content, e);
}

int remote_blob(struct remote *r, const struct descriptor *d, struct buf *content, struct err *e)
{
	char digest[DIGEST_TEXT_SIZE];
	cleanup_free char *path = str_printf("blobs/%s", digest_text(&d->digest, digest));
	cleanup_free char *doing = str_printf("pull %s@%s", r->name, digest);
	struct err why = ERR_INIT;

	if (!path || !doing)
		return err_no_memory(e);
	if (d->size > BLOB_MAX)
		return err_set(e, ERR_CORRUPT, "%s is %llu bytes large, more than the %zu that are read",
		        digest, (unsigned long long)d->size, BLOB_MAX);
	for (size_t at = 0; at < r->n; at++) {
		struct remote_request q = {.http = {.method = "GET", .follow = true, .max = d->size + 1},
		        .path = path,
		        .endpoint = (int)at};
		cleanup_reply struct remote_reply reply = REMOTE_REPLY_INIT;
		if (!remote_may_ask_blob(r, at))
			continue;
		if (remote_ask(r, &q, doing, &reply, &why) == 0 && check_blob(d, &reply.body, &why) == 0) {
			buf_reset(content);
			buf_add(content, buf_str(&reply.body), reply.body.len);
			return content->failed ? err_no_memory(e) : 0;
		}
		if (!goes_on(r, at, &why))
			break;
	}
	if (e)
		*e = why;
	return -1;
}

int remote_put_manifest(struct remote *r, const char *tag_or_digest, const struct descriptor *d,
        const void *doc, size_t len, struct err *e)
{
	cleanup_free char *path = manifest_path(tag_or_digest), *doing = doing_what(r, "push", tag_or_digest);
	cleanup_free char *type = str_printf("Content-Type: %s", d->media_type);
	char *headers[] = {type, NULL};
	struct remote_request q = {
	        .http = {.method = "PUT", .headers = headers, .body = doc, .body_len = len},
	        .path = path,
	        .endpoint = -1};
	cleanup_reply struct remote_reply reply = REMOTE_REPLY_INIT;
	struct digest said;

	if (!path || !doing || !type)
		return err_no_memory(e);
	if (remote_ask(r, &q, doing, &reply, e) < 0)
		return -1;
	/* some call everything by sha256, whatever they were given */
	if (reply.digest && digest_read(reply.digest, &said) && !strcmp(said.alg, d->digest.alg) &&
	        !digest_equal(&said, &d->digest))
		return err_set(e, ERR_CORRUPT, "cannot push %s: the registry took %s:%.12s… for %.12s…",
		        r->name, d->digest.alg, d->digest.hex, said.hex);
	return 0;
}
