/* A blob on its way to a registry: HEAD; POST, perhaps with a mount; then its bytes, small ones in the
 * closing PUT, large ones by PATCH, piece by piece. After a broken connection the registry is asked how far
 * it came, and goes on from there; one that has forgotten the upload gets it anew. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/proc.h"
#include "base/units.h"
#include "registry/client/http_url.h"
#include "registry/client/remote_private.h"

#define SINGLE_MAX ((uint64_t)128 << 20) /* larger blobs go in pieces */
#define PIECE      ((uint64_t)64 << 20)
#define PIECE_CUT  ((uint64_t)16 << 20) /* after a proxy found a body too large */
#define TRIES      6                    /* failures in a row, without a piece that arrived */
#define RESTARTS   6                    /* in all: pieces that arrived are lost with each */

struct upload {
	struct remote *remote;
	struct remote_upload u;
	char *location;     /* of the session: a full URL */
	char *path, *range; /* of the request under way: its URL, and its Content-Range header */
	char *headers[3];
	uint64_t at, end; /* the registry has that much; of the piece under way */
	uint64_t offset;  /* what was read of it */
	uint64_t piece;   /* at most that much by PATCH */
	bool mounting, mount_refused, patching, closing;
	bool whole;  /* in one PUT, whatever its size: this registry takes no pieces */
	bool pieces; /* in pieces, whatever its size: no body of that size gets through */
	unsigned failed, restarts;
};

static void ask_head(struct upload *u);
static void ask_start(struct upload *u);
static void ask_position(struct upload *u);
static void send_on(struct upload *u);

/* ------------------------------------------------------------------ its end */

static void end(struct upload *u, enum remote_outcome outcome, const struct err *why)
{
	struct remote_upload done = u->u;

	free(u->location);
	free(u->path);
	free(u->range);
	free(u);
	done.done(done.arg, outcome, why);
}

static void end_failed(struct upload *u, const struct err *why)
{
	struct err told = *why;

	err_wrap(&told, "layer %.12s", u->u.blob->digest.hex);
	end(u, REMOTE_UPLOADED, &told);
}

static void end_refused(struct upload *u, const struct http_answer *a)
{
	struct err why = ERR_INIT;
	char doing[32];

	snprintf(doing, sizeof(doing), "send layer %.12s", u->u.blob->digest.hex);
	remote_error(u->remote, doing, a, &why);
	end(u, REMOTE_UPLOADED, &why);
}

/* ------------------------------------------------------------------ requests */

/* u->path is what is asked; u is not to be touched after it. */
static void ask_at(struct upload *u, struct remote_request *q, int64_t at_ns)
{
	struct err why = ERR_INIT;

	q->path = u->path;
	q->endpoint = -1;
	q->http.arg = u;
	if (!u->path)
		err_no_memory(&why);
	else if (remote_request_at(u->remote, q, at_ns, &why) == 0)
		return;
	end_failed(u, &why);
}

static void ask(struct upload *u, struct remote_request *q)
{
	ask_at(u, q, 0);
}

static void set_path(struct upload *u, char *path)
{
	free(u->path);
	u->path = path;
}

static bool passes(enum http_failure f)
{
	return f == HTTP_BROKEN || f == HTTP_UNREACHABLE;
}

/* Has it failed too often? Then u is gone. */
static bool given_up(struct upload *u, const struct http_answer *a, const struct err *why)
{
	if (++u->failed < TRIES)
		return false;
	if (why)
		end_failed(u, why);
	else
		end_refused(u, a);
	return true;
}

/* Endless uploads (a registry that takes a piece, forgets it all, and takes it again; or that wants larger
 * pieces than it takes): a blob is begun anew so many times and no more. tests/e2e/push.bats */
static void restart(struct upload *u, const struct http_answer *a)
{
	if (++u->restarts > RESTARTS) {
		end_refused(u, a);
		return;
	}
	free(u->location);
	u->location = NULL;
	u->at = 0;
	ask_head(u);
}

/* ------------------------------------------------------------------ is it there? */

static void on_head(void *arg, const struct http_answer *a, enum http_failure f, const struct err *why)
{
	struct upload *u = arg;

	if (f != HTTP_OK_SO_FAR)
		end_failed(u, why);
	else if (a->status == 200)
		end(u, REMOTE_EXISTED, NULL);
	else
		ask_start(u); /* what it may not be asked it may still be given */
}

