/* The token issuer: GET /token with Basic credentials or none, POST /token as OAuth2 asks it (grant_type
 * password or refresh_token). A scope is cut to the rights that its user has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/units.h"
#include "registry/server/access.h"
#include "registry/server/exchange.h"
#include "registry/server/form.h"
#include "registry/server/htpasswd.h"
#include "registry/server/identity.h"

#define QUERY_SCOPES_MAX 64

/* Several scopes stand in several parameters, or in one with spaces between. */
static void add_scopes(struct token *t, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		token_scope_add(t, text, len);
		text += len + strspn(text + len, " ");
	}
}

/* Attack: to ask for more than one has (scope widening). Proven by test_registry_token.c. */
static void cut_scopes(struct access *a, struct token *t)
{
	for (unsigned i = 0; i < t->n; i++)
		t->scopes[i].rights &= access_rights(a, t->subject, t->scopes[i].repository);
}

static char *refresh_token(struct access *a, const char *user)
{
	struct token t = {.refresh = true, .issued = time(NULL)};

	if (!*user || !access_binding(a, user, t.bind))
		return NULL;
	t.expires = t.issued + TOKEN_REFRESH;
	snprintf(t.subject, sizeof t.subject, "%s", user);
	return token_sign(access_key(a), access_service(a), &t);
}

static enum MHD_Result answer(struct access *a, struct exchange *x, struct token *t, bool offline)
{
	char when[TIME_TEXT_SIZE];
	cleanup_free char *refresh = offline ? refresh_token(a, t->subject) : NULL;

	cut_scopes(a, t);
	t->issued = time(NULL);
	t->expires = t->issued + TOKEN_LIFE;
	cleanup_free char *text = token_sign(access_key(a), access_service(a), t);
	if (!text)
		return exchange_error(
		        x, MHD_HTTP_BAD_REQUEST, API_UNSUPPORTED, "too many scopes for one token");
	cleanup_json json *j = json_object_new_object();
	json_set_str(j, "token", text);
	json_set_str(j, "access_token", text);
	json_set_int(j, "expires_in", TOKEN_LIFE);
	json_set_str(j, "issued_at", time_format(t->issued * 1000000000, when));
	if (refresh)
		json_set_str(j, "refresh_token", refresh);
	exchange_header(x, "Cache-Control", "no-store");
	return exchange_json(x, MHD_HTTP_OK, "application/json", j);
}

static enum MHD_Result unauthorized(struct access *a, struct exchange *x)
{
	exchange_header(x, "WWW-Authenticate", "Basic realm=\"%s\"", access_service(a));
	return exchange_error(
	        x, MHD_HTTP_UNAUTHORIZED, API_UNAUTHORIZED, "the name or the password is wrong");
}

static bool is_service(const struct access *a, const char *service)
{
	return !service || !*service || strcmp(service, access_service(a)) == 0;
}

static enum MHD_Result by_get(struct access *a, struct exchange *x)
{
	cleanup_free struct token *t = calloc(1, sizeof *t);
	const char *offline = exchange_query(x, "offline_token", 0), *scope;

	/* A token gives no other tokens: it would live on for ever. */
	if (!t || (x->identity && x->identity->token))
		return unauthorized(a, x);
	if (!is_service(a, exchange_query(x, "service", 0)))
		return exchange_error(x, MHD_HTTP_BAD_REQUEST, API_UNSUPPORTED,
		        "tokens of this issuer are for \"%s\"", access_service(a));
	snprintf(t->subject, sizeof t->subject, "%s", identity_name(x->identity));
	for (unsigned i = 0; i < QUERY_SCOPES_MAX && (scope = exchange_query(x, "scope", i)); i++)
		add_scopes(t, scope);
	return answer(a, x, t, offline && strcmp(offline, "true") == 0);
}

/* Whose refresh token this is; false: not good any more. */
static bool read_refresh(struct access *a, const char *text, char *user, size_t size)
{
	cleanup_free struct token *t = calloc(1, sizeof *t);
	char bind[TOKEN_BIND_SIZE];

	if (!t || token_verify(access_key(a), access_service(a), text, strlen(text), time(NULL), t) < 0 ||
	        !t->refresh || !access_binding(a, t->subject, bind) || strcmp(bind, t->bind) != 0)
		return false;
	snprintf(user, size, "%s", t->subject);
	return true;
}

static bool log_in(struct access *a, const struct form *f, const char *grant, char *user, size_t size)
{
	const char *name = form_get(f, "username", 0), *password = form_get(f, "password", 0);
	const char *refresh = form_get(f, "refresh_token", 0);

	if (strcmp(grant, "refresh_token") == 0)
		return refresh && read_refresh(a, refresh, user, size);
	if (!name || !password || !access_password(a, name, password, strlen(password)))
		return false;
	snprintf(user, size, "%s", name);
	return true;
}

static enum MHD_Result by_post(struct access *a, struct exchange *x)
{
	cleanup_free struct token *t = calloc(1, sizeof *t);
	cleanup_form struct form f = {0};
	const char *grant, *type, *scope;

	if (!t || form_parse(&f, buf_str(&x->body), x->body.len) < 0 ||
	        !(grant = form_get(&f, "grant_type", 0)))
		return exchange_error(
		        x, MHD_HTTP_BAD_REQUEST, API_UNSUPPORTED, "a form with grant_type is wanted");
	if (strcmp(grant, "password") != 0 && strcmp(grant, "refresh_token") != 0)
		return exchange_error(
		        x, MHD_HTTP_BAD_REQUEST, API_UNSUPPORTED, "grant_type is password or refresh_token");
	if (!is_service(a, form_get(&f, "service", 0)))
		return exchange_error(x, MHD_HTTP_BAD_REQUEST, API_UNSUPPORTED,
		        "tokens of this issuer are for \"%s\"", access_service(a));
	if (!log_in(a, &f, grant, t->subject, sizeof t->subject))
		return unauthorized(a, x);
	for (unsigned i = 0; i < QUERY_SCOPES_MAX && (scope = form_get(&f, "scope", i)); i++)
		add_scopes(t, scope);
	type = form_get(&f, "access_type", 0);
	return answer(a, x, t, type && strcmp(type, "offline") == 0);
}

enum MHD_Result access_token(struct access *a, struct exchange *x)
{
	if (strcmp(x->method, "GET") == 0)
		return by_get(a, x);
	if (strcmp(x->method, "POST") == 0)
		return by_post(a, x);
	return exchange_error(
	        x, MHD_HTTP_METHOD_NOT_ALLOWED, API_UNSUPPORTED, "tokens are asked for by GET or POST");
}
