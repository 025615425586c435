/* The thread beside a server that collects and scrubs now and then. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/proc.h"
#include "registry/server/gc.h"
#include "registry/server/metrics.h"
#include "registry/server/scrub.h"
#include "registry/server/server.h"

#define SECOND_NS  INT64_C(1000000000)
#define SCRUB_RATE ((uint64_t)50 << 20) /* bytes a second: clients feel nothing of it */

struct gc {
	struct server *server;
	struct keep_rules keep;
	pthread_mutex_t running; /* one at a time */
	pthread_mutex_t lock;    /* of `stopping` */
	pthread_cond_t wake;
	bool stopping;
	pthread_t thread;
};

int gc_now(struct gc *g, bool dry_run, int64_t grace, struct gc_result *r, struct err *e)
{
	struct server *s = g->server;
	const struct gc_options o = {
	        .grace = grace < 0 ? s->options->gc_grace : grace,
	        .upload_age = s->options->upload_age,
	        .keep = g->keep,
	        .keep_untagged = s->options->keep_untagged,
	        .dry_run = dry_run,
	        .quota = s->quota,
	};
	pthread_mutex_lock(&g->running);
	int rc = gc_run(s->storage, &o, r, e);
	pthread_mutex_unlock(&g->running);
	if (rc < 0 || dry_run || !s->metrics)
		return rc;
	metrics_count(s->metrics, METRICS_GC_RUNS, 1);
	metrics_count(s->metrics, METRICS_GC_BLOBS, r->blobs);
	metrics_count(s->metrics, METRICS_GC_BYTES, r->bytes);
	metrics_count(s->metrics, METRICS_UPLOADS_PURGED, r->uploads);
	if (r->uploads)
		metrics_uploads(s->metrics, -(int64_t)r->uploads);
	return 0;
}

static bool is_stopping(void *arg)
{
	struct gc *g = arg;
	pthread_mutex_lock(&g->lock);
	bool stopping = g->stopping;
	pthread_mutex_unlock(&g->lock);
	return stopping;
}

static void scrub(struct gc *g)
{
	struct scrub_result r;
	struct err why = ERR_INIT;
	const struct scrub_options o = {
	        .rate = SCRUB_RATE, .stop = is_stopping, .arg = g, .metrics = g->server->metrics};
	if (scrub_run(g->server->storage, &o, &r, &why) < 0)
		log_line(LOG_LEVEL_WARN, "scrub: %s", why.msg);
}

/* Wait until `at` of CLOCK_BOOTTIME; false when it is time to stop. */
static bool wait_until(struct gc *g, int64_t at)
{
	pthread_mutex_lock(&g->lock);
	while (!g->stopping) {
		int64_t now = now_boottime();
		if (now >= at)
			break;
		/* An hour at most: the condition's clock may be set, and INT64_MAX is no time. */
		int64_t left = at - now < 3600 * SECOND_NS ? at - now : 3600 * SECOND_NS;
		int64_t until = now_realtime() + left;
		struct timespec ts = {until / SECOND_NS, until % SECOND_NS};
		pthread_cond_timedwait(&g->wake, &g->lock, &ts);
	}
	bool go = !g->stopping;
	pthread_mutex_unlock(&g->lock);
	return go;
}

static int64_t next_of(int64_t interval)
{
	return interval ? now_boottime() + interval : INT64_MAX;
}

static void *work(void *arg)
{
	struct gc *g = arg;
	const struct server_options *o = g->server->options;
	int64_t collect_at = next_of(o->gc_interval), scrub_at = next_of(o->scrub_interval);
	while (wait_until(g, collect_at < scrub_at ? collect_at : scrub_at)) {
		struct gc_result r;
		struct err why = ERR_INIT;
		if (now_boottime() >= collect_at) {
			if (gc_now(g, false, -1, &r, &why) < 0)
				log_line(LOG_LEVEL_WARN, "gc: %s", why.msg);
			collect_at = next_of(o->gc_interval);
		}
		if (now_boottime() >= scrub_at) {
			scrub(g);
			scrub_at = next_of(o->scrub_interval);
		}
	}
	return NULL;
}

struct gc *gc_start(struct server *s, struct err *e)
{
	struct gc *g = calloc(1, sizeof(*g));
	if (!g)
		return err_set_null(e, ERR_OTHER, "out of memory");
	g->server = s;
	pthread_mutex_init(&g->running, NULL);
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->wake, NULL);
	if (keep_rules_parse(s->options->keep, &g->keep, e) < 0) {
		free(g);
		return NULL;
	}
	int rc = pthread_create(&g->thread, NULL, work, g);
	if (rc != 0) {
		keep_rules_free(&g->keep);
		free(g);
		return err_set_null(e, ERR_OTHER, "cannot start a thread: %s", strerror(rc));
	}
	return g;
}

void gc_stop(struct gc *g)
{
	if (!g)
		return;
	pthread_mutex_lock(&g->lock);
	g->stopping = true;
	pthread_cond_signal(&g->wake);
	pthread_mutex_unlock(&g->lock);
	pthread_join(g->thread, NULL);
	keep_rules_free(&g->keep);
	free(g);
}
