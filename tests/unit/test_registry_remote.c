/* A repository at registries that lie, stumble, redirect and ask for passwords. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>

#include "base/file.h"
#include "tests/unit/remote_box.h"

/* ---------------------------------------------------------------- schemes */

static void loopback_is_tried_by_http_and_then_by_https(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_new();

	box_add(b, s)->http_only = false;
	says_manifest(s, "1");
	says_manifest(s, "2");
	assert_manifest(box_open(b), "1");
	assert_manifest(b->remote, "2");
	assert_int_equal(s->n_connections, 1);
	box_free(b);
	script_stop(s);
	/* one that speaks TLS hangs up on http, or says 400 */
	s = script_open("127.0.0.1", true, NULL);
	b = box_new();
	box_add(b, s);
	says_manifest(s, "1");
	says_manifest(s, "2");
	assert_manifest(box_open(b), "1");
	assert_int_equal(s->n_connections, 2);
	/* what worked is remembered */
	assert_manifest(b->remote, "2");
	assert_int_equal(s->n_connections, 2);
	box_free(b);
	script_stop(s);
	s = script_start();
	b = box_new();
	box_add(b, s)->http_only = false;
	script_says(s, "GET", "400 Bad Request", "", "Client sent an HTTP request to an HTTPS server.\n");
	says_manifest(s, "1");
	assert_manifest(box_open(b), "1"); /* https was tried, and then http again */
	assert_true(s->n_connections > 1);
	box_free(b);
	script_stop(s);
}

static void elsewhere_the_error_names_the_flag(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_new();
	struct registry_endpoint *ep = box_add(b, s);

	ep->http_only = ep->plain_http = false;
	assert_no_manifest(box_open(b), "1", ERR_OTHER, "--tls-verify=false");
	assert_no_manifest(b->remote, "1", ERR_OTHER, "insecure = true");
	assert_int_equal(script_count(s, "GET"), 0);
	box_free(b);
	/* which is heard */
	b = box_new();
	ep = box_add(b, s);
	ep->http_only = ep->plain_http = false;
	b->options.insecure = true;
	says_manifest(s, "1");
	assert_manifest(box_open(b), "1");
	box_free(b);
	script_stop(s);
}

static void who_hangs_up_on_tls_may_be_plain(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_new();

	s->hangs_up = true;
	box_add(b, s)->http_only = false;
	says_manifest(s, "1");
	assert_manifest(box_open(b), "1");
	box_free(b);
	/* elsewhere it is tried again before that is said */
	b = box_new();
	*box_add(b, s) = (struct registry_endpoint){.host = b->route.list[0].host,
	        .repository = b->route.list[0].repository,
	        .api_path = b->route.list[0].api_path};
	assert_no_manifest(box_open(b), "1", ERR_OTHER, "--tls-verify=false");
	assert_int_equal(s->n_connections, 1 + 3);
	box_free(b);
	script_stop(s);
}

static void https_that_worked_is_not_given_up(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_new();

	box_add(b, s)->http_only = false;
	box_open(b);
	b->remote->endpoints[0].scheme = SCHEME_HTTPS;
	assert_int_equal(get_manifest(b->remote, "1", NULL), -1);
	assert_int_equal(script_count(s, "GET"), 0);
	box_free(b);
	script_stop(s);
}

static void a_bad_certificate_is_no_reason_for_http(void **state)
{
	(void)state;
	struct script *s = script_open("127.0.0.1", true, NULL);
	struct box *b = box_new();

	says_manifest(s, "1");
	box_add(b, s)->unverified = false;
	assert_no_manifest(box_open(b), "1", ERR_PERMISSION, "certs.d");
	assert_int_equal(s->n_connections, 2); /* the first by http, which it hung up on */
	box_free(b);
	b = box_new();
	assert_manifest(box_at(b, s), "1");
	box_free(b);
	script_stop(s);
}

/* ---------------------------------------------------------------- tries */

static void what_passes_is_tried_again(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_new();

	script_says(s, "GET", "503 Service Unavailable", "", "");
	script_says(s, "GET", "429 Too Many Requests", "Retry-After: 0\r\n", "");
	script_bytes(s, "GET", OK, "Content-Length: 10\r\n", "12345", 5, SCRIPT_CUT);
	script_bytes(s, "GET", OK, "", "", 0, SCRIPT_CUT)->head[0] = '\0';
	says_manifest(s, "1");
	assert_manifest(box_at(b, s), "1");
	assert_int_equal(script_count(s, "GET"), 5);
	/* but not for ever, and not what stays as it is */
	script_says(s, "GET /v2/a/b/manifests/2", "502 Bad Gateway", "", "")->times = -1;
	assert_no_manifest(b->remote, "2", ERR_OTHER, "502");
	assert_int_equal(script_count(s, "GET"), 10);
	assert_no_manifest(b->remote, "3", ERR_NOT_FOUND, "404");
	assert_int_equal(script_count(s, "GET"), 11);
	box_free(b);
	script_stop(s);
}

