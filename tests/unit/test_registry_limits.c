/* Quotas, the pace of bodies, and the text of the numbers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "registry/server/limits.h"
#include "registry/server/metrics.h"
#include "registry/server/quota.h"
#include "registry/server/server.h"

#define SECOND INT64_C(1000000000)

static void quotas(void **state)
{
	struct quota_options o = {.total = 1000, .repository = 600};
	struct quota *q = quota_new(&o, -1);
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(quota_take(q, QUOTA_BOTH, "a", 500, &e), 0);
	assert_int_equal(quota_take(q, QUOTA_BOTH, "a", 101, &e), -1);
	assert_int_equal(e.kind, ERR_NO_SPACE);
	assert_int_equal(e.sys, EDQUOT);
	assert_non_null(strstr(e.msg, "quota of repository a is used up: 500B of 600B"));
	assert_int_equal(quota_take(q, QUOTA_BOTH, "a", 100, &e), 0);
	assert_int_equal(quota_take(q, QUOTA_BOTH, "b", 401, &e), -1);
	assert_non_null(strstr(e.msg, "quota of this registry"));
	/* what was refused was not taken */
	assert_int_equal(quota_used(q), 600);
	assert_int_equal(quota_used_by(q, "b"), 0);
	assert_int_equal(quota_check(q, QUOTA_BOTH, "b", 400, &e), 0);
	/* a mount counts for its repository alone */
	assert_int_equal(quota_take(q, QUOTA_REPOSITORY, "b", 600, &e), 0);
	assert_int_equal(quota_used(q), 600);
	assert_int_equal(quota_take(q, QUOTA_REPOSITORY, "b", 1, &e), -1);
	quota_give(q, QUOTA_REPOSITORY, "b", 600);
	quota_give(q, QUOTA_BOTH, "a", 600);
	assert_int_equal(quota_used(q), 0);
	/* more than there is can't be given back, nor asked for by a sum that begins anew */
	quota_give(q, QUOTA_BOTH, "a", 1);
	assert_int_equal(quota_used(q), 0);
	assert_int_equal(quota_take(q, QUOTA_BOTH, "a", UINT64_MAX, &e), -1);
	quota_add(q, QUOTA_BOTH, "a", 5000);
	assert_int_equal(quota_take(q, QUOTA_BOTH, "a", 0, &e), -1);
	quota_free(q);
}

static void a_full_disk(void **state)
{
	struct quota_options o = {.min_free = UINT64_MAX / 2};
	cleanup_fd int fd = open("/tmp", O_RDONLY | O_DIRECTORY);
	struct quota *q = quota_new(&o, fd);
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(quota_check(q, QUOTA_BOTH, "a", 0, &e), -1);
	assert_int_equal(e.sys, ENOSPC);
	assert_non_null(strstr(e.msg, "disk is nearly full"));
	quota_free(q);
	o.min_free = 1;
	q = quota_new(&o, fd);
	assert_int_equal(quota_take(q, QUOTA_BOTH, "a", 1, &e), 0);
	quota_free(q);
}

static void pace(void **state)
{
	struct limits_options o = {.connections = 10, .timeout = 60, .pace_grace = 10 * SECOND};
	struct limits *l = limits_new(&o, NULL);
	int64_t now = now_boottime();

	(void)state;
	assert_true(limits_pace(l, now, 0));
	assert_true(limits_pace(l, now - 9 * SECOND, 1));
	assert_false(limits_pace(l, now - 11 * SECOND, 1));
	assert_true(limits_pace(l, now - 20 * SECOND, 11 * LIMITS_PACE));
	assert_false(limits_pace(l, now - 20 * SECOND, 9 * LIMITS_PACE));
	assert_true(limits_pace(l, now - 86400 * SECOND, UINT64_C(1) << 40));
	limits_free(l);
}

static void numbers(void **state)
{
	struct server_options o = {0};
	struct server s = {.options = &o, .metrics = metrics_new(), .started = now_boottime()};
	cleanup_buf struct buf text = BUF_INIT;

	(void)state;
	metrics_request(s.metrics, ROUTE_BLOB, "GET", 206, 0, 1000, 3000000);
	metrics_request(s.metrics, ROUTE_BLOB, "GET", 200, 0, 1000, 70 * SECOND);
	metrics_request(s.metrics, ROUTE_BLOB, "BREW", 0, 5, 0, -1);
	metrics_request(s.metrics, ROUTE_COUNT, "GET", 200, 0, 0, 0);
	metrics_uploads(s.metrics, 2);
	metrics_uploads(s.metrics, -1);
	metrics_count(s.metrics, METRICS_GC_BLOBS, 7);
	metrics_print(&s, &text);
	assert_int_equal(metrics_requests(s.metrics), 3);
	static const char *const lines[] = {
	        "tare_registry_requests_total{route=\"blob\",method=\"GET\",status=\"2xx\"} 2\n",
	        "tare_registry_requests_total{route=\"blob\",method=\"other\",status=\"5xx\"} 1\n",
	        "tare_registry_sent_bytes_total{route=\"blob\"} 2000\n",
	        "tare_registry_received_bytes_total{route=\"blob\"} 5\n",
	        "tare_registry_request_duration_seconds_bucket{route=\"blob\",le=\"0.0025\"} 1\n",
	        "tare_registry_request_duration_seconds_bucket{route=\"blob\",le=\"0.005\"} 2\n",
	        "tare_registry_request_duration_seconds_bucket{route=\"blob\",le=\"60\"} 2\n",
	        "tare_registry_request_duration_seconds_bucket{route=\"blob\",le=\"+Inf\"} 3\n",
	        "tare_registry_request_duration_seconds_count{route=\"blob\"} 3\n",
	        "tare_registry_uploads 1\n",
	        "tare_registry_gc_blobs_total 7\n",
	};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		if (!strstr(buf_str(&text), lines[i]))
			fail_msg("missing: %s", lines[i]);
	metrics_free(s.metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(quotas),
	        cmocka_unit_test(a_full_disk),
	        cmocka_unit_test(pace),
	        cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
