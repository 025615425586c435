/* The headers of an answer: collected within bounds, made harmless, found by name. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/defence.h"
#include "registry/client/http_exchange.h"

void http_headers_reset(struct http_exchange *x)
{
	buf_reset(&x->headers);
	x->headers.max = DEFENCE("headers-size") ? HTTP_HEADERS_MAX + 1 : (size_t)64 << 20;
	x->headers_over = false;
	x->answer.status = 0;
	x->answer.length = UINT64_MAX;
}

/* "HTTP/1.1 200 OK", "HTTP/2 200". */
static int status_of(const char *line, size_t len)
{
	const char *p = memchr(line, ' ', len);
	size_t at = p ? (size_t)(p - line) + 1 : len;

	if (len - at < 3 || !isdigit((unsigned char)line[at]) || !isdigit((unsigned char)line[at + 1]) ||
	        !isdigit((unsigned char)line[at + 2]))
		return 0;
	return (line[at] - '0') * 100 + (line[at + 1] - '0') * 10 + line[at + 2] - '0';
}

/* An attack on the terminal or the log of who reads it: control bytes in what a registry says (test: headers
 * with escapes in test_registry_http). */
static char harmless(char c)
{
	if (!DEFENCE("harmless-headers"))
		return c;
	if (c == '\t')
		return ' ';
	return c < ' ' || c > '~' ? '?' : c;
}

static void keep_line(struct http_exchange *x, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	size_t name_len = colon ? (size_t)(colon - line) : 0;
	size_t at = name_len + 1;

	if (!name_len)
		return;
	while (at < len && (line[at] == ' ' || line[at] == '\t'))
		at++;
	while (len > at && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	for (size_t i = 0; i < name_len; i++)
		buf_char(&x->headers, (char)tolower((unsigned char)harmless(line[i])));
	buf_char(&x->headers, ':');
	for (; at < len; at++)
		buf_char(&x->headers, harmless(line[at]));
	buf_char(&x->headers, '\0');
}

/* An attack on our memory: headers without an end (test: endless_headers_are_refused). libcurl bounds one
 * line, this bounds all of them. */
static int check_bound(struct http_exchange *x, size_t more)
{
	if ((!DEFENCE("headers-size") || x->headers.len + more <= HTTP_HEADERS_MAX) && !x->headers.failed)
		return 0;
	x->refused = true;
	return err_set(&x->why, ERR_CORRUPT, "%s sent more than %zu bytes of headers", x->url.place,
	        HTTP_HEADERS_MAX);
}

static uint64_t length_of(const struct http_answer *a)
{
	const char *text = http_header(a, "content-length");
	char *end;
	unsigned long long n;

	if (!text || !isdigit((unsigned char)*text) || strlen(text) > 18)
		return UINT64_MAX;
	n = strtoull(text, &end, 10);
	return *end ? UINT64_MAX : n;
}

int http_headers_add(struct http_exchange *x, const char *line, size_t len)
{
	while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	if (len >= 5 && !memcmp(line, "HTTP/", 5) && !x->headers_over) {
		http_headers_reset(x);
		x->answer.status = status_of(line, len);
		return 0;
	}
	/* trailers say nothing that we ask for */
	if (x->headers_over)
		return 0;
	if (len) {
		if (check_bound(x, len + 2) < 0)
			return -1;
		keep_line(x, line, len);
		return 0;
	}
	/* "100 Continue" and its like: the answer is still to come */
	if (x->answer.status < 200)
		return 0;
	x->headers_over = true;
	x->answer.length = length_of(&x->answer);
	return 1;
}

const char *http_header_nth(const struct http_answer *a, const char *name, unsigned n)
{
	const struct buf *h = a->exchange ? &a->exchange->headers : NULL;
	size_t name_len = strlen(name);

	for (size_t at = 0; h && at < h->len; at += strlen(h->data + at) + 1) {
		const char *line = h->data + at;
		if (!strncasecmp(line, name, name_len) && line[name_len] == ':' && n-- == 0)
			return line + name_len + 1;
	}
	return NULL;
}

const char *http_header(const struct http_answer *a, const char *name)
{
	return http_header_nth(a, name, 0);
}
