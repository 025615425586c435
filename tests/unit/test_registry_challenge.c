/* WWW-Authenticate and what follows from it: challenges, where a token may come from, how it is asked for. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "registry/client/challenge.h"
#include "registry/client/credential.h"
#include "registry/client/token.h"

static struct challenge read_all(const char *first, const char *second)
{
	struct challenge c = {0};

	challenge_read(first, &c);
	if (second)
		challenge_read(second, &c);
	return c;
}

static void assert_bearer(
        const struct challenge *c, const char *realm, const char *service, const char *scope)
{
	assert_int_equal(c->kind, CHALLENGE_BEARER);
	assert_string_equal(c->realm, realm);
	assert_string_equal(c->service, service);
	assert_string_equal(c->scope, scope);
}

static void registries_ask_like_this(void **state)
{
	(void)state;
	struct challenge c =
	        read_all("Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
	                 "scope=\"repository:library/alpine:pull\"",
	                NULL);

	assert_bearer(
	        &c, "https://auth.docker.io/token", "registry.docker.io", "repository:library/alpine:pull");
	c = read_all(
	        "Bearer realm=\"https://ghcr.io/token\",service=\"ghcr.io\",scope=\"repository:a/b:pull\"",
	        NULL);
	assert_bearer(&c, "https://ghcr.io/token", "ghcr.io", "repository:a/b:pull");
	c = read_all("Basic realm=\"Registry Realm\"", NULL);
	assert_int_equal(c.kind, CHALLENGE_BASIC);
	c = read_all("bearer Realm=https://a/t , error = \"insufficient_scope\"", NULL);
	assert_bearer(&c, "https://a/t", "", "");
	assert_string_equal(c.error, "insufficient_scope");
}

static void the_best_of_several_counts(void **state)
{
	(void)state;
	struct challenge c =
	        read_all("Basic realm=\"x, y\", Bearer realm=\"https://a/t\",service=\"s\"", NULL);

	assert_bearer(&c, "https://a/t", "s", "");
	c = read_all("Bearer realm=\"https://a/t\",service=\"s\"", "Basic realm=\"x\"");
	assert_bearer(&c, "https://a/t", "s", "");
	c = read_all("Basic realm=\"x\"", "Bearer realm=\"https://a/t\"");
	assert_bearer(&c, "https://a/t", "", "");
	c = read_all("Negotiate, Digest realm=\"d\", nonce=\"n==\", Basic realm=\"x\"", NULL);
	assert_int_equal(c.kind, CHALLENGE_BASIC);
	c = read_all("Negotiate YIIJvwYGKwYBBQUC==, Bearer realm=\"https://a/t\"", NULL);
	assert_bearer(&c, "https://a/t", "", "");
	c = read_all("Basic", NULL);
	assert_int_equal(c.kind, CHALLENGE_BASIC);
}

/* What one reads otherwise than another: quotes, escapes, a second realm. */
static void quoting_is_read_as_written(void **state)
{
	(void)state;
	struct challenge c =
	        read_all("Bearer realm=\"https://a/\\t\\\"x\\\\\",service=\"a, Basic realm=b\"", NULL);

	assert_bearer(&c, "https://a/t\"x\\", "a, Basic realm=b", "");
	c = read_all("Bearer realm=\"https://good/t\", realm=\"https://evil/t\"", NULL);
	assert_bearer(&c, "https://good/t", "", "");
	c = read_all("Bearer realm=\"https://a/t", NULL);
	assert_int_equal(c.kind, CHALLENGE_NONE);
	c = read_all("Bearer service=\"only\"", NULL);
	assert_int_equal(c.kind, CHALLENGE_NONE);
	c = read_all("", ",,, ,");
	assert_int_equal(c.kind, CHALLENGE_NONE);
	c = read_all("=, \"", "Bearer realm=");
	assert_int_equal(c.kind, CHALLENGE_NONE);
}

static void hostile_lengths_are_no_challenge(void **state)
{
	(void)state;
	cleanup_buf struct buf b = BUF_INIT;
	struct challenge c;

	buf_str_add(&b, "Bearer realm=\"https://a/");
	for (int i = 0; i < CHALLENGE_TEXT_MAX; i++)
		buf_char(&b, 'x');
	buf_str_add(&b, "\"");
	c = read_all(b.data, NULL);
	assert_int_equal(c.kind, CHALLENGE_NONE);
	/* another beside it is still good, and unknown parameters may be of any length */
	buf_str_add(&b, ", Basic realm=\"r\", unknown=\"");
	for (int i = 0; i < 30000; i++)
		buf_char(&b, 'y');
	buf_str_add(&b, "\"");
	c = read_all(b.data, NULL);
	assert_int_equal(c.kind, CHALLENGE_BASIC);
}

/* ---------------------------------------------------------------- realms */

static int check(const char *realm, const char *registry, const char *peer)
{
	bool public_only;

	return token_check_realm(realm, registry, peer, &public_only, NULL);
}

static void realms_by_https_are_good(void **state)
{
	(void)state;
	bool public_only = false;

	assert_int_equal(token_check_realm("https://auth.docker.io/token", "https://registry-1.docker.io/v2/",
	                         "52.1.2.3", &public_only, NULL),
	        0);
	assert_true(public_only);
	assert_int_equal(token_check_realm("https://10.0.0.1/token", "https://harbor.corp/v2/", "10.0.0.2",
	                         &public_only, NULL),
	        0);
	assert_false(public_only);
	assert_int_equal(check("http://127.0.0.1:5001/t", "http://localhost:5000/v2/", "127.0.0.1"), 0);
	assert_int_equal(check("http://harbor.corp:81/t", "http://harbor.corp/v2/", ""), 0);
}

