/* A blob on its way here, over broken connections and from mirror to mirror. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/proc.h"
#include "registry/client/answer_range.h"
#include "registry/client/remote_private.h"

#define MIRROR_TRIES 2
#define PROGRESS_BYTES                                                                                       \
	((uint64_t)64 << 10) /* in one try, to count as progress; a byte a try would never end */

struct download {
	struct remote_download d;
	struct remote *remote;
	size_t at;              /* the endpoint */
	uint64_t offset, start; /* now, and when this try began */
	uint64_t skip;          /* of a whole answer to a question for a range */
	unsigned failed;
	bool mixed;         /* not all bytes come from this endpoint */
	bool too_short;     /* the answer announces less than there is */
	bool caller_failed; /* data() said no */
	bool asked_again;   /* from 0, after a refused range */
	char path[DIGEST_TEXT_SIZE + 8], range[48], digest[DIGEST_TEXT_SIZE];
	char *headers[2];
};

static void download_end(struct download *s, const struct err *why)
{
	struct remote_download d = s->d;

	free(s);
	d.done(d.arg, why);
}

/* ------------------------------------------------------------------ what comes */

/* The attack: a 206 whose bytes belong elsewhere, or an answer longer than the blob (tests:
 * a_range_that_is_not_ours_is_refused, more_than_the_size_is_refused). */
static int check_range(const struct download *s, const struct http_answer *a, struct err *e)
{
	struct answer_range r;
	const char *header = http_header(a, "content-range");

	if (!answer_range_parse(header, &r) || r.first != s->offset || r.last >= s->d.blob->size ||
	        (r.total != UINT64_MAX && r.total != s->d.blob->size))
		return err_set(e, ERR_CORRUPT, "asked for %s from byte %llu and got \"%.64s\"", s->digest,
		        (unsigned long long)s->offset, header ? header : "");
	return 0;
}

static int on_begin(void *arg, const struct http_answer *a, struct err *e)
{
	struct download *s = arg;
	uint64_t size = s->d.blob->size;

	if (a->status / 100 != 2)
		return 0;
	if (a->status == 206)
		return check_range(s, a, e);
	if (a->status != 200)
		return err_set(e, ERR_CORRUPT, "an answer %d to a question for %s", a->status, s->digest);
	s->skip = s->offset;
	if (a->length == UINT64_MAX || a->length == size)
		return 0;
	/* an empty or cut one, from a cache that is broken (distribution#4191): perhaps the next time */
	s->too_short = a->length < size;
	return err_set(e, ERR_CORRUPT, "%s should have %llu bytes, %llu were announced", s->digest,
	        (unsigned long long)size, (unsigned long long)a->length);
}

static int on_data(void *arg, const void *data, size_t len, struct err *e)
{
	struct download *s = arg;
	size_t skipped = s->skip < len ? (size_t)s->skip : len;

	s->skip -= skipped;
	len -= skipped;
	if (len > s->d.blob->size - s->offset)
		return err_set(e, ERR_CORRUPT, "%s should have %llu bytes, more came", s->digest,
		        (unsigned long long)s->d.blob->size);
	if (!len)
		return 0;
	if (s->d.data(s->d.arg, (const char *)data + skipped, len, e) < 0) {
		s->caller_failed = true;
		return -1;
	}
	s->offset += len;
	return 0;
}

/* ------------------------------------------------------------------ what follows */

static void download_send(struct download *s, int64_t at_ns);

static int start_over(struct download *s, struct err *why)
{
	if (!s->d.restart || s->d.restart(s->d.arg, why) < 0)
		return -1;
	s->offset = 0;
	s->mixed = false;
	return 0;
}

/* To the next endpoint that may have it, with what came so far; or the end. */
static void next_endpoint(struct download *s, const struct err *why)
{
	size_t next = s->at + 1;

	while (next < s->remote->n && !remote_may_ask_blob(s->remote, next))
		next++;
	if (next >= s->remote->n) {
		download_end(s, why);
		return;
	}
	log_line(LOG_LEVEL_INFO, "mirror %s: %s", s->remote->endpoints[s->at].is->host, why->msg);
	s->at = next;
	s->failed = 0;
	s->mixed = s->offset > 0;
	s->asked_again = false;
	download_send(s, 0);
}

