/* Who asks: passwords, the time they take, what is remembered, tokens, and the address of the issuer. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <crypt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/proc.h"
#include "registry/server/access.h"
#include "registry/server/access_realm.h"
#include "registry/server/exchange.h"
#include "registry/server/htpasswd.h"
#include "registry/server/identity.h"

/* "NAME:HASH\n" of a password, at that cost. */
static char *user(const char *name, const char *password, const char *prefix, unsigned cost)
{
	struct crypt_data *d = calloc(1, sizeof *d);
	char salt[64], *line;

	assert_non_null(crypt_gensalt_rn(prefix, cost, NULL, 0, salt, sizeof salt));
	line = str_printf("%s:%s\n", name, crypt_rn(password, salt, d, (int)sizeof *d));
	free(d);
	return line;
}

static void refused(const char *text, const char *what)
{
	struct err e = ERR_INIT;

	assert_null(htpasswd_parse(text, &e));
	if (!strstr(e.msg, what))
		fail_msg("%s: %s", text, e.msg);
}

static void bcrypt_only(void **state)
{
	cleanup_free char *y = user("alice", "secret", "$2y$", 4), *a = user("bob", "secret", "$2a$", 4),
	                  *b = user("carol", "secret", "$2b$", 4), *x = user("dave", "secret", "$2y$", 4);
	cleanup_free char *all = str_printf("# users\r\n\n%s%s%s", y, a, b),
	                  *twice = str_printf("%s%s", y, y);
	struct htpasswd *h = htpasswd_parse(all, NULL);

	(void)state;
	x[strlen("dave:$2")] = 'x'; /* as a broken one of old wrote them */
	assert_non_null(h);
	assert_true(htpasswd_check(h, "alice", "secret", 6));
	assert_true(htpasswd_check(h, "bob", "secret", 6));
	assert_true(htpasswd_check(h, "carol", "secret", 6));
	assert_false(htpasswd_check(h, "alice", "secre", 5));
	assert_false(htpasswd_check(h, "alice", "", 0));
	assert_false(htpasswd_check(h, "Alice", "secret", 6));
	assert_false(htpasswd_check(h, "", "secret", 6));
	htpasswd_free(h);
	refused("alice:$apr1$x$y\n", "htpasswd -B");
	refused("alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n", "htpasswd -B");
	refused("alice:secret\n", "htpasswd -B");
	refused(x, "htpasswd -B");
	refused("alice\n", "line 1 is not NAME:HASH");
	refused(":$2y$05$\n", "line 1 is not NAME:HASH");
	refused("", "no users");
	refused(twice, "alice is there twice");
	refused("a:$2y$15$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde\n", "cost is 15");
	refused("a:$2y$31$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde\n", "cost is 31");
	refused("@all:$2y$05$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde\n",
	        "doesn't begin with @");
}

/* bcrypt sees 72 bytes and stops at a NUL: what is behind them must not be what nobody looks at. */
static void passwords_are_whole(void **state)
{
	char longest[PASSWORD_MAX + 2];
	struct htpasswd *h;

	(void)state;
	memset(longest, 'p', sizeof longest);
	longest[PASSWORD_MAX] = '\0';
	cleanup_free char *line = user("alice", longest, "$2y$", 4);
	h = htpasswd_parse(line, NULL);
	assert_true(htpasswd_check(h, "alice", longest, PASSWORD_MAX));
	longest[PASSWORD_MAX] = 'x';
	longest[PASSWORD_MAX + 1] = '\0';
	assert_false(htpasswd_check(h, "alice", longest, PASSWORD_MAX + 1));
	htpasswd_free(h);
	cleanup_free char *small = user("alice", "ab", "$2y$", 4);
	h = htpasswd_parse(small, NULL);
	assert_true(htpasswd_check(h, "alice", "ab", 2));
	assert_false(htpasswd_check(h, "alice", "ab\0c", 4));
	htpasswd_free(h);
}

