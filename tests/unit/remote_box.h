/* What the tests of remote have in common: scripted servers as endpoints, a remote over them, a download that
 * is watched. Included after cmocka.h. */
#ifndef TARE_TESTS_UNIT_REMOTE_BOX_H
#define TARE_TESTS_UNIT_REMOTE_BOX_H

#include "base/err.h"
#include "engine/archive/hash.h"
#include "registry/client/remote.h"
#include "registry/client/remote_private.h"
#include "tests/unit/http_script.h"

#define OK          "200 OK"
#define REPO        "a/b"
#define MANIFEST    "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\"}"
#define TYPE_HEADER "Content-Type: " MEDIA_OCI_MANIFEST "\r\n"

struct box {
	struct http *http;
	struct registry_route route;
	struct reference ref;
	struct remote_options options;
	struct remote *remote;
};

static inline struct box *box_new(void)
{
	struct box *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	setenv("TARE_RETRY_MS", "1", 1);
	setenv("REGISTRY_AUTH_FILE", "/dev/shm/tare-test-none.json", 1);
	log_set_level(LOG_LEVEL_WARN);
	b->http = http_new(NULL);
	http_set_patience(b->http, 2000, 2);
	b->ref.domain = strdup("registry.example");
	b->ref.path = strdup(REPO);
	return b;
}

/* The last one added is the registry itself. */
static inline struct registry_endpoint *box_add(struct box *b, const struct script *s)
{
	struct registry_endpoint *ep;

	b->route.list = realloc(b->route.list, (b->route.n + 1) * sizeof(*b->route.list));
	for (size_t i = 0; i < b->route.n; i++)
		b->route.list[i].mirror = true;
	ep = &b->route.list[b->route.n++];
	*ep = (struct registry_endpoint){.host = strdup(s->host),
	        .repository = strdup(REPO),
	        .api_path = strdup(""),
	        .plain_http = true,
	        .http_only = !s->tls,
	        .unverified = s->tls};
	return ep;
}

static inline struct remote *box_open(struct box *b)
{
	struct err e = ERR_INIT;

	b->remote = remote_open_route(b->http, &b->route, &b->ref, &b->options, &e);
	if (!b->remote)
		fail_msg("%s", e.msg);
	return b->remote;
}

/* A remote at one scripted server. */
static inline struct remote *box_at(struct box *b, const struct script *s)
{
	box_add(b, s);
	return box_open(b);
}

static inline void box_free(struct box *b)
{
	remote_free(b->remote);
	http_free(b->http);
	registry_route_free(&b->route);
	reference_free(&b->ref);
	free(b);
}

/* ---------------------------------------------------------------- what is asked */

static inline int get_manifest(struct remote *r, const char *what, struct err *e)
{
	struct descriptor d = {0};
	int result = remote_manifest(r, what, NULL, &d, e);

	descriptor_free(&d);
	return result;
}

static inline void assert_manifest(struct remote *r, const char *what)
{
	struct err e = ERR_INIT;

	if (get_manifest(r, what, &e) < 0)
		fail_msg("%s", e.msg);
}

static inline void assert_no_manifest(
        struct remote *r, const char *what, enum err_kind kind, const char *words)
{
	struct err e = ERR_INIT;

	assert_int_equal(get_manifest(r, what, &e), -1);
	if (!strstr(e.msg, words))
		fail_msg("\"%s\" is not in: %s", words, e.msg);
	assert_int_equal(e.kind, kind);
}

static inline struct script_rule *says_manifest(struct script *s, const char *what)
{
	cleanup_free char *match = str_printf("GET /v2/" REPO "/manifests/%s", what);

	return script_says(s, match, OK, TYPE_HEADER, MANIFEST);
}

/* ---------------------------------------------------------------- downloads */

struct blob {
	char *bytes;
	struct descriptor d;
	char match[256]; /* "GET /v2/a/b/blobs/sha256:…" */
};

static inline void blob_make(struct blob *b, size_t size)
{
	b->bytes = malloc(size + 1);
	for (size_t i = 0; i < size; i++)
		b->bytes[i] = (char)('a' + (i * 7 + i / 251) % 26);
	b->d = (struct descriptor){.size = size};
	b->d.media_type = strdup(MEDIA_OCI_LAYER);
	assert_int_equal(hash_bytes("sha256", b->bytes, size, &b->d.digest, NULL), 0);
	snprintf(b->match, sizeof(b->match), "GET /v2/" REPO "/blobs/sha256:%s", b->d.digest.hex);
}

static inline void blob_free(struct blob *b)
{
	free(b->bytes);
	descriptor_free(&b->d);
}
#define cleanup_blob __attribute__((cleanup(blob_free)))

/* "Content-Range: bytes FIRST-LAST/TOTAL"; allocated. */
static inline char *range_header(size_t first, size_t last, size_t total)
{
	return str_printf("Content-Range: bytes %zu-%zu/%zu\r\n", first, last, total);
}

struct getting {
	const struct blob *blob;
	struct buf got;
	unsigned restarts;
	bool over, checked, no_disk;
	char why[1024];
};

static inline int getting_data(void *arg, const void *data, size_t len, struct err *e)
{
	struct getting *g = arg;

	if (g->no_disk)
		return err_set(e, ERR_NO_SPACE, "the disk is full");
	buf_add(&g->got, data, len);
	return 0;
}

static inline int getting_check(void *arg, struct err *e)
{
	struct getting *g = arg;

	g->checked = true;
	if (g->got.len == g->blob->d.size && !memcmp(buf_str(&g->got), g->blob->bytes, g->got.len))
		return 0;
	return err_set(e, ERR_CORRUPT, "not the bytes of that digest");
}

static inline int getting_restart(void *arg, struct err *e)
{
	struct getting *g = arg;

	(void)e;
	g->restarts++;
	buf_reset(&g->got);
	return 0;
}

static inline void getting_done(void *arg, const struct err *why)
{
	struct getting *g = arg;

	assert_false(g->over);
	g->over = true;
	snprintf(g->why, sizeof(g->why), "%s", why ? why->msg : "");
}

static inline void get(struct remote *r, struct getting *g)
{
	struct remote_download d = {.blob = &g->blob->d,
	        .offset = g->got.len,
	        .data = getting_data,
	        .check = getting_check,
	        .restart = getting_restart,
	        .done = getting_done,
	        .arg = g};
	struct err e = ERR_INIT;

	g->over = false;
	assert_int_equal(remote_download(r, &d, &e), 0);
	while (!g->over)
		assert_true(http_step(r->http, 5000, &e) >= 0);
}

static inline void assert_got(struct remote *r, struct getting *g)
{
	get(r, g);
	if (*g->why)
		fail_msg("%s", g->why);
	assert_int_equal(g->got.len, g->blob->d.size);
	assert_memory_equal(g->got.data, g->blob->bytes, g->got.len);
	buf_reset(&g->got);
}

static inline void getting_free(struct getting *g)
{
	buf_free(&g->got);
}
#define cleanup_getting __attribute__((cleanup(getting_free)))

#endif
