/* The router: which paths are what, and that no name gets through that is none; ranges of blobs and uploads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "registry/server/exchange_range.h"
#include "registry/server/router.h"

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void finds(const char *uri, enum route route, const char *repository, const char *reference)
{
	struct router_match m;
	if (router_find(uri, &m) != ROUTER_FOUND)
		fail_msg("%s is not found", uri);
	assert_int_equal(m.route, route);
	assert_string_equal(m.repository, repository);
	assert_string_equal(m.reference, reference);
}

static void gives(const char *uri, enum router_result want)
{
	struct router_match m;
	enum router_result is = router_find(uri, &m);
	if (is != want)
		fail_msg("%s: %d, not %d", uri, is, want);
	assert_string_equal(m.repository, "");
}

static void test_paths(void **state)
{
	(void)state;
	finds("/v2/", ROUTE_BASE, "", "");
	finds("/v2", ROUTE_BASE, "", "");
	finds("/v2/_catalog?n=5", ROUTE_CATALOG, "", "");
	finds("/v2/a/tags/list", ROUTE_TAGS, "a", "list");
	finds("/v2/a/b/manifests/latest", ROUTE_MANIFEST, "a/b", "latest");
	finds("/v2/a/b/manifests/sha256:" HEX "?tag=x", ROUTE_MANIFEST, "a/b", "sha256:" HEX);
	finds("/v2/a/blobs/sha256%3A" HEX, ROUTE_BLOB, "a", "sha256:" HEX);
	finds("/v2/a/blobs/uploads/", ROUTE_UPLOAD, "a", "");
	finds("/v2/a/blobs/uploads", ROUTE_UPLOAD, "a", "");
	finds("/v2/a/blobs/uploads/?mount=x", ROUTE_UPLOAD, "a", "");
	finds("/v2/a/blobs/uploads/0123", ROUTE_UPLOAD, "a", "0123");
	finds("/v2/a/referrers/x", ROUTE_REFERRERS, "a", "x");
	finds("/token?service=x", ROUTE_TOKEN, "", "");
	finds("/metrics", ROUTE_METRICS, "", "");
	finds("/healthz", ROUTE_HEALTH, "", "");
}

/* Words of the API are names like others. */
static void test_names_that_look_like_paths(void **state)
{
	(void)state;
	finds("/v2/manifests/manifests/manifests", ROUTE_MANIFEST, "manifests", "manifests");
	finds("/v2/a/tags/manifests/list", ROUTE_MANIFEST, "a/tags", "list");
	finds("/v2/a/blobs/uploads/manifests/x", ROUTE_MANIFEST, "a/blobs/uploads", "x");
	finds("/v2/blobs/uploads/tags/list", ROUTE_TAGS, "blobs/uploads", "list");
	finds("/v2/blobs/blobs/uploads/x", ROUTE_UPLOAD, "blobs", "x");
	finds("/v2/uploads/blobs/x", ROUTE_BLOB, "uploads", "x");
}

static void test_nothing(void **state)
{
	static const char *const paths[] = {"/", "", "x", "/v1/", "/v2x", "/v2/a", "/v2/a/b",
	        "/v2/a/tags/all", "/v2/a/uploads/x", "/v2/a/manifests/", "/v2/a/blobs/", "/v2/tags/list/x",
	        "/token/", "*"};
	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		gives(paths[i], ROUTER_NOTHING);
}

static void test_names_that_are_none(void **state)
{
	static const char *const names[] = {"A", "..", "a/..", "a/../b", "%2e%2e", "a%2f..%2fb", "a//b", "/a",
	        "a/", ".a", "a.", "a..b", "a___b", "_a", "a_", "-a", "a-", "%252e", "a+b", "a@b", "a:b"};
	static const char *const bytes[] = {"a%00b", "a%5cb", "a\\b", "a%20b", "a\tb", "a%7f", "%c3%a4",
	        "\xc3\xa4", "a%0ab", "a%2", "a%", "a%zz", "a%%41"};
	char uri[256];
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(uri, sizeof(uri), "/v2/%s/manifests/x", names[i]);
		gives(uri, ROUTER_BAD_NAME);
	}
	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		snprintf(uri, sizeof(uri), "/v2/%s/manifests/x", bytes[i]);
		gives(uri, ROUTER_BAD_PATH);
	}
}

