/* Blobs of the cache: flights. A thread fills the file, clients read it as it grows. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "registry/server/cache_private.h"
#include "registry/server/metrics.h"
#include "registry/server/quota.h"
#include "registry/server/server.h"

#define BLOCK        (64 << 10)
#define FILLER_STACK (256 << 10)

/* What a filler needs of its own; freed by it. */
struct filling {
	struct cache *cache;
	struct flight *flight;
	const struct upstream *upstream;
	char name[REPOSITORY_NAME_MAX + 1];
	struct repository
	        *repository; /* made once upstream has the blob: who looks before he pushes makes no copy */
	struct digest digest;
	int pipe;
	uint64_t taken; /* of the quota */
	char block[BLOCK];
};

/* ------------------------------------------------------------------ flights */

/* Under the lock. */
static struct flight *flight_find(struct cache *c, const char *key)
{
	for (struct flight *f = c->flights; f; f = f->next)
		if (strcmp(f->key, key) == 0)
			return f;
	return NULL;
}

static void flight_leave(struct cache *c, struct flight *f)
{
	pthread_mutex_lock(&c->lock);
	if (--f->users == 0) {
		struct flight **at = &c->flights;
		while (*at && *at != f)
			at = &(*at)->next;
		if (*at)
			*at = f->next;
		close_fd(&f->fd);
		free(f);
	}
	pthread_mutex_unlock(&c->lock);
}

static void flight_tell(
        struct cache *c, struct flight *f, uint64_t have, enum flight_state state, const char *why)
{
	pthread_mutex_lock(&c->lock);
	f->have = have;
	f->state = state;
	if (why)
		snprintf(f->why, sizeof(f->why), "%.250s", why);
	pthread_cond_broadcast(&c->change);
	pthread_mutex_unlock(&c->lock);
}

/* ------------------------------------------------------------------ the filler */

static int read_head(struct filling *w, struct err *e)
{
	cleanup_json json *head = cache_fetch_head(w->pipe, e);
	if (!head)
		return -1;
	if (json_bool(head, "unknown", false))
		return err_set(e, ERR_NOT_FOUND, "no such blob");
	if (json_get(head, "error"))
		return err_set(e, ERR_OTHER, "%s", json_str(head, "error", ""));
	int64_t size = json_int(head, "size", -1);
	if (size < 0)
		return err_set(e, ERR_OTHER, "the upstream does not say how large the blob is");
	pthread_mutex_lock(&w->cache->lock);
	w->flight->size = (uint64_t)size;
	pthread_mutex_unlock(&w->cache->lock);
	return 0;
}

static int take(struct filling *w, uint64_t n, struct err *e)
{
	if (w->cache->server->quota && quota_take(w->cache->server->quota, QUOTA_BOTH, w->name, n, e) < 0)
		return -1;
	w->taken += n;
	return 0;
}

static int fill(struct filling *w, struct upload *u, struct err *e)
{
	uint64_t have = 0;
	ssize_t n;
	int fd = openat(w->repository->storage->uploads_dir, upload_id(u), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot open an upload");
	pthread_mutex_lock(&w->cache->lock);
	w->flight->fd = fd;
	pthread_mutex_unlock(&w->cache->lock);
	while ((n = read_full(w->pipe, w->block, sizeof(w->block))) > 0) {
		if (have + (uint64_t)n > w->flight->size)
			return err_set(e, ERR_CORRUPT, "the blob is larger than was said");
		if (take(w, (uint64_t)n, e) < 0 || upload_append(u, w->block, (size_t)n, e) < 0)
			return -1;
		have += (uint64_t)n;
		flight_tell(w->cache, w->flight, have, FLIGHT_UNDER_WAY, NULL);
	}
	if (n < 0 || have < w->flight->size)
		return err_set(e, ERR_OTHER, "the blob did not arrive whole");
	return 0;
}

static int fill_and_commit(struct filling *w, struct err *e)
{
	char id[UPLOAD_ID_SIZE];
	unsigned fresh = 0;
	if (read_head(w, e) < 0)
		return -1;
	w->repository = cache_repository(w->cache, w->name, w->upstream, e);
	if (!w->repository || upload_begin(w->repository, w->digest.alg, "", id, e) < 0)
		return -1;
	struct upload *u = upload_open(w->repository, id, "", e);
	if (!u)
		return -1;
	int rc = fill(w, u, e);
	if (rc == 0)
		rc = upload_commit(u, &w->digest, &fresh, e);
	/* Nobody goes on with it: the next client makes a new one. */
	if (rc < 0 && !upload_is_gone(u))
		upload_cancel(u, NULL);
	upload_close(u);
	if (w->cache->server->quota && fresh != QUOTA_BOTH)
		quota_give(w->cache->server->quota, QUOTA_BOTH & ~fresh, w->repository->name, w->taken);
	return rc;
}

static void *filler(void *arg)
{
	struct filling *w = arg;
	struct err e = ERR_INIT;
	int rc = fill_and_commit(w, &e);
	flight_tell(w->cache, w->flight, w->flight->have,
	        rc == 0                   ? FLIGHT_LANDED
	        : e.kind == ERR_NOT_FOUND ? FLIGHT_UNKNOWN
	                                  : FLIGHT_FAILED,
	        rc == 0 ? NULL : e.msg);
	if (rc < 0 && e.kind != ERR_NOT_FOUND)
		log_line(LOG_LEVEL_WARN, "cache: %s: %s", w->name, e.msg);
	cache_fetch_end(w->cache, &w->pipe);
	repository_put(w->repository);
	flight_leave(w->cache, w->flight);
	free(w);
	return NULL;
}

static int start_filler(struct filling *w)
{
	pthread_attr_t attr;
	pthread_t thread;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, FILLER_STACK);
	int rc = pthread_create(&thread, &attr, filler, w);
	pthread_attr_destroy(&attr);
	return rc == 0 ? 0 : -1;
}

