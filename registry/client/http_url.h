/* URLs as far as a registry client looks into them: where they lead, and whether two lead to the same place.
 * Only http and https, without user and password in them (an attacker's way to make a host look like another
 * one); names are lower case. */
#ifndef TARE_REGISTRY_HTTP_URL_H
#define TARE_REGISTRY_HTTP_URL_H

#include <stdbool.h>

struct err;
struct sockaddr;

#define HTTP_URL_MAX 8192 /* signed links of object stores come near 2 KiB */

struct http_url {
	char *text;  /* as libcurl writes it */
	char *host;  /* "quay.io", "127.0.0.1", "[::1]" */
	char *place; /* for messages, with the port when it isn't the usual one: "127.0.0.1:5000" */
	unsigned port;
	bool tls;
};
#define HTTP_URL_INIT                                                                                        \
	{                                                                                                    \
		0                                                                                            \
	}
void http_url_free(struct http_url *u);
#define cleanup_http_url __attribute__((cleanup(http_url_free)))

int http_url_parse(const char *text, struct http_url *u, struct err *e);
/* `ref` as a browser would read it in a document from `base` (a Location header); allocated. */
char *http_url_resolve(const char *base, const char *ref, struct err *e);
/* Scheme, host and port, all of each: "quay.io" is neither "quay.io.evil.example" nor "quay.io:444". */
bool http_url_same_origin(const struct http_url *a, const struct http_url *b);
/* `text` with a query part more: "?" or "&", then the name and the escaped value. Allocated; takes `text`,
 * which may be NULL. */
char *http_url_query(char *text, const char *name, const char *value);

/* How far an address reaches. Names other than localhost are public: only their addresses tell. */
enum http_reach { HTTP_REACH_PUBLIC, HTTP_REACH_PRIVATE, HTTP_REACH_LOOPBACK };
/* Of a host with or without port and brackets. */
enum http_reach http_host_reach(const char *host);
enum http_reach http_address_reach(const struct sockaddr *a);

#endif
