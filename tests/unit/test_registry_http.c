/* HTTP as a registry client speaks it: what servers may do to us, said byte by byte by a scripted one. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/err.h"
#include "registry/client/http.h"
#include "tests/unit/http_script.h"

#define SECRET "Bearer sesame"

/* Each process has files of its own: several of them run at a time when attacks are carried out. */
static char ca_pem[64], me_pem[64];

/* ---------------------------------------------------------------- one exchange, watched */

struct seen {
	int status;
	enum http_failure failure;
	struct buf body, header;
	char url[256], why[1024];
	bool plain, over;
	unsigned begins;
	uint64_t sent;
};

static void seen_done(
        void *arg, const struct http_answer *a, enum http_failure failure, const struct err *why)
{
	struct seen *s = arg;

	assert_false(s->over);
	s->over = true;
	s->status = a->status;
	s->failure = failure;
	s->plain = a->plain;
	snprintf(s->url, sizeof(s->url), "%s", a->url);
	snprintf(s->why, sizeof(s->why), "%s", why ? why->msg : "");
	buf_reset(&s->body);
	buf_reset(&s->header);
	buf_add(&s->body, buf_str(&a->body), a->body.len);
	if (http_header(a, "X-Test"))
		buf_str_add(&s->header, http_header(a, "X-Test"));
}

static void run(struct http *h, struct seen *s)
{
	struct err e = ERR_INIT;

	while (!s->over)
		assert_true(http_step(h, 5000, &e) >= 0);
}

static void ask(struct http *h, struct http_request *r, struct seen *s)
{
	struct err e = ERR_INIT;

	s->over = false;
	s->status = 0;
	r->method = r->method ? r->method : "GET";
	r->done = seen_done;
	r->arg = s;
	assert_non_null(http_add(h, r, &e));
	run(h, s);
}

static void seen_free(struct seen *s)
{
	buf_free(&s->body);
	buf_free(&s->header);
}
#define cleanup_seen __attribute__((cleanup(seen_free)))

static char *url_of(const struct script *s, const char *path)
{
	return str_printf("%s://%s%s", s->tls ? "https" : "http", s->host, path);
}

static struct http *new_http(void)
{
	struct http *h = http_new(NULL);

	assert_non_null(h);
	http_set_patience(h, 2000, 1);
	return h;
}

/* ---------------------------------------------------------------- plain answers */

static void a_connection_is_used_again(void **state)
{
	(void)state;
	struct script *s = script_start();
	cleanup_http struct http *h = new_http();
	cleanup_free char *url = url_of(s, "/a");
	cleanup_buf struct buf body = BUF_INIT;
	char *type = NULL;

	script_says(s, "GET /a", "200 OK", "Content-Type: text/x; q=1\r\n", "one");
	script_says(s, "GET /a", "404 Not Found", "", "two");
	assert_int_equal(
	        http_fetch(h, &(struct http_request){.method = "GET", .url = url}, &body, &type, NULL), 200);
	assert_string_equal(buf_str(&body), "one");
	assert_string_equal(type, "text/x; q=1");
	free(type);
	buf_reset(&body);
	assert_int_equal(
	        http_fetch(h, &(struct http_request){.method = "GET", .url = url}, &body, NULL, NULL), 404);
	assert_string_equal(buf_str(&body), "two");
	assert_int_equal(s->n_connections, 1);
	script_stop(s);
}

static void no_more_than_six_streams_run(void **state)
{
	(void)state;
	struct script *s = script_start();
	cleanup_http struct http *h = new_http();
	cleanup_free char *url = url_of(s, "/a");
	struct seen seen[20] = {0};
	struct script_rule *r = script_says(s, "GET /a", "200 OK", "", "x");

	r->times = -1;
	r->delay_ms = 30;
	for (int i = 0; i < 20; i++) {
		struct http_request q = {.method = "GET", .url = url, .done = seen_done, .arg = &seen[i]};
		assert_non_null(http_add(h, &q, NULL));
	}
	for (int i = 0; i < 20; i++)
		run(h, &seen[i]);
	assert_int_equal(s->most, HTTP_STREAMS);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(seen[i].status, 200);
		seen_free(&seen[i]);
	}
	script_stop(s);
}

