#include "registry/server/access.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/proc.h"
#include "registry/server/access_realm.h"
#include "registry/server/exchange.h"
#include "registry/server/htpasswd.h"
#include "registry/server/identity.h"
#include "registry/server/metrics.h"
#include "registry/server/server.h"

#define MAC_SIZE        32
#define CACHE_NS        INT64_C(60000000000)
#define CACHE_SETS      64
#define CACHE_WAYS      4
#define CREDENTIALS_MAX 1024 /* characters of base64 */
#define SERVICE         "tare-registry"

struct remembered {
	unsigned char mac[MAC_SIZE];
	int64_t until;
	bool right;
};

struct access {
	pthread_rwlock_t rules; /* htpasswd, acl, anonymous */
	struct htpasswd *users; /* NULL: nobody logs in */
	struct acl *acl;
	unsigned anonymous;
	struct access_options options; /* key, realm, service, tls, metrics alone */
	char *realm, *service;
	pthread_mutex_t cache_lock;
	unsigned char cache_key[MAC_SIZE];
	struct remembered cache[CACHE_SETS][CACHE_WAYS];
	pthread_mutex_t bcrypt; /* one at a time */
};

/* ---------------------------------------------------------------- making */

static int load(struct access *a, const struct access_options *o, struct err *e)
{
	struct htpasswd *users = NULL;
	struct acl *acl = NULL;

	if (o->htpasswd && !(users = htpasswd_parse(o->htpasswd, e)))
		return err_wrap(e, "htpasswd file");
	if (o->acl && !(acl = acl_parse(o->acl, e))) {
		htpasswd_free(users);
		return err_wrap(e, "ACL file");
	}
	pthread_rwlock_wrlock(&a->rules);
	htpasswd_free(a->users);
	acl_free(a->acl);
	a->users = users;
	a->acl = acl;
	a->anonymous = o->anonymous;
	pthread_rwlock_unlock(&a->rules);
	/* A password that was changed is wrong at once. */
	pthread_mutex_lock(&a->cache_lock);
	memset(a->cache, 0, sizeof a->cache);
	pthread_mutex_unlock(&a->cache_lock);
	return 0;
}

struct access *access_new(const struct access_options *o, struct err *e)
{
	struct access *a = calloc(1, sizeof *a);

	if (!a)
		return err_no_memory(e), NULL;
	pthread_rwlock_init(&a->rules, NULL);
	pthread_mutex_init(&a->cache_lock, NULL);
	pthread_mutex_init(&a->bcrypt, NULL);
	a->options = *o;
	a->realm = o->realm ? strdup(o->realm) : NULL;
	a->service = strdup(o->service ? o->service : SERVICE);
	if (getrandom(a->cache_key, sizeof a->cache_key, 0) != sizeof a->cache_key || !a->service ||
	        (o->realm && !a->realm)) {
		err_no_memory(e);
		access_free(a);
		return NULL;
	}
	if (load(a, o, e) == 0)
		return a;
	access_free(a);
	return NULL;
}

void access_free(struct access *a)
{
	if (!a)
		return;
	htpasswd_free(a->users);
	acl_free(a->acl);
	free(a->realm);
	free(a->service);
	OPENSSL_cleanse(a, sizeof *a);
	free(a);
}

int access_reload(struct access *a, const struct access_options *o, struct err *e)
{
	return load(a, o, e);
}

const unsigned char *access_key(const struct access *a)
{
	return a->options.key;
}

const char *access_service(const struct access *a)
{
	return a->service;
}

/* Stands for a user's password in refresh tokens, which end with it. */
bool access_binding(struct access *a, const char *user, char bind[TOKEN_BIND_SIZE])
{
	unsigned char mac[MAC_SIZE] = {0};
	const char *hash;
	unsigned size = sizeof mac;

	pthread_rwlock_rdlock(&a->rules);
	hash = a->users ? htpasswd_hash(a->users, user) : NULL;
	if (hash)
		HMAC(EVP_sha256(), a->options.key, sizeof a->options.key, (const unsigned char *)hash,
		        strlen(hash), mac, &size);
	pthread_rwlock_unlock(&a->rules);
	for (size_t i = 0; i < TOKEN_BIND_SIZE / 2; i++)
		snprintf(bind + 2 * i, 3, "%02x", mac[i]);
	return hash != NULL;
}

/* ---------------------------------------------------------------- passwords */