static void test_lengths(void **state)
{
	char uri[4096], name[300];
	(void)state;
	memset(name, 'a', sizeof(name));
	name[255] = '\0';
	snprintf(uri, sizeof(uri), "/v2/%s/tags/list", name);
	finds(uri, ROUTE_TAGS, name, "list");
	name[255] = 'a';
	name[256] = '\0';
	snprintf(uri, sizeof(uri), "/v2/%s/tags/list", name);
	gives(uri, ROUTER_BAD_NAME);
	snprintf(uri, sizeof(uri), "/v2/a/manifests/%s", name);
	gives(uri, ROUTER_BAD_PATH);
	memset(uri, 'a', sizeof(uri) - 1);
	uri[sizeof(uri) - 1] = '\0';
	memcpy(uri, "/v2/", 4);
	gives(uri, ROUTER_BAD_PATH);
	memset(uri + 5, '%', sizeof(uri) - 6);
	gives(uri, ROUTER_BAD_PATH);
}

static void part(const char *header, uint64_t size, uint64_t first, uint64_t last)
{
	uint64_t a, b;
	if (range_parse(header, size, &a, &b) != RANGE_PART || a != first || b != last)
		fail_msg("%s of %llu", header, (unsigned long long)size);
}

static void test_ranges(void **state)
{
	static const char *const none[] = {"bytes=0-1,2-3", "bytes=a-b", "bytes=", "bytes=-", "bytes=--1",
	        "bytes=1", "bytes 0-1", "octets=0-1", "bytes=0-1x", "bytes=1-x", "bytes=-5x", "bytes= 0-1",
	        ""};
	uint64_t a, b;
	(void)state;
	part("bytes=0-0", 10, 0, 0);
	part("bytes=3-", 10, 3, 9);
	part("BYTES=3-5", 10, 3, 5);
	part("bytes=-3", 10, 7, 9);
	part("bytes=-99", 10, 0, 9);
	part("bytes=9-99999999999999999999999999", 10, 9, 9);
	part("bytes=-18446744073709551616", 10, 0, 9);
	part("bytes=0-18446744073709551615", UINT64_MAX, 0, UINT64_MAX - 1);
	assert_int_equal(range_parse(NULL, 10, &a, &b), RANGE_WHOLE);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(range_parse(none[i], 10, &a, &b), RANGE_WHOLE);
	assert_int_equal(range_parse("bytes=10-", 10, &a, &b), RANGE_UNSATISFIABLE);
	assert_int_equal(range_parse("bytes=5-4", 10, &a, &b), RANGE_UNSATISFIABLE);
	assert_int_equal(range_parse("bytes=-0", 10, &a, &b), RANGE_UNSATISFIABLE);
	assert_int_equal(range_parse("bytes=0-", 0, &a, &b), RANGE_UNSATISFIABLE);
	assert_int_equal(range_parse("bytes=-1", 0, &a, &b), RANGE_UNSATISFIABLE);
}

static void test_content_ranges(void **state)
{
	static const char *const bad[] = {"", "-", "1-", "-1", "5-4", "bytes 0-9", "0-9/10", "-5--1", "0-+9",
	        " 0-9", "0-9 ", "0-18446744073709551615", "0-99999999999999999999999", "a-b"};
	uint64_t a, b;
	(void)state;
	assert_int_equal(content_range_parse("0-0", &a, &b), 0);
	assert_int_equal(content_range_parse("1000-18446744073709551614", &a, &b), 0);
	assert_true(a == 1000 && b == UINT64_MAX - 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(content_range_parse(bad[i], &a, &b), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_paths),
	        cmocka_unit_test(test_names_that_look_like_paths),
	        cmocka_unit_test(test_nothing),
	        cmocka_unit_test(test_names_that_are_none),
	        cmocka_unit_test(test_lengths),
	        cmocka_unit_test(test_ranges),
	        cmocka_unit_test(test_content_ranges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