static void ask_head(struct upload *u)
{
	char text[DIGEST_TEXT_SIZE];
	struct remote_request q = {.http = {.method = "HEAD", .follow = true, .done = on_head}};

	set_path(u, str_printf("blobs/%s", digest_text(&u->u.blob->digest, text)));
	ask(u, &q);
}

/* ------------------------------------------------------------------ a session */

/* The attack: a Location that names another host gets neither our credentials nor, from an https registry, a
 * plain connection; both are looked after in remote_call.c (judge_full_url). */
static int take_location(struct upload *u, const struct http_answer *a, struct err *e)
{
	const char *header = http_header(a, "location");
	char *location;

	if (!header)
		return u->location ? 0
		                   : err_set(e, ERR_CORRUPT, "the registry does not say where to upload to");
	location = http_url_resolve(a->url, header, e);
	if (!location)
		return -1;
	free(u->location);
	u->location = location;
	return 0;
}

/* A registry that wants larger pieces says so; what it may ask for is bounded by the blob itself. */
static void take_piece_size(struct upload *u, const struct http_answer *a)
{
	const char *header = http_header(a, "oci-chunk-min-length");
	int64_t least;

	if (header && int_parse(header, 1, INT64_MAX, "OCI-Chunk-Min-Length", &least, NULL) == 0 &&
	        (uint64_t)least > u->piece)
		u->piece = (uint64_t)least;
}

static void begin_session(struct upload *u, const struct http_answer *a)
{
	struct err why = ERR_INIT;

	u->at = 0;
	take_piece_size(u, a);
	if (take_location(u, a, &why) < 0)
		end_failed(u, &why);
	else
		send_on(u);
}

static void on_start(void *arg, const struct http_answer *a, enum http_failure f, const struct err *why)
{
	struct upload *u = arg;
	bool mounting = u->mounting;

	u->mounting = false;
	if (f != HTTP_OK_SO_FAR) {
		end_failed(u, why);
	} else if (mounting && a->status == 201) {
		end(u, REMOTE_MOUNTED, NULL);
	} else if (a->status == 202) {
		u->mount_refused = true;
		begin_session(u, a);
	} else if (mounting) {
		u->mount_refused = true;
		ask_start(u);
	} else {
		end_refused(u, a);
	}
}

static void ask_start(struct upload *u)
{
	char text[DIGEST_TEXT_SIZE];
	struct remote_request q = {.http = {.method = "POST", .body = "", .done = on_start}};
	char *path = strdup("blobs/uploads/");

	u->mounting = u->u.mount_from && !u->mount_refused;
	if (u->mounting) {
		path = http_url_query(path, "mount", digest_text(&u->u.blob->digest, text));
		path = http_url_query(path, "from", u->u.mount_from);
	} else if (strcmp(u->u.blob->digest.alg, "sha256") != 0) {
		path = http_url_query(path, "digest-algorithm", u->u.blob->digest.alg);
	}
	set_path(u, path);
	ask(u, &q);
}

/* ------------------------------------------------------------------ bytes */

static ssize_t read_piece(void *arg, void *data, size_t len, struct err *e)
{
	struct upload *u = arg;
	uint64_t left = u->end - u->offset;
	ssize_t n = pread(u->u.fd, data, left < len ? (size_t)left : len, (off_t)u->offset);

	if (n < 0)
		return err_sys(e, "cannot read the layer");
	if (n == 0 && left > 0)
		return err_set(
		        e, ERR_CORRUPT, "the layer is shorter than it should be; try: tare system check");
	u->offset += (uint64_t)n;
	return n;
}

static int read_again(void *arg, struct err *e)
{
	struct upload *u = arg;

	(void)e;
	u->offset = u->at;
	return 0;
}

static void on_sent(void *arg, uint64_t bytes)
{
	const struct upload *u = arg;

	if (u->u.progress)
		u->u.progress(u->u.arg, u->at + bytes);
}

/* "0-1023": it has 1024 bytes. Some say "0-0" when they have none. */
static uint64_t range_end(const struct http_answer *a, uint64_t otherwise)
{
	const char *header = http_header(a, "range"), *dash = header ? strchr(header, '-') : NULL;
	int64_t last;

	if (!dash || int_parse(dash + 1, 0, INT64_MAX - 1, "Range", &last, NULL) < 0)
		return otherwise;
	return last == 0 ? 0 : (uint64_t)last + 1;
}

