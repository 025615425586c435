/* Metrics: numbers of one worker, as Prometheus reads them at /metrics, and what `registry status` shows.
 * Counting takes no lock and no memory. */
#ifndef TARE_REGISTRY_METRICS_H
#define TARE_REGISTRY_METRICS_H

#include <microhttpd.h>
#include <stdint.h>

struct buf;
struct exchange;
struct metrics;
struct server;

/* What a request was about: the rows of the router. */
enum route {
	ROUTE_BASE,     /* /v2/ */
	ROUTE_BLOB,     /* /v2/NAME/blobs/DIGEST */
	ROUTE_UPLOAD,   /* /v2/NAME/blobs/uploads/… */
	ROUTE_MANIFEST, /* /v2/NAME/manifests/REFERENCE */
	ROUTE_TAGS,
	ROUTE_REFERRERS,
	ROUTE_CATALOG,
	ROUTE_TOKEN,
	ROUTE_METRICS,
	ROUTE_HEALTH,
	ROUTE_OTHER,
	ROUTE_COUNT
};

/* Things that are counted up only. */
enum metrics_counter {
	METRICS_CONNECTIONS,  /* taken */
	METRICS_CLOSED,       /* that we ended: too slow, or too many */
	METRICS_RATE_LIMITED, /* answered 429 */
	METRICS_QUOTA_REFUSED,
	METRICS_LOGIN_FAILED,
	METRICS_GC_RUNS,
	METRICS_GC_BLOBS, /* removed */
	METRICS_GC_BYTES,
	METRICS_UPLOADS_PURGED,
	METRICS_SCRUBBED, /* blobs read anew */
	METRICS_CORRUPT,  /* found by that */
	METRICS_CACHE_HITS,
	METRICS_CACHE_MISSES,
	METRICS_COUNTER_COUNT
};

struct metrics *metrics_new(void); /* NULL: no memory */
void metrics_free(struct metrics *m);
/* One request that ended. in and out: bytes of the bodies; ns: how long it took. */
void metrics_request(struct metrics *m, enum route route, const char *method, unsigned status, uint64_t in,
        uint64_t out, int64_t ns);
void metrics_count(struct metrics *m, enum metrics_counter what, uint64_t n);
uint64_t metrics_requests(const struct metrics *m);
/* +1 when an upload begins, -1 when it became a blob or is gone; at the start, those that were there. */
void metrics_uploads(struct metrics *m, int64_t change);
int64_t metrics_uploads_open(const struct metrics *m);
/* The text that Prometheus wants. */
void metrics_print(struct server *s, struct buf *out);

/* GET /metrics and GET /healthz: the handlers. */
enum MHD_Result metrics_answer(struct exchange *x);
enum MHD_Result health_answer(struct exchange *x);

#endif
