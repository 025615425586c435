/* An answer that isn't what was hoped for, in words: the registry's and what can be done. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "registry/client/http_url.h"
#include "registry/client/remote_private.h"

#define WORDS_MAX 300

/* {"errors":[{"code":"DENIED","message":"…"}]}, or what token servers say: {"details":"…"},
 * {"error":"…","error_description":"…"}. */
static void words_of_json(json *j, struct buf *out)
{
	json *first = json_get(j, "errors");
	const char *code, *message;

	first = first && json_object_is_type(first, json_type_array) && json_object_array_length(first)
	                ? json_object_array_get_idx(first, 0)
	                : NULL;
	code = json_str(first, "code", json_str(j, "error", NULL));
	message = json_str(first, "message", json_str(j, "error_description", json_str(j, "details", NULL)));
	if (code)
		buf_printf(out, "%.64s", code);
	if (message && *message)
		buf_printf(out, "%s%.*s", out->len ? ": " : "", WORDS_MAX, message);
}

/* One short line, else a page for a browser. */
static void words_of_text(const struct buf *body, struct buf *out)
{
	size_t len = strcspn(buf_str(body), "\r\n");

	if (len && len <= WORDS_MAX && *body->data != '<' && len + 2 >= body->len)
		buf_add(out, body->data, len);
}

static void words_of(const struct http_answer *a, struct buf *out)
{
	const char *p = buf_str(&a->body);
	cleanup_json json *j = NULL;

	if (a->body.len && (*p == '{' || isspace((unsigned char)*p)))
		j = json_parse(p, a->body.len, "", NULL);
	if (j)
		words_of_json(j, out);
	else if (a->body.len)
		words_of_text(&a->body, out);
}

static const char *host_of(const struct remote *r, const struct http_answer *a, struct http_url *u)
{
	return a->url && http_url_parse(a->url, u, NULL) == 0 ? u->place : r->domain;
}

/* "100;w=21600": how many, and in how many seconds. */
static void add_limits(const struct http_answer *a, struct buf *out)
{
	const char *limit = http_header(a, "ratelimit-limit"), *left = http_header(a, "ratelimit-remaining");
	const char *source = http_header(a, "docker-ratelimit-source");
	const char *after = http_header(a, "retry-after");

	if (limit)
		buf_printf(out, "; its limit is %.64s", limit);
	if (left)
		buf_printf(out, ", %.64s of it are left", left);
	if (source)
		buf_printf(out, ", counted for %.64s", source);
	if (after)
		buf_printf(out, "; it asks to wait %.64s%s", after,
		        isdigit((unsigned char)*after) ? " seconds" : "");
}

static enum err_kind kind_of(int status)
{
	switch (status) {
	case 401:
	case 403:
		return ERR_PERMISSION;
	case 404:
		return ERR_NOT_FOUND;
	case 413:
	case 507:
		return ERR_NO_SPACE;
	default:
		return ERR_OTHER;
	}
}

static void add_advice(const struct remote *r, const struct http_answer *a, struct buf *out)
{
	switch (a->status) {
	case 401:
		buf_printf(out, "; log in first: tare login %s", r->domain);
		break;
	case 403:
		buf_printf(out, "; look at the name, and at what this user may do there (tare login %s)",
		        r->domain);
		break;
	case 404:
		buf_str_add(out, "; look at the name, or it is there but not for us");
		break;
	case 429:
		add_limits(a, out);
		buf_printf(out, "; users who logged in may have more: tare login %s", r->domain);
		break;
	default:
		break;
	}
}

static const char *meaning_of(int status)
{
	static const struct {
		int status;
		const char *meaning;
	} known[] = {{400, "bad request"}, {401, "it wants to know who we are"}, {403, "not allowed"},
	        {404, "not found"}, {405, "it does not do that"}, {413, "too large for it"},
	        {416, "it has no such range"}, {429, "too many requests"}, {500, "it failed"},
	        {502, "it cannot reach the server behind it"}, {503, "not now"},
	        {504, "the server behind it is late"}, {507, "it is full"}};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].status == status)
			return known[i].meaning;
	return "an answer that makes no sense here";
}

int remote_error(const struct remote *r, const char *doing, const struct http_answer *a, struct err *e)
{
	cleanup_http_url struct http_url u = HTTP_URL_INIT;
	cleanup_buf struct buf words = BUF_INIT, advice = BUF_INIT;
	const char *host = host_of(r, a, &u);

	words_of(a, &words);
	add_advice(r, a, &advice);
	return err_set(e, kind_of(a->status), "cannot %s: %s: %s (%d)%s%s%s", doing, host,
	        meaning_of(a->status), a->status, words.len ? ": " : "", buf_str(&words), buf_str(&advice));
}
