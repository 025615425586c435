/* A request at one endpoint over all its tries: the scheme that answers, authorization, back-off. */
#include <stdlib.h>
#include <string.h>

#include "base/proc.h"
#include "registry/client/http_url.h"
#include "registry/client/remote_private.h"

#define MIRROR_TRIES 2
#define FIRST_TRIES  3 /* to reach a host that never answered: perhaps its name is wrong */

static void call_free(struct remote_call *c)
{
	free((char *)c->q.path);
	free(c->url);
	free(c->authorization);
	free(c);
}

static void link_call(struct remote *r, struct remote_call *c)
{
	c->next = r->calls;
	if (c->next)
		c->next->prev = c;
	r->calls = c;
}

static void unlink_call(struct remote_call *c)
{
	struct remote *r = c->endpoint->remote;

	if (c->next)
		c->next->prev = c->prev;
	if (c->prev)
		c->prev->next = c->next;
	else
		r->calls = c->next;
}

static void end(
        struct remote_call *c, const struct http_answer *a, enum http_failure f, const struct err *why)
{
	unlink_call(c);
	remote_auth_forget(c);
	c->q.http.done(c->q.http.arg, a, f, why);
	call_free(c);
}

void remote_call_fail(struct remote_call *c, const struct err *why)
{
	struct http_answer none = {.url = c->url ? c->url : "", .peer = "", .length = UINT64_MAX};

	end(c, &none, c->endpoint->remote->closing ? HTTP_CANCELLED : HTTP_REFUSED, why);
}

void remote_calls_end(struct remote *r)
{
	struct err why;

	err_set(&why, ERR_INTERRUPTED, "the requests to %s were given up", r->name);
	while (r->calls) {
		struct remote_call *c = r->calls;
		if (c->exchange)
			http_cancel(c->exchange);
		else
			remote_call_fail(c, &why);
	}
}

/* ------------------------------------------------------------------ where it goes */

static bool is_full_url(const char *path)
{
	return !strncmp(path, "https://", 8) || !strncmp(path, "http://", 7);
}

static bool reads(const struct remote_call *c)
{
	return !strcmp(c->q.http.method, "GET") || !strcmp(c->q.http.method, "HEAD");
}

static char *endpoint_url(const struct remote_call *c)
{
	const struct registry_endpoint *is = c->endpoint->is;
	const char *scheme = c->plain ? "http" : "https", *path = c->q.path;
	char *url;

	if (*path == '/')
		return str_printf(
		        "%s://%s%s%s", scheme, is->host, strncmp(path, "/v2/", 4) ? "" : is->api_path, path);
	url = str_printf("%s://%s%s/v2/%s/%s", scheme, is->host, is->api_path, is->repository, path);
	if (url && is->mirror && is->ns && reads(c))
		url = http_url_query(url, "ns", is->ns);
	return url;
}

/* The attack: an upload's Location at another host, which would get our token and, from https to http, let
 * anybody read what is pushed (test: an_upload_location_elsewhere_gets_no_token). */
static int judge_full_url(struct remote_call *c, struct err *e)
{
	const struct remote_endpoint *ep = c->endpoint;
	cleanup_http_url struct http_url to = HTTP_URL_INIT, home = HTTP_URL_INIT;
	cleanup_free char *base =
	        str_printf("%s://%s/", ep->scheme == SCHEME_HTTP ? "http" : "https", ep->is->host);

	if (!base)
		return err_no_memory(e);
	if (http_url_parse(base, &home, e) < 0 || http_url_parse(c->q.path, &to, e) < 0)
		return -1;
	if (home.tls && !to.tls)
		return err_set(e, ERR_PERMISSION, "%s sends us from https to %.128s: refused", ep->is->host,
		        to.text);
	c->foreign = !http_url_same_origin(&home, &to);
	c->plain = !to.tls;
	return 0;
}

/* On loopback http comes first, since most registries there speak it, and a handshake that fails costs more
 * than the question; nobody listens there, and no credentials are sent before we were asked for them. Once
 * per call: what comes after it is https, and then what falls_back_to_plain() says. */
static void guess_plain(struct remote_call *c)
{
	const struct remote_endpoint *ep = c->endpoint;

	if (c->guessed || ep->scheme != SCHEME_UNKNOWN || !ep->plain_allowed || is_full_url(c->q.path) ||
	        !registry_is_loopback(ep->is->host))
		return;
	c->guessed = c->plain = true;
}

static bool is_guess(const struct remote_call *c)
{
	return c->guessed && c->plain && !c->guess_over && c->endpoint->scheme == SCHEME_UNKNOWN;
}

static int set_url(struct remote_call *c, struct err *e)
{
	free(c->url);
	c->url = NULL;
	guess_plain(c);
	if (is_full_url(c->q.path)) {
		if (judge_full_url(c, e) < 0)
			return -1;
		c->url = strdup(c->q.path);
	} else {
		c->plain |= c->endpoint->scheme == SCHEME_HTTP;
		c->url = endpoint_url(c);
	}
	return c->url ? 0 : err_no_memory(e);
}

/* ------------------------------------------------------------------ what comes back */

