#include "registry/client/token.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/defence.h"
#include "base/err.h"
#include "base/json.h"
#include "registry/client/credential.h"
#include "registry/client/http_url.h"

#define CLIENT_ID "tare"

/* ------------------------------------------------------------------ who may be asked */

/* The attack: a registry, or who stands between, names an http realm, and our password goes out readable
 * (tests: an_http_realm_of_an_https_registry_is_refused, an_http_realm_elsewhere_is_refused). Plain http is
 * good for the same host, and from loopback to loopback. */
static int check_scheme(const struct http_url *realm, const struct http_url *registry, struct err *e)
{
	bool local = http_host_reach(realm->host) == HTTP_REACH_LOOPBACK &&
	             http_host_reach(registry->host) == HTTP_REACH_LOOPBACK;

	if (realm->tls || !DEFENCE("realm-scheme"))
		return 0;
	if (registry->tls)
		return err_set(e, ERR_PERMISSION,
		        "%s speaks https but wants our credentials at %s by plain http: refused",
		        registry->place, realm->place);
	if (!local && strcmp(realm->host, registry->host) != 0)
		return err_set(e, ERR_PERMISSION,
		        "%s wants our credentials at another host, %s, by plain http: refused",
		        registry->place, realm->place);
	return 0;
}

/* The attack: a registry on the internet sends us to an address within our own network, such as the metadata
 * service of a cloud (ggcr#2193; tests: a_realm_at_a_private_address_is_refused and the one of
 * http_request.public_only). Registries that are private themselves may. */
static int check_reach(const struct http_url *realm, const struct http_url *registry, const char *peer,
        bool *public_only, struct err *e)
{
	bool inside = http_host_reach(registry->host) != HTTP_REACH_PUBLIC ||
	              (*peer && http_host_reach(peer) != HTTP_REACH_PUBLIC);

	*public_only = !inside;
	if (inside || !DEFENCE("realm-reach") || http_host_reach(realm->host) == HTTP_REACH_PUBLIC)
		return 0;
	return err_set(e, ERR_PERMISSION,
	        "%s wants a token fetched from %s, which is in a private network: refused", registry->host,
	        realm->host);
}

int token_check_realm(
        const char *realm, const char *registry_url, const char *peer, bool *public_only, struct err *e)
{
	cleanup_http_url struct http_url to = HTTP_URL_INIT, registry = HTTP_URL_INIT;

	if (http_url_parse(registry_url, &registry, e) < 0)
		return -1;
	if (http_url_parse(realm, &to, e) < 0)
		return err_wrap(e, "%s names a bad token server", registry.place);
	if (check_scheme(&to, &registry, e) < 0)
		return -1;
	return check_reach(&to, &registry, peer, public_only, e);
}

/* ------------------------------------------------------------------ the question */

static char *add_scopes(char *url, const char *scopes)
{
	cleanup_free char *copy = strdup(scopes);
	char *rest = copy, *scope;

	if (!copy) {
		free(url);
		return NULL;
	}
	while ((scope = strsep(&rest, " ")))
		if (*scope)
			url = http_url_query(url, "scope", scope);
	return url;
}

char *token_url(const char *realm, const char *service, const char *scopes, const char *account)
{
	/* a fragment would swallow what is added */
	char *url = strndup(realm, strcspn(realm, "#"));

	if (*service)
		url = http_url_query(url, "service", service);
	url = add_scopes(url, scopes);
	if (account)
		url = http_url_query(url, "account", account);
	return http_url_query(url, "client_id", CLIENT_ID);
}

static void form_add(struct buf *b, const char *name, const char *value)
{
	char *escaped = curl_easy_escape(NULL, value, (int)strlen(value));

	if (!escaped)
		b->failed = true;
	else
		buf_printf(b, "%s%s=%s", b->len ? "&" : "", name, escaped);
	curl_free(escaped);
}

char *token_form(const char *service, const char *scopes, const struct credential *c)
{
	struct buf b = BUF_INIT;

	form_add(&b, "grant_type", c->identity_token ? "refresh_token" : "password");
	form_add(&b, "service", service);
	form_add(&b, "client_id", CLIENT_ID);
	if (*scopes)
		form_add(&b, "scope", scopes);
	if (c->identity_token) {
		form_add(&b, "refresh_token", c->identity_token);
	} else {
		form_add(&b, "username", c->username ? c->username : "");
		form_add(&b, "password", c->password ? c->password : "");
	}
	return buf_take(&b);
}

char *token_basic(const struct credential *c)
{
	char *pair = str_printf("%s:%s", c->username ? c->username : "", c->password ? c->password : "");
	struct buf b = BUF_INIT;

	if (!pair)
		return NULL;
	buf_str_add(&b, "Basic ");
	base64_add(&b, pair, strlen(pair));
	explicit_bzero(pair, strlen(pair));
	free(pair);
	return buf_take(&b);
}

/* ------------------------------------------------------------------ the answer */

/* The attack: a token with a line break, which would write headers of its own into our requests (test:
 * a_token_that_is_no_word_is_refused). */
static bool is_word(const char *s)
{
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++)
		if (DEFENCE("token-word") && (s[i] <= ' ' || s[i] > '~'))
			return false;
	return len > 0 && len <= TOKEN_TEXT_MAX;
}

static int64_t lifetime(json *answer)
{
	int64_t s = json_int(answer, "expires_in", TOKEN_LEAST_S);

	return s < TOKEN_LEAST_S ? TOKEN_LEAST_S : s > TOKEN_MOST_S ? TOKEN_MOST_S : s;
}

int token_read_answer(const struct buf *body, char **header, int64_t *seconds, struct err *e)
{
	cleanup_json json *answer = json_parse(buf_str(body), body->len, "the token server's answer", e);
	const char *token;

	if (!answer)
		return -1;
	token = json_str(answer, "token", NULL);
	if (!token || !*token)
		token = json_str(answer, "access_token", NULL);
	if (!token || !is_word(token))
		return err_set(e, ERR_CORRUPT, "the token server's answer holds no usable token");
	*seconds = lifetime(answer);
	*header = str_printf("Bearer %s", token);
	return *header ? 0 : err_no_memory(e);
}
