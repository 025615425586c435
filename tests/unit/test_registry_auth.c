/* Who we are at a registry, and who else would like to know: token flow and attacks on it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/remote_box.h"

#define UNAUTHORIZED "401 Unauthorized"
#define USER         "am9lOnNlc2FtZQ==" /* joe:sesame */
#define PULL         "scope=repository%3Aa%2Fb%3Apull"

static struct credential joe = {.username = (char[]){"joe"}, .password = (char[]){"sesame"}};

/* "WWW-Authenticate: Bearer realm=…" for that server's /token. */
static char *bearer_at(const struct script *s, const char *more)
{
	return str_printf("WWW-Authenticate: Bearer realm=\"%s://%s/token\",service=\"svc\"%s\r\n",
	        s->tls ? "https" : "http", s->host, more);
}

/* It wants a token from `realm` for everything, `times` times. */
static void wants_token(struct script *s, const struct script *realm, int times)
{
	cleanup_free char *header = bearer_at(realm, "");

	script_says(s, "GET /v2/", UNAUTHORIZED, header, "")->times = times;
}

static struct box *box_as(struct credential *c)
{
	struct box *b = box_new();

	b->options.credential = c;
	return b;
}

/* ---------------------------------------------------------------- as it should be */

static void a_password_is_shown_when_asked_for(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_as(&joe);

	script_says(s, "GET", UNAUTHORIZED, "WWW-Authenticate: Basic realm=\"r\"\r\n", "");
	says_manifest(s, "1")->times = 2;
	assert_manifest(box_at(b, s), "1");
	assert_null(strstr(script_heard(s, "GET", 0), "Authorization"));
	assert_non_null(strstr(script_heard(s, "GET", 1), "Authorization: Basic " USER "\r\n"));
	/* and then at once */
	assert_manifest(b->remote, "1");
	assert_int_equal(script_count(s, "GET"), 3);
	/* a wrong one isn't sent for ever */
	script_says(s, "GET", UNAUTHORIZED, "WWW-Authenticate: Basic realm=\"r\"\r\n", "")->times = -1;
	assert_no_manifest(b->remote, "1", ERR_PERMISSION, "tare login registry.example");
	assert_int_equal(script_count(s, "GET"), 4);
	box_free(b);
	/* nor is any made up */
	b = box_new();
	assert_no_manifest(box_at(b, s), "1", ERR_PERMISSION, "log in first");
	assert_int_equal(script_count(s, "GET"), 5);
	box_free(b);
	script_stop(s);
}

static void a_token_is_fetched_once(void **state)
{
	(void)state;
	struct script *s = script_start(), *auth = script_start();
	struct box *b = box_as(&joe);
	const char *heard;

	wants_token(s, auth, 1);
	script_says(auth, "GET /token", OK, "", "{\"token\":\"tok1\",\"expires_in\":300}");
	says_manifest(s, "")->times = -1;
	assert_manifest(box_at(b, s), "1");
	assert_manifest(b->remote, "2");
	assert_int_equal(
	        script_count(auth, "GET /token?service=svc&" PULL "&account=joe&client_id=tare "), 1);
	heard = script_heard(auth, "GET", 0);
	assert_non_null(strstr(heard, "Authorization: Basic " USER "\r\n"));
	assert_non_null(strstr(script_heard(s, "GET", 1), "Authorization: Bearer tok1\r\n"));
	assert_non_null(strstr(script_heard(s, "GET", 2), "Authorization: Bearer tok1\r\n"));
	assert_int_equal(script_count(auth, "GET"), 1);
	assert_false(script_knows(s, USER));
	box_free(b);
	script_stop(s);
	script_stop(auth);
}