/* `status`: the answer that was given instead, or 0. */
static void try_again(struct download *s, int status, int64_t after_ns, const struct err *why)
{
	const struct remote_endpoint *ep = &s->remote->endpoints[s->at];
	unsigned most = ep->is->mirror ? MIRROR_TRIES : RETRY_TRIES;

	if (s->offset - s->start >= PROGRESS_BYTES)
		s->failed = 0;
	if (++s->failed >= most || ep->dead) {
		next_endpoint(s, why);
		return;
	}
	if (after_ns < 0)
		after_ns = retry_delay(s->failed);
	if (status)
		remote_tell_wait(ep, status, after_ns);
	download_send(s, now_boottime() + after_ns);
}

/* All bytes are there. When some of them came from elsewhere, it may not be this one that lied. */
static void check_content(struct download *s)
{
	struct err why = ERR_INIT;
	bool mixed = s->mixed;

	if (!s->d.check || s->d.check(s->d.arg, &why) == 0) {
		download_end(s, NULL);
		return;
	}
	if (start_over(s, &why) < 0)
		download_end(s, &why);
	else if (mixed)
		download_send(s, 0);
	else
		next_endpoint(s, &why);
}

static void on_status(struct download *s, const struct http_answer *a)
{
	struct err why = ERR_INIT;
	cleanup_free char *doing = str_printf("pull %s@%s", s->remote->name, s->digest);

	remote_error(s->remote, doing ? doing : "pull", a, &why);
	if (retry_status(a->status)) {
		try_again(s, a->status, retry_after(http_header(a, "retry-after"), now_realtime()), &why);
	} else if (a->status == 416 && s->offset && !s->asked_again && start_over(s, &why) == 0) {
		/* a server that is wrong about ranges: whole then */
		s->asked_again = true;
		download_send(s, 0);
	} else {
		next_endpoint(s, &why);
	}
}

static void on_failure(struct download *s, enum http_failure f, const struct err *said)
{
	struct err why = *said;

	if (!s->caller_failed)
		err_wrap(&why, "cannot pull %s", s->remote->name);
	if (f == HTTP_CANCELLED || s->caller_failed)
		download_end(s, &why);
	else if (f == HTTP_BROKEN || f == HTTP_UNREACHABLE || s->too_short)
		try_again(s, 0, -1, &why);
	else
		next_endpoint(s, &why);
}

static void on_done(void *arg, const struct http_answer *a, enum http_failure f, const struct err *said)
{
	struct download *s = arg;
	struct err why;

	if (f != HTTP_OK_SO_FAR) {
		on_failure(s, f, said);
	} else if (a->status / 100 != 2) {
		on_status(s, a);
	} else if (s->offset == s->d.blob->size) {
		check_content(s);
	} else {
		err_set(&why, ERR_CORRUPT, "cannot pull %s: %s should have %llu bytes, only %llu came",
		        s->remote->name, s->digest, (unsigned long long)s->d.blob->size,
		        (unsigned long long)s->offset);
		try_again(s, 0, -1, &why);
	}
}

/* No If-Range: what has a digest doesn't change, and validators of mirrors and object stores differ. */
static void download_send(struct download *s, int64_t at_ns)
{
	struct remote_request q = {.http = {.method = "GET",
	                                   .follow = true,
	                                   .begin = on_begin,
	                                   .data = on_data,
	                                   .done = on_done,
	                                   .arg = s},
	        .path = s->path,
	        .endpoint = (int)s->at,
	        .tries = 1};
	struct err why = ERR_INIT;

	s->start = s->offset;
	s->skip = 0;
	s->too_short = false;
	if (s->offset) {
		snprintf(s->range, sizeof(s->range), "Range: bytes=%llu-", (unsigned long long)s->offset);
		s->headers[0] = s->range;
		q.http.headers = s->headers;
	}
	if (remote_request_at(s->remote, &q, at_ns, &why) < 0)
		download_end(s, &why);
}

int remote_download(struct remote *r, const struct remote_download *d, struct err *e)
{
	struct download *s;

	if (d->offset > d->blob->size)
		return err_set(e, ERR_CORRUPT, "more of a blob is there than it has");
	s = calloc(1, sizeof(*s));
	if (!s)
		return err_no_memory(e);
	s->d = *d;
	s->remote = r;
	s->offset = d->offset;
	s->mixed = d->offset > 0;
	digest_text(&d->blob->digest, s->digest);
	snprintf(s->path, sizeof(s->path), "blobs/%s", s->digest);
	while (s->at + 1 < r->n && !remote_may_ask_blob(r, s->at))
		s->at++;
	/* nothing to ask for any more, unless it is wrong */
	if (s->offset && s->offset == d->blob->size)
		check_content(s);
	else
		download_send(s, 0);
	return 0;
}
