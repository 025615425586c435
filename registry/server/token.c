#include "registry/server/token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/defence.h"
#include "base/file.h"
#include "base/json.h"
#include "registry/server/access.h"

#define MAC_SIZE 32
#define ISSUER   "tare-registry"

/* {"alg":"HS256","typ":"JWT"} */
static const char head[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

static const struct {
	unsigned right;
	const char *word;
} actions[] = {{RIGHT_PULL, "pull"}, {RIGHT_PUSH, "push"}, {RIGHT_DELETE, "delete"}};
#define ACTIONS (sizeof actions / sizeof *actions)

static int sign(const unsigned char *key, const char *text, size_t len, unsigned char mac[MAC_SIZE])
{
	unsigned size = MAC_SIZE;

	return HMAC(EVP_sha256(), key, TOKEN_KEY_SIZE, (const unsigned char *)text, len, mac, &size) ? 0 : -1;
}

/* ---------------------------------------------------------------- writing */

static json *action_list(unsigned rights)
{
	json *list = json_object_new_array();

	for (size_t i = 0; i < ACTIONS; i++)
		if (rights & actions[i].right)
			json_add_str(list, actions[i].word);
	return list;
}

static void add_access(json *list, const char *type, const char *name, json *action)
{
	json *one = json_object_new_object();

	json_set_str(one, "type", type);
	json_set_str(one, "name", name);
	json_set(one, "actions", action);
	json_object_array_add(list, one);
}

static json *claims(const char *audience, const struct token *t)
{
	json *c = json_object_new_object(), *access = json_object_new_array(), *star;
	char id[33];

	random_hex(id, 16);
	json_set_str(c, "iss", ISSUER);
	json_set_str(c, "aud", audience);
	json_set_str(c, "sub", t->subject);
	json_set_int(c, "iat", t->issued);
	json_set_int(c, "nbf", t->issued);
	json_set_int(c, "exp", t->expires);
	json_set_str(c, "jti", id);
	if (t->refresh) {
		json_set_bool(c, "refresh", true);
		json_set_str(c, "bind", t->bind);
	}
	for (unsigned i = 0; i < t->n; i++)
		if (t->scopes[i].rights)
			add_access(access, "repository", t->scopes[i].repository,
			        action_list(t->scopes[i].rights));
	if (t->catalog) {
		star = json_object_new_array();
		json_add_str(star, "*");
		add_access(access, "registry", "catalog", star);
	}
	json_set(c, "access", access);
	return c;
}

char *token_sign(const unsigned char key[TOKEN_KEY_SIZE], const char *audience, const struct token *t)
{
	cleanup_json json *c = claims(audience, t);
	cleanup_buf struct buf text = BUF_INIT, out = BUF_INIT_MAX(2 * TOKEN_MAX);
	unsigned char mac[MAC_SIZE];

	json_print(&text, c, JSON_COMPACT);
	buf_printf(&out, "%s.", head);
	base64url_add(&out, buf_str(&text), text.len);
	if (text.failed || out.failed || sign(key, buf_str(&out), out.len, mac) < 0)
		return NULL;
	buf_char(&out, '.');
	base64url_add(&out, mac, sizeof mac);
	return out.len <= TOKEN_MAX ? buf_take(&out) : NULL;
}

/* ---------------------------------------------------------------- reading */

/* Attack: a token with alg "none", another algorithm, or a kid that leads to a file: the head isn't read but
 * compared, so there is one algorithm and one key. A signature is compared in constant time, and nothing of
 * the text is parsed before. Proven by test_registry_token.c. */
static bool is_ours(const unsigned char *key, const char *text, size_t len, size_t *body_len)
{
	unsigned char want[MAC_SIZE], got[MAC_SIZE * 2];
	const char *body = text + sizeof head, *dot;

	if (len > TOKEN_MAX || len < sizeof head + 1 || memcmp(text, head, sizeof head - 1) != 0 ||
	        text[sizeof head - 1] != '.')
		return false;
	dot = memchr(body, '.', len - sizeof head);
	if (!dot || text + len - dot - 1 > (ptrdiff_t)sizeof got)
		return false;
	*body_len = (size_t)(dot - body);
	if (base64url_decode(dot + 1, (size_t)(text + len - dot - 1), got) != MAC_SIZE ||
	        sign(key, text, (size_t)(dot - text), want) < 0)
		return false;
	return !DEFENCE("token-signature") || CRYPTO_memcmp(got, want, MAC_SIZE) == 0;
}

static bool is_for_now(json *c, int64_t now)
{
	int64_t from = json_int(c, "nbf", INT64_MAX), until = json_int(c, "exp", 0);

	return from <= now + TOKEN_SKEW && until > now - TOKEN_SKEW;
}

static void read_access(json *c, struct token *t)
{
	json *list = json_get(c, "access");
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < n; i++) {
		json *one = json_object_array_get_idx(list, i);
		cleanup_strv char **words = json_strv(one, "actions");
		cleanup_buf struct buf scope = BUF_INIT;

		buf_printf(&scope, "%s:%s:", json_str(one, "type", ""), json_str(one, "name", ""));
		strv_foreach (w, words)
			buf_printf(&scope, "%s%s", w == words ? "" : ",", *w);
		token_scope_add(t, buf_str(&scope), scope.len);
	}
}