static void many_wait_for_one_token(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_new();
	cleanup_free char *header = bearer_at(s, "");
	struct blob blobs[6] = {0};
	struct getting g[6] = {0};

	/* the first is challenged, the others wait with it */
	script_says(s, "GET /token", OK, "", "{\"access_token\":\"tok1\"}")->delay_ms = 50;
	script_says(s, "GET /v2/", UNAUTHORIZED, header, "")->times = 6;
	box_at(b, s);
	for (size_t i = 0; i < 6; i++) {
		blob_make(&blobs[i], 100 + i);
		script_bytes(s, blobs[i].match, OK, "", blobs[i].bytes, 100 + i, SCRIPT_GOES_ON);
		g[i].blob = &blobs[i];
		struct remote_download d = {
		        .blob = &blobs[i].d, .data = getting_data, .done = getting_done, .arg = &g[i]};
		assert_int_equal(remote_download(b->remote, &d, NULL), 0);
	}
	while (http_step(b->http, -1, NULL) > 0)
		continue;
	for (size_t i = 0; i < 6; i++) {
		assert_true(g[i].over);
		assert_string_equal(g[i].why, "");
		assert_int_equal(g[i].got.len, 100 + i);
		getting_free(&g[i]);
		blob_free(&blobs[i]);
	}
	assert_int_equal(script_count(s, "GET /token"), 1);
	assert_false(script_knows(s, "Basic"));
	box_free(b);
	script_stop(s);
}

static void pushing_asks_for_all_its_scopes(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_new();

	b->options.access = REMOTE_PUSH;
	b->options.mount_from = "lib/base";
	wants_token(s, s, 1);
	script_says(s, "GET /token", OK, "", "{\"token\":\"t\"}");
	says_manifest(s, "1");
	assert_manifest(box_at(b, s), "1");
	assert_int_equal(script_count(s, "GET /token?service=svc&scope=repository%3Aa%2Fb%3Apull%2Cpush&"
	                                 "scope=repository%3Alib%2Fbase%3Apull&client_id=tare "),
	        1);
	box_free(b);
	script_stop(s);
}

static void an_identity_token_goes_by_form(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct credential token = {.identity_token = (char[]){"refresh/me"}};
	struct box *b = box_as(&token);
	const char *heard;

	wants_token(s, s, 1);
	script_says(s, "POST /token", OK, "", "{\"access_token\":\"t\"}");
	says_manifest(s, "1");
	assert_manifest(box_at(b, s), "1");
	heard = script_heard(s, "POST /token", 0);
	assert_non_null(strstr(heard, "Content-Type: application/x-www-form-urlencoded\r\n"));
	assert_non_null(strstr(heard,
	        "grant_type=refresh_token&service=svc&client_id=tare&" PULL "&refresh_token=refresh%2Fme"));
	assert_int_equal(script_count(s, "GET /token"), 0);
	box_free(b);
	script_stop(s);
}

static void a_password_goes_by_form_where_nothing_else_is_known(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_as(&joe);

	wants_token(s, s, 1);
	script_says(s, "GET /token", "405 Method Not Allowed", "", "");
	script_says(s, "POST /token", OK, "", "{\"access_token\":\"t\"}");
	says_manifest(s, "1");
	assert_manifest(box_at(b, s), "1");
	assert_non_null(strstr(script_heard(s, "POST", 0), "grant_type=password&"));
	assert_non_null(strstr(script_heard(s, "POST", 0), "&username=joe&password=sesame"));
	box_free(b);
	script_stop(s);
}

static void a_token_that_ends_is_fetched_anew_once(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_as(&joe);

	wants_token(s, s, 1);
	script_says(s, "GET /token", OK, "", "{\"token\":\"tok1\"}");
	script_says(s, "GET /token", OK, "", "{\"token\":\"tok2\"}");
	script_says(s, "GET /token", OK, "", "{\"token\":\"tok3\"}")->times = -1;
	says_manifest(s, "1");
	assert_manifest(box_at(b, s), "1");
	wants_token(s, s, 1);
	says_manifest(s, "2");
	assert_manifest(b->remote, "2");
	assert_int_equal(script_count(s, "GET /token"), 2);
	assert_non_null(strstr(script_heard(s, "GET /v2/a/b/manifests/2", 1), "Bearer tok2\r\n"));
	/* once: a registry that never is content gets no further */
	wants_token(s, s, -1);
	assert_no_manifest(b->remote, "3", ERR_PERMISSION, "401");
	assert_int_equal(script_count(s, "GET /v2/a/b/manifests/3"), 2);
	assert_int_equal(script_count(s, "GET /token"), 3);
	box_free(b);
	script_stop(s);
}