static void headers_are_harmless(void **state)
{
	(void)state;
	struct script *s = script_start();
	cleanup_http struct http *h = new_http();
	cleanup_free char *url = url_of(s, "/a");
	cleanup_seen struct seen seen = {0};

	script_says(s, "GET", "200 OK", "x-TEST:  \033]0;evil\007 \303\251 \r\n", "");
	ask(h, &(struct http_request){.url = url}, &seen);
	assert_string_equal(buf_str(&seen.header), "?]0;evil? ??");
	script_stop(s);
}

static void endless_headers_are_refused(void **state)
{
	(void)state;
	struct script *s = script_start();
	cleanup_http struct http *h = new_http();
	cleanup_free char *url = url_of(s, "/a"), *line = malloc(32001);
	cleanup_buf struct buf many = BUF_INIT;
	cleanup_seen struct seen seen = {0};

	memset(line, 'x', 32000);
	line[32000] = '\0';
	for (int i = 0; i < 3; i++)
		buf_printf(&many, "X-%d: %s\r\n", i, line);
	script_says(s, "GET", "200 OK", many.data, "");
	ask(h, &(struct http_request){.url = url}, &seen);
	assert_int_equal(seen.failure, HTTP_REFUSED);
	assert_non_null(strstr(seen.why, "65536 bytes of headers"));
	/* one line without end, which libcurl calls a lack of memory */
	cleanup_seen struct seen again = {0};
	buf_reset(&many);
	buf_str_add(&many, "X: ");
	for (int i = 0; i < 5; i++)
		buf_str_add(&many, line);
	buf_str_add(&many, "\r\n");
	script_says(s, "GET", "200 OK", many.data, "");
	ask(h, &(struct http_request){.url = url}, &again);
	assert_int_equal(again.failure, HTTP_REFUSED);
	assert_non_null(strstr(again.why, "a line without end"));
	script_stop(s);
}

static void endless_bodies_are_refused(void **state)
{
	(void)state;
	struct script *s = script_start();
	cleanup_http struct http *h = new_http();
	cleanup_free char *url = url_of(s, "/a");
	cleanup_seen struct seen seen = {0};
	static char block[65536];

	script_bytes(s, "GET", "200 OK", "", block, sizeof(block), SCRIPT_ENDLESS);
	script_bytes(s, "GET", "403 Forbidden", "", block, sizeof(block), SCRIPT_ENDLESS);
	script_bytes(s, "GET", "404 Not Found", "", block, sizeof(block), SCRIPT_CUT);
	ask(h, &(struct http_request){.url = url, .max = 100000}, &seen);
	assert_int_equal(seen.failure, HTTP_REFUSED);
	assert_non_null(strstr(seen.why, "more than 100000 bytes"));
	ask(h, &(struct http_request){.url = url, .max = 100000}, &seen);
	assert_int_equal(seen.failure, HTTP_REFUSED);
	assert_non_null(strstr(seen.why, "endless"));
	/* the text of an error is only cut */
	ask(h, &(struct http_request){.url = url, .max = 10}, &seen);
	assert_int_equal(seen.failure, HTTP_OK_SO_FAR);
	assert_int_equal(seen.body.len, 65536);
	script_stop(s);
}

static void what_is_cut_or_still_is_broken(void **state)
{
	(void)state;
	struct script *s = script_start();
	cleanup_http struct http *h = new_http();
	cleanup_free char *url = url_of(s, "/a");
	cleanup_seen struct seen seen = {0};

	script_bytes(s, "GET", "200 OK", "Content-Length: 10\r\n", "12345", 5, SCRIPT_CUT);
	script_bytes(s, "GET", "200 OK", "Content-Length: 10\r\n", "12345", 5, SCRIPT_SILENT);
	ask(h, &(struct http_request){.url = url}, &seen);
	assert_int_equal(seen.failure, HTTP_BROKEN);
	ask(h, &(struct http_request){.url = url}, &seen);
	assert_int_equal(seen.failure, HTTP_BROKEN);
	assert_non_null(strstr(seen.why, s->host));
	script_stop(s);
	ask(h, &(struct http_request){.url = url}, &seen);
	assert_int_equal(seen.failure, HTTP_UNREACHABLE);
	assert_non_null(strstr(seen.why, "Connection refused"));
}