int token_verify(const unsigned char key[TOKEN_KEY_SIZE], const char *audience, const char *text, size_t len,
        int64_t now, struct token *t)
{
	size_t body_len;

	memset(t, 0, sizeof *t);
	if (!is_ours(key, text, len, &body_len))
		return -1;
	cleanup_free char *body = malloc(BASE64_ROOM(body_len));
	ssize_t n = body ? base64url_decode(text + sizeof head, body_len, body) : -1;
	if (n < 0)
		return -1;
	cleanup_json json *c = json_parse(body, (size_t)n, "token", NULL);
	if (!c || strcmp(json_str(c, "iss", ""), ISSUER) != 0 ||
	        strcmp(json_str(c, "aud", ""), audience) != 0 || !is_for_now(c, now))
		return -1;
	t->issued = json_int(c, "iat", 0);
	t->expires = json_int(c, "exp", 0);
	t->refresh = json_bool(c, "refresh", false);
	snprintf(t->bind, sizeof t->bind, "%s", json_str(c, "bind", ""));
	snprintf(t->subject, sizeof t->subject, "%s", json_str(c, "sub", ""));
	read_access(c, t);
	return 0;
}

/* ---------------------------------------------------------------- scopes */

static unsigned parse_actions(const char *text, size_t len)
{
	unsigned rights = 0;

	for (size_t at = 0; at < len;) {
		const char *comma = memchr(text + at, ',', len - at);
		size_t n = comma ? (size_t)(comma - text) - at : len - at;

		if (n == 1 && text[at] == '*')
			rights = RIGHT_ALL;
		for (size_t i = 0; i < ACTIONS; i++)
			if (strlen(actions[i].word) == n && memcmp(text + at, actions[i].word, n) == 0)
				rights |= actions[i].right;
		at += n + 1;
	}
	return rights;
}

static struct token_scope *scope_of(struct token *t, const char *name)
{
	for (unsigned i = 0; i < t->n; i++)
		if (strcmp(t->scopes[i].repository, name) == 0)
			return &t->scopes[i];
	if (t->n == TOKEN_SCOPES_MAX)
		return NULL;
	snprintf(t->scopes[t->n].repository, sizeof t->scopes[t->n].repository, "%s", name);
	return &t->scopes[t->n++];
}

void token_scope_add(struct token *t, const char *scope, size_t len)
{
	static const char repository[] = "repository:", catalog[] = "registry:catalog:*";
	char name[REPOSITORY_NAME_MAX + 1];
	const char *colon = memrchr(scope, ':', len), *from = scope + sizeof repository - 1;
	struct token_scope *s;

	if (len == sizeof catalog - 1 && memcmp(scope, catalog, len) == 0)
		t->catalog = true;
	if (len < sizeof repository || memcmp(scope, repository, sizeof repository - 1) != 0 ||
	        colon < from || (size_t)(colon - from) >= sizeof name)
		return;
	memcpy(name, from, (size_t)(colon - from));
	name[colon - from] = '\0';
	if (strlen(name) != (size_t)(colon - from) || !repository_name_ok(name))
		return;
	s = scope_of(t, name);
	if (s)
		s->rights |= parse_actions(colon + 1, (size_t)(scope + len - colon - 1));
}

unsigned token_rights(const struct token *t, const char *repository)
{
	for (unsigned i = 0; i < t->n; i++)
		if (strcmp(t->scopes[i].repository, repository) == 0)
			return t->scopes[i].rights;
	return 0;
}