/* 1 right, 0 wrong, -1 not known. */
static int recall(struct access *a, const unsigned char mac[MAC_SIZE])
{
	struct remembered *set = a->cache[mac[0] % CACHE_SETS];
	int64_t now = now_boottime();
	int found = -1;

	pthread_mutex_lock(&a->cache_lock);
	for (size_t i = 0; i < CACHE_WAYS; i++)
		if (set[i].until > now && CRYPTO_memcmp(set[i].mac, mac, MAC_SIZE) == 0)
			found = set[i].right;
	pthread_mutex_unlock(&a->cache_lock);
	return found;
}

/* Attack: a flood of guesses makes us forget the right passwords, and their users wait behind it. A wrong one
 * never takes the place of a right one. Proven by test_registry_access.c. */
static void remember(struct access *a, const unsigned char mac[MAC_SIZE], bool right)
{
	struct remembered *set = a->cache[mac[0] % CACHE_SETS], *place = NULL;
	int64_t now = now_boottime();

	pthread_mutex_lock(&a->cache_lock);
	for (size_t i = 0; i < CACHE_WAYS; i++) {
		struct remembered *one = &set[i];
		bool precious = one->right && one->until > now;

		if (!(precious && !right) && (!place || one->until < place->until))
			place = one;
	}
	if (place) {
		memcpy(place->mac, mac, MAC_SIZE);
		place->until = now + CACHE_NS;
		place->right = right;
	}
	pthread_mutex_unlock(&a->cache_lock);
}

/* Attack: bcrypt is slow by design, so a flood of logins takes all processors. Answers are remembered, wrong
 * ones, too, and one password is checked at a time; those who are remembered don't wait for it. Proven by
 * test_registry_access.c. */
bool access_password(struct access *a, const char *user, const char *password, size_t len)
{
	unsigned char mac[MAC_SIZE];
	unsigned size = sizeof mac;
	char text[HTPASSWD_NAME_MAX + PASSWORD_MAX + 2];
	size_t user_len = strlen(user);
	int known;

	if (user_len > HTPASSWD_NAME_MAX || len > PASSWORD_MAX)
		return false;
	memcpy(text, user, user_len + 1);
	memcpy(text + user_len + 1, password, len);
	HMAC(EVP_sha256(), a->cache_key, sizeof a->cache_key, (unsigned char *)text, user_len + 1 + len, mac,
	        &size);
	OPENSSL_cleanse(text, sizeof text);
	known = recall(a, mac);
	if (known < 0) {
		pthread_mutex_lock(&a->bcrypt);
		pthread_rwlock_rdlock(&a->rules);
		known = a->users && htpasswd_check(a->users, user, password, len);
		pthread_rwlock_unlock(&a->rules);
		pthread_mutex_unlock(&a->bcrypt);
		remember(a, mac, known);
	}
	if (!known)
		metrics_count(a->options.metrics, METRICS_LOGIN_FAILED, 1);
	return known;
}

/* ---------------------------------------------------------------- who asks */

struct identity *identity_new(const char *name)
{
	struct identity *i = calloc(1, sizeof *i);

	if (i) /* which is zeroed */
		memcpy(i->name, name, strnlen(name, sizeof i->name - 1));
	return i;
}

void identity_free(struct identity *i)
{
	if (i)
		free(i->token);
	free(i);
}

const char *identity_name(const struct identity *i)
{
	return i ? i->name : "";
}

static struct identity *by_password(struct access *a, const char *text, size_t len)
{
	char plain[CREDENTIALS_MAX];
	struct identity *i = NULL;
	char *colon;
	ssize_t n = len < CREDENTIALS_MAX ? base64_decode(text, len, plain) : -1;

	if (n < 0)
		return NULL;
	plain[n] = '\0';
	colon = strchr(plain, ':');
	if (colon) {
		*colon = '\0';
		if (access_password(a, plain, colon + 1, (size_t)(plain + n - colon - 1)))
			i = identity_new(plain);
	}
	OPENSSL_cleanse(plain, sizeof plain);
	return i;
}

bool access_knows(struct access *a, const char *user)
{
	bool known;

	pthread_rwlock_rdlock(&a->rules);
	known = !*user || (a->users && htpasswd_hash(a->users, user));
	pthread_rwlock_unlock(&a->rules);
	return known;
}

/* A user who was taken out of the file is out, whatever tokens he has. */
static struct identity *by_token(struct access *a, const char *text, size_t len)
{
	struct identity *i = identity_new("");

	if (!i || !(i->token = malloc(sizeof *i->token)) ||
	        token_verify(a->options.key, a->service, text, len, time(NULL), i->token) < 0 ||
	        i->token->refresh || !access_knows(a, i->token->subject)) {
		identity_free(i);
		return NULL;
	}
	snprintf(i->name, sizeof i->name, "%s", i->token->subject);
	return i;
}

struct identity *access_read_header(struct access *a, const char *header)
{
	size_t scheme = strcspn(header, " ");
	const char *rest = header + scheme + strspn(header + scheme, " ");
	size_t len = strcspn(rest, " ");

