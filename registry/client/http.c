/* The loop: exchanges wait in a queue, at most HTTP_STREAMS of them are in libcurl's hands. */
#include "registry/client/http.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/proc.h"
#include "registry/client/http_exchange.h"

#define CONNECT_MS      15000
#define STALL_S         60
#define WAIT_FOREVER_MS (3600 * 1000)
#define NS_PER_MS       1000000

struct http {
	CURLM *multi;
	struct http_patience patience;
	struct http_exchange *first, *last; /* that aren't over */
	unsigned n, running;
	bool closing, in_curl;
};

/* ------------------------------------------------------------------ the queue */

static void queue_append(struct http *h, struct http_exchange *x)
{
	x->prev = h->last;
	if (h->last)
		h->last->next = x;
	else
		h->first = x;
	h->last = x;
	h->n++;
}

static void queue_remove(struct http *h, struct http_exchange *x)
{
	if (x->prev)
		x->prev->next = x->next;
	else
		h->first = x->next;
	if (x->next)
		x->next->prev = x->prev;
	else
		h->last = x->prev;
	h->n--;
}

static void exchange_free(struct http_exchange *x)
{
	curl_easy_cleanup(x->easy);
	curl_slist_free_all(x->sent_headers);
	http_url_free(&x->first);
	http_url_free(&x->url);
	buf_free(&x->headers);
	buf_free(&x->answer.body);
	free(x);
}

static void leave_curl(struct http_exchange *x)
{
	if (x->state != HTTP_RUNNING)
		return;
	curl_multi_remove_handle(x->owner->multi, x->easy);
	x->owner->running--;
	x->state = HTTP_WAITING;
}

/* It is out of the queue before done() is called, which may add others or step on. */
static void finish(struct http_exchange *x, enum http_failure failure)
{
	leave_curl(x);
	queue_remove(x->owner, x);
	x->state = HTTP_OVER;
	if (failure != HTTP_OK_SO_FAR)
		x->answer.status = x->headers_over ? x->answer.status : 0;
	x->request.done(x->request.arg, &x->answer, failure, failure == HTTP_OK_SO_FAR ? NULL : &x->why);
	exchange_free(x);
}

/* false: it failed, its done() was called, and the queue may be another one. */
static bool enter_curl(struct http_exchange *x)
{
	struct http *h = x->owner;

	if (http_transfer_prepare(x, &h->patience, &x->why) < 0) {
		finish(x, HTTP_REFUSED);
		return false;
	}
	if (curl_multi_add_handle(h->multi, x->easy) != CURLM_OK) {
		err_set(&x->why, ERR_OTHER, "cannot start a request to %s", x->url.place);
		finish(x, HTTP_REFUSED);
		return false;
	}
	x->state = HTTP_RUNNING;
	h->running++;
	return true;
}

/* Give free streams to those whose time has come. Milliseconds until the next one's, or -1. */
static int64_t start_due(struct http *h)
{
	int64_t now = now_boottime(), soonest = -1;

	for (struct http_exchange *x = h->first, *next; x; x = next) {
		next = x->next;
		if (x->state != HTTP_WAITING)
			continue;
		if (x->not_before > now) {
			if (soonest < 0 || x->not_before - now < soonest)
				soonest = x->not_before - now;
		} else if (h->running < HTTP_STREAMS && !enter_curl(x)) {
			return 0;
		}
	}
	return soonest < 0 ? -1 : soonest / NS_PER_MS + 1;
}

static void settle(struct http_exchange *x, CURLcode code)
{
	enum http_failure failure = http_transfer_verdict(x, code);
	int r = failure == HTTP_OK_SO_FAR ? http_transfer_redirect(x) : 0;

	if (r > 0) {
		leave_curl(x);
		enter_curl(x);
		return;
	}
	finish(x, r < 0 ? HTTP_REFUSED : failure);
}

static void collect_finished(struct http *h)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left))) {
		struct http_exchange *x = NULL;
		CURLcode code = m->data.result;
		if (m->msg == CURLMSG_DONE &&
		        !curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&x) && x)
			settle(x, code);
	}
}