struct sending {
	int status;
	unsigned rewinds;
	bool sent, over;
	enum http_failure failure;
	char why[1024], url[256];
};

static ssize_t sending_read(void *arg, void *data, size_t len, struct err *e)
{
	struct sending *s = arg;

	(void)e;
	assert_true(len >= 7);
	if (s->sent)
		return 0;
	s->sent = true;
	memcpy(data, "letters", 7);
	return 7;
}

static int sending_rewind(void *arg, struct err *e)
{
	struct sending *s = arg;

	(void)e;
	s->rewinds++;
	s->sent = false;
	return 0;
}

static void sending_done(void *arg, const struct http_answer *a, enum http_failure f, const struct err *why)
{
	struct sending *s = arg;

	s->over = true;
	s->status = a->status;
	s->failure = f;
	snprintf(s->why, sizeof(s->why), "%s", why ? why->msg : "");
	snprintf(s->url, sizeof(s->url), "%s", a->url);
}

static void request(struct remote *r, struct remote_request *q, struct sending *s)
{
	*s = (struct sending){0};
	q->http.done = sending_done;
	q->http.arg = s;
	q->endpoint = -1;
	assert_int_equal(remote_request(r, q, NULL), 0);
	while (!s->over)
		assert_true(http_step(r->http, 5000, NULL) >= 0);
}

static void bodies_are_sent_again_only_from_their_start(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_new();
	struct sending sending;
	struct remote_request q = {
	        .http = {.method = "PATCH", .read = sending_read, .read_size = 7}, .path = "blobs/uploads/1"};

	script_says(s, "PATCH", "500 Internal Server Error", "", "");
	script_says(s, "PATCH", "202 Accepted", "", "");
	request(box_at(b, s), &q, &sending);
	assert_int_equal(sending.status, 500);
	assert_int_equal(script_count(s, "PATCH"), 1);
	script_says(s, "PATCH", "500 Internal Server Error", "", "");
	q.rewind = sending_rewind;
	/* the one that was left, then the failing one */
	request(b->remote, &q, &sending);
	assert_int_equal(sending.status, 202);
	script_says(s, "PATCH", "202 Accepted", "", "");
	request(b->remote, &q, &sending);
	assert_int_equal(sending.status, 202);
	assert_int_equal(sending.rewinds, 1);
	box_free(b);
	script_stop(s);
}

static void what_is_given_up_ends(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_new();
	struct sending sending = {0};
	cleanup_blob struct blob blob = {0};
	cleanup_getting struct getting g = {.blob = &blob};
	struct remote_request q = {.http = {.method = "GET", .done = sending_done, .arg = &sending},
	        .path = "tags/list",
	        .endpoint = -1};
	struct remote_download d = {.blob = &blob.d, .data = getting_data, .done = getting_done, .arg = &g};

	blob_make(&blob, 10);
	script_bytes(s, "GET", OK, "", "", 0, SCRIPT_SILENT)->times = -1;
	box_at(b, s);
	assert_int_equal(remote_request(b->remote, &q, NULL), 0);
	assert_int_equal(remote_download(b->remote, &d, NULL), 0);
	assert_true(http_step(b->http, 20, NULL) > 0);
	remote_free_ptr(&b->remote);
	assert_true(sending.over && g.over);
	assert_int_equal(sending.failure, HTTP_CANCELLED);
	box_free(b);
	script_stop(s);
}

/* ---------------------------------------------------------------- manifests */

