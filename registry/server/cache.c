#include "registry/server/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/archive/hash.h"
#include "registry/server/cache_private.h"
#include "registry/server/manifest_check.h"
#include "registry/server/metrics.h"
#include "registry/server/quota.h"
#include "registry/server/server.h"

#define TTL_DEFAULT INT64_C(60000000000) /* ns: tags move seldom, and people wait for those that did */
#define MARK        "upstream"           /* in the directory of a copy: the host that it is of */

struct cache *cache_new(struct server *s, int channel_fd, struct err *e)
{
	struct cache *c = calloc(1, sizeof(*c));
	if (!c)
		return err_set_null(e, ERR_OTHER, "out of memory");
	if (upstreams_parse(s->options->upstreams, &c->upstreams, e) < 0) {
		free(c);
		return NULL;
	}
	c->server = s;
	c->channel_fd = channel_fd;
	random_hex(c->id, (CACHE_ID_SIZE - 1) / 2);
	c->ttl = s->options->cache_ttl ? s->options->cache_ttl : TTL_DEFAULT;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->change, NULL);
	return c;
}

void cache_free(struct cache *c)
{
	if (!c)
		return;
	upstreams_free(&c->upstreams);
	pthread_cond_destroy(&c->change);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* ------------------------------------------------------------------ whose copy */

static bool is_copy(const struct repository *r)
{
	return faccessat(r->dir, MARK, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

const struct upstream *cache_origin(struct cache *c, const char *repository, const char **path)
{
	const struct upstream *u = upstream_of(&c->upstreams, repository, path);
	if (!u)
		return NULL;
	cleanup_repository struct repository *r = repository_get(c->server->storage, repository, false, NULL);
	return !r || is_copy(r) ? u : NULL;
}

struct repository *cache_repository(
        struct cache *c, const char *name, const struct upstream *u, struct err *e)
{
	struct repository *r = repository_get(c->server->storage, name, true, e);
	if (r && !is_copy(r) && file_write_at(r->dir, MARK, u->host, strlen(u->host), 0644, FILE_SYNC, e) < 0)
		repository_put_ptr(&r);
	return r;
}

bool cache_owns(struct cache *c, const char *repository)
{
	if (!c)
		return false;
	cleanup_repository struct repository *r = repository_get(c->server->storage, repository, false, NULL);
	return r && is_copy(r);
}

bool cache_is_busy(struct cache *c)
{
	if (!c)
		return false;
	pthread_mutex_lock(&c->lock);
	bool busy = c->flights || c->fetches;
	pthread_mutex_unlock(&c->lock);
	return busy;
}

/* Attack: a registry that is its own upstream (by another name, or through a proxy) asks itself, which asks
 * itself, until all threads wait for each other. What we asked ourselves is answered with what is here.
 * tests/e2e/registry-cache.bats "its own upstream" */
static bool asks_itself(struct cache *c, struct exchange *x)
{
	const char *via = exchange_request_header(x, MHD_HTTP_HEADER_VIA);
	return via && strstr(via, c->id);
}

const struct upstream *cache_source(struct cache *c, struct exchange *x, const char **path)
{
	return c && !x->hidden && !asks_itself(c, x) ? cache_origin(c, x->repository, path) : NULL;
}

void cache_rename(struct cache *c, struct exchange *x)
{
	const char *ns = c && *x->repository ? exchange_query(x, "ns", 0) : NULL;
	const struct upstream *u = ns ? upstream_of_host(&c->upstreams, ns) : NULL;
	char name[2 * REPOSITORY_NAME_MAX + 2];
	if (!u || !*u->prefix)
		return;
	snprintf(name, sizeof(name), "%s/%s", u->prefix, x->repository);
	if (repository_name_ok(name))
		strcpy(x->repository, name);
}

/* ------------------------------------------------------------------ freshness of tags */

static uint64_t hash_of(const char *repository, const char *tag)
{
	uint64_t h = UINT64_C(
	        0xcbf29ce484222325); /* FNV-1a; a false hit costs one answer that is older than the ttl */
	for (const char *s = repository; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	h = (h ^ ':') * UINT64_C(0x100000001b3);
	for (const char *s = tag; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return h ? h : 1;
}

/* True: it was checked a short while ago. Else the caller has to check and then call checked(); others who
 * ask for the same wait for that. */
static bool begin_check(struct cache *c, uint64_t name)
{
	size_t slot = name % CACHE_CHECKED;
	bool fresh;
	pthread_mutex_lock(&c->lock);
	while (c->checked[slot].busy)
		pthread_cond_wait(&c->change, &c->lock);
	fresh = c->checked[slot].name == name && now_boottime() - c->checked[slot].at < c->ttl;
	c->checked[slot].busy = !fresh;
	pthread_mutex_unlock(&c->lock);
	return fresh;
}

static void end_check(struct cache *c, uint64_t name, bool is_fresh)
{
	size_t slot = name % CACHE_CHECKED;
	pthread_mutex_lock(&c->lock);
	c->checked[slot].busy = false;
	c->checked[slot].name = is_fresh ? name : 0;
	c->checked[slot].at = now_boottime();
	pthread_cond_broadcast(&c->change);
	pthread_mutex_unlock(&c->lock);
}

/* ------------------------------------------------------------------ manifests */

static uint64_t manifest_max(const struct cache *c)
{
	return c->server->options->max_manifest ? c->server->options->max_manifest : (uint64_t)4 << 20;
}

static int store(struct cache *c, struct repository *r, const char *reference, json *head,
        const struct buf *doc, struct err *e)
{
	cleanup_manifest_facts struct manifest_facts facts = MANIFEST_FACTS_INIT;
	struct digest said, is;
	unsigned fresh = 0;
	char *tags[] = {(char *)(uintptr_t)reference, NULL};
	if (digest_parse(json_str(head, "digest", NULL), &said, e) < 0 ||
	        hash_bytes(said.alg, buf_str(doc), doc->len, &is, e) < 0)
		return -1;
	if (!digest_equal(&said, &is))
		return err_set(e, ERR_CORRUPT, "the manifest is not what its digest says");
	if (strchr(reference, ':'))
		tags[0] = NULL;
	if (manifest_check(buf_str(doc), doc->len, json_str(head, "mediaType", NULL), &facts, e) < 0 ||
	        manifest_put(r, buf_str(doc), doc->len, &is, &facts, tags, &fresh, e) < 0)
		return -1;
	if (c->server->quota && fresh)
		quota_add(c->server->quota, fresh, r->name, doc->len);
	return 0;
}

enum fetched { FETCHED, FETCHED_SAME, FETCHED_UNKNOWN, FETCH_FAILED };

static enum fetched fetch_manifest(struct cache *c, struct exchange *x, const struct upstream *u,
        const char *path, const char *known, struct err *e)
{
	cleanup_buf struct buf doc = BUF_INIT_MAX(manifest_max(c));
	int fd = cache_fetch(c, u, "manifest", path, x->reference, known, e);
	cleanup_json json *head = fd < 0 ? NULL : cache_fetch_head(fd, e);
	bool whole = head && read_to_buf(fd, &doc) == 0 && !doc.failed;
	cache_fetch_end(c, &fd);
	if (!head)
		return FETCH_FAILED;
	if (json_bool(head, "same", false))
		return FETCHED_SAME;
	if (json_bool(head, "unknown", false))
		return FETCHED_UNKNOWN;
	if (json_get(head, "error")) {
		err_set(e, ERR_OTHER, "%s", json_str(head, "error", ""));
		return FETCH_FAILED;
	}
	if (!whole) {
		err_set(e, ERR_OTHER, "the manifest did not arrive whole");
		return FETCH_FAILED;
	}
	cleanup_repository struct repository *r = cache_repository(c, x->repository, u, e);
	return r && store(c, r, x->reference, head, &doc, e) == 0 ? FETCHED : FETCH_FAILED;
}

/* 404 upstream: the tag is gone there, so it goes here. */
static void untag(struct cache *c, const char *repository, const char *tag)
{
	uint64_t size;
	cleanup_repository struct repository *r = repository_get(c->server->storage, repository, false, NULL);
	if (r && !strchr(tag, ':'))
		manifest_delete(r, tag, &size, NULL);
}

static bool answer_failure(struct exchange *x, bool have, const struct err *why)
{
	if (have) {
		exchange_warn(x, "not checked with its upstream: %.200s", why->msg);
		return false;
	}
	exchange_error(x, MHD_HTTP_BAD_GATEWAY, API_UNKNOWN, "%.300s", why->msg);
	return true;
}

/* The digest of what is here, into `known`. */
static bool is_here(struct cache *c, const struct exchange *x, char known[DIGEST_TEXT_SIZE])
{
	struct stored_manifest m;
	cleanup_repository struct repository *r =
	        repository_get(c->server->storage, x->repository, false, NULL);
	known[0] = '\0';
	if (!r || manifest_get(r, x->reference, &m, NULL) < 0)
		return false;
	digest_text(&m.digest, known);
	return true;
}

/* By digest it never changes. */
static bool is_settled(struct cache *c, const struct exchange *x)
{
	char known[DIGEST_TEXT_SIZE];
	return strchr(x->reference, ':') && is_here(c, x, known);
}

bool cache_manifest(struct cache *c, struct exchange *x)
{
	const char *path;
	struct err why = ERR_INIT;
	char known[DIGEST_TEXT_SIZE];
	const struct upstream *u = cache_source(c, x, &path);
	if (!u)
		return false;
	uint64_t name = hash_of(x->repository, x->reference);
	if (is_settled(c, x) || begin_check(c, name)) {
		metrics_count(c->server->metrics, METRICS_CACHE_HITS, 1);
		return false;
	}
	bool have = is_here(c, x, known);
	enum fetched got = fetch_manifest(c, x, u, path, known, &why);
	end_check(c, name, got == FETCHED || got == FETCHED_SAME);
	metrics_count(c->server->metrics, got == FETCHED_SAME ? METRICS_CACHE_HITS : METRICS_CACHE_MISSES, 1);
	if (got == FETCHED_UNKNOWN)
		untag(c, x->repository, x->reference);
	return got == FETCH_FAILED && answer_failure(x, have, &why);
}