/* ---------------------------------------------------------------- redirects */

static void redirect(struct script *s, const char *match, const char *status, const char *to)
{
	cleanup_free char *header = str_printf("Location: %s\r\n", to);

	script_says(s, match, status, header, "gone");
}

static void redirects_are_followed(void **state)
{
	(void)state;
	struct script *s = script_start();
	cleanup_http struct http *h = new_http();
	cleanup_free char *url = url_of(s, "/a/b?c=d"), *last = url_of(s, "/e/f?g");
	cleanup_seen struct seen seen = {0};

	redirect(s, "GET /a/b?c=d", "307 Temporary Redirect", "../e/f?g");
	script_says(s, "GET /e/f?g", "200 OK", "", "there");
	ask(h, &(struct http_request){.url = url, .follow = true, .authorization = SECRET}, &seen);
	assert_int_equal(seen.status, 200);
	assert_string_equal(buf_str(&seen.body), "there");
	assert_string_equal(seen.url, last);
	/* the same place still knows us */
	assert_non_null(strstr(script_heard(s, "GET /e/f", 0), "Authorization: " SECRET "\r\n"));
	redirect(s, "GET /a/b?c=d", "302 Found", "/x");
	ask(h, &(struct http_request){.url = url}, &seen);
	assert_int_equal(seen.status, 302);
	script_stop(s);
}

static void authorization_stays_with_its_host(void **state)
{
	(void)state;
	struct script *s = script_start(), *port = script_start(),
	              *host = script_open("127.0.0.2", false, NULL);
	cleanup_http struct http *h = new_http();
	cleanup_free char *url = url_of(s, "/a"), *to_port = url_of(port, "/b"),
	                  *to_host = url_of(host, "/c");
	cleanup_seen struct seen seen = {0};

	redirect(s, "GET /a", "307 Temporary Redirect", to_port);
	redirect(port, "GET /b", "302 Found", to_host);
	script_says(host, "GET /c", "200 OK", "", "elsewhere");
	ask(h, &(struct http_request){.url = url, .follow = true, .authorization = SECRET}, &seen);
	assert_string_equal(buf_str(&seen.body), "elsewhere");
	assert_true(script_knows(s, "sesame"));
	assert_false(script_knows(port, "sesame"));
	assert_false(script_knows(host, "sesame"));
	assert_int_equal(script_count(host, "GET /c"), 1);
	script_stop(s);
	script_stop(port);
	script_stop(host);
}

static void redirects_to_other_schemes_are_refused(void **state)
{
	(void)state;
	struct script *s = script_start(), *safe = script_open("127.0.0.1", true, ca_pem);
	cleanup_http struct http *h = new_http();
	cleanup_free char *url = url_of(s, "/a"), *safe_url = url_of(safe, "/a"), *down = url_of(s, "/plain");
	cleanup_seen struct seen seen = {0};
	struct http_tls tls = {.ca_file = ca_pem};
	static const char *const bad[] = {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:1/x",
	        "http://user:pass@127.0.0.1/", "http://", "//[", "dict://127.0.0.1:11211/stats"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		redirect(s, "GET /a", "302 Found", bad[i]);
		ask(h, &(struct http_request){.url = url, .follow = true}, &seen);
		assert_int_equal(seen.failure, HTTP_REFUSED);
	}
	redirect(safe, "GET /a", "302 Found", down);
	ask(h, &(struct http_request){.url = safe_url, .follow = true, .tls = &tls}, &seen);
	assert_int_equal(seen.failure, HTTP_REFUSED);
	assert_non_null(strstr(seen.why, "from https to http"));
	assert_int_equal(script_count(s, "GET /plain"), 0);
	script_stop(s);
	script_stop(safe);
}

