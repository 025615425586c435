/* Entries of credentials files: keys, and what stands beneath them. */
#include "registry/client/credential_entry.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "registry/client/credential.h"
#include "registry/client/secret.h"

#define AUTH_MAX 65536 /* base64 of name and password; tokens of clouds have some 5,000 */

/* ------------------------------------------------------------------ keys */

static bool is_hub(const char *host, size_t len)
{
	static const char *const names[] = {"docker.io", "index.docker.io", "registry-1.docker.io"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == len && strncasecmp(host, names[i], len) == 0)
			return true;
	return false;
}

/* Docker writes the URL of the API's version 1 or 2; podman's namespaces have neither scheme nor final
 * slash, so that a namespace "v1" is told from it. */
static size_t cut_api(const char *rest, size_t len, bool url)
{
	bool slash = len > 0 && rest[len - 1] == '/';
	while (len > 0 && rest[len - 1] == '/')
		len--;
	if ((url || slash) && len == 3 && (strncmp(rest, "/v1", 3) == 0 || strncmp(rest, "/v2", 3) == 0))
		return 0;
	return len;
}

bool credential_key(const char *written, char dst[CREDENTIAL_KEY_SIZE])
{
	size_t scheme = strncasecmp(written, "https://", 8) == 0  ? 8
	                : strncasecmp(written, "http://", 7) == 0 ? 7
	                                                          : 0;
	const char *host = written + scheme;
	size_t host_len = strcspn(host, "/");
	size_t rest_len = cut_api(host + host_len, strlen(host + host_len), scheme > 0);
	if (host_len == 0 || host_len + rest_len + sizeof("docker.io") > CREDENTIAL_KEY_SIZE)
		return false;
	const char *rest = host + host_len;
	if (is_hub(host, host_len)) {
		host = "docker.io";
		host_len = strlen(host);
	}
	for (size_t i = 0; i < host_len; i++)
		dst[i] = (char)tolower((unsigned char)host[i]);
	memcpy(dst + host_len, rest, rest_len);
	dst[host_len + rest_len] = '\0';
	return true;
}

/* Keys end where a part of the name ends: what is written for "quay.io/team" is not given to
 * "quay.io/team-of-others", nor that of "reg.io" to "reg.io.example.com" (connaisseur#2166).
 * Test: test_registry_credential.c, test_keys_end_at_borders. */
bool credential_key_up(char key[CREDENTIAL_KEY_SIZE])
{
	char *slash = strrchr(key, '/');
	if (!slash)
		return false;
	*slash = '\0';
	return true;
}

json *credential_map_get(json *map, const char *key, const char **written)
{
	json *found = NULL;
	const char *spelt = NULL;
	if (!json_object_is_type(map, json_type_object))
		return NULL;
	json_object_object_foreach (map, name, value) {
		char normal[CREDENTIAL_KEY_SIZE];
		bool same = strcmp(name, key) == 0;
		if (!same && (found || !credential_key(name, normal) || strcmp(normal, key) != 0))
			continue;
		found = value;
		spelt = name;
		if (same)
			break;
	}
	if (written)
		*written = spelt;
	return found;
}

/* ------------------------------------------------------------------ values */

static int damaged(const char *source, const char *key, struct err *e)
{
	return err_set(e, ERR_CORRUPT,
	        "the credentials for %.200s in %.300s cannot be read; replace them by: tare login %.200s",
	        key, source, key);
}

static int take(const char *text, size_t len, char **dst, struct err *e)
{
	*dst = strndup(text, len);
	return *dst ? 0 : err_no_memory(e);
}

/* "auth": base64 of NAME:PASSWORD; Docker pads the password with zero bytes. */
static int read_auth(
        const char *auth, const char *source, const char *key, struct credential *c, struct err *e)
{
	cleanup_secret struct buf plain = BUF_INIT_MAX(AUTH_MAX);
	size_t len = strlen(auth);
	char *room = buf_reserve(&plain, BASE64_ROOM(AUTH_MAX / 2));
	ssize_t n = room && len <= AUTH_MAX / 2 ? base64_decode_lax(auth, len, room) : -1;
	if (n < 0)
		return damaged(source, key, e);
	plain.len = (size_t)n;
	while (plain.len > 0 && plain.data[plain.len - 1] == '\0')
		plain.len--;
	const char *colon = plain.len ? memchr(plain.data, ':', plain.len) : NULL;
	if (plain.len == 0)
		return 0;
	if (!colon || memchr(plain.data, '\0', plain.len))
		return damaged(source, key, e);
	size_t name = (size_t)(colon - plain.data);
	if (take(plain.data, name, &c->username, e) < 0)
		return -1;
	return take(colon + 1, plain.len - name - 1, &c->password, e);
}

static bool given(const char *s)
{
	return s && *s;
}

static int read_members(json *entry, const char *source, const char *key, struct credential *c, struct err *e)
{
	const char *auth = json_str(entry, "auth", NULL), *token = json_str(entry, "identitytoken", NULL);
	const char *name = json_str(entry, "username", NULL), *password = json_str(entry, "password", NULL);
	if (given(auth)) {
		if (read_auth(auth, source, key, c, e) < 0)
			return -1;
	} else if (given(name) && password) {
		if (take(name, strlen(name), &c->username, e) < 0 ||
		        take(password, strlen(password), &c->password, e) < 0)
			return -1;
	}
	if (given(token))
		return take(token, strlen(token), &c->identity_token, e);
	/* A bearer token of unknown scope and life, which only Docker's own tools write. */
	if (!c->username && given(json_str(entry, "registrytoken", NULL)))
		log_line(LOG_LEVEL_WARN, "%s has only a registrytoken for %s, which Tare doesn't use", source,
		        key);
	return 0;
}

int credential_entry_read(
        json *entry, const char *source, const char *key, struct credential *c, struct err *e)
{
	if (read_members(entry, source, key, c, e) < 0) {
		credential_free(c);
		return -1;
	}
	/* A name beside a token is a filler ("<token>"), or of no use. */
	if (c->identity_token && c->username && (c->username[0] == '\0' || c->username[0] == '<')) {
		free(c->username);
		c->username = NULL;
	}
	return 0;
}

int credential_entry_write(json *entry, const struct credential *c, struct err *e)
{
	static const char *const others[] = {"identitytoken", "registrytoken", "username", "password"};
	cleanup_secret struct buf plain = BUF_INIT_MAX(AUTH_MAX);
	cleanup_secret struct buf auth = BUF_INIT_MAX(AUTH_MAX);
	const char *name = c->username ? c->username : "<token>";
	if (strchr(name, ':'))
		return err_set(e, ERR_USAGE, "a user name holds no ':'");
	buf_reserve(&plain, AUTH_MAX / 2);
	buf_reserve(&auth, AUTH_MAX - 1);
	buf_printf(&plain, "%s:%s", name, c->password ? c->password : "");
	base64_add(&auth, buf_str(&plain), plain.len);
	if (plain.failed || auth.failed)
		return err_set(e, ERR_USAGE, "the password is too long");
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		json_object_object_del(entry, others[i]);
	json_set_str(entry, "auth", buf_str(&auth));
	if (c->identity_token)
		json_set_str(entry, "identitytoken", c->identity_token);
	return 0;
}