static void manifests_are_asked_for_in_all_types(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_new();
	cleanup_buf struct buf doc = BUF_INIT;
	struct descriptor d = {0};
	const char *heard;
	struct digest computed;

	script_says(s, "GET", OK, TYPE_HEADER, MANIFEST);
	script_says(s, "GET", OK, "Content-Type: text/plain; charset=utf-8\r\n", "{\"manifests\":[]}");
	assert_int_equal(remote_manifest(box_at(b, s), "1.0", &doc, &d, NULL), 0);
	assert_string_equal(buf_str(&doc), MANIFEST);
	assert_string_equal(d.media_type, MEDIA_OCI_MANIFEST);
	assert_int_equal(d.size, strlen(MANIFEST));
	hash_bytes("sha256", MANIFEST, strlen(MANIFEST), &computed, NULL);
	assert_true(digest_equal(&d.digest, &computed));
	heard = script_heard(s, "GET /v2/a/b/manifests/1.0", 0);
	assert_non_null(strstr(heard, "Accept: "));
	assert_non_null(strstr(heard, MEDIA_OCI_INDEX));
	assert_non_null(strstr(heard, MEDIA_OCI_MANIFEST));
	assert_non_null(strstr(heard, MEDIA_DOCKER_LIST));
	assert_non_null(strstr(heard, MEDIA_DOCKER_MANIFEST));
	assert_int_equal(remote_manifest(b->remote, "2", &doc, &d, NULL), 0);
	assert_string_equal(d.media_type, MEDIA_OCI_INDEX);
	descriptor_free(&d);
	box_free(b);
	script_stop(s);
}

static char *digest_header(const char *alg, const char *text)
{
	struct digest d;

	assert_int_equal(hash_bytes(alg, text, strlen(text), &d, NULL), 0);
	return str_printf("Docker-Content-Digest: %s:%s\r\n", d.alg, d.hex);
}

static void a_manifest_of_another_digest_is_refused(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_new();
	cleanup_free char *lie = digest_header("sha256", "other"), *truth = digest_header("sha256", MANIFEST);
	cleanup_free char *sha512 = digest_header("sha512", MANIFEST);
	struct digest d;
	char asked[DIGEST_TEXT_SIZE];

	box_at(b, s);
	script_says(s, "GET", OK, lie, MANIFEST);
	assert_no_manifest(b->remote, "1", ERR_CORRUPT, "the registry calls it sha256:");
	script_says(s, "GET", OK, "Docker-Content-Digest: sha256:../../x\r\n", MANIFEST);
	assert_no_manifest(b->remote, "1", ERR_CORRUPT, "Docker-Content-Digest");
	hash_bytes("sha512", MANIFEST, strlen(MANIFEST), &d, NULL);
	digest_text(&d, asked);
	/* it may know the same document by another hash; the one asked for counts */
	script_says(s, "GET", OK, truth, MANIFEST);
	script_says(s, "GET", OK, sha512, MANIFEST);
	assert_manifest(b->remote, asked);
	assert_manifest(b->remote, asked);
	script_says(s, "GET", OK, "", MANIFEST " ");
	assert_no_manifest(b->remote, asked, ERR_CORRUPT, "asked for sha512:");
	box_free(b);
	script_stop(s);
}

static void a_manifest_is_at_most_four_mebibytes(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_new();
	cleanup_free char *big = malloc(MANIFEST_MAX_BYTES + 1);

	memset(big, ' ', MANIFEST_MAX_BYTES + 1);
	script_bytes(s, "GET", OK, TYPE_HEADER, big, MANIFEST_MAX_BYTES, SCRIPT_GOES_ON);
	script_bytes(s, "GET", OK, TYPE_HEADER, big, MANIFEST_MAX_BYTES + 1, SCRIPT_GOES_ON);
	assert_manifest(box_at(b, s), "1");
	assert_no_manifest(b->remote, "1", ERR_CORRUPT, "more than 4194304 bytes");
	box_free(b);
	script_stop(s);
}