static void redirects_end(void **state)
{
	(void)state;
	struct script *s = script_start();
	cleanup_http struct http *h = new_http();
	cleanup_free char *url = url_of(s, "/a");
	cleanup_seen struct seen seen = {0};
	cleanup_free char *header = str_printf("Location: %s\r\n", url);

	script_says(s, "GET /a", "302 Found", header, "")->times = -1;
	ask(h, &(struct http_request){.url = url, .follow = true}, &seen);
	assert_int_equal(seen.failure, HTTP_REFUSED);
	assert_int_equal(script_count(s, "GET /a"), 6);
	script_stop(s);
}

/* ---------------------------------------------------------------- what we send */

static void nobody_speaks_for_us(void **state)
{
	(void)state;
	struct script *s = script_start();
	cleanup_http struct http *h = new_http();
	cleanup_free char *url = url_of(s, "/a");
	cleanup_seen struct seen seen = {0};
	char *split[] = {(char[]){"X-A: b\r\nX-Evil: c"}, NULL};
	FILE *f = fopen("/dev/shm/.netrc", "we");

	/* a .netrc and a cookie are not asked for */
	assert_non_null(f);
	fputs("machine 127.0.0.1 login joe password netsecret\n", f);
	fclose(f);
	setenv("HOME", "/dev/shm", 1);
	script_says(s, "GET /a", "200 OK", "Set-Cookie: id=cookiesecret\r\n", "");
	script_says(s, "GET /a", "200 OK", "", "");
	ask(h, &(struct http_request){.url = url}, &seen);
	ask(h, &(struct http_request){.url = url}, &seen);
	unlink("/dev/shm/.netrc");
	assert_int_equal(script_count(s, "GET /a"), 2);
	assert_false(script_knows(s, "cookie"));
	assert_false(script_knows(s, "authorization"));
	/* a line break in a header is none of ours */
	ask(h, &(struct http_request){.url = url, .headers = split}, &seen);
	assert_int_equal(seen.failure, HTTP_REFUSED);
	ask(h, &(struct http_request){.url = url, .authorization = "Bearer a\r\nX-Evil: c"}, &seen);
	assert_int_equal(seen.failure, HTTP_REFUSED);
	assert_false(script_knows(s, "evil"));
	script_stop(s);
}

static ssize_t read_ten(void *arg, void *data, size_t len, struct err *e)
{
	struct seen *s = arg;

	(void)e;
	if (s->begins == 10)
		return 0;
	assert_true(len >= 7);
	memcpy(data, "letters", 7);
	s->begins++;
	return 7;
}

static ssize_t read_failing(void *arg, void *data, size_t len, struct err *e)
{
	(void)arg, (void)data, (void)len;
	return err_set(e, ERR_OTHER, "the disk is gone");
}

static void note_sent(void *arg, uint64_t bytes)
{
	((struct seen *)arg)->sent = bytes;
}

static void bodies_go_out(void **state)
{
	(void)state;
	struct script *s = script_start();
	cleanup_http struct http *h = new_http();
	cleanup_free char *url = url_of(s, "/a");
	cleanup_seen struct seen seen = {0};
	const char *heard;

	script_says(s, "POST /a", "202 Accepted", "", "");
	script_says(s, "PUT /a", "201 Created", "", "");
	script_says(s, "PATCH /a", "202 Accepted", "", "");
	script_says(s, "PATCH /a", "202 Accepted", "", "");
	ask(h, &(struct http_request){.method = "POST", .url = url}, &seen);
	heard = script_heard(s, "POST /a", 0);
	assert_non_null(strstr(heard, "Content-Length: 0\r\n"));
	assert_null(strcasestr(heard, "content-type"));
	ask(h, &(struct http_request){.method = "PUT", .url = url, .body = "{}", .body_len = 2}, &seen);
	assert_non_null(strstr(script_heard(s, "PUT /a", 0), "\r\n\r\n{}"));
	ask(h,
	        &(struct http_request){
	                .method = "PATCH", .url = url, .read = read_ten, .read_size = 70, .sent = note_sent},
	        &seen);
	assert_int_equal(seen.status, 202);
	assert_int_equal(seen.sent, 70);
	heard = script_heard(s, "PATCH /a", 0);
	assert_non_null(strstr(heard, "Content-Length: 70\r\n"));
	assert_null(strcasestr(heard, "expect"));
	seen.begins = 0;
	ask(h,
	        &(struct http_request){
	                .method = "PATCH", .url = url, .read = read_ten, .read_size = UINT64_MAX},
	        &seen);
	assert_non_null(strstr(script_heard(s, "PATCH /a", 1), "Transfer-Encoding: chunked\r\n"));
	ask(h, &(struct http_request){.method = "PATCH", .url = url, .read = read_failing, .read_size = 70},
	        &seen);
	assert_int_equal(seen.failure, HTTP_REFUSED);
	assert_string_equal(seen.why, "the disk is gone");
	script_stop(s);
}

