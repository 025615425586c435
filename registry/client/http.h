/* HTTP: requests by libcurl's multi interface, HTTP/2 where the server speaks it, a few streams at a time.
 *
 * One thread owns a struct http; every callback runs in it, from http_run() or http_step(). Only http_wake()
 * may be called by others. What a server says is bounded here: header lines, bodies that are collected,
 * redirects, and how slowly it may answer. Nothing is retried and nobody is authenticated here; that is
 * remote.h's.
 *
 * Redirects are followed by ourselves: `Authorization` and request bodies never go to another host
 * (ggcr#2349, containerd CVE-2020-15157), and never from https to http. */
#ifndef TARE_REGISTRY_HTTP_H
#define TARE_REGISTRY_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct err;
struct http;
struct http_exchange;

#define HTTP_STREAMS 6 /* transfers at a time; further ones wait */

/* Files for TLS, all borrowed, NULL: not given. */
struct http_tls {
	const char *ca_file;              /* PEM, beside the system's */
	const char *cert_file, *key_file; /* of the client */
	bool unverified;                  /* any certificate will do */
};

/* What the server answered; valid during the callback only. */
struct http_answer {
	int status;                     /* 200, …; 0: no answer came, `why` in done() says what happened */
	const char *url;                /* the last one, after redirects */
	const char *peer;               /* the address that was spoken to; "": unknown, or behind a proxy */
	bool plain;                     /* it seems not to speak TLS (rather than having a bad certificate) */
	uint64_t length;                /* Content-Length, or UINT64_MAX */
	struct buf body;                /* collected, unless the exchange has a data() */
	struct http_exchange *exchange; /* private; for http_header() */
};
/* The first header of that name (any case), or NULL. Bytes that are no printable ASCII stand as '?'. */
const char *http_header(const struct http_answer *a, const char *name);
/* The nth one (0 first), for headers that come several times (Warning, WWW-Authenticate); or NULL. */
const char *http_header_nth(const struct http_answer *a, const char *name, unsigned n);

enum http_failure {
	HTTP_OK_SO_FAR,
	HTTP_UNREACHABLE, /* name, address, connection refused, time-out before any answer */
	HTTP_TLS_FAILED,  /* certificate or protocol; see `plain` above */
	HTTP_BROKEN,      /* connection lost, too slow, or shorter than announced: worth another try */
	HTTP_REFUSED,     /* we ended it: too large, bad redirect, data() said no: never tried again */
	HTTP_CANCELLED,
};

/* A request; strings and bodies are borrowed until done() was called. */
struct http_request {
	const char *method; /* "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" */
	const char *url;
	const char *authorization;  /* the value of that header, or NULL */
	char *const *headers;       /* further ones, "Name: value", or NULL */
	const struct http_tls *tls; /* or NULL */
	bool follow;                /* follow up to five redirects; GET and HEAD only */
	bool public_only;           /* refuse private, link-local and loopback addresses, as names resolve */

	/* The body: bytes, or `read` as libcurl asks for it (0 at the end, -1 with e), or none. read_size:
	 * its length, UINT64_MAX sends it chunked. */
	const void *body;
	size_t body_len;
	ssize_t (*read)(void *arg, void *data, size_t len, struct err *e);
	uint64_t read_size;

	/* The answer. Without data() a body of at most `max` bytes is collected (0: 1 MiB). */
	size_t max;
	/* Headers have come (of the last answer, not of redirects); may be NULL. -1 with e ends the exchange.
	 */
	int (*begin)(void *arg, const struct http_answer *a, struct err *e);
	/* The body of a 2xx answer as it comes (others are collected still). -1 with e ends the exchange.  */
	int (*data)(void *arg, const void *data, size_t len, struct err *e);
	/* Bytes of the request body sent so far; may be NULL. */
	void (*sent)(void *arg, uint64_t bytes);
	/* Called once, always, last. `why`: what failed, one line, when failure isn't HTTP_OK_SO_FAR. New
	 * exchanges may be added from here. */
	void (*done)(
	        void *arg, const struct http_answer *a, enum http_failure failure, const struct err *why);
	void *arg;
};

struct http *http_new(struct err *e);
/* How long a connection may take, and a transfer be still before it is HTTP_BROKEN (seconds). For tests and
 * for slow lines; 15 s and 60 s otherwise. */
void http_set_patience(struct http *h, unsigned connect_ms, unsigned stall_s);
void http_free(
        struct http *h); /* unfinished exchanges are dropped: their done() is called with HTTP_CANCELLED */
void http_free_ptr(struct http **h);
#define cleanup_http __attribute__((cleanup(http_free_ptr)))

/* The request is copied (its strings and body are not). NULL with e; done() isn't called then. */
struct http_exchange *http_add(struct http *h, const struct http_request *r, struct err *e);
/* done() is called before this returns. Not from a begin(), data() or read(): those end by -1. */
void http_cancel(struct http_exchange *x);
/* Send this one not before `ns` of CLOCK_BOOTTIME (base/proc.h): for back-off. */
struct http_exchange *http_add_later(
        struct http *h, const struct http_request *r, int64_t at_ns, struct err *e);
/* Do what can be done, waiting at most timeout_ms (-1: until something happens; 0 at once when there is no
 * exchange left). How many exchanges are left, or -1 with e (libcurl itself failed). */
int http_step(struct http *h, int timeout_ms, struct err *e);
/* From any thread: let http_step() return. */
void http_wake(struct http *h);

/* One request, waited for; the answer's body is moved to *body (may be NULL), its content type to *type
 * (allocated; may be NULL). The status code, or -1 with e. */
int http_fetch(struct http *h, const struct http_request *r, struct buf *body, char **type, struct err *e);

#endif