int http_step(struct http *h, int timeout_ms, struct err *e)
{
	int64_t wait = timeout_ms < 0 ? WAIT_FOREVER_MS : timeout_ms, due;
	CURLMcode code;
	int running;

	if (h->in_curl)
		return err_set(e, ERR_OTHER, "a step within a step of an exchange");
	if (!h->n && timeout_ms < 0)
		return 0;
	due = start_due(h);
	if (due >= 0 && due < wait)
		wait = due;
	code = curl_multi_poll(h->multi, NULL, 0, (int)wait, NULL);
	h->in_curl = true;
	if (code == CURLM_OK)
		code = curl_multi_perform(h->multi, &running);
	h->in_curl = false;
	if (code != CURLM_OK)
		return err_set(e, ERR_OTHER, "libcurl: %s", curl_multi_strerror(code));
	collect_finished(h);
	return (int)h->n;
}

void http_wake(struct http *h)
{
	curl_multi_wakeup(h->multi);
}

/* ------------------------------------------------------------------ its life */

struct http *http_new(struct err *e)
{
	struct http *h = calloc(1, sizeof(*h));

	if (!h)
		return err_no_memory(e), NULL;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(h);
		return err_set_null(e, ERR_OTHER, "cannot start libcurl");
	}
	h->patience = (struct http_patience){CONNECT_MS, STALL_S};
	h->multi = curl_multi_init();
	if (!h->multi) {
		curl_global_cleanup();
		free(h);
		return err_no_memory(e), NULL;
	}
	curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, 2L * HTTP_STREAMS);
	return h;
}

void http_set_patience(struct http *h, unsigned connect_ms, unsigned stall_s)
{
	h->patience = (struct http_patience){connect_ms, stall_s};
}

void http_free(struct http *h)
{
	if (!h)
		return;
	h->closing = true;
	while (h->first)
		http_cancel(h->first);
	curl_multi_cleanup(h->multi);
	curl_global_cleanup();
	free(h);
}

void http_free_ptr(struct http **h)
{
	http_free(*h);
	*h = NULL;
}

/* ------------------------------------------------------------------ exchanges */

struct http_exchange *http_add_later(
        struct http *h, const struct http_request *r, int64_t at_ns, struct err *e)
{
	struct http_exchange *x = h->closing ? NULL : calloc(1, sizeof(*x));

	if (!x)
		return h->closing ? err_set_null(e, ERR_INTERRUPTED, "nothing more is sent")
		                  : (err_no_memory(e), NULL);
	x->owner = h;
	x->request = *r;
	x->not_before = at_ns;
	if (http_url_parse(r->url, &x->first, e) < 0 || http_url_parse(r->url, &x->url, e) < 0) {
		exchange_free(x);
		return NULL;
	}
	http_headers_reset(x);
	x->answer.url = x->url.text;
	x->answer.peer = "";
	x->answer.exchange = x;
	queue_append(h, x);
	return x;
}

struct http_exchange *http_add(struct http *h, const struct http_request *r, struct err *e)
{
	return http_add_later(h, r, 0, e);
}

void http_cancel(struct http_exchange *x)
{
	err_set(&x->why, ERR_INTERRUPTED, "the request to %s was given up", x->url.place);
	finish(x, HTTP_CANCELLED);
}

struct fetch {
	struct buf *body;
	char **type;
	struct err *e;
	int result;
	bool over;
};

static void fetch_done(
        void *arg, const struct http_answer *a, enum http_failure failure, const struct err *why)
{
	struct fetch *f = arg;
	const char *type = http_header(a, "content-type");

	f->over = true;
	if (failure != HTTP_OK_SO_FAR) {
		if (f->e)
			*f->e = *why;
		return;
	}
	f->result = a->status;
	if (f->body)
		buf_add(f->body, buf_str(&a->body), a->body.len);
	if (f->type && type && !(*f->type = strdup(type)))
		f->result = err_no_memory(f->e);
}

int http_fetch(struct http *h, const struct http_request *r, struct buf *body, char **type, struct err *e)
{
	struct fetch f = {.body = body, .type = type, .e = e, .result = -1};
	struct http_request own = *r;
	struct http_exchange *x;

	own.done = fetch_done;
	own.begin = NULL;
	own.data = NULL;
	own.arg = &f;
	x = http_add(h, &own, e);
	while (x && !f.over)
		if (http_step(h, -1, e) < 0) {
			http_cancel(x);
			return -1;
		}
	return f.result;
}
