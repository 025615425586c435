#include "registry/server/quota.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/err.h"
#include "base/proc.h"
#include "base/units.h"
#include "registry/server/exchange.h"
#include "registry/server/metrics.h"
#include "registry/server/server.h"

#define BUCKETS 1024
/* How long, and for how many bytes, the file system's answer is believed. */
#define FREE_AGE_NS   INT64_C(250000000)
#define FREE_AGE_SIZE ((uint64_t)16 << 20)

struct count {
	struct count *next;
	uint64_t bytes;
	char name[];
};

struct quota {
	struct quota_options options;
	int storage_fd;
	pthread_mutex_t lock;
	uint64_t used;
	struct count *repositories[BUCKETS];
	uint64_t free; /* when it was asked */
	int64_t asked;
	uint64_t since; /* bytes taken since */
};

struct quota *quota_new(const struct quota_options *o, int storage_fd)
{
	struct quota *q = calloc(1, sizeof *q);

	if (!q)
		return NULL;
	q->options = *o;
	q->storage_fd = storage_fd;
	pthread_mutex_init(&q->lock, NULL);
	return q;
}

void quota_free(struct quota *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct count *c = q->repositories[i], *next; c; c = next) {
			next = c->next;
			free(c);
		}
	pthread_mutex_destroy(&q->lock);
	free(q);
}

/* ---------------------------------------------------------------- under the lock */

/* The names are ours or passed an ACL; a flood of them that share a bucket costs a walk, not a crash. */
static size_t bucket(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h % BUCKETS;
}

static struct count *find(struct quota *q, const char *name, bool make)
{
	size_t b = bucket(name), len = strlen(name) + 1;
	struct count *c = q->repositories[b];

	while (c && strcmp(c->name, name) != 0)
		c = c->next;
	if (c || !make)
		return c;
	c = calloc(1, sizeof *c + len);
	if (!c)
		return NULL;
	memcpy(c->name, name, len);
	c->next = q->repositories[b];
	q->repositories[b] = c;
	return c;
}

static int over(
        const char *what, const char *whose, uint64_t used, uint64_t most, uint64_t bytes, struct err *e)
{
	char u[SIZE_TEXT_SIZE], m[SIZE_TEXT_SIZE], b[SIZE_TEXT_SIZE];

	size_format_binary(used, u);
	size_format_binary(most, m);
	size_format_binary(bytes, b);
	err_set(e, ERR_NO_SPACE,
	        "the quota of %s%s is used up: %s of %s, and %s more are wanted; delete what is not needed, "
	        "then run tare registry gc",
	        what, whose, u, m, b);
	if (e)
		e->sys = EDQUOT;
	return -1;
}

/* The disk must not become full: what comes is refused while there is still room for the rest of the machine.
 */
static int check_free(struct quota *q, uint64_t bytes, struct err *e)
{
	int64_t now = now_boottime();
	struct statvfs fs;
	char f[SIZE_TEXT_SIZE], m[SIZE_TEXT_SIZE];

	if (!q->options.min_free)
		return 0;
	if (!q->asked || now - q->asked > FREE_AGE_NS || q->since + bytes > FREE_AGE_SIZE) {
		if (fstatvfs(q->storage_fd, &fs) < 0)
			return err_sys(e, "cannot ask for the free space of the storage");
		q->free = (uint64_t)fs.f_bavail * fs.f_frsize;
		q->asked = now;
		q->since = 0;
	}
	if (q->free >= q->since && q->free - q->since >= bytes &&
	        q->free - q->since - bytes >= q->options.min_free)
		return 0;
	size_format_binary(q->free > q->since ? q->free - q->since : 0, f);
	size_format_binary(q->options.min_free, m);
	err_set(e, ERR_NO_SPACE,
	        "the registry's disk is nearly full: %s are free, and %s must stay so; try again later", f,
	        m);
	if (e)
		e->sys = ENOSPC;
	return -1;
}

static int check(struct quota *q, enum quota_of of, const char *repository, uint64_t bytes, struct err *e)
{
	const struct quota_options *o = &q->options;

	/* Several pieces of one body are asked about at once, so sums can't pass 2^64 but by a lie. */
	if (of & QUOTA_REPOSITORY && o->repository) {
		const struct count *c = find(q, repository, false);
		uint64_t used = c ? c->bytes : 0;

		if (used > o->repository || bytes > o->repository - used)
			return over("repository ", repository, used, o->repository, bytes, e);
	}
	if (!(of & QUOTA_STORAGE))
		return 0;
	if (o->total && (q->used > o->total || bytes > o->total - q->used))
		return over("this registry", "", q->used, o->total, bytes, e);
	return check_free(q, bytes, e);
}

static void add(struct quota *q, enum quota_of of, const char *repository, uint64_t bytes)
{
	struct count *c;

	if (of & QUOTA_STORAGE) {
		q->used += bytes;
		q->since += bytes;
	}
	if (of & QUOTA_REPOSITORY && (c = find(q, repository, true)))
		c->bytes += bytes;
}

/* ---------------------------------------------------------------- from outside */

int quota_take(struct quota *q, enum quota_of of, const char *repository, uint64_t bytes, struct err *e)
{
	int rc;

	pthread_mutex_lock(&q->lock);
	rc = check(q, of, repository, bytes, e);
	if (rc == 0)
		add(q, of, repository, bytes);
	pthread_mutex_unlock(&q->lock);
	return rc;
}

int quota_check(struct quota *q, enum quota_of of, const char *repository, uint64_t bytes, struct err *e)
{
	int rc;

	pthread_mutex_lock(&q->lock);
	rc = check(q, of, repository, bytes, e);
	pthread_mutex_unlock(&q->lock);
	return rc;
}

void quota_give(struct quota *q, enum quota_of of, const char *repository, uint64_t bytes)
{
	struct count *c;

	pthread_mutex_lock(&q->lock);
	if (of & QUOTA_STORAGE)
		q->used -= bytes < q->used ? bytes : q->used;
	if (of & QUOTA_REPOSITORY && (c = find(q, repository, false)))
		c->bytes -= bytes < c->bytes ? bytes : c->bytes;
	pthread_mutex_unlock(&q->lock);
}

void quota_add(struct quota *q, enum quota_of of, const char *repository, uint64_t bytes)
{
	pthread_mutex_lock(&q->lock);
	add(q, of, repository, bytes);
	pthread_mutex_unlock(&q->lock);
}

uint64_t quota_used(struct quota *q)
{
	uint64_t used;

	pthread_mutex_lock(&q->lock);
	used = q->used;
	pthread_mutex_unlock(&q->lock);
	return used;
}

uint64_t quota_used_by(struct quota *q, const char *repository)
{
	const struct count *c;
	uint64_t used;

	pthread_mutex_lock(&q->lock);
	c = find(q, repository, false);
	used = c ? c->bytes : 0;
	pthread_mutex_unlock(&q->lock);
	return used;
}

enum MHD_Result quota_refuse(struct exchange *x, const struct err *e)
{
	metrics_count(x->server->metrics, METRICS_QUOTA_REFUSED, 1);
	return exchange_error(x, e->sys == EDQUOT ? MHD_HTTP_FORBIDDEN : MHD_HTTP_INSUFFICIENT_STORAGE,
	        API_DENIED, "%s", e->msg);
}
