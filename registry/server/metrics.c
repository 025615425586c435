#include "registry/server/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/proc.h"
#include "registry/server/limits.h"
#include "registry/server/quota.h"
#include "registry/server/server.h"

#define CLASSES 5 /* 1xx to 5xx */

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "other"};
#define METHODS (sizeof methods / sizeof *methods)

static const char *const routes[ROUTE_COUNT] = {
        [ROUTE_BASE] = "base",
        [ROUTE_BLOB] = "blob",
        [ROUTE_UPLOAD] = "upload",
        [ROUTE_MANIFEST] = "manifest",
        [ROUTE_TAGS] = "tags",
        [ROUTE_REFERRERS] = "referrers",
        [ROUTE_CATALOG] = "catalog",
        [ROUTE_TOKEN] = "token",
        [ROUTE_METRICS] = "metrics",
        [ROUTE_HEALTH] = "health",
        [ROUTE_OTHER] = "other",
};

/* Upper bounds of the histogram, in ns and as they are printed. */
static const struct {
	int64_t ns;
	const char *text;
} bounds[] = {
        {500000, "0.0005"},
        {1000000, "0.001"},
        {2500000, "0.0025"},
        {5000000, "0.005"},
        {10000000, "0.01"},
        {50000000, "0.05"},
        {100000000, "0.1"},
        {500000000, "0.5"},
        {1000000000, "1"},
        {10000000000, "10"},
        {60000000000, "60"},
};
#define BOUNDS (sizeof bounds / sizeof *bounds)

static const struct {
	const char *name, *help;
} counters[METRICS_COUNTER_COUNT] = {
        [METRICS_CONNECTIONS] = {"connections_total", "Connections taken"},
        [METRICS_CLOSED] = {"connections_closed_total",
                "Connections ended by the server: too slow, or to make room"},
        [METRICS_RATE_LIMITED] = {"rate_limited_total", "Requests answered 429"},
        [METRICS_QUOTA_REFUSED] = {"quota_refused_total", "Requests refused for a quota or a full disk"},
        [METRICS_LOGIN_FAILED] = {"login_failed_total", "Requests with wrong credentials"},
        [METRICS_GC_RUNS] = {"gc_runs_total", "Garbage collections"},
        [METRICS_GC_BLOBS] = {"gc_blobs_total", "Blobs that garbage collection removed"},
        [METRICS_GC_BYTES] = {"gc_bytes_total", "Bytes that garbage collection freed"},
        [METRICS_UPLOADS_PURGED] = {"uploads_purged_total", "Stale uploads removed"},
        [METRICS_SCRUBBED] = {"scrubbed_blobs_total", "Blobs read anew and compared with their digest"},
        [METRICS_CORRUPT] = {"corrupt_blobs_total", "Blobs found to differ from their digest"},
        [METRICS_CACHE_HITS] = {"cache_hits_total", "Requests that the pull-through cache answered itself"},
        [METRICS_CACHE_MISSES] = {"cache_misses_total", "Requests that it fetched from upstream"},
};

typedef _Atomic uint64_t number;

struct metrics {
	number requests[ROUTE_COUNT][METHODS][CLASSES];
	number in[ROUTE_COUNT], out[ROUTE_COUNT];
	number duration[ROUTE_COUNT][BOUNDS + 1], duration_ns[ROUTE_COUNT];
	number counters[METRICS_COUNTER_COUNT];
	_Atomic int64_t uploads;
};

struct metrics *metrics_new(void)
{
	return calloc(1, sizeof(struct metrics));
}

void metrics_free(struct metrics *m)
{
	free(m);
}

static void add(number *n, uint64_t v)
{
	atomic_fetch_add_explicit(n, v, memory_order_relaxed);
}