static void a_proxy_is_for_others_only(void **state)
{
	(void)state;
	struct script *s = script_start(), *proxy = script_start();
	cleanup_http struct http *h = new_http();
	cleanup_free char *url = url_of(s, "/near"), *where = url_of(proxy, "");
	cleanup_seen struct seen seen = {0};

	setenv("http_proxy", where, 1);
	script_says(s, "GET /near", "200 OK", "", "near");
	script_says(proxy, "GET http://registry.example/far", "200 OK", "", "far");
	ask(h, &(struct http_request){.url = url}, &seen);
	assert_string_equal(buf_str(&seen.body), "near");
	ask(h, &(struct http_request){.url = "http://registry.example/far", .public_only = true}, &seen);
	unsetenv("http_proxy");
	assert_string_equal(buf_str(&seen.body), "far");
	assert_false(script_knows(proxy, "near"));
	script_stop(s);
	script_stop(proxy);
}

static void a_public_request_reaches_no_private_address(void **state)
{
	(void)state;
	struct script *s = script_start();
	cleanup_http struct http *h = new_http();
	cleanup_free char *url = url_of(s, "/a");
	cleanup_seen struct seen seen = {0};

	ask(h, &(struct http_request){.url = url, .public_only = true}, &seen);
	assert_int_equal(seen.failure, HTTP_REFUSED);
	assert_non_null(strstr(seen.why, "private network"));
	assert_int_equal(s->n_connections, 0);
	script_stop(s);
}

/* ---------------------------------------------------------------- TLS */

static void certificates_are_checked(void **state)
{
	(void)state;
	struct script *s = script_open("127.0.0.1", true, ca_pem), *plain = script_start();
	cleanup_http struct http *h = new_http();
	cleanup_free char *url = url_of(s, "/a"), *wrong = str_printf("https://%s/", plain->host);
	cleanup_seen struct seen seen = {0};

	script_says(s, "GET", "200 OK", "", "secure")->times = -1;
	ask(h, &(struct http_request){.url = url}, &seen);
	assert_int_equal(seen.failure, HTTP_TLS_FAILED);
	assert_false(seen.plain);
	ask(h, &(struct http_request){.url = url, .tls = &(struct http_tls){.ca_file = ca_pem}}, &seen);
	assert_string_equal(buf_str(&seen.body), "secure");
	/* what one request trusts another doesn't, though a connection is there */
	ask(h, &(struct http_request){.url = url}, &seen);
	assert_int_equal(seen.failure, HTTP_TLS_FAILED);
	ask(h, &(struct http_request){.url = url, .tls = &(struct http_tls){.unverified = true}}, &seen);
	assert_string_equal(buf_str(&seen.body), "secure");
	ask(h, &(struct http_request){.url = wrong}, &seen);
	assert_int_equal(seen.failure, HTTP_TLS_FAILED);
	assert_true(seen.plain);
	script_stop(s);
	script_stop(plain);
}

static void our_certificate_is_for_who_was_asked(void **state)
{
	(void)state;
	struct script *s = script_open("127.0.0.1", true, NULL),
	              *other = script_open("127.0.0.1", true, NULL);
	cleanup_http struct http *h = new_http();
	cleanup_free char *url = url_of(s, "/a"), *away = url_of(other, "/b");
	cleanup_seen struct seen seen = {0};
	struct http_tls tls = {.cert_file = me_pem, .unverified = true};

	script_certify(NULL, me_pem);
	s->asks_cert = other->asks_cert = true;
	redirect(s, "GET /a", "302 Found", away);
	script_says(other, "GET /b", "200 OK", "", "there");
	ask(h, &(struct http_request){.url = url, .tls = &tls, .follow = true}, &seen);
	assert_string_equal(buf_str(&seen.body), "there");
	assert_int_equal(s->n_certs, 1);
	assert_int_equal(other->n_certs, 0);
	script_stop(s);
	script_stop(other);
}

