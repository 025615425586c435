/* Who we are at an endpoint: its challenge, our credentials there, and the tokens that came for them. Calls
 * that want a token wait for one fetch of it. */
#include <stdlib.h>
#include <string.h>

#include "base/proc.h"
#include "registry/client/http_url.h"
#include "registry/client/remote_private.h"
#include "registry/client/token.h"

#define NS_PER_S  1000000000
#define MARGIN_NS ((int64_t)5 * NS_PER_S) /* a token that ends sooner isn't sent any more */
#define FORM_TYPE "Content-Type: application/x-www-form-urlencoded"

struct remote_token {
	struct remote_token *next;
	struct remote_endpoint *endpoint;
	char *scopes; /* separated by spaces, "" none */
	char *header; /* "Bearer …" or NULL */
	int64_t expires;
	struct remote_call *waiting;

	/* while it is fetched */
	bool fetching, by_form, was_refused_get;
	struct http_exchange *exchange;
	char *url, *form;
	struct http_tls tls;
	unsigned failed;
};

static char *const form_headers[] = {(char[]){FORM_TYPE}, NULL};

static void wipe_free(char **s)
{
	if (*s)
		explicit_bzero(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

/* ------------------------------------------------------------------ credentials */

/* The attack: a mirror, or a host whose name begins like the registry's, gets the registry's password. Each
 * endpoint has only what is kept for its own host, and --creds are the registry's own (test:
 * a_mirror_gets_no_credentials_of_the_registry). */
static int find_credential(struct remote_endpoint *ep, struct err *e)
{
	struct remote *r = ep->remote;
	struct credential *c = &ep->auth.credential;

	if (ep->auth.credential_known)
		return 0;
	if (!ep->is->mirror && credential_is_set(&r->given)) {
		c->username = r->given.username ? strdup(r->given.username) : NULL;
		c->password = r->given.password ? strdup(r->given.password) : NULL;
		c->identity_token = r->given.identity_token ? strdup(r->given.identity_token) : NULL;
	} else if (credential_find(r->authfile, ep->is->mirror ? ep->is->host : r->domain,
	                   ep->is->mirror ? ep->is->repository : r->path, c, e) < 0) {
		return -1;
	}
	ep->auth.credential_known = true;
	return 0;
}

/* ------------------------------------------------------------------ tokens */

static char *own_scopes(const struct remote_call *c)
{
	const struct remote_endpoint *ep = c->endpoint;
	const struct remote *r = ep->remote;
	const char *actions = r->access == REMOTE_PUSH && !ep->is->mirror ? "pull,push" : "pull";

	if (!strncmp(c->q.path, "/v2/_catalog", 12))
		return strdup("registry:catalog:*");
	if (!strcmp(c->q.path, "/v2/"))
		return strdup("");
	if (r->mount_from && !ep->is->mirror)
		return str_printf(
		        "repository:%s:%s repository:%s:pull", ep->is->repository, actions, r->mount_from);
	return str_printf("repository:%s:%s", ep->is->repository, actions);
}

static struct remote_token *find_token(struct remote_endpoint *ep, const char *scopes)
{
	for (struct remote_token *t = ep->auth.tokens; t; t = t->next)
		if (!strcmp(t->scopes, scopes))
			return t;
	return NULL;
}

static struct remote_token *get_token(struct remote_call *c, struct err *e)
{
	cleanup_free char *scopes = own_scopes(c);
	struct remote_token *t = scopes ? find_token(c->endpoint, scopes) : NULL;

	if (t)
		return t;
	t = scopes ? calloc(1, sizeof(*t)) : NULL;
	if (!t)
		return err_no_memory(e), NULL;
	t->scopes = steal_ptr(&scopes);
	t->endpoint = c->endpoint;
	t->next = c->endpoint->auth.tokens;
	c->endpoint->auth.tokens = t;
	return t;
}

static void end_fetch(struct remote_token *t)
{
	t->fetching = false;
	free(t->url);
	t->url = NULL;
	wipe_free(&t->form);
}

/* Those who waited go on, or fail for the same reason. */
static void release_waiting(struct remote_token *t, const struct err *why)
{
	struct remote_call *c = steal_ptr(&t->waiting), *next;

	end_fetch(t);
	for (; c; c = next) {
		next = c->waiting;
		c->waiting = NULL;
		c->token = NULL;
		if (why)
			remote_call_fail(c, why);
		else
			remote_call_send(c, 0);
	}
}

static void token_send(struct remote_token *t, int64_t at_ns);

static bool has_password(const struct credential *c)
{
	return c->username && c->password;
}

/* A realm that only speaks OAuth2 answers GET by 404 or 405; one that doesn't know identity tokens answers
 * POST by one of these too, and then a password helps if there is one. */
static bool try_other_way(struct remote_token *t, int status)
{
	const struct credential *c = &t->endpoint->auth.credential;

	if (t->was_refused_get || !has_password(c) ||
	        (status != 404 && status != 405 && !(t->by_form && status == 401)))
		return false;
	t->was_refused_get = true;
	t->by_form = !t->by_form;
	return true;
}

static void token_refused(struct remote_token *t, const struct http_answer *a)
{
	const struct remote_endpoint *ep = t->endpoint;
	const struct credential *c = &ep->auth.credential;
	cleanup_free char *doing = str_printf("get a token for %s", ep->is->host);
	struct err why = ERR_INIT;

	if (a->status / 100 == 3)
		/* The attack: our password follows a redirect to another host (test:
		 * token_requests_follow_no_redirects). */
		err_set(&why, ERR_PERMISSION, "the token server of %s redirects us: refused", ep->is->host);
	else
		remote_error(ep->remote, doing ? doing : "get a token", a, &why);
	if (a->status == 401 && c->source)
		err_wrap(&why, "the credentials in %s", c->source);
	release_waiting(t, &why);
}

static void token_came(struct remote_token *t, const struct http_answer *a)
{
	struct err why = ERR_INIT;
	int64_t seconds = 0;

	wipe_free(&t->header);
	if (token_read_answer(&a->body, &t->header, &seconds, &why) < 0) {
		err_wrap(&why, "cannot get a token for %s", t->endpoint->is->host);
		release_waiting(t, &why);
		return;
	}
	t->expires = now_boottime() + seconds * NS_PER_S;
	release_waiting(t, NULL);
}

static void token_done(void *arg, const struct http_answer *a, enum http_failure f, const struct err *why)
{
	struct remote_token *t = arg;
	bool passing =
	        f == HTTP_UNREACHABLE || f == HTTP_BROKEN || (f == HTTP_OK_SO_FAR && retry_status(a->status));
	int64_t after = f == HTTP_OK_SO_FAR ? retry_after(http_header(a, "retry-after"), now_realtime()) : -1;

	t->exchange = NULL;
	if (passing && t->failed + 1 < RETRY_TRIES) {
		t->failed++;
		token_send(t, now_boottime() + (after >= 0 ? after : retry_delay(t->failed)));
	} else if (f != HTTP_OK_SO_FAR) {
		struct err told = *why;
		err_wrap(&told, "cannot get a token for %s", t->endpoint->is->host);
		release_waiting(t, &told);
	} else if (a->status == 200) {
		token_came(t, a);
	} else if (try_other_way(t, a->status)) {
		token_send(t, 0);
	} else {
		token_refused(t, a);
	}
}

/* The registry's own certificates count where it is itself; another host's must be good by the system or the
 * CA that was named for the registry, and never sees our client certificate. */
static void set_tls(struct remote_token *t)
{
	const struct remote_endpoint *ep = t->endpoint;
	cleanup_free char *base = str_printf("https://%s/", ep->is->host);
	cleanup_http_url struct http_url home = HTTP_URL_INIT, realm = HTTP_URL_INIT;
	bool same = base && http_url_parse(base, &home, NULL) == 0 &&
	            http_url_parse(ep->auth.realm, &realm, NULL) == 0 && !strcmp(home.host, realm.host);

	t->tls = (struct http_tls){.ca_file = ep->tls.ca_file};
	if (same)
		t->tls.unverified = ep->tls.unverified;
	if (same && home.port == realm.port)
		t->tls = ep->tls;
}

static int make_question(struct remote_token *t, struct http_request *q, struct err *e)
{
	const struct remote_auth *a = &t->endpoint->auth;
	const struct credential *c = &a->credential;

	end_fetch(t);
	t->fetching = true;
	if (t->by_form) {
		struct credential as = *c;
		if (t->was_refused_get)
			as.identity_token = NULL;
		t->form = token_form(a->service, t->scopes, &as);
		t->url = strdup(a->realm);
		q->method = "POST";
		q->body = t->form;
		q->body_len = t->form ? strlen(t->form) : 0;
		q->headers = form_headers;
	} else {
		t->url = token_url(a->realm, a->service, t->scopes, has_password(c) ? c->username : NULL);
		q->method = "GET";
		q->authorization = has_password(c) ? a->basic : NULL;
	}
	q->url = t->url;
	return t->url && (t->form || !t->by_form) ? 0 : err_no_memory(e);
}

static void token_send(struct remote_token *t, int64_t at_ns)
{
	struct remote *r = t->endpoint->remote;
	struct http_request q = {.tls = &t->tls, .max = TOKEN_ANSWER_MAX, .done = token_done, .arg = t};
	struct err why = ERR_INIT;

	q.public_only = t->endpoint->auth.public_only;
	if (r->closing)
		err_set(&why, ERR_INTERRUPTED, "the requests to %s were given up", r->name);
	else if (make_question(t, &q, &why) == 0 && (t->exchange = http_add_later(r->http, &q, at_ns, &why)))
		return;
	release_waiting(t, &why);
}

static void wait_for(struct remote_token *t, struct remote_call *c)
{
	c->token = t;
	c->waiting = t->waiting;
	t->waiting = c;
	if (t->fetching)
		return;
	t->fetching = true;
	t->failed = 0;
	t->was_refused_get = false;
	t->by_form = t->endpoint->auth.credential.identity_token != NULL;
	set_tls(t);
	token_send(t, 0);
}

void remote_auth_forget(struct remote_call *c)
{
	struct remote_call **p = c->token ? &c->token->waiting : NULL;

	for (; p && *p; p = &(*p)->waiting)
		if (*p == c) {
			*p = c->waiting;
			break;
		}
	c->token = NULL;
	c->waiting = NULL;
}

/* ------------------------------------------------------------------ for calls */

static int set_authorization(struct remote_call *c, const char *header, struct err *e)
{
	wipe_free(&c->authorization);
	c->authorization = header ? strdup(header) : NULL;
	return header && !c->authorization ? err_no_memory(e) : 0;
}

enum auth_state remote_authorize(struct remote_call *c, struct err *e)
{
	struct remote_auth *a = &c->endpoint->auth;
	struct remote_token *t;

	if (a->kind != CHALLENGE_BEARER)
		return set_authorization(c, a->kind == CHALLENGE_BASIC ? a->basic : NULL, e) < 0 ? AUTH_FAILED
		                                                                                 : AUTH_READY;
	t = get_token(c, e);
	if (!t)
		return AUTH_FAILED;
	if (t->header && t->expires - MARGIN_NS > now_boottime())
		return set_authorization(c, t->header, e) < 0 ? AUTH_FAILED : AUTH_READY;
	wait_for(t, c);
	return AUTH_WAITING;
}

/* What was sent and not taken isn't sent again. */
static void drop_token(struct remote_call *c)
{
	for (struct remote_token *t = c->endpoint->auth.tokens; t; t = t->next)
		if (t->header && c->authorization && !strcmp(t->header, c->authorization))
			wipe_free(&t->header);
}

static int learn(
        struct remote_call *c, const struct challenge *said, const struct http_answer *a, struct err *e)
{
	struct remote_auth *auth = &c->endpoint->auth;

	free(auth->realm);
	free(auth->service);
	auth->realm = auth->service = NULL;
	if (said->kind == CHALLENGE_BEARER &&
	        token_check_realm(said->realm, c->url, a->peer, &auth->public_only, e) < 0) {
		auth->kind = CHALLENGE_NONE;
		return -1;
	}
	auth->realm = strdup(said->realm);
	auth->service = strdup(said->service);
	wipe_free(&auth->basic);
	if (has_password(&auth->credential))
		auth->basic = token_basic(&auth->credential);
	auth->kind = said->kind;
	return auth->realm && auth->service ? 0 : err_no_memory(e);
}

static bool is_fetching(const struct remote_auth *a)
{
	for (const struct remote_token *t = a->tokens; t; t = t->next)
		if (t->fetching)
			return true;
	return false;
}

int remote_auth_challenge(struct remote_call *c, const struct http_answer *a, struct err *e)
{
	struct remote_auth *auth = &c->endpoint->auth;
	struct challenge said = {0};
	const char *header;

	for (unsigned i = 0; (header = http_header_nth(a, "www-authenticate", i)); i++)
		challenge_read(header, &said);
	if (said.kind == CHALLENGE_NONE)
		return 0;
	if (find_credential(c->endpoint, e) < 0)
		return -1;
	if (said.kind == CHALLENGE_BASIC && (c->authorization || !has_password(&auth->credential)))
		return 0;
	drop_token(c);
	/* what a fetch on its way was asked with stays as it is */
	if (is_fetching(auth))
		return 1;
	return learn(c, &said, a, e) < 0 ? -1 : 1;
}

void remote_auth_free(struct remote_auth *a)
{
	while (a->tokens) {
		struct remote_token *t = a->tokens;
		a->tokens = t->next;
		if (t->exchange)
			http_cancel(t->exchange);
		end_fetch(t);
		wipe_free(&t->header);
		free(t->scopes);
		free(t);
	}
	wipe_free(&a->basic);
	free(a->realm);
	free(a->service);
	credential_free(&a->credential);
}