static void piece_arrived(struct upload *u, const struct http_answer *a)
{
	struct err why = ERR_INIT;
	uint64_t at = range_end(a, u->end);

	if (take_location(u, a, &why) < 0) {
		end_failed(u, &why);
		return;
	}
	if (u->end == 1 && at == 0)
		at = 1; /* "0-0" meant what it says */
	if (at > u->at && at <= u->end) {
		u->failed = 0;
		u->at = at;
		send_on(u);
	} else if (!given_up(u, a, NULL)) {
		/* No more than before, or more than we sent: it is asked again what it has, but not for ever.
		 */
		ask_position(u);
	}
}

static void piece_refused(struct upload *u, const struct http_answer *a)
{
	bool first = u->at == 0;

	if (a->status == 413 && u->end - u->at > PIECE_CUT && !u->whole) {
		u->pieces = true;
		u->piece = PIECE_CUT;
		restart(u, a);
	} else if (u->patching && first && !u->pieces && a->status >= 400 && a->status != 401 &&
	           a->status != 403 && !retry_status(a->status)) {
		u->whole = true;
		restart(u, a);
	} else if (retry_status(a->status) || a->status == 416) {
		if (!given_up(u, a, NULL))
			ask_position(u);
	} else if (a->status == 404) {
		if (!given_up(u, a, NULL))
			restart(u, a);
	} else {
		end_refused(u, a);
	}
}

static void on_piece(void *arg, const struct http_answer *a, enum http_failure f, const struct err *why)
{
	struct upload *u = arg;

	if (f == HTTP_OK_SO_FAR && a->status == 202 && u->patching)
		piece_arrived(u, a);
	else if (f == HTTP_OK_SO_FAR && a->status >= 200 && a->status < 300 && u->closing)
		end(u, REMOTE_UPLOADED, NULL);
	else if (f == HTTP_OK_SO_FAR)
		piece_refused(u, a);
	else if (!passes(f))
		end_failed(u, why);
	else if (!given_up(u, a, why))
		ask_position(u);
}

/* The rest, or nothing any more, with the PUT that closes the session; or the next piece. */
static void send_on(struct upload *u)
{
	uint64_t size = u->u.blob->size, left = size - u->at;
	bool one = u->whole || (u->at == 0 && left <= SINGLE_MAX && !u->pieces);
	struct remote_request q = {.http = {.body = "", .headers = u->headers, .done = on_piece}};
	char text[DIGEST_TEXT_SIZE];
	size_t n = 0;

	u->closing = left == 0 || one;
	u->patching = !u->closing;
	u->offset = u->at;
	u->end = u->closing ? size : u->at + (left < u->piece ? left : u->piece);
	q.http.method = u->closing ? "PUT" : "PATCH";
	q.http.read_size = u->end - u->at;
	free(u->range);
	u->range = u->patching ? str_printf("Content-Range: %llu-%llu", (unsigned long long)u->at,
	                                 (unsigned long long)u->end - 1)
	                       : NULL;
	u->headers[n++] = (char *)(uintptr_t) "Content-Type: application/octet-stream";
	if (u->range)
		u->headers[n++] = u->range;
	u->headers[n] = NULL;
	if (q.http.read_size) {
		q.http.body = NULL;
		q.http.read = read_piece;
		q.http.sent = on_sent;
		/* Sent again as it is only where the registry wanted to know us first; after anything else it
		 * is asked what it has. */
		q.rewind = read_again;
		q.tries = 1;
	}
	char *url = u->location ? strdup(u->location) : NULL;
	set_path(u, u->closing ? http_url_query(url, "digest", digest_text(&u->u.blob->digest, text)) : url);
	ask(u, &q);
}

/* ------------------------------------------------------------------ where were we? */

static void on_position(void *arg, const struct http_answer *a, enum http_failure f, const struct err *why)
{
	struct upload *u = arg;
	struct err bad = ERR_INIT;

	if (f != HTTP_OK_SO_FAR) {
		end_failed(u, why);
		return;
	}
	uint64_t at = range_end(a, 0);
	if (a->status < 200 || a->status >= 300 || at > u->u.blob->size || take_location(u, a, &bad) < 0) {
		restart(u, a);
		return;
	}
	u->at = at;
	send_on(u);
}

static void ask_position(struct upload *u)
{
	struct remote_request q = {.http = {.method = "GET", .done = on_position}};

	set_path(u, u->location ? strdup(u->location) : NULL);
	ask_at(u, &q, now_boottime() + retry_delay(u->failed));
}

int remote_upload(struct remote *r, const struct remote_upload *want, struct err *e)
{
	struct upload *u = calloc(1, sizeof(*u));

	if (!u)
		return err_no_memory(e);
	u->remote = r;
	u->u = *want;
	u->piece = PIECE;
	ask_head(u);
	return 0;
}