static void an_http_realm_of_an_https_registry_is_refused(void **state)
{
	(void)state;
	assert_int_equal(check("http://quay.io/token", "https://quay.io/v2/", ""), -1);
	assert_int_equal(check("http://localhost:1/token", "https://localhost:5000/v2/", "127.0.0.1"), -1);
}

static void an_http_realm_elsewhere_is_refused(void **state)
{
	(void)state;
	assert_int_equal(check("http://evil.example/t", "http://harbor.corp/v2/", ""), -1);
	assert_int_equal(check("http://harbor.corp.evil.example/t", "http://harbor.corp/v2/", ""), -1);
	assert_int_equal(
	        check("http://127.0.0.1.evil.example/t", "http://127.0.0.1:5000/v2/", "127.0.0.1"), -1);
}

static void a_realm_at_a_private_address_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"https://169.254.169.254/latest/meta-data/", "https://127.0.0.1/t",
	        "https://[::1]/t", "https://10.1.2.3/", "https://2852039166/", "https://0xa9fea9fe/",
	        "https://[::ffff:a9fe:a9fe]/", "https://localhost/t", "https://192.168.0.1:8443/t"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (check(bad[i], "https://quay.io/v2/", "52.1.2.3") == 0)
			fail_msg("%s", bad[i]);
}

static void what_is_no_web_address_is_no_realm(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "token", "/token", "file:///etc/shadow", "ftp://a/", "https://",
	        "https://u:p@evil/", "https://a b/", "https://a/\n", "javascript:alert(1)"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (check(bad[i], "https://quay.io/v2/", "52.1.2.3") == 0)
			fail_msg("%s", bad[i]);
}

/* ---------------------------------------------------------------- questions and answers */

static void questions_are_escaped(void **state)
{
	(void)state;
	struct credential user = {.username = (char[]){"me&you"}, .password = (char[]){"p=1&x"}};
	struct credential token = {.identity_token = (char[]){"r+t/="}};
	cleanup_free char *url = token_url(
	        "https://a/t?x=1#frag", "s p", "repository:a/b:pull,push repository:c:pull", "me&you");
	cleanup_free char *bare = token_url("https://a/t", "", "", NULL);
	cleanup_free char *form = token_form("s", "repository:a:pull", &token);
	cleanup_free char *other = token_form("s", "", &user), *basic = token_basic(&user);

	assert_string_equal(url, "https://a/t?x=1&service=s%20p&scope=repository%3Aa%2Fb%3Apull%2Cpush&scope="
	                         "repository%3Ac%3Apull&account=me%26you&client_id=tare");
	assert_string_equal(bare, "https://a/t?client_id=tare");
	assert_string_equal(form,
	        "grant_type=refresh_token&service=s&client_id=tare&scope=repository%3Aa%3Apull&"
	        "refresh_token=r%2Bt%2F%3D");
	assert_string_equal(
	        other, "grant_type=password&service=s&client_id=tare&username=me%26you&password=p%3D1%26x");
	assert_string_equal(basic, "Basic bWUmeW91OnA9MSZ4");
}

static int read_answer(const char *text, char **header, int64_t *seconds)
{
	cleanup_buf struct buf b = BUF_INIT;

	buf_str_add(&b, text);
	*header = NULL;
	return token_read_answer(&b, header, seconds, NULL);
}

static void answers_are_read(void **state)
{
	(void)state;
	char *header;
	int64_t s;

	assert_int_equal(read_answer("{\"token\":\"a.b-c\",\"expires_in\":300}", &header, &s), 0);
	assert_string_equal(header, "Bearer a.b-c");
	assert_int_equal(s, 300);
	free(header);
	assert_int_equal(read_answer("{\"token\":\"\",\"access_token\":\"x\"}", &header, &s), 0);
	assert_string_equal(header, "Bearer x");
	assert_int_equal(s, 60);
	free(header);
	assert_int_equal(read_answer("{\"token\":\"x\",\"expires_in\":1}", &header, &s), 0);
	assert_int_equal(s, 60);
	free(header);
	assert_int_equal(read_answer("{\"token\":\"x\",\"expires_in\":9e18}", &header, &s), 0);
	assert_true(s >= 60 && s <= 3600);
	free(header);
}

static void a_token_that_is_no_word_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"{}", "[]", "", "{\"token\":5}", "{\"token\":\"a\\r\\nX-Evil: 1\"}",
	        "{\"token\":\"a b\"}", "{\"token\":\"\\u0000\"}", "{\"token\":\"\xc3\xa9\"}",
	        "{\"token\":\"x\"} x"};
	char *header;
	int64_t s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (read_answer(bad[i], &header, &s) == 0)
			fail_msg("%s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(registries_ask_like_this),
	        cmocka_unit_test(the_best_of_several_counts),
	        cmocka_unit_test(quoting_is_read_as_written),
	        cmocka_unit_test(hostile_lengths_are_no_challenge),
	        cmocka_unit_test(realms_by_https_are_good),
	        cmocka_unit_test(an_http_realm_of_an_https_registry_is_refused),
	        cmocka_unit_test(an_http_realm_elsewhere_is_refused),
	        cmocka_unit_test(a_realm_at_a_private_address_is_refused),
	        cmocka_unit_test(what_is_no_web_address_is_no_realm),
	        cmocka_unit_test(questions_are_escaped),
	        cmocka_unit_test(answers_are_read),
	        cmocka_unit_test(a_token_that_is_no_word_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