	if (rest[len] || !len)
		return NULL;
	if (scheme == 5 && strncasecmp(header, "Basic", 5) == 0)
		return by_password(a, rest, len);
	if (scheme == 6 && strncasecmp(header, "Bearer", 6) == 0)
		return by_token(a, rest, len);
	return NULL;
}

static bool asks_for_users(struct access *a)
{
	bool asks;

	pthread_rwlock_rdlock(&a->rules);
	asks = a->users != NULL;
	pthread_rwlock_unlock(&a->rules);
	return asks;
}

int access_identify(struct access *a, struct exchange *x)
{
	const char *header =
	        MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);

	x->identity = NULL;
	/* Where nobody logs in, credentials that a client has by chance do no harm. */
	if (!header || !asks_for_users(a))
		return 0;
	x->identity = access_read_header(a, header);
	return x->identity ? 0 : -1;
}

/* ---------------------------------------------------------------- may he */

unsigned access_rights(struct access *a, const char *user, const char *repository)
{
	unsigned rights;

	pthread_rwlock_rdlock(&a->rules);
	if (a->acl)
		rights = acl_rights(a->acl, repository, user);
	else
		rights = *user ? RIGHT_ALL : a->anonymous;
	pthread_rwlock_unlock(&a->rules);
	return rights;
}

/* A token never gives more than its user has at this moment. */
bool access_allows(struct access *a, const struct identity *i, const char *repository, unsigned rights)
{
	unsigned has = access_rights(a, identity_name(i), repository);

	if (i && i->token)
		has &= token_rights(i->token, repository);
	return (has & rights) == rights;
}

bool access_lists(struct access *a, const struct identity *i, const char *repository)
{
	if (i && i->token && !i->token->catalog)
		return access_allows(a, i, repository, RIGHT_PULL);
	return access_rights(a, identity_name(i), repository) & RIGHT_PULL;
}

static enum access_verdict check_server(struct access *a, const struct identity *i, unsigned rights)
{
	if (!asks_for_users(a))
		return ACCESS_GRANTED;
	return !i || (rights && i->token && !i->token->catalog) ? ACCESS_UNKNOWN : ACCESS_GRANTED;
}

enum access_verdict access_check(
        struct access *a, const struct exchange *x, const char *repository, unsigned rights)
{
	const struct identity *i = x->identity;
	unsigned may;

	if (!*repository)
		return check_server(a, i, rights);
	if (access_allows(a, i, repository, rights))
		return ACCESS_GRANTED;
	may = access_rights(a, identity_name(i), repository);
	/* Who is nobody yet, or has a token that is for less, can come again with more. */
	if (asks_for_users(a) && (!*identity_name(i) || (may & rights) == rights))
		return ACCESS_UNKNOWN;
	return may & RIGHT_PULL || rights & ~(unsigned)RIGHT_PULL ? ACCESS_DENIED : ACCESS_HIDDEN;
}

/* ---------------------------------------------------------------- refusing */

static void scope_text(char *dst, size_t size, const char *repository, unsigned rights)
{
	*dst = '\0';
	if (*repository)
		snprintf(dst, size, ",scope=\"repository:%s:%s%s%s\"", repository, "pull",
		        rights & RIGHT_PUSH ? ",push" : "", rights & RIGHT_DELETE ? ",delete" : "");
	else if (rights)
		snprintf(dst, size, ",scope=\"registry:catalog:*\"");
}

enum MHD_Result access_challenge(
        struct access *a, struct exchange *x, const char *repository, unsigned rights)
{
	char scope[REPOSITORY_NAME_MAX + 64], realm[REALM_MAX];
	const char *error = x->identity && *repository ? ",error=\"insufficient_scope\"" : "";

	scope_text(scope, sizeof scope, repository, rights);
	access_realm(x, a->realm, a->options.tls, realm);
	exchange_header(x, "WWW-Authenticate", "Bearer realm=\"%s\",service=\"%s\"%s%s", realm, a->service,
	        scope, error);
	exchange_header(x, "WWW-Authenticate", "Basic realm=\"%s\"", a->service);
	return exchange_error(x, MHD_HTTP_UNAUTHORIZED, API_UNAUTHORIZED, "log in to this registry first");
}

enum MHD_Result access_refuse(
        struct access *a, struct exchange *x, enum access_verdict v, const char *repository, unsigned rights)
{
	if (v == ACCESS_UNKNOWN)
		return access_challenge(a, x, repository, rights);
	return exchange_error(x, MHD_HTTP_FORBIDDEN, API_DENIED, "this is not allowed to you");
}