static void token_servers_are_tried_again(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_as(&joe);

	wants_token(s, s, 1);
	script_says(s, "GET /token", "503 Service Unavailable", "Retry-After: 0\r\n", "");
	script_bytes(s, "GET /token", OK, "Content-Length: 10\r\n", "{", 1, SCRIPT_CUT);
	script_says(s, "GET /token", OK, "", "{\"token\":\"t\"}");
	says_manifest(s, "1");
	assert_manifest(box_at(b, s), "1");
	assert_int_equal(script_count(s, "GET /token"), 3);
	box_free(b);
	script_stop(s);
}

static void a_ping_asks_for_no_scope(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_as(&joe);
	struct err e = ERR_INIT;

	wants_token(s, s, 1);
	script_says(s, "GET /token", OK, "", "{\"token\":\"t\"}");
	script_says(s, "GET /v2/ ", OK, "", "{}");
	assert_int_equal(remote_ping(box_at(b, s), &e), 0);
	assert_int_equal(script_count(s, "GET /token?service=svc&account=joe&client_id=tare "), 1);
	box_free(b);
	b = box_as(&joe);
	wants_token(s, s, 1);
	script_says(s, "GET /token", UNAUTHORIZED, "", "{\"details\":\"incorrect username or password\"}");
	assert_int_equal(remote_ping(box_at(b, s), &e), -1);
	assert_int_equal(e.kind, ERR_PERMISSION);
	assert_non_null(strstr(e.msg, "incorrect username or password"));
	assert_null(strstr(e.msg, "sesame"));
	box_free(b);
	script_stop(s);
}

/* ---------------------------------------------------------------- as attackers would like it */

static void token_requests_follow_no_redirects(void **state)
{
	(void)state;
	struct script *s = script_start(), *thief = script_open("127.0.0.2", false, NULL);
	struct box *b = box_as(&joe);
	cleanup_free char *header = str_printf("Location: http://%s/token\r\n", thief->host);

	wants_token(s, s, 1);
	script_says(s, "GET /token", "307 Temporary Redirect", header, "");
	assert_no_manifest(box_at(b, s), "1", ERR_PERMISSION, "redirects us: refused");
	assert_int_equal(thief->n_connections, 0);
	box_free(b);
	script_stop(s);
	script_stop(thief);
}

static void a_token_stays_with_its_registry(void **state)
{
	(void)state;
	struct script *s = script_start(), *store = script_open("127.0.0.2", false, NULL);
	struct box *b = box_as(&joe);
	cleanup_blob struct blob blob = {0};
	cleanup_getting struct getting g = {.blob = &blob};
	cleanup_free char *header = str_printf("Location: http://%s/signed?x\r\n", store->host);

	blob_make(&blob, 1000);
	wants_token(s, s, 1);
	script_says(s, "GET /token", OK, "", "{\"token\":\"tok1\"}");
	script_says(s, blob.match, "307 Temporary Redirect", header, "");
	script_bytes(store, "GET /signed?x", OK, "", blob.bytes, 1000, SCRIPT_GOES_ON);
	assert_got(box_at(b, s), &g);
	assert_true(script_knows(s, "tok1"));
	assert_false(script_knows(store, "authorization"));
	box_free(b);
	script_stop(s);
	script_stop(store);
}

