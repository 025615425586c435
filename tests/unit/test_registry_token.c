/* Tokens: what is ours and for now is believed, everything else is not. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "registry/server/access.h"
#include "registry/server/form.h"
#include "registry/server/token.h"

#define NOW INT64_C(1795000000)
#define AUD "tare-registry"

static const unsigned char key[TOKEN_KEY_SIZE] = "0123456789abcdef0123456789abcde";
static const unsigned char other_key[TOKEN_KEY_SIZE] = "0123456789abcdef0123456789abcdf";

static char *make(void)
{
	struct token t = {.subject = "alice", .issued = NOW, .expires = NOW + TOKEN_LIFE, .catalog = true};
	char *text;

	token_scope_add(&t, "repository:team/app:pull,push", 29);
	text = token_sign(key, AUD, &t);
	assert_non_null(text);
	return text;
}

static int verify(const char *text, int64_t now)
{
	struct token t;

	return token_verify(key, AUD, text, strlen(text), now, &t);
}

static void what_was_signed_comes_back(void **state)
{
	cleanup_free char *text = make();
	struct token t;

	(void)state;
	assert_int_equal(token_verify(key, AUD, text, strlen(text), NOW + 10, &t), 0);
	assert_string_equal(t.subject, "alice");
	assert_true(t.catalog);
	assert_false(t.refresh);
	assert_int_equal(token_rights(&t, "team/app"), RIGHT_PULL | RIGHT_PUSH);
	assert_int_equal(token_rights(&t, "team/ap"), 0);
	assert_int_equal(token_rights(&t, "team/app2"), 0);
}

static void times_are_kept(void **state)
{
	cleanup_free char *text = make();

	(void)state;
	assert_true(TOKEN_LIFE >= 60);
	assert_int_equal(verify(text, NOW - TOKEN_SKEW), 0);
	assert_int_equal(verify(text, NOW - TOKEN_SKEW - 1), -1);
	assert_int_equal(verify(text, NOW + TOKEN_LIFE + TOKEN_SKEW - 1), 0);
	assert_int_equal(verify(text, NOW + TOKEN_LIFE + TOKEN_SKEW), -1);
	assert_int_equal(verify(text, INT64_MAX / 2), -1);
}

static void others_tokens_are_none(void **state)
{
	cleanup_free char *text = make();
	struct token t;

	(void)state;
	assert_int_equal(token_verify(other_key, AUD, text, strlen(text), NOW, &t), -1);
	assert_int_equal(token_verify(key, "elsewhere", text, strlen(text), NOW, &t), -1);
}

/* Each byte of it counts, and each end. */
static void no_byte_can_be_changed(void **state)
{
	cleanup_free char *text = make();
	size_t len = strlen(text);
	struct token t;

	(void)state;
	for (size_t i = 0; i < len; i++) {
		char was = text[i];

		text[i] = was == 'A' ? 'B' : 'A';
		assert_int_equal(verify(text, NOW), -1);
		text[i] = was;
		assert_int_equal(token_verify(key, AUD, text, i, NOW, &t), -1);
	}
	assert_int_equal(verify(text, NOW), 0);
	cleanup_free char *longer = str_printf("%s=", text);
	assert_int_equal(verify(longer, NOW), -1);
	cleanup_free char *more = str_printf("%s.x", text);
	assert_int_equal(verify(more, NOW), -1);
}

/* A token with that head and body, signed with the right key by HMAC-SHA256 all the same. */
static char *forge(const char *head, const char *body)
{
	cleanup_buf struct buf text = BUF_INIT;
	unsigned char mac[32];
	unsigned size = sizeof mac;

	base64url_add(&text, head, strlen(head));
	buf_char(&text, '.');
	base64url_add(&text, body, strlen(body));
	HMAC(EVP_sha256(), key, sizeof key, (unsigned char *)text.data, text.len, mac, &size);
	buf_char(&text, '.');
	base64url_add(&text, mac, size);
	return buf_take(&text);
}

#define GOOD                                                                                                 \
	"\"iss\":\"tare-registry\",\"aud\":\"tare-registry\",\"sub\":\"root\",\"nbf\":1,\"exp\":9999999999"