static bool tries_left(const struct remote_call *c)
{
	return c->failed + 1 < c->tries && !c->gave && (!c->read || c->q.rewind);
}

static void note_answer(struct remote_call *c, const struct http_answer *a)
{
	if (!c->foreign && c->endpoint->scheme == SCHEME_UNKNOWN)
		c->endpoint->scheme = c->plain ? SCHEME_HTTP : SCHEME_HTTPS;
	remote_warn(c->endpoint->remote, c->endpoint, a);
}

/* The attack: a host that we were redirected to asks for credentials in the registry's name (test:
 * a_challenge_after_a_redirect_is_not_answered). */
static bool is_from_endpoint(const struct remote_call *c, const struct http_answer *a)
{
	cleanup_http_url struct http_url asked = HTTP_URL_INIT, answered = HTTP_URL_INIT;

	return !c->foreign && http_url_parse(c->url, &asked, NULL) == 0 &&
	       http_url_parse(a->url, &answered, NULL) == 0 && http_url_same_origin(&asked, &answered);
}

static bool may_answer_challenge(const struct remote_call *c, const struct http_answer *a)
{
	return a->status == 401 && !c->challenged && (!c->read || c->q.rewind) && is_from_endpoint(c, a);
}

static int on_begin(void *arg, const struct http_answer *a, struct err *e)
{
	struct remote_call *c = arg;

	/* What a server that speaks TLS says to http: "400 Bad Request". */
	if (is_guess(c) && a->status == 400 && (!c->read || c->q.rewind)) {
		c->held = true;
		return 0;
	}
	note_answer(c, a);
	c->held = may_answer_challenge(c, a) || (retry_status(a->status) && tries_left(c));
	if (c->held || !c->q.http.begin)
		return 0;
	return c->q.http.begin(c->q.http.arg, a, e);
}

static int on_data(void *arg, const void *data, size_t len, struct err *e)
{
	struct remote_call *c = arg;

	c->gave = true;
	return c->q.http.data(c->q.http.arg, data, len, e);
}

static ssize_t on_read(void *arg, void *data, size_t len, struct err *e)
{
	struct remote_call *c = arg;

	c->read = true;
	return c->q.http.read(c->q.http.arg, data, len, e);
}

static void on_sent(void *arg, uint64_t bytes)
{
	struct remote_call *c = arg;

	c->q.http.sent(c->q.http.arg, bytes);
}

static int rewind_body(struct remote_call *c, struct err *e)
{
	if (!c->read)
		return 0;
	c->read = false;
	return c->q.rewind(c->q.http.arg, e);
}

static void send_again(struct remote_call *c, int64_t at_ns)
{
	struct err why = ERR_INIT;

	if (rewind_body(c, &why) < 0)
		remote_call_fail(c, &why);
	else
		remote_call_send(c, at_ns);
}

static bool has_port(const char *host)
{
	const char *bracket = strrchr(host, ']');

	return strchr(bracket ? bracket : host, ':');
}

/* Plain http, where it is allowed and https was answered by nothing that speaks TLS. Never after it has
 * worked: an attack that only has to break a handshake (test: https_that_worked_is_not_given_up). */
static bool falls_back_to_plain(const struct remote_call *c, const struct http_answer *a, enum http_failure f)
{
	const struct remote_endpoint *ep = c->endpoint;

	if (c->plain || ep->scheme != SCHEME_UNKNOWN || !ep->plain_allowed || is_full_url(c->q.path))
		return false;
	return a->plain || (f == HTTP_UNREACHABLE && !has_port(ep->is->host));
}

static bool worth_another_try(struct remote_call *c, enum http_failure f)
{
	if (f == HTTP_UNREACHABLE && c->endpoint->scheme == SCHEME_UNKNOWN && c->failed + 1 >= FIRST_TRIES)
		return false;
	return (f == HTTP_UNREACHABLE || f == HTTP_BROKEN) && tries_left(c);
}

static void explain_unreachable(const char *host, struct err *why)
{
	const char *advice = "";

	if (strstr(why->msg, "Could not resolve host"))
		advice = "; look at the name, and whether this machine has a network";
	else if (registry_is_loopback(host) && strstr(why->msg, "Connection refused"))
		advice = "; no registry runs there: tare registry start begins one";
	err_set(why, why->kind, "cannot reach %s%s", why->msg, advice);
}

/* What the user can do about it. */
static void explain(
        const struct remote_call *c, const struct http_answer *a, enum http_failure f, struct err *why)
{
	const char *host = c->endpoint->is->host;

	if (a->plain && c->endpoint->scheme == SCHEME_UNKNOWN)
		err_set(why, ERR_OTHER,
		        "%s does not speak TLS, perhaps only plain http: if you trust the network to it, say "
		        "--tls-verify=false, or insecure = true for it in registries.conf",
		        host);
	else if (f == HTTP_TLS_FAILED)
		err_set(why, ERR_PERMISSION,
		        "%s; if it has a CA of its own, put that into /etc/containers/certs.d/%s/ca.crt (or "
		        "say "
		        "--tls-verify=false, or insecure = true for it in registries.conf)",
		        why->msg, host);
	else if (f == HTTP_UNREACHABLE)
		explain_unreachable(host, why);
}

