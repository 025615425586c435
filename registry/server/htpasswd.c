#include "registry/server/htpasswd.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"

#define USERS_MAX   65536
#define BCRYPT_SIZE 60 /* $2y$05$ 22 of salt, 31 of hash */

struct user {
	char *name;
	char hash[BCRYPT_SIZE + 1];
};

struct htpasswd {
	struct user *users; /* by name */
	size_t n;
	char nobody[BCRYPT_SIZE + 1]; /* a hash that no password has, of the file's greatest cost */
};

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct user *)a)->name, ((const struct user *)b)->name);
}

/* The cost, or -1 when this is no bcrypt hash. */
static int bcrypt_cost(const char *hash)
{
	static const char digits[] = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	if (strlen(hash) != BCRYPT_SIZE || strncmp(hash, "$2", 2) != 0 || !strchr("aby", hash[2]) ||
	        hash[3] != '$' || hash[6] != '$' || strspn(hash + 7, digits) != BCRYPT_SIZE - 7)
		return -1;
	if (hash[4] < '0' || hash[4] > '3' || hash[5] < '0' || hash[5] > '9')
		return -1;
	return (hash[4] - '0') * 10 + hash[5] - '0';
}

static int add_user(struct htpasswd *h, const char *name, const char *hash, struct err *e)
{
	struct user *more = h->n & (h->n + 1) ? h->users : NULL;

	if (!more) /* room is doubled at each power of two */
		more = realloc(h->users, (h->n + 1) * 2 * sizeof *more);
	if (!more)
		return err_no_memory(e);
	h->users = more;
	h->users[h->n].name = strdup(name);
	if (!h->users[h->n].name)
		return err_no_memory(e);
	memcpy(h->users[h->n].hash, hash, BCRYPT_SIZE + 1);
	h->n++;
	return 0;
}

static int parse_line(struct htpasswd *h, char *line, unsigned number, int *cost, struct err *e)
{
	char *hash = strchr(line, ':');
	size_t len;

	line[strcspn(line, "\r")] = '\0';
	if (!*line || *line == '#')
		return 0;
	if (!hash || hash == line)
		return err_set(e, ERR_USAGE, "line %u is not NAME:HASH; make it with htpasswd -B", number);
	*hash++ = '\0';
	len = strlen(line);
	if (len > HTPASSWD_NAME_MAX || !utf8_valid(line, len) || *line == '@')
		return err_set(e, ERR_USAGE,
		        "line %u: a name is at most %d bytes of UTF-8 and doesn't begin with @", number,
		        HTPASSWD_NAME_MAX);
	*cost = bcrypt_cost(hash);
	if (*cost < 0)
		return err_set(e, ERR_USAGE,
		        "line %u: the password of %s is not hashed by bcrypt; set it anew with htpasswd -B",
		        number, line);
	if (*cost < 4 || *cost > HTPASSWD_COST_MAX)
		return err_set(e, ERR_USAGE,
		        "line %u: bcrypt's cost is %d, not 4 to %d; use htpasswd -B -C 10", number, *cost,
		        HTPASSWD_COST_MAX);
	if (h->n == USERS_MAX)
		return err_set(e, ERR_USAGE, "more than %d users", USERS_MAX);
	return add_user(h, line, hash, e);
}

static int parse(struct htpasswd *h, char *text, struct err *e)
{
	unsigned number = 0;
	int most = 4, cost;
	char salt[23];

	for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
		cost = 0;
		if (parse_line(h, line, ++number, &cost, e) < 0)
			return -1;
		most = cost > most ? cost : most;
	}
	if (!h->n)
		return err_set(e, ERR_USAGE, "it has no users; add one with htpasswd -B");
	qsort(h->users, h->n, sizeof *h->users, compare);
	for (size_t i = 1; i < h->n; i++)
		if (strcmp(h->users[i - 1].name, h->users[i].name) == 0)
			return err_set(e, ERR_USAGE, "%s is there twice", h->users[i].name);
	random_hex(salt, 11);
	snprintf(h->nobody, sizeof h->nobody, "$2b$%02u$%.21se%s", (unsigned)most % 100, salt,
	        "...............................");
	return 0;
}

struct htpasswd *htpasswd_parse(const char *text, struct err *e)
{
	struct htpasswd *h = calloc(1, sizeof *h);
	cleanup_free char *copy = strdup(text);

	if (!h || !copy) {
		free(h);
		err_no_memory(e);
		return NULL;
	}
	if (parse(h, copy, e) == 0)
		return h;
	htpasswd_free(h);
	return NULL;
}

void htpasswd_free(struct htpasswd *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n; i++)
		free(h->users[i].name);
	free(h->users);
	free(h);
}

static const struct user *find(const struct htpasswd *h, const char *name)
{
	struct user key = {.name = (char *)(uintptr_t)name};

	return bsearch(&key, h->users, h->n, sizeof key, compare);
}

const char *htpasswd_hash(const struct htpasswd *h, const char *name)
{
	const struct user *u = find(h, name);

	return u ? u->hash : NULL;
}

/* Attack: to learn which users exist from the time that an answer takes; to be let in with the first 72 bytes
 * or those before a NUL. Proven by test_registry_access.c. */
bool htpasswd_check(const struct htpasswd *h, const char *name, const char *password, size_t len)
{
	const struct user *u = find(h, name);
	const char *hash = u ? u->hash : h->nobody;
	bool sound = u && (!DEFENCE("whole-password") || (len <= PASSWORD_MAX && strlen(password) == len));
	/* 32 KiB: too much for the stack of a connection */
	cleanup_free struct crypt_data *work = calloc(1, sizeof *work);
	const char *got;

	if (!work)
		return false;
	got = crypt_rn(sound ? password : "x", hash, work, (int)sizeof *work);
	sound = got && strlen(got) == BCRYPT_SIZE && CRYPTO_memcmp(got, hash, BCRYPT_SIZE) == 0 && sound;
	OPENSSL_cleanse(work, sizeof *work);
	return sound;
}