static void a_challenge_after_a_redirect_is_not_answered(void **state)
{
	(void)state;
	struct script *s = script_start(), *thief = script_open("127.0.0.2", false, NULL);
	struct box *b = box_as(&joe);
	cleanup_free char *header = str_printf("Location: http://%s/x\r\n", thief->host);

	script_says(s, "GET /v2/", "302 Found", header, "")->times = -1;
	script_says(thief, "GET", UNAUTHORIZED, "WWW-Authenticate: Basic realm=\"r\"\r\n", "");
	wants_token(thief, thief, 1);
	thief->rules[1].match[4] = '\0';
	assert_no_manifest(box_at(b, s), "1", ERR_PERMISSION, "401");
	assert_no_manifest(b->remote, "1", ERR_PERMISSION, "401");
	assert_false(script_knows(s, "authorization"));
	assert_false(script_knows(thief, "authorization"));
	assert_int_equal(script_count(thief, "GET"), 2);
	box_free(b);
	script_stop(s);
	script_stop(thief);
}

struct location {
	bool over;
	int status;
	struct err why;
};

static void location_done(void *arg, const struct http_answer *a, enum http_failure f, const struct err *why)
{
	struct location *l = arg;

	l->over = true;
	l->status = f == HTTP_OK_SO_FAR ? a->status : -1;
	if (why)
		l->why = *why;
}

static int patch(struct remote *r, const char *url, struct location *l)
{
	struct remote_request q = {
	        .http = {.method = "PATCH", .body = "x", .body_len = 1, .done = location_done, .arg = l},
	        .path = url,
	        .endpoint = -1};

	*l = (struct location){0};
	assert_int_equal(remote_request(r, &q, NULL), 0);
	while (!l->over)
		assert_true(http_step(r->http, 5000, NULL) >= 0);
	return l->status;
}

static void an_upload_location_elsewhere_gets_no_token(void **state)
{
	(void)state;
	struct script *s = script_start(), *thief = script_start(),
	              *safe = script_open("127.0.0.1", true, NULL);
	struct box *b = box_as(&joe);
	cleanup_free char *home = str_printf("http://%s/v2/a/b/blobs/uploads/1", s->host);
	cleanup_free char *away = str_printf("http://%s/v2/a/b/blobs/uploads/1", thief->host);
	struct location l;

	wants_token(s, s, 1);
	script_says(s, "GET /token", OK, "", "{\"token\":\"tok1\"}");
	says_manifest(s, "1");
	assert_manifest(box_at(b, s), "1");
	script_says(s, "PATCH /v2/a/b/blobs/uploads/1", "202 Accepted", "", "");
	assert_int_equal(patch(b->remote, home, &l), 202);
	assert_non_null(strstr(script_heard(s, "PATCH", 0), "Authorization: Bearer tok1\r\n"));
	script_says(thief, "PATCH", UNAUTHORIZED, "WWW-Authenticate: Basic realm=\"r\"\r\n", "");
	assert_int_equal(patch(b->remote, away, &l), 401);
	assert_false(script_knows(thief, "authorization"));
	box_free(b);
	/* nor does a registry by https send us to plain http, be it itself */
	b = box_new();
	says_manifest(safe, "1");
	assert_manifest(box_at(b, safe), "1");
	assert_int_equal(patch(b->remote, away, &l), -1);
	assert_non_null(strstr(l.why.msg, "from https to http"));
	assert_int_equal(script_count(thief, "PATCH"), 1);
	box_free(b);
	script_stop(s);
	script_stop(thief);
	script_stop(safe);
}

static void a_mirror_gets_no_credentials_of_the_registry(void **state)
{
	(void)state;
	struct script *mirror = script_start(), *s = script_start();
	struct box *b = box_as(&joe);

	box_add(b, mirror);
	script_says(mirror, "GET", UNAUTHORIZED, "WWW-Authenticate: Basic realm=\"r\"\r\n", "");
	script_says(s, "GET", UNAUTHORIZED, "WWW-Authenticate: Basic realm=\"r\"\r\n", "");
	says_manifest(s, "1");
	assert_manifest(box_at(b, s), "1");
	assert_false(script_knows(mirror, "authorization"));
	assert_true(script_knows(s, USER));
	box_free(b);
	script_stop(mirror);
	script_stop(s);
}