static int64_t time_of(const struct htpasswd *h, const char *name, const char *password)
{
	int64_t best = INT64_MAX;

	for (int i = 0; i < 5; i++) {
		struct timespec a, b;

		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
		assert_false(htpasswd_check(h, name, password, strlen(password)));
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
		int64_t took = (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec;

		best = took < best ? took : best;
	}
	return best;
}

static void the_unknown_take_as_long(void **state)
{
	cleanup_free char *line = user("alice", "secret", "$2y$", 8);
	struct htpasswd *h = htpasswd_parse(line, NULL);
	char long_one[PASSWORD_MAX + 2];
	int64_t known, unknown, longer;

	(void)state;
	memset(long_one, 'x', sizeof long_one - 1);
	long_one[sizeof long_one - 1] = '\0';
	known = time_of(h, "alice", "wrong");
	unknown = time_of(h, "mallory", "wrong");
	longer = time_of(h, "alice", long_one);
	assert_true(unknown > known / 2 && unknown < known * 2);
	assert_true(longer > known / 2 && longer < known * 2);
	htpasswd_free(h);
}

/* ---------------------------------------------------------------- access */

static struct access *make(const char *users, const char *acl, unsigned anonymous)
{
	struct access_options o = {.htpasswd = users, .acl = acl, .anonymous = anonymous, .key = "k"};
	struct err e = ERR_INIT;
	struct access *a = access_new(&o, &e);

	if (!a)
		fail_msg("%s", e.msg);
	return a;
}

static void remembered_for_a_while(void **state)
{
	cleanup_free char *line = user("alice", "secret", "$2y$", 10),
	                  *other = user("alice", "new", "$2y$", 4);
	struct access *a = make(line, NULL, 0);
	struct access_options o = {.htpasswd = other};
	int64_t from = now_boottime(), once;

	(void)state;
	assert_true(access_password(a, "alice", "secret", 6));
	assert_false(access_password(a, "alice", "guess", 5));
	once = now_boottime() - from;
	from = now_boottime();
	for (int i = 0; i < 100; i++) {
		assert_true(access_password(a, "alice", "secret", 6));
		assert_false(access_password(a, "alice", "guess", 5));
	}
	/* two hundred for less than the two before */
	assert_true(now_boottime() - from < once);
	/* a changed password counts at once */
	assert_int_equal(access_reload(a, &o, NULL), 0);
	assert_false(access_password(a, "alice", "secret", 6));
	assert_true(access_password(a, "alice", "new", 3));
	/* a bad file changes nothing */
	o.htpasswd = "broken";
	assert_int_equal(access_reload(a, &o, NULL), -1);
	assert_true(access_password(a, "alice", "new", 3));
	access_free(a);
}

static void guesses_do_not_push_out_what_is_right(void **state)
{
	cleanup_free char *slow = user("alice", "secret", "$2y$", 10),
	                  *fast = user("bob", "other", "$2y$", 4);
	cleanup_free char *users = str_printf("%s\n%s", slow, fast);
	struct access *a = make(users, NULL, 0);
	char guess[16];
	int64_t from = now_boottime(), once;

	(void)state;
	assert_true(access_password(a, "alice", "secret", 6));
	once = now_boottime() - from;
	for (int i = 0; i < 1500; i++) {
		snprintf(guess, sizeof guess, "%06d", i);
		assert_false(access_password(a, "bob", guess, 6));
	}
	from = now_boottime();
	assert_true(access_password(a, "alice", "secret", 6));
	assert_true(now_boottime() - from < once / 4);
	access_free(a);
}

static void header_is(struct access *a, const char *header, const char *name)
{
	struct identity *i = access_read_header(a, header);

	if (!name && i)
		fail_msg("believed: %s", header);
	if (name && (!i || strcmp(identity_name(i), name) != 0))
		fail_msg("not believed: %s", header);
	identity_free(i);
}

static void headers(void **state)
{
	cleanup_free char *line = user("alice", "se:cret", "$2y$", 4);
	struct access *a = make(line, NULL, 0);

	(void)state;
	header_is(a, "Basic YWxpY2U6c2U6Y3JldA==", "alice"); /* alice:se:cret */
	header_is(a, "basic YWxpY2U6c2U6Y3JldA==", "alice");
	header_is(a, "Basic  YWxpY2U6c2U6Y3JldA==", "alice");
	header_is(a, "Basic YWxpY2U6c2U6Y3JldA", NULL);
	header_is(a, "Basic YWxpY2U6c2U6Y3JldA== x", NULL);
	header_is(a, "Basic YWxpY2U=", NULL);             /* no colon */
	header_is(a, "Basic Og==", NULL);                 /* ":" */
	header_is(a, "Basic YWxpY2UAOnNlOmNyZXQ=", NULL); /* alice\0:se:cret */
	header_is(a, "Basic", NULL);
	header_is(a, "Basic ", NULL);
	header_is(a, "", NULL);
	header_is(a, "Digest username=\"alice\"", NULL);
	header_is(a, "Bearer x.y.z", NULL);
	header_is(a, "Bearer ", NULL);
	access_free(a);
}

static enum access_verdict ask(struct access *a, struct identity *i, const char *repository, unsigned rights)
{
	struct exchange *x = calloc(1, sizeof *x);
	enum access_verdict v;

	x->identity = i;
	v = access_check(a, x, repository, rights);
	free(x);
	return v;
}

static void verdicts(void **state)
{
	cleanup_free char *line = user("alice", "secret", "$2y$", 4);
	struct access *a = make(line, "pub @all pull\nown alice all\nread alice pull\n", 0);
	struct access *open = make(NULL, NULL, RIGHT_PULL);
	struct identity *alice = identity_new("alice");

	(void)state;
	assert_int_equal(ask(a, NULL, "", 0), ACCESS_UNKNOWN);
	assert_int_equal(ask(a, alice, "", 0), ACCESS_GRANTED);
	assert_int_equal(ask(a, NULL, "pub", RIGHT_PULL), ACCESS_GRANTED);
	assert_int_equal(ask(a, NULL, "pub", RIGHT_PUSH), ACCESS_UNKNOWN);
	assert_int_equal(ask(a, NULL, "own", RIGHT_PULL), ACCESS_UNKNOWN);
	assert_int_equal(ask(a, alice, "own", RIGHT_ALL), ACCESS_GRANTED);
	assert_int_equal(ask(a, alice, "read", RIGHT_PUSH), ACCESS_DENIED);
	assert_int_equal(ask(a, alice, "other", RIGHT_PULL), ACCESS_HIDDEN);
	assert_int_equal(ask(a, alice, "other", RIGHT_PUSH), ACCESS_DENIED);
	/* where nobody can log in, nobody is asked to */
	assert_int_equal(ask(open, NULL, "", 0), ACCESS_GRANTED);
	assert_int_equal(ask(open, NULL, "x", RIGHT_PULL), ACCESS_GRANTED);
	assert_int_equal(ask(open, NULL, "x", RIGHT_PUSH), ACCESS_DENIED);
	identity_free(alice);
	access_free(a);
	access_free(open);
}

static struct identity *with_token(struct access *a, const char *subject, const char *scope)
{
	struct token *t = calloc(1, sizeof *t);
	struct identity *i;

	snprintf(t->subject, sizeof t->subject, "%s", subject);
	t->issued = time(NULL);
	t->expires = t->issued + TOKEN_LIFE;
	token_scope_add(t, scope, strlen(scope));
	cleanup_free char *text = token_sign(access_key(a), access_service(a), t);
	cleanup_free char *header = str_printf("Bearer %s", text);
	i = access_read_header(a, header);
	free(t);
	return i;
}

/* Scope widening: a token gives no more than its user has, and no more than it says. */
static void tokens_give_no_more(void **state)
{
	cleanup_free char *line = user("alice", "secret", "$2y$", 4),
	                  *other = user("bob", "secret", "$2y$", 4);
	struct access *a = make(line, "own alice all\nread alice pull\n", 0);
	struct access_options o = {.htpasswd = other};
	struct identity *i = with_token(a, "alice", "repository:read:*");

	(void)state;
	assert_non_null(i);
	assert_true(access_allows(a, i, "read", RIGHT_PULL));
	assert_false(access_allows(a, i, "read", RIGHT_PUSH));
	assert_false(access_allows(a, i, "own", RIGHT_PULL));
	assert_int_equal(ask(a, i, "own", RIGHT_PULL), ACCESS_UNKNOWN); /* with another token, yes */
	assert_int_equal(ask(a, i, "read", RIGHT_PUSH), ACCESS_DENIED);
	assert_int_equal(ask(a, i, "", RIGHT_PULL), ACCESS_UNKNOWN); /* the catalog */
	assert_false(access_lists(a, i, "own"));
	identity_free(i);
	i = with_token(a, "alice", "registry:catalog:*");
	assert_true(access_lists(a, i, "own"));
	assert_false(access_lists(a, i, "other"));
	assert_false(access_allows(a, i, "own", RIGHT_PULL));
	identity_free(i);
	assert_null(with_token(a, "mallory", "repository:own:pull"));
	/* who was taken out of the file is out at once */
	assert_int_equal(access_reload(a, &o, NULL), 0);
	assert_null(with_token(a, "alice", "repository:own:pull"));
	access_free(a);
}

static void realms(void **state)
{
	struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_port = htons(5000)}, outside = loopback;
	const struct sockaddr *in = (struct sockaddr *)&loopback, *out = (struct sockaddr *)&outside;

	(void)state;
	inet_pton(AF_INET, "127.0.0.1", &loopback.sin_addr);
	inet_pton(AF_INET, "192.0.2.7", &outside.sin_addr);
	assert_true(access_realm_host_ok("localhost:5000", in, NULL));
	assert_true(access_realm_host_ok("127.0.0.1:5000", in, NULL));
	assert_true(access_realm_host_ok("192.0.2.7", out, NULL));
	assert_false(access_realm_host_ok("localhost:5000", out, NULL));
	assert_false(access_realm_host_ok("evil.example", in, NULL));
	assert_false(access_realm_host_ok("evil.example:5000", out, NULL));
	assert_false(access_realm_host_ok("localhost:5000/x", in, NULL));
	assert_false(access_realm_host_ok("localhost:5000@evil.example", in, NULL));
	assert_false(access_realm_host_ok("localhost\"", in, NULL));
	assert_false(access_realm_host_ok("127.0.0.1 ", in, NULL));
	assert_false(access_realm_host_ok("[::1", in, NULL));
	assert_false(access_realm_host_ok("", in, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(bcrypt_only),
	        cmocka_unit_test(passwords_are_whole),
	        cmocka_unit_test(the_unknown_take_as_long),
	        cmocka_unit_test(remembered_for_a_while),
	        cmocka_unit_test(guesses_do_not_push_out_what_is_right),
	        cmocka_unit_test(headers),
	        cmocka_unit_test(verdicts),
	        cmocka_unit_test(tokens_give_no_more),
	        cmocka_unit_test(realms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
