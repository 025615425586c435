/* What a search found: pages of foreign JSON become names that are names and text that does no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "registry/client/login.h"
#include "registry/client/search.h"

static int v1(const char *text, const char *host, struct found *f)
{
	struct err e = ERR_INIT;
	return search_read_v1(text, strlen(text), host, f, &e);
}

static void test_rows_of_the_hub(void **state)
{
	cleanup_found struct found f = FOUND_INIT;
	(void)state;
	assert_int_equal(v1("{\"results\":[{\"name\":\"nginx\",\"description\":\"web\",\"star_count\":7,"
	                    "\"is_official\":true},{\"name\":\"me/nginx\",\"star_count\":-3},"
	                    "{\"name\":\"library/alpine\"}]}",
	                         "docker.io", &f),
	        3);
	assert_int_equal(f.n, 3);
	assert_string_equal(f.list[0].name, "nginx");
	assert_string_equal(f.list[0].description, "web");
	assert_int_equal(f.list[0].stars, 7);
	assert_true(f.list[0].official);
	assert_string_equal(f.list[1].name, "me/nginx");
	assert_int_equal(f.list[1].stars, 0);
	assert_false(f.list[1].official);
	assert_string_equal(f.list[2].name, "alpine");
}

static void test_names_that_are_none_are_left_out(void **state)
{
	cleanup_found struct found f = FOUND_INIT;
	(void)state;
	assert_int_equal(v1("{\"results\":[{\"name\":\"a b\"},{\"name\":\"\"},{\"name\":\"--privileged\"},"
	                    "{\"name\":\"../../etc\"},{\"name\":\"$(id)\"},{\"name\":\"a:tag\"},"
	                    "{\"name\":\"a@sha256:0\"},{\"name\":\"A\"},{\"name\":\"\\u001b[2J\"},7,null,[],"
	                    "{\"name\":\"good\"},{\"name\":\"good\"}]}",
	                         "q.io", &f),
	        14);
	assert_int_equal(f.n, 1);
	assert_string_equal(f.list[0].name, "q.io/good");
}

static void test_text_does_no_harm(void **state)
{
	cleanup_found struct found f = FOUND_INIT;
	struct buf b = BUF_INIT;
	(void)state;
	assert_int_equal(v1("{\"results\":[{\"name\":\"a\",\"description\":\"x\\u001b[31m\\ny\\u202ez\"}]}",
	                         "q.io", &f),
	        1);
	assert_null(strchr(f.list[0].description, '\033'));
	assert_null(strchr(f.list[0].description, '\n'));
	assert_null(strstr(f.list[0].description, "\xe2\x80\xae"));
	buf_str_add(&b, "{\"results\":[{\"name\":\"b\",\"description\":\"");
	for (int i = 0; i < 100000; i++)
		buf_str_add(&b, "\xc3\xa9");
	buf_str_add(&b, "\"}]}");
	assert_int_equal(v1(buf_str(&b), "q.io", &f), 1);
	assert_true(strlen(f.list[1].description) < 2000);
	buf_free(&b);
}

static void test_what_is_no_result_is_an_error(void **state)
{
	static const char *const bad[] = {
	        "", "{", "[]", "{}", "{\"results\":7}", "{\"results\":null}", "null"};
	cleanup_found struct found f = FOUND_INIT;
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(v1(bad[i], "q.io", &f), -1);
	assert_int_equal(f.n, 0);
}

static void test_there_is_an_end(void **state)
{
	cleanup_found struct found f = FOUND_INIT;
	struct buf b = BUF_INIT;
	(void)state;
	buf_str_add(&b, "{\"results\":[");
	for (int i = 0; i < 5000; i++)
		buf_printf(&b, "%s{\"name\":\"r%d\"}", i ? "," : "", i);
	buf_str_add(&b, "]}");
	assert_int_equal(v1(buf_str(&b), "q.io", &f), SEARCH_MAX);
	assert_int_equal(f.n, SEARCH_MAX);
	buf_free(&b);
}

static void test_catalogs(void **state)
{
	static const char text[] = "{\"repositories\":[\"a/web\",\"WEB\",\"b\",\"web/c\",7]}";
	cleanup_found struct found f = FOUND_INIT;
	struct err e = ERR_INIT;
	char last[256] = "x";
	(void)state;
	assert_int_equal(search_read_catalog(text, strlen(text), "q.io", "Web", &f, last, &e), 4);
	assert_string_equal(last, "web/c");
	assert_int_equal(f.n, 2);
	assert_string_equal(f.list[0].name, "q.io/a/web");
	assert_string_equal(f.list[1].name, "q.io/web/c");
	assert_int_equal(search_read_catalog("{}", 2, "q.io", "", &f, last, &e), 0);
	assert_string_equal(last, "");
	assert_int_equal(search_read_catalog("x", 1, "q.io", "", &f, last, &e), -1);
}

static void test_what_may_be_logged_in_to(void **state)
{
	static const struct {
		const char *typed, *registry;
	} rows[] = {{"quay.io", "quay.io"}, {"https://Quay.io/", "quay.io"},
	        {"https://index.docker.io/v1/", "docker.io"}, {"localhost:5000", "localhost:5000"},
	        {"[::1]:5000", "[::1]:5000"}, {"quay.io/team", "quay.io/team"}, {"localhost", "localhost"}};
	static const char *const bad[] = {
	        "nodot", "a b", "quay.io:port", "-u", "quay.io/UP", "../x", "q.io/x:t"};
	(void)state;
	setenv("TARE_ETC", "/nonexistent", 1);
	setenv("HOME", "/nonexistent", 1);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		cleanup_free char *registry = NULL;
		assert_int_equal(login_registry(rows[i].typed, &registry, NULL), 0);
		assert_string_equal(registry, rows[i].registry);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		cleanup_free char *registry = NULL;
		struct err e = ERR_INIT;
		if (login_registry(bad[i], &registry, &e) == 0)
			fail_msg("%s", bad[i]);
		assert_int_equal(e.kind, ERR_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rows_of_the_hub),
	        cmocka_unit_test(test_names_that_are_none_are_left_out),
	        cmocka_unit_test(test_text_does_no_harm),
	        cmocka_unit_test(test_what_is_no_result_is_an_error),
	        cmocka_unit_test(test_there_is_an_end),
	        cmocka_unit_test(test_catalogs),
	        cmocka_unit_test(test_what_may_be_logged_in_to),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