static void assert_realm_refused(struct script *s, const char *realm, const char *words)
{
	struct box *b = box_as(&joe);
	cleanup_free char *header = str_printf("WWW-Authenticate: Bearer realm=\"%s\"\r\n", realm);

	script_says(s, "GET /v2/", UNAUTHORIZED, header, "");
	assert_no_manifest(box_at(b, s), "1", ERR_PERMISSION, words);
	box_free(b);
}

static void bad_realms_get_nothing(void **state)
{
	(void)state;
	struct script *safe = script_open("127.0.0.1", true, NULL), *s = script_start();
	cleanup_free char *plain = str_printf("http://%s/token", s->host);

	assert_realm_refused(safe, plain, "by plain http: refused");
	assert_realm_refused(s, "http://127.0.0.1.evil.example/token", "at another host");
	assert_int_equal(script_count(s, "GET /token"), 0);
	script_stop(s);
	script_stop(safe);
}

static void token_answers_are_bounded(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_as(&joe);
	static char spaces[65536];

	memset(spaces, ' ', sizeof(spaces));
	wants_token(s, s, 1);
	script_bytes(s, "GET /token", OK, "", spaces, sizeof(spaces), SCRIPT_ENDLESS);
	assert_no_manifest(box_at(b, s), "1", ERR_CORRUPT, "more than 1048576 bytes");
	box_free(b);
	b = box_as(&joe);
	wants_token(s, s, 1);
	script_says(s, "GET /token", OK, "", "{\"token\":\"x\\r\\nX-Evil: 1\"}");
	assert_no_manifest(box_at(b, s), "1", ERR_CORRUPT, "no usable token");
	box_free(b);
	script_stop(s);
}

static void giving_up_while_a_token_comes(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_as(&joe);
	cleanup_blob struct blob blob = {0};
	cleanup_getting struct getting g = {.blob = &blob};
	struct remote_download d = {.blob = &blob.d, .data = getting_data, .done = getting_done, .arg = &g};
	int64_t until = now_boottime() + 5ll * 1000000000;

	blob_make(&blob, 10);
	wants_token(s, s, 1);
	script_bytes(s, "GET /token", OK, "", "", 0, SCRIPT_SILENT);
	assert_int_equal(remote_download(box_at(b, s), &d, NULL), 0);
	while (!script_count(s, "GET /token") && now_boottime() < until)
		http_step(b->http, 10, NULL);
	remote_free_ptr(&b->remote);
	assert_true(g.over);
	assert_int_equal(http_step(b->http, 0, NULL), 0);
	box_free(b);
	script_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_password_is_shown_when_asked_for),
	        cmocka_unit_test(a_token_is_fetched_once),
	        cmocka_unit_test(many_wait_for_one_token),
	        cmocka_unit_test(pushing_asks_for_all_its_scopes),
	        cmocka_unit_test(an_identity_token_goes_by_form),
	        cmocka_unit_test(a_password_goes_by_form_where_nothing_else_is_known),
	        cmocka_unit_test(a_token_that_ends_is_fetched_anew_once),
	        cmocka_unit_test(token_servers_are_tried_again),
	        cmocka_unit_test(a_ping_asks_for_no_scope),
	        cmocka_unit_test(token_requests_follow_no_redirects),
	        cmocka_unit_test(a_token_stays_with_its_registry),
	        cmocka_unit_test(a_challenge_after_a_redirect_is_not_answered),
	        cmocka_unit_test(an_upload_location_elsewhere_gets_no_token),
	        cmocka_unit_test(a_mirror_gets_no_credentials_of_the_registry),
	        cmocka_unit_test(bad_realms_get_nothing),
	        cmocka_unit_test(token_answers_are_bounded),
	        cmocka_unit_test(giving_up_while_a_token_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
