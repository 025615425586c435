/* What the headers of an answer and the names of hosts say: where they lead, which bytes, how long to wait.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "registry/client/answer_range.h"
#include "registry/client/http_url.h"
#include "registry/client/retry.h"

static void addresses_are_known_by_any_spelling(void **state)
{
	(void)state;
	static const struct {
		const char *host;
		enum http_reach reach;
	} hosts[] = {{"localhost", HTTP_REACH_LOOPBACK}, {"localhost:5000", HTTP_REACH_LOOPBACK},
	        {"LOCALHOST.", HTTP_REACH_LOOPBACK}, {"a.localhost", HTTP_REACH_LOOPBACK},
	        {"127.1.2.3:80", HTTP_REACH_LOOPBACK}, {"[::1]:5000", HTTP_REACH_LOOPBACK},
	        {"::1", HTTP_REACH_LOOPBACK}, {"2130706433", HTTP_REACH_LOOPBACK},
	        {"0x7f.1", HTTP_REACH_LOOPBACK}, {"[::ffff:127.0.0.1]", HTTP_REACH_LOOPBACK},
	        {"169.254.169.254", HTTP_REACH_PRIVATE}, {"[::ffff:169.254.169.254]:80", HTTP_REACH_PRIVATE},
	        {"[64:ff9b::a9fe:a9fe]", HTTP_REACH_PRIVATE}, {"0.0.0.0", HTTP_REACH_PRIVATE},
	        {"10.0.0.1", HTTP_REACH_PRIVATE}, {"172.31.0.1", HTTP_REACH_PRIVATE},
	        {"172.32.0.1", HTTP_REACH_PUBLIC}, {"192.168.9.9", HTTP_REACH_PRIVATE},
	        {"100.100.100.200", HTTP_REACH_PRIVATE}, {"[fd00:ec2::254]", HTTP_REACH_PRIVATE},
	        {"[fe80::1%25eth0]", HTTP_REACH_PRIVATE}, {"[::]", HTTP_REACH_PRIVATE},
	        {"8.8.8.8", HTTP_REACH_PUBLIC}, {"quay.io", HTTP_REACH_PUBLIC},
	        {"localhost.evil.example", HTTP_REACH_PUBLIC}, {"127.0.0.1.evil.example", HTTP_REACH_PUBLIC},
	        {"[2606:4700::1]", HTTP_REACH_PUBLIC}};

	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
		if (http_host_reach(hosts[i].host) != hosts[i].reach)
			fail_msg("%s", hosts[i].host);
}

static void origins_are_compared_whole(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		bool same;
	} pairs[] = {{"https://quay.io/a", "https://QUAY.io:443/b", true},
	        {"https://quay.io", "https://quay.io.evil.example/", false},
	        {"https://quay.io", "http://quay.io", false},
	        {"https://quay.io", "https://quay.io:444", false},
	        {"http://a:5000", "http://a:5000/x?y", true}, {"http://a:5000", "http://a:50000", false},
	        {"https://[::1]:1", "https://[::1]:1/", true}};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		cleanup_http_url struct http_url a = HTTP_URL_INIT, b = HTTP_URL_INIT;
		assert_int_equal(http_url_parse(pairs[i].a, &a, NULL), 0);
		assert_int_equal(http_url_parse(pairs[i].b, &b, NULL), 0);
		if (http_url_same_origin(&a, &b) != pairs[i].same)
			fail_msg("%s %s", pairs[i].a, pairs[i].b);
	}
}

static void ranges_are_read_strictly(void **state)
{
	(void)state;
	struct answer_range r;
	static const char *const bad[] = {"", "bytes", "bytes 0-9", "bytes 5-4/10", "bytes 0-10/10",
	        "bytes -5-9/10", "bytes 0-9/10 ", "bytes  0-9/10", "bytes 0 - 9/10", "bytes +0-9/10",
	        "0-9/10", "bytes */10", "bytes 0-9/99999999999999999999",
	        "bytes 18446744073709551616-18446744073709551617/*", "bytes=0-9/10"};

	assert_true(answer_range_parse("bytes 5-9/10", &r));
	assert_true(r.first == 5 && r.last == 9 && r.total == 10);
	assert_true(answer_range_parse("Bytes 0-0/*", &r));
	assert_true(r.total == UINT64_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (answer_range_parse(bad[i], &r))
			fail_msg("%s", bad[i]);
	assert_false(answer_range_parse(NULL, &r));
}

static void retry_after_is_bounded(void **state)
{
	(void)state;
	const int64_t s = 1000000000, now = 1445412480 * s; /* Wed, 21 Oct 2015 07:28:00 GMT */

	assert_int_equal(retry_after("0", now), 0);
	assert_int_equal(retry_after("7", now), 7 * s);
	assert_int_equal(retry_after("61", now), 60 * s);
	assert_int_equal(retry_after("99999999999999999999999", now), 60 * s);
	assert_int_equal(retry_after("Wed, 21 Oct 2015 07:28:20 GMT", now), 20 * s);
	assert_int_equal(retry_after("Wed, 21 Oct 2015 07:27:00 GMT", now), 0);
	assert_int_equal(retry_after("Wed, 21 Oct 9915 07:27:00 GMT", now), 60 * s);
	assert_int_equal(retry_after("-1", now), -1);
	assert_int_equal(retry_after("1.5", now), -1);
	assert_int_equal(retry_after("soon", now), -1);
	assert_int_equal(retry_after(NULL, now), -1);
}

static void delays_double_with_jitter(void **state)
{
	(void)state;
	setenv("TARE_RETRY_MS", "500", 1);
	for (unsigned failed = 1; failed <= 12; failed++) {
		int64_t ms = failed > 6 ? 30000 : 500ll << (failed - 1);
		int64_t d = retry_delay(failed) / 1000000;
		assert_true(d >= ms * 3 / 4 - 1 && d <= ms * 5 / 4 + 1);
	}
	setenv("TARE_RETRY_MS", "0", 1);
	assert_int_equal(retry_delay(9), 0);
	unsetenv("TARE_RETRY_MS");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(addresses_are_known_by_any_spelling),
	        cmocka_unit_test(origins_are_compared_whole),
	        cmocka_unit_test(ranges_are_read_strictly),
	        cmocka_unit_test(retry_after_is_bounded),
	        cmocka_unit_test(delays_double_with_jitter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
