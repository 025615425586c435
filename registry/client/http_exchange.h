/* One request on its way and its answer, as the files of http share it. Private to http*.c. */
#ifndef TARE_REGISTRY_HTTP_EXCHANGE_H
#define TARE_REGISTRY_HTTP_EXCHANGE_H

#include <curl/curl.h>

#include "base/err.h"
#include "registry/client/http.h"
#include "registry/client/http_url.h"

#define HTTP_HEADERS_MAX ((size_t)64 << 10) /* bytes of all header lines of one answer */

enum http_state { HTTP_WAITING, HTTP_RUNNING, HTTP_OVER };

struct http_exchange {
	struct http *owner;
	struct http_exchange *next, *prev; /* of all that aren't over, in the order they came */
	enum http_state state;
	int64_t not_before; /* CLOCK_BOOTTIME */

	struct http_request request;
	struct http_url first, url; /* as asked, and where it is after redirects */
	unsigned redirects;
	CURL *easy;
	struct curl_slist *sent_headers;
	char error[CURL_ERROR_SIZE];

	struct http_answer answer;
	struct buf headers; /* "name: value" and a NUL each, the name in lower case */
	bool headers_over;
	uint64_t passed;   /* bytes of the answer's body so far */
	uint64_t uploaded; /* as last told */
	struct err why;    /* set by us: then the failure is HTTP_REFUSED */
	bool refused;
};

/* ---- http_headers.c */
/* One line as libcurl gives it. 1 when it was the empty one after the last header of the answer, 0, or -1. */
int http_headers_add(struct http_exchange *x, const char *line, size_t len);
void http_headers_reset(struct http_exchange *x);

/* ---- http_transfer.c */
struct http_patience {
	unsigned connect_ms, stall_s;
};
/* Make x->easy ready for x->url. */
int http_transfer_prepare(struct http_exchange *x, const struct http_patience *p, struct err *e);
/* What libcurl's verdict means; fills x->why unless it is HTTP_OK_SO_FAR. */
enum http_failure http_transfer_verdict(struct http_exchange *x, CURLcode code);
/* 1: x now leads to where the answer sent us and has to be prepared again; 0: it is the answer; -1: x->why.
 */
int http_transfer_redirect(struct http_exchange *x);

#endif