static uint64_t get(const number *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

static size_t method_index(const char *method)
{
	size_t i = 0;

	while (i < METHODS - 1 && strcmp(method, methods[i]) != 0)
		i++;
	return i;
}

void metrics_request(struct metrics *m, enum route route, const char *method, unsigned status, uint64_t in,
        uint64_t out, int64_t ns)
{
	unsigned class = status / 100;
	size_t b = 0;

	if (!m || (unsigned)route >= ROUTE_COUNT)
		return;
	while (b < BOUNDS && ns > bounds[b].ns)
		b++;
	add(&m->requests[route][method_index(method)][class < 1 || class > CLASSES ? CLASSES - 1 : class - 1],
	        1);
	add(&m->in[route], in);
	add(&m->out[route], out);
	add(&m->duration[route][b], 1);
	add(&m->duration_ns[route], ns > 0 ? (uint64_t)ns : 0);
}

void metrics_count(struct metrics *m, enum metrics_counter what, uint64_t n)
{
	if (m)
		add(&m->counters[what], n);
}

uint64_t metrics_requests(const struct metrics *m)
{
	uint64_t sum = 0;

	for (size_t r = 0; m && r < ROUTE_COUNT; r++)
		for (size_t b = 0; b <= BOUNDS; b++)
			sum += get(&m->duration[r][b]);
	return sum;
}

void metrics_uploads(struct metrics *m, int64_t change)
{
	if (m)
		atomic_fetch_add_explicit(&m->uploads, change, memory_order_relaxed);
}

int64_t metrics_uploads_open(const struct metrics *m)
{
	return m ? atomic_load_explicit(&m->uploads, memory_order_relaxed) : 0;
}

/* ---------------------------------------------------------------- the text */

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP tare_registry_%s %s.\n# TYPE tare_registry_%s %s\n", name, help, name, type);
}

static void gauge(struct buf *out, const char *name, const char *help, uint64_t value)
{
	head(out, name, "gauge", help);
	buf_printf(out, "tare_registry_%s %" PRIu64 "\n", name, value);
}

static void print_requests(const struct metrics *m, struct buf *out)
{
	head(out, "requests_total", "counter", "Requests answered");
	for (size_t r = 0; r < ROUTE_COUNT; r++)
		for (size_t i = 0; i < METHODS; i++)
			for (size_t c = 0; c < CLASSES; c++) {
				uint64_t n = get(&m->requests[r][i][c]);

				if (n)
					buf_printf(out,
					        "tare_registry_requests_total{route=\"%s\",method=\"%s\","
					        "status=\"%zuxx\"} %" PRIu64 "\n",
					        routes[r], methods[i], c + 1, n);
			}
}

static void print_bytes(const number *bytes, const char *name, const char *help, struct buf *out)
{
	head(out, name, "counter", help);
	for (size_t r = 0; r < ROUTE_COUNT; r++)
		if (get(&bytes[r]))
			buf_printf(out, "tare_registry_%s{route=\"%s\"} %" PRIu64 "\n", name, routes[r],
			        get(&bytes[r]));
}

static void print_durations(const struct metrics *m, struct buf *out)
{
	static const char name[] = "request_duration_seconds";

	head(out, name, "histogram", "Time from a request's header to the end of its answer");
	for (size_t r = 0; r < ROUTE_COUNT; r++) {
		uint64_t sum = 0, all = 0;

		for (size_t b = 0; b <= BOUNDS; b++)
			all += get(&m->duration[r][b]);
		for (size_t b = 0; all && b < BOUNDS; b++) {
			sum += get(&m->duration[r][b]);
			buf_printf(out, "tare_registry_%s_bucket{route=\"%s\",le=\"%s\"} %" PRIu64 "\n", name,
			        routes[r], bounds[b].text, sum < all ? sum : all);
		}
		if (!all)
			continue;
		buf_printf(out, "tare_registry_%s_bucket{route=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name,
		        routes[r], all);
		buf_printf(out, "tare_registry_%s_sum{route=\"%s\"} %.9f\n", name, routes[r],
		        (double)get(&m->duration_ns[r]) / 1e9);
		buf_printf(out, "tare_registry_%s_count{route=\"%s\"} %" PRIu64 "\n", name, routes[r], all);
	}
}

void metrics_print(struct server *s, struct buf *out)
{
	const struct metrics *m = s->metrics;
	int64_t uploads = metrics_uploads_open(m);

	print_requests(m, out);
	print_bytes(m->in, "received_bytes_total", "Bytes of requests' bodies", out);
	print_bytes(m->out, "sent_bytes_total", "Bytes of answers' bodies", out);
	print_durations(m, out);
	for (size_t i = 0; i < METRICS_COUNTER_COUNT; i++) {
		head(out, counters[i].name, "counter", counters[i].help);
		buf_printf(out, "tare_registry_%s %" PRIu64 "\n", counters[i].name, get(&m->counters[i]));
	}
	gauge(out, "connections", "Connections open", s->limits ? limits_connections(s->limits) : 0);
	gauge(out, "uploads", "Uploads under way", uploads > 0 ? (uint64_t)uploads : 0);
	gauge(out, "storage_bytes", "Bytes of blobs and uploads", s->quota ? quota_used(s->quota) : 0);
	gauge(out, "uptime_seconds", "Since the worker began",
	        (uint64_t)((now_boottime() - s->started) / 1000000000));
}