/* ---------------------------------------------------------------- the loop */

static void *wake_soon(void *arg)
{
	poll(NULL, 0, 50);
	http_wake(arg);
	return NULL;
}

static void waiting_ends_when_woken(void **state)
{
	(void)state;
	cleanup_http struct http *h = new_http();
	pthread_t t;
	int64_t start = now_boottime();

	assert_int_equal(http_step(h, -1, NULL), 0);
	assert_int_equal(pthread_create(&t, NULL, wake_soon, h), 0);
	assert_int_equal(http_step(h, 20000, NULL), 0);
	pthread_join(t, NULL);
	assert_true(now_boottime() - start < 10ll * 1000000000);
}

static void later_is_later(void **state)
{
	(void)state;
	struct script *s = script_start();
	cleanup_http struct http *h = new_http();
	cleanup_free char *url = url_of(s, "/a");
	cleanup_seen struct seen seen = {0};
	struct http_request r = {.method = "GET", .url = url, .done = seen_done, .arg = &seen};
	int64_t start = now_boottime();

	script_says(s, "GET", "200 OK", "", "");
	assert_non_null(http_add_later(h, &r, start + 60000000, NULL));
	run(h, &seen);
	assert_true(now_boottime() - start >= 60000000);
	assert_int_equal(seen.status, 200);
	script_stop(s);
}

static void what_is_given_up_is_told(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct http *h = new_http();
	cleanup_free char *url = url_of(s, "/a");
	struct seen seen[9] = {0};
	struct http_exchange *x[9];

	script_bytes(s, "GET", "200 OK", "", "", 0, SCRIPT_SILENT)->times = -1;
	for (int i = 0; i < 9; i++) {
		struct http_request r = {.method = "GET", .url = url, .done = seen_done, .arg = &seen[i]};
		x[i] = http_add(h, &r, NULL);
	}
	assert_int_equal(http_step(h, 20, NULL), 9);
	http_cancel(x[0]);
	http_cancel(x[8]);
	assert_true(seen[0].over && seen[8].over && !seen[1].over);
	http_free(h);
	for (int i = 0; i < 9; i++) {
		assert_int_equal(seen[i].failure, HTTP_CANCELLED);
		seen_free(&seen[i]);
	}
	script_stop(s);
}

static int forget(void **state)
{
	(void)state;
	unlink(ca_pem);
	unlink(me_pem);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_connection_is_used_again),
	        cmocka_unit_test(no_more_than_six_streams_run),
	        cmocka_unit_test(headers_are_harmless),
	        cmocka_unit_test(endless_headers_are_refused),
	        cmocka_unit_test(endless_bodies_are_refused),
	        cmocka_unit_test(what_is_cut_or_still_is_broken),
	        cmocka_unit_test(redirects_are_followed),
	        cmocka_unit_test(authorization_stays_with_its_host),
	        cmocka_unit_test(redirects_to_other_schemes_are_refused),
	        cmocka_unit_test(redirects_end),
	        cmocka_unit_test(nobody_speaks_for_us),
	        cmocka_unit_test(bodies_go_out),
	        cmocka_unit_test(a_proxy_is_for_others_only),
	        cmocka_unit_test(a_public_request_reaches_no_private_address),
	        cmocka_unit_test(certificates_are_checked),
	        cmocka_unit_test(our_certificate_is_for_who_was_asked),
	        cmocka_unit_test(waiting_ends_when_woken),
	        cmocka_unit_test(later_is_later),
	        cmocka_unit_test(what_is_given_up_is_told),
	};

	snprintf(ca_pem, sizeof(ca_pem), "/dev/shm/tare-test-http-%d-ca.pem", (int)getpid());
	snprintf(me_pem, sizeof(me_pem), "/dev/shm/tare-test-http-%d-me.pem", (int)getpid());
	return cmocka_run_group_tests(tests, NULL, forget);
}