/* A new flight with its filler. On failure it fails at once, and whoever waits learns it. */
static void take_off(struct cache *c, struct flight *f, const char *repository, const struct upstream *u,
        const char *path, const struct digest *d)
{
	char text[DIGEST_TEXT_SIZE];
	struct err e = ERR_INIT;
	struct filling *w = calloc(1, sizeof(*w));
	if (w) {
		*w = (struct filling){.cache = c, .flight = f, .upstream = u, .digest = *d, .pipe = -1};
		strcpy(w->name, repository);
		w->pipe = cache_fetch(c, u, "blob", path, digest_text(d, text), NULL, &e);
		if (w->pipe >= 0 && start_filler(w) == 0)
			return;
		cache_fetch_end(c, &w->pipe);
		free(w);
	}
	flight_tell(c, f, 0, FLIGHT_FAILED, e.msg[0] ? e.msg : "out of memory");
	flight_leave(c, f);
}

/* ------------------------------------------------------------------ clients */

struct passenger {
	struct cache *cache;
	struct flight *flight;
};

/* Wait until there is more than `at`, or an end. */
static ssize_t give(void *arg, uint64_t at, char *buffer, size_t max)
{
	struct passenger *p = arg;
	struct flight *f = p->flight;
	pthread_mutex_lock(&p->cache->lock);
	while (f->state == FLIGHT_UNDER_WAY && (f->have <= at || (f->have == f->size && at + 1 == f->size)))
		pthread_cond_wait(&p->cache->change, &p->cache->lock);
	uint64_t have = f->have;
	/* The last byte is held back until the digest was right: who got all of them got the right ones. */
	if (f->state == FLIGHT_UNDER_WAY && have == f->size)
		have--;
	bool wrong = f->state == FLIGHT_FAILED || f->state == FLIGHT_UNKNOWN;
	pthread_mutex_unlock(&p->cache->lock);
	if (wrong || have <= at)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (max > have - at)
		max = (size_t)(have - at);
	ssize_t n = pread(f->fd, buffer, max, (off_t)at);
	return n > 0 ? n : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void get_off(void *arg)
{
	struct passenger *p = arg;
	flight_leave(p->cache, p->flight);
	free(p);
}

static bool answer_state(struct exchange *x, const struct flight *f)
{
	if (f->state == FLIGHT_UNKNOWN)
		return false;
	exchange_error(x, MHD_HTTP_BAD_GATEWAY, API_UNKNOWN, "%.250s", f->why);
	return true;
}

/* Joins a flight under way, or takes off. NULL: no memory. */
static struct flight *board(struct cache *c, const char *repository, const struct upstream *u,
        const char *path, const struct digest *d)
{
	char key[sizeof(((struct flight *)0)->key)], text[DIGEST_TEXT_SIZE];
	snprintf(key, sizeof(key), "%s@%s", repository, digest_text(d, text));
	pthread_mutex_lock(&c->lock);
	struct flight *f = flight_find(c, key);
	/* One that landed just now has all of it yet. */
	bool lead = !f || (f->state != FLIGHT_UNDER_WAY && f->state != FLIGHT_LANDED);
	if (lead && (f = calloc(1, sizeof(*f)))) {
		strcpy(f->key, key);
		f->fd = -1;
		f->size = UINT64_MAX;
		f->users = 1; /* the filler */
		f->next = c->flights;
		c->flights = f;
	}
	if (f)
		f->users++;
	pthread_mutex_unlock(&c->lock);
	if (f && lead)
		take_off(c, f, repository, u, path, d);
	return f;
}

/* The size is known, and the file open; or it has failed. Its state then. */
static enum flight_state wait_for_size(struct cache *c, struct flight *f, uint64_t *size)
{
	pthread_mutex_lock(&c->lock);
	while (f->state == FLIGHT_UNDER_WAY && (f->size == UINT64_MAX || f->fd < 0))
		pthread_cond_wait(&c->change, &c->lock);
	enum flight_state state = f->state;
	*size = f->size;
	pthread_mutex_unlock(&c->lock);
	return state;
}

bool cache_blob(struct cache *c, struct exchange *x, const struct digest *d)
{
	const char *path;
	uint64_t size = 0;
	enum flight_state state = FLIGHT_FAILED;
	const struct upstream *u = cache_source(c, x, &path);
	struct flight *f = u ? board(c, x->repository, u, path, d) : NULL;
	struct passenger *p = f ? malloc(sizeof(*p)) : NULL;
	if (!u)
		return false;
	metrics_count(c->server->metrics, METRICS_CACHE_MISSES, 1);
	if (f)
		state = wait_for_size(c, f, &size);
	if (!p || (state != FLIGHT_UNDER_WAY && state != FLIGHT_LANDED)) {
		bool answered = f && answer_state(x, f);
		if (f)
			flight_leave(c, f);
		free(p);
		return answered;
	}
	*p = (struct passenger){c, f};
	exchange_header(x, "Docker-Content-Digest", "%s:%s", d->alg, d->hex);
	exchange_stream(x, "application/octet-stream", size, give, p, get_off);
	return true;
}