static void heads_are_not_chosen(void **state)
{
	static const char *const heads[] = {"{\"alg\":\"none\",\"typ\":\"JWT\"}", "{\"alg\":\"none\"}",
	        "{\"alg\":\"HS512\",\"typ\":\"JWT\"}",
	        "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"../../dev/null\"}", "{\"alg\":\"HS256\"}",
	        "{\"typ\":\"JWT\",\"alg\":\"HS256\"}", ""};
	cleanup_free char *good = forge("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", "{" GOOD "}");

	(void)state;
	assert_int_equal(verify(good, NOW), 0);
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		cleanup_free char *text = forge(heads[i], "{" GOOD "}");

		assert_int_equal(verify(text, NOW), -1);
		*strrchr(text, '.') = '\0'; /* without a signature */
		assert_int_equal(verify(text, NOW), -1);
		cleanup_free char *empty = str_printf("%s.", text);
		assert_int_equal(verify(empty, NOW), -1);
	}
}

static void claims_are_needed(void **state)
{
	static const char *const bodies[] = {"{}", "[]", "",
	        "{\"iss\":\"tare-registry\",\"aud\":\"tare-registry\",\"sub\":\"x\",\"nbf\":1}",
	        "{\"iss\":\"tare-registry\",\"aud\":\"tare-registry\",\"exp\":9999999999}",
	        "{\"iss\":\"x\",\"aud\":\"tare-registry\",\"nbf\":1,\"exp\":9999999999}",
	        "{\"iss\":\"tare-registry\",\"aud\":[\"tare-registry\"],\"nbf\":1,\"exp\":9999999999}",
	        "{" GOOD "} x"};

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		cleanup_free char *text = forge("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", bodies[i]);

		assert_int_equal(verify(text, NOW), -1);
	}
}

static void add(struct token *t, const char *scope)
{
	token_scope_add(t, scope, strlen(scope));
}

static void scopes_that_make_no_sense_are_left_out(void **state)
{
	struct token *t = calloc(1, sizeof *t);
	char many[64];

	(void)state;
	add(t, "repository:a:pull");
	add(t, "repository:a:push");
	add(t, "repository:b:*");
	add(t, "repository:c:read");
	add(t, "repository:../x:pull");
	add(t, "repository:A:pull");
	add(t, "repository::pull");
	add(t, "repository:");
	add(t, "repository");
	add(t, "registry:catalog:read");
	add(t, ":");
	add(t, "");
	assert_int_equal(t->n, 3);
	assert_false(t->catalog);
	assert_int_equal(token_rights(t, "a"), RIGHT_PULL | RIGHT_PUSH);
	assert_int_equal(token_rights(t, "b"), RIGHT_ALL);
	assert_int_equal(token_rights(t, "c"), 0);
	for (int i = 0; i < 100; i++) {
		snprintf(many, sizeof many, "repository:r%d:pull", i);
		add(t, many);
	}
	assert_int_equal(t->n, TOKEN_SCOPES_MAX);
	free(t);
}

static void forms(void **state)
{
	cleanup_form struct form f = {0};
	struct form bad = {0};

	(void)state;
	assert_int_equal(form_parse(&f, "a=1&b=x+y%2F%3d&a=2&&c&d=", 25), 0);
	assert_string_equal(form_get(&f, "a", 0), "1");
	assert_string_equal(form_get(&f, "a", 1), "2");
	assert_null(form_get(&f, "a", 2));
	assert_string_equal(form_get(&f, "b", 0), "x y/=");
	assert_string_equal(form_get(&f, "c", 0), "");
	assert_string_equal(form_get(&f, "d", 0), "");
	assert_null(form_get(&f, "e", 0));
	static const char *const wrong[] = {"a=%", "a=%4", "a=%zz", "%00=1", "a=%00"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_int_equal(form_parse(&bad, wrong[i], strlen(wrong[i])), -1);
		form_free(&bad);
	}
	assert_int_equal(form_parse(&bad, "a=b\0c", 5), -1);
	form_free(&bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_was_signed_comes_back),
	        cmocka_unit_test(times_are_kept),
	        cmocka_unit_test(others_tokens_are_none),
	        cmocka_unit_test(no_byte_can_be_changed),
	        cmocka_unit_test(heads_are_not_chosen),
	        cmocka_unit_test(claims_are_needed),
	        cmocka_unit_test(scopes_that_make_no_sense_are_left_out),
	        cmocka_unit_test(forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
