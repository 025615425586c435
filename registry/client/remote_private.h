/* A remote from within: its endpoints, its calls on their way, its tokens. For remote_*.c only. */
#ifndef TARE_REGISTRY_REMOTE_PRIVATE_H
#define TARE_REGISTRY_REMOTE_PRIVATE_H

#include "base/err.h"
#include "registry/client/challenge.h"
#include "registry/client/remote.h"
#include "registry/client/retry.h"

struct remote_call;
struct remote_token;

enum remote_scheme { SCHEME_UNKNOWN, SCHEME_HTTPS, SCHEME_HTTP };

/* How an endpoint wants to know us, once it has said so, and what we have for it. */
struct remote_auth {
	enum challenge_kind kind;
	char *realm, *service;
	bool public_only;
	bool credential_known; /* it was looked for */
	struct credential credential;
	char *basic; /* "Basic …" */
	struct remote_token *tokens;
};

struct remote_endpoint {
	struct remote *remote;
	const struct registry_endpoint *is;
	struct http_tls tls;
	bool plain_allowed;
	enum remote_scheme scheme; /* what it answered to */
	bool dead;                 /* a mirror that couldn't be reached: passed over from now on */
	bool gave_manifest;
	struct remote_auth auth;
};

struct remote {
	struct http *http;
	enum remote_access access;
	char *authfile, *name, *domain, *path, *mount_from;
	struct credential given; /* --creds */
	struct registry_route route;
	struct remote_endpoint *endpoints;
	size_t n; /* of them; the last is the registry itself */
	struct remote_call *calls;
	char **warned;
	bool closing;
};

/* ---- remote.c */
/* remote_open() for a route that is known; it is taken. */
struct remote *remote_open_route(struct http *http, struct registry_route *route, const struct reference *ref,
        const struct remote_options *o, struct err *e);
/* May endpoint `at` be asked for what has a digest, or a tag? Dead mirrors may not. */
bool remote_may_ask(const struct remote *r, size_t at, bool by_digest);
/* For a blob: by digest, or where its manifest came from. */
bool remote_may_ask_blob(const struct remote *r, size_t at);

/* ---- remote_call.c: a request on its way, over its tries */
struct remote_call {
	struct remote_call *next, *prev; /* of r->calls */
	struct remote_call *waiting;     /* the next one that waits for the same token */
	struct remote_token *token;      /* that it waits for, or NULL */
	struct remote_endpoint *endpoint;
	struct remote_request q; /* as asked; its path is a copy */
	char *url, *authorization;
	struct http_exchange *exchange; /* or NULL, between tries */
	unsigned failed, tries;
	bool plain;               /* this try is by http */
	bool guessed, guess_over; /* http was tried first, on loopback; and was wrong */
	bool foreign;             /* a full URL at another origin: gets no authorization */
	bool challenged;          /* a 401 was answered once */
	bool held;                /* this answer is ours, not the caller's */
	bool gave, read;          /* bytes went to data(), came from read() */
};
/* As remote_request(), not before at_ns. */
int remote_request_at(struct remote *r, const struct remote_request *q, int64_t at_ns, struct err *e);
/* Send it now, or at that time, once it has the authorization that the endpoint wants. */
void remote_call_send(struct remote_call *c, int64_t at_ns);
/* The end of one that got no answer. */
void remote_call_fail(struct remote_call *c, const struct err *why);
void remote_calls_end(struct remote *r); /* all of them: cancelled */

/* ---- remote_auth.c */
enum auth_state { AUTH_READY, AUTH_WAITING, AUTH_FAILED };
/* c->authorization for what c asks (NULL: none wanted yet). WAITING: c is sent when the token has come. */
enum auth_state remote_authorize(struct remote_call *c, struct err *e);
/* A 401: can it be answered? Then what was known is corrected by it and c is worth sending again. -1 with e:
 * the challenge is an attack. 0: no, 1: yes. */
int remote_auth_challenge(struct remote_call *c, const struct http_answer *a, struct err *e);
void remote_auth_free(struct remote_auth *a);
/* c waits no longer. */
void remote_auth_forget(struct remote_call *c);

/* ---- remote_warning.c */
void remote_warn(struct remote *r, const struct remote_endpoint *ep, const struct http_answer *a);
/* Somebody may be looking at a terminal where nothing moves. */
void remote_tell_wait(const struct remote_endpoint *ep, int status, int64_t wait_ns);

/* ---- remote_wait.c: for those that wait for one answer */
struct remote_reply {
	int status; /* 0: none came, `why` says why */
	struct buf body;
	char *type, *digest;
	uint64_t length;
	struct err why; /* also for a status that isn't 2xx, as remote_error() gives it */
};
#define REMOTE_REPLY_INIT                                                                                    \
	{                                                                                                    \
		0                                                                                            \
	}
void remote_reply_free(struct remote_reply *r);
#define cleanup_reply __attribute__((cleanup(remote_reply_free)))
/* q: method, path, endpoint and what else http has of the question. 0 when a 2xx came; -1 with reply->why
 * (and, without it, e) otherwise. */
int remote_ask(struct remote *r, const struct remote_request *q, const char *doing,
        struct remote_reply *reply, struct err *e);

#endif