static void fail_at_last(
        struct remote_call *c, const struct http_answer *a, enum http_failure f, const struct err *why)
{
	struct err told = *why;

	explain(c, a, f, &told);
	if (f == HTTP_UNREACHABLE && c->endpoint->is->mirror)
		c->endpoint->dead = true;
	end(c, a, f, &told);
}

static void try_tls(struct remote_call *c)
{
	c->guess_over = true;
	c->plain = false;
	send_again(c, 0);
}

static void on_failure(
        struct remote_call *c, const struct http_answer *a, enum http_failure f, const struct err *why)
{
	if (is_guess(c) && (f == HTTP_UNREACHABLE || f == HTTP_BROKEN) && (!c->read || c->q.rewind)) {
		try_tls(c);
	} else if (falls_back_to_plain(c, a, f)) {
		c->plain = true;
		send_again(c, 0);
	} else if (worth_another_try(c, f)) {
		c->failed++;
		/* a loopback port that was tried by http may have been one of https after all */
		if (c->endpoint->scheme == SCHEME_UNKNOWN && !is_full_url(c->q.path))
			c->plain = false;
		send_again(c, now_boottime() + retry_delay(c->failed));
	} else {
		fail_at_last(c, a, f, why);
	}
}

static void answer_challenge(struct remote_call *c, const struct http_answer *a)
{
	struct err why = ERR_INIT;
	int r = remote_auth_challenge(c, a, &why);

	c->challenged = true;
	if (r > 0)
		send_again(c, 0);
	else if (r < 0)
		remote_call_fail(c, &why);
	else if (c->q.http.begin && c->q.http.begin(c->q.http.arg, a, &why) < 0)
		end(c, a, HTTP_REFUSED, &why);
	else
		end(c, a, HTTP_OK_SO_FAR, NULL);
}

static void on_done(void *arg, const struct http_answer *a, enum http_failure f, const struct err *why)
{
	struct remote_call *c = arg;
	int64_t after;

	c->exchange = NULL;
	if (f != HTTP_OK_SO_FAR && f != HTTP_CANCELLED) {
		on_failure(c, a, f, why);
	} else if (f == HTTP_OK_SO_FAR && c->held && is_guess(c) && a->status == 400) {
		try_tls(c);
	} else if (f == HTTP_OK_SO_FAR && c->held && a->status == 401) {
		answer_challenge(c, a);
	} else if (f == HTTP_OK_SO_FAR && c->held) {
		after = retry_after(http_header(a, "retry-after"), now_realtime());
		c->failed++;
		after = after >= 0 ? after : retry_delay(c->failed);
		remote_tell_wait(c->endpoint, a->status, after);
		send_again(c, now_boottime() + after);
	} else {
		end(c, a, f, why);
	}
}

/* ------------------------------------------------------------------ its start */

static struct http_request wrapped(struct remote_call *c)
{
	struct http_request h = c->q.http;

	h.url = c->url;
	h.authorization = c->foreign ? NULL : c->authorization;
	h.tls = &c->endpoint->tls;
	h.begin = on_begin;
	h.data = c->q.http.data ? on_data : NULL;
	h.read = c->q.http.read ? on_read : NULL;
	h.sent = c->q.http.sent ? on_sent : NULL;
	h.done = on_done;
	h.arg = c;
	return h;
}

void remote_call_send(struct remote_call *c, int64_t at_ns)
{
	struct remote *r = c->endpoint->remote;
	struct err why = ERR_INIT;
	enum auth_state state = AUTH_READY;
	struct http_request h;

	if (r->closing) {
		err_set(&why, ERR_INTERRUPTED, "the requests to %s were given up", r->name);
		remote_call_fail(c, &why);
		return;
	}
	if (set_url(c, &why) == 0) {
		if (!c->foreign)
			state = remote_authorize(c, &why);
		if (state == AUTH_WAITING)
			return;
		h = wrapped(c);
		if (state == AUTH_READY && (c->exchange = http_add_later(r->http, &h, at_ns, &why)))
			return;
	}
	remote_call_fail(c, &why);
}

int remote_request(struct remote *r, const struct remote_request *q, struct err *e)
{
	return remote_request_at(r, q, 0, e);
}

int remote_request_at(struct remote *r, const struct remote_request *q, int64_t at_ns, struct err *e)
{
	size_t at = q->endpoint < 0 ? r->n - 1 : (size_t)q->endpoint;
	struct remote_call *c = calloc(1, sizeof(*c));

	if (!c)
		return err_no_memory(e);
	c->q = *q;
	c->q.path = strdup(q->path);
	if (!c->q.path || at >= r->n || r->closing) {
		call_free(c);
		return err_set(e, ERR_OTHER, "cannot ask %s", r->name);
	}
	c->endpoint = &r->endpoints[at];
	c->tries = q->tries ? q->tries : c->endpoint->is->mirror ? MIRROR_TRIES : RETRY_TRIES;
	link_call(r, c);
	remote_call_send(c, at_ns);
	return 0;
}