static void a_tag_is_looked_up_by_head(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_new();
	struct descriptor d = {0};
	cleanup_free char *digest = digest_header("sha256", MANIFEST);
	cleanup_free char *headers = str_printf(TYPE_HEADER "%s", digest);
	struct err e = ERR_INIT;

	box_at(b, s);
	script_says(s, "HEAD", OK, headers, MANIFEST);
	assert_int_equal(remote_head(b->remote, "1", &d, &e), 0);
	assert_int_equal(d.size, strlen(MANIFEST));
	assert_int_equal(script_count(s, "GET"), 0);
	/* without a digest it is read */
	script_says(s, "HEAD", OK, TYPE_HEADER, MANIFEST);
	says_manifest(s, "1");
	assert_int_equal(remote_head(b->remote, "1", &d, &e), 0);
	assert_int_equal(script_count(s, "GET"), 1);
	assert_int_equal(remote_head(b->remote, "2", &d, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	descriptor_free(&d);
	box_free(b);
	script_stop(s);
}

static void configs_are_checked(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_new();
	cleanup_blob struct blob blob = {0};
	cleanup_buf struct buf content = BUF_INIT;

	blob_make(&blob, 1000);
	box_at(b, s);
	script_bytes(s, blob.match, OK, "", blob.bytes, 1000, SCRIPT_GOES_ON);
	assert_int_equal(remote_blob(b->remote, &blob.d, &content, NULL), 0);
	assert_int_equal(content.len, 1000);
	script_bytes(s, blob.match, OK, "", blob.bytes, 999, SCRIPT_GOES_ON);
	assert_int_equal(remote_blob(b->remote, &blob.d, &content, NULL), -1);
	script_bytes(s, blob.match, OK, "", blob.bytes, 1001, SCRIPT_GOES_ON);
	assert_int_equal(remote_blob(b->remote, &blob.d, &content, NULL), -1);
	blob.bytes[5] ^= 1;
	script_bytes(s, blob.match, OK, "", blob.bytes, 1000, SCRIPT_GOES_ON);
	assert_int_equal(remote_blob(b->remote, &blob.d, &content, NULL), -1);
	box_free(b);
	script_stop(s);
}

static void a_manifest_is_put_under_its_digest(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_new();
	struct descriptor d = {.media_type = (char[]){MEDIA_OCI_MANIFEST}, .size = strlen(MANIFEST)};
	cleanup_free char *lie = digest_header("sha256", "other");
	const char *heard;

	hash_bytes("sha256", MANIFEST, strlen(MANIFEST), &d.digest, NULL);
	box_at(b, s);
	script_says(s, "PUT /v2/a/b/manifests/t", "201 Created", "", "");
	script_says(s, "PUT /v2/a/b/manifests/t", "201 Created", lie, "");
	assert_int_equal(remote_put_manifest(b->remote, "t", &d, MANIFEST, strlen(MANIFEST), NULL), 0);
	heard = script_heard(s, "PUT", 0);
	assert_non_null(strstr(heard, TYPE_HEADER));
	assert_non_null(strstr(heard, "\r\n\r\n" MANIFEST));
	assert_int_equal(remote_put_manifest(b->remote, "t", &d, MANIFEST, strlen(MANIFEST), NULL), -1);
	box_free(b);
	script_stop(s);
}

/* ---------------------------------------------------------------- mirrors */

static void mirrors_come_first_and_fail_softly(void **state)
{
	(void)state;
	struct script *gone = script_start(), *sick = script_start(), *s = script_start();
	struct box *b = box_new();

	box_add(b, gone);
	box_add(b, sick)->ns = strdup("registry.example");
	script_stop(gone);
	box_at(b, s);
	script_says(sick, "GET", "500 Internal Server Error", "", "")->times = 2;
	says_manifest(s, "1");
	assert_manifest(b->remote, "1");
	assert_int_equal(script_count(sick, "GET /v2/a/b/manifests/1?ns=registry.example "), 2);
	/* the dead one isn't waited for again, the other is asked first */
	assert_true(b->remote->endpoints[0].dead);
	script_says(sick, "GET", "404 Not Found", "", "");
	says_manifest(s, "2");
	assert_manifest(b->remote, "2");
	says_manifest(sick, "3");
	assert_manifest(b->remote, "3");
	assert_int_equal(script_count(s, "GET /v2/a/b/manifests/3"), 0);
	assert_int_equal(script_count(s, "GET /v2/a/b/manifests/2 "), 1);
	b->remote->endpoints[1].dead = true;
	says_manifest(s, "4");
	assert_manifest(b->remote, "4");
	assert_int_equal(script_count(sick, "GET /v2/a/b/manifests/4"), 0);
	box_free(b);
	script_stop(sick);
	script_stop(s);
}

static void mirrors_may_be_for_digests_or_tags_only(void **state)
{
	(void)state;
	struct script *by_digest = script_start(), *by_tag = script_start(), *s = script_start();
	struct box *b = box_new();
	struct digest d;
	char digest[DIGEST_TEXT_SIZE];

	hash_bytes("sha256", MANIFEST, strlen(MANIFEST), &d, NULL);
	digest_text(&d, digest);
	box_add(b, by_digest)->pulls = ENDPOINT_PULLS_DIGEST;
	box_add(b, by_tag)->pulls = ENDPOINT_PULLS_TAG;
	box_at(b, s);
	says_manifest(s, "")->times = -1;
	assert_manifest(b->remote, "tag");
	assert_int_equal(script_count(by_digest, "GET"), 0);
	assert_int_equal(script_count(by_tag, "GET"), 1);
	assert_manifest(b->remote, digest);
	assert_int_equal(script_count(by_digest, "GET"), 1);
	assert_int_equal(script_count(by_tag, "GET"), 1);
	box_free(b);
	script_stop(by_digest);
	script_stop(by_tag);
	script_stop(s);
}

static void a_mirror_that_lies_is_passed_over(void **state)
{
	(void)state;
	struct script *liar = script_start(), *s = script_start();
	struct box *b = box_new();
	cleanup_free char *lie = digest_header("sha256", "other");

	box_add(b, liar);
	box_at(b, s);
	script_says(liar, "GET", OK, lie, MANIFEST);
	says_manifest(s, "1");
	assert_manifest(b->remote, "1");
	box_free(b);
	script_stop(liar);
	script_stop(s);
}

/* ---------------------------------------------------------------- words */

static void errors_have_the_registrys_own_words(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_new();

	box_at(b, s);
	script_says(s, "GET", "404 Not Found", "",
	        "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"no \\u001b[31msuch\"}]}");
	assert_no_manifest(b->remote, "1", ERR_NOT_FOUND, "MANIFEST_UNKNOWN: no \357\277\275[31msuch");
	script_says(s, "GET", "403 Forbidden", "", "<html>lots</html>");
	assert_no_manifest(b->remote, "1", ERR_PERMISSION, "not allowed (403); look at the name");
	script_says(s, "GET", "401 Unauthorized", "", "go away\n");
	assert_no_manifest(
	        b->remote, "1", ERR_PERMISSION, "(401): go away; log in first: tare login registry.example");
	script_says(s, "GET", "429 Too Many Requests",
	        "Retry-After: 0\r\nRateLimit-Limit: 100;w=21600\r\nratelimit-remaining: 0;w=21600\r\n"
	        "docker-ratelimit-source: 192.0.2.7\r\n",
	        "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"You have reached your pull rate "
	        "limit.\"}]}")
	        ->times = 5;
	assert_no_manifest(b->remote, "1", ERR_OTHER,
	        "TOOMANYREQUESTS: You have reached your pull rate limit.; its limit is 100;w=21600, "
	        "0;w=21600 of it "
	        "are left, counted for 192.0.2.7");
	box_free(b);
	script_stop(s);
}

static void warnings_are_shown_once(void **state)
{
	(void)state;
	struct script *s = script_start();
	struct box *b = box_new();
	char path[] = "/dev/shm/tare-test-warnings.XXXXXX", text[4096];
	int fd = mkostemp(path, O_CLOEXEC), saved = dup(2);
	ssize_t n;

	script_says(s, "GET", OK,
	        TYPE_HEADER "Warning: 299 - \"this is \\\"old\\\"\033[2J\"\r\nWarning: 199 - \"not this\"\r\n"
	                    "Warning: 299 - \"and this\"\r\n",
	        MANIFEST)
	        ->times = -1;
	box_at(b, s);
	dup2(fd, 2);
	for (int i = 0; i < 3; i++)
		get_manifest(b->remote, "1", NULL);
	dup2(saved, 2);
	n = pread(fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	close(fd);
	close(saved);
	unlink(path);
	assert_non_null(strstr(text, " says: this is \"old\"?[2J\n"));
	assert_non_null(strstr(text, " says: and this\n"));
	assert_null(strstr(strstr(text, "this is") + 1, "this is"));
	assert_null(strstr(text, "not this"));
	box_free(b);
	script_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(loopback_is_tried_by_http_and_then_by_https),
	        cmocka_unit_test(elsewhere_the_error_names_the_flag),
	        cmocka_unit_test(who_hangs_up_on_tls_may_be_plain),
	        cmocka_unit_test(https_that_worked_is_not_given_up),
	        cmocka_unit_test(a_bad_certificate_is_no_reason_for_http),
	        cmocka_unit_test(what_passes_is_tried_again),
	        cmocka_unit_test(bodies_are_sent_again_only_from_their_start),
	        cmocka_unit_test(what_is_given_up_ends),
	        cmocka_unit_test(manifests_are_asked_for_in_all_types),
	        cmocka_unit_test(a_manifest_of_another_digest_is_refused),
	        cmocka_unit_test(a_manifest_is_at_most_four_mebibytes),
	        cmocka_unit_test(a_tag_is_looked_up_by_head),
	        cmocka_unit_test(configs_are_checked),
	        cmocka_unit_test(a_manifest_is_put_under_its_digest),
	        cmocka_unit_test(mirrors_come_first_and_fail_softly),
	        cmocka_unit_test(mirrors_may_be_for_digests_or_tags_only),
	        cmocka_unit_test(a_mirror_that_lies_is_passed_over),
	        cmocka_unit_test(errors_have_the_registrys_own_words),
	        cmocka_unit_test(warnings_are_shown_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
