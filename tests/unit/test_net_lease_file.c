/* The file of leases: what is in it, what becomes of a damaged one, and of one that many write. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/buf.h"
#include "tests/unit/lease_box.h"

static char *list_of(const char *one) /* a vector of one in a static place */
{
	return (char *)(uintptr_t)one;
}

static void what_is_written_is_read(void **state)
{
	struct lease_pool p = pool("10.1.0.0/16", "10.1.0.1", "fd00:1::/64", "fd00:1::1");
	cleanup_leases struct leases l = LEASES_INIT, again = LEASES_INIT;
	struct lease w = wish("abc");
	char *names[] = {list_of("web"), list_of("www.example"), NULL};
	char *resolvers[] = {list_of("1.1.1.1"), list_of("fd00::53"), NULL};
	const struct lease *given;
	struct stat st;
	char text[512];

	(void)state;
	lock(&l);
	strcpy(w.link, "tv01234567abcde");
	w.hostname = list_of("web.local");
	w.names = names;
	w.resolvers = resolvers;
	assert_int_equal(leases_take(&l, NETWORK, &p, &w, NULL, NULL, &given, NULL), 0);
	assert_ptr_not_equal(given->hostname, w.hostname);
	take(&l, &p, "def");
	assert_int_equal(leases_write(&l, NULL), 0);
	assert_int_equal(fstatat(dir, LEASES_FILE, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_true(file_read_small(dir, LEASES_FILE, text, sizeof(text)) > 0);
	assert_ptr_equal(strstr(text, "tare-leases 1 4 4\nabc tv01234567abcde 02:"), text);
	assert_non_null(
	        strstr(text, " 10.1.0.2 fd00:1::2 web.local web,www.example 1.1.1.1,fd00::53\ndef - 02:"));
	assert_non_null(strstr(text, " 10.1.0.3 fd00:1::3 - - -"));

	assert_int_equal(leases_read(dir, &again, NULL), 0);
	assert_int_equal(again.n, 2);
	assert_int_equal(again.lock_fd, -1);
	given = leases_find(&again, "abc");
	assert_string_equal(given->link, "tv01234567abcde");
	assert_string_equal(given->hostname, "web.local");
	assert_int_equal(strv_len(given->names), 2);
	assert_string_equal(given->names[1], "www.example");
	assert_string_equal(given->resolvers[1], "fd00::53");
	given = leases_find(&again, "def");
	assert_string_equal(given->link, "");
	assert_null(given->hostname);
	assert_null(given->names);
	assert_int_equal(leases_write(&again, NULL), -1); /* no lock */
}

static void nothing_strange_reaches_the_file(void **state)
{
	static const char *const strange[] = {
	        "", "-", "a b", "a,b", "a\nb", "a\tb", "a\x7f", "caf\xc3\xa9", "a\x1b[31m", "\xff", "a\r"};
	struct lease_pool p = pool("10.1.0.0/16", "10.1.0.1", NULL, NULL);
	cleanup_leases struct leases l = LEASES_INIT;
	char longer[LEASE_NAME_MAX + 2];

	(void)state;
	memset(longer, 'n', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	for (size_t i = 0; i <= sizeof(strange) / sizeof(strange[0]); i++) {
		const char *s = i < sizeof(strange) / sizeof(strange[0]) ? strange[i] : longer;
		char *list[] = {list_of("good"), list_of(s), NULL};
		struct lease w = wish("a");
		struct err e = ERR_INIT;

		w.names = list;
		assert_int_equal(leases_take(&l, NETWORK, &p, &w, NULL, NULL, NULL, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_null(strchr(e.msg, '\n'));
		w.names = NULL;
		w.resolvers = list;
		assert_int_equal(leases_take(&l, NETWORK, &p, &w, NULL, NULL, NULL, NULL), -1);
		w.resolvers = NULL;
		w.hostname = list_of(s);
		/* no hostname is no error */
		assert_int_equal(leases_take(&l, NETWORK, &p, &w, NULL, NULL, NULL, NULL), *s ? -1 : 0);
		leases_drop(&l, "a");
		w.hostname = NULL;
		snprintf(w.id, sizeof(w.id), "%.63s", s);
		assert_int_equal(
		        leases_take(&l, NETWORK, &p, &w, NULL, NULL, NULL, NULL), s == longer ? 0 : -1);
		w = wish("a");
		snprintf(w.link, sizeof(w.link), "%.15s", s);
		assert_int_equal(leases_take(&l, NETWORK, &p, &w, NULL, NULL, NULL, NULL),
		        s == longer || !*s ? 0 : -1);
		leases_drop(&l, "a");
	}
}

static const char good[] = "tare-leases 1 7 8\n"
                           "a tva 02:42:ac:11:00:02 10.0.0.2 fd00::2 h n,m 1.1.1.1,::1\n";

static void damage_is_seen(void **state)
{
	static const char *const bad[] = {"", "\n", "tare-leases 2 0 0\n", "tare-leases 1 0\n",
	        "tare-leases 1 0 -1\n", "tare-leases 1 0 99999999999999999999\n", "tare-leases 1 0 0",
	        "tare-leases 1  0 0\n", "tare-leases 1 0 0\n\n", "tare-leases 1 0 0\na\n",
	        "tare-leases 1 0 0\na - 02:42:ac:11:00:02 - - - -\n",
	        "tare-leases 1 0 0\na - 02:42:ac:11:00:02 - - - - - -\n",
	        "tare-leases 1 0 0\na - 02:42:ac:11:00:02 - - - - -",
	        "tare-leases 1 0 0\na - 02:42:ac:11:00:02 - - - - a,\n",
	        "tare-leases 1 0 0\na - 02:42:ac:11:00:02 - - - ,a -\n",
	        "tare-leases 1 0 0\na - 02:42:ac:11:00:02 - - a,b - -\n",
	        "tare-leases 1 0 0\n- - 02:42:ac:11:00:02 - - - - -\n",
	        "tare-leases 1 0 0\na - 02:42:ac:11:00:02 fd00::1 - - - -\n",
	        "tare-leases 1 0 0\na - 02:42:ac:11:00:02 10.0.0.1 10.0.0.2 - - -\n",
	        "tare-leases 1 0 0\na - 02:42:ac:11:00:02 10.0.0.256 - - - -\n",
	        "tare-leases 1 0 0\na - 02:42:ac:11:00 - - - - -\n",
	        "tare-leases 1 0 0\na 0123456789abcdef 02:42:ac:11:00:02 - - - - -\n",
	        "tare-leases 1 0 0\na - 02:42:ac:11:00:02 - - caf\xc3\xa9 - -\n"};
	cleanup_leases struct leases l = LEASES_INIT;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(leases_parse(good, sizeof(good) - 1, &l, NULL), 0);
	assert_int_equal(l.n, 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (leases_parse(bad[i], strlen(bad[i]), &l, &e) == 0)
			fail_msg("taken for leases: %s", bad[i]);
		assert_int_equal(e.kind, ERR_CORRUPT);
		assert_int_equal(l.n, 0);
		assert_int_equal(l.next[0], 0);
	}
	/* each prefix of a file, and a NUL at each place */
	for (size_t i = 0; i < sizeof(good) - 1; i++) {
		char broken[sizeof(good)];

		assert_true(leases_parse(good, i, &l, NULL) < 0 || i == strlen("tare-leases 1 7 8\n"));
		memcpy(broken, good, sizeof(good));
		broken[i] = '\0';
		assert_int_equal(leases_parse(broken, sizeof(good) - 1, &l, NULL), -1);
	}
	leases_parse("tare-leases 1 0 0\nx\n", 20, &l, &e);
	assert_string_equal(e.msg, "line 2 of the leases cannot be read");
}

static void a_damaged_file_is_set_aside(void **state)
{
	struct lease_pool p = pool("10.1.0.0/16", "10.1.0.1", NULL, NULL);
	cleanup_leases struct leases l = LEASES_INIT, r = LEASES_INIT;
	struct err e = ERR_INIT;
	char text[64];

	(void)state;
	put_file(LEASES_FILE, "rubbish\n");
	assert_int_equal(leases_read(dir, &r, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
	lock(&l);
	assert_int_equal(l.n, 0);
	assert_true(file_read_small(dir, "leases.damaged", text, sizeof(text)) > 0);
	assert_string_equal(text, "rubbish");
	take(&l, &p, "a");
	assert_int_equal(leases_write(&l, NULL), 0);
	assert_int_equal(leases_read(dir, &r, NULL), 0);
	assert_int_equal(r.n, 1);
}

static void what_is_no_file_is_set_aside(void **state)
{
	struct leases l;
	struct stat st;

	(void)state;
	assert_int_equal(mkdirat(dir, LEASES_FILE, 0700), 0);
	lock(&l);
	leases_close(&l);
	assert_int_equal(fstatat(dir, "leases.damaged", &st, 0), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(unlinkat(dir, "leases.damaged", AT_REMOVEDIR), 0);
	/* longer than any file of leases */
	int fd = openat(dir, LEASES_FILE, O_CREAT | O_WRONLY, 0644);
	assert_int_equal(ftruncate(fd, (off_t)LEASE_TEXT_MAX + 1), 0);
	close(fd);
	lock(&l);
	leases_close(&l);
	assert_int_equal(fstatat(dir, LEASES_FILE, &st, 0), -1);
}

static void errors_of_the_directory(void **state)
{
	struct leases l = LEASES_INIT;
	struct err e = ERR_INIT;
	int gone = open_dir_make(dir, "gone", 0755);

	(void)state;
	assert_int_equal(leases_lock(-1, &l, &e), -1);
	assert_int_equal(unlinkat(dir, "gone", AT_REMOVEDIR), 0);
	assert_int_equal(leases_lock(gone, &l, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(l.dir_fd, -1);
	close(gone);
}

/* ---------------------------------------------------------------- many at once, and crashes */

#define TAKERS 100

static void take_one(int i)
{
	struct lease_pool p = pool("10.1.0.0/16", "10.1.0.1", "fd00:1::/64", "fd00:1::1");
	struct leases l;
	char id[16];

	snprintf(id, sizeof(id), "c%03d", i);
	lock(&l);
	take(&l, &p, id);
	/* One in three goes again. */
	if (leases_write(&l, NULL) < 0)
		_exit(1);
	leases_close(&l);
	if (i % 3 == 0) {
		lock(&l);
		if (!leases_drop(&l, id) || leases_write(&l, NULL) < 0)
			_exit(1);
		leases_close(&l);
	}
	_exit(0);
}

static void a_hundred_at_once(void **state)
{
	cleanup_leases struct leases l = LEASES_INIT;
	int status;

	(void)state;
	for (int i = 0; i < TAKERS; i++)
		if (!fork())
			take_one(i);
	for (int i = 0; i < TAKERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(leases_read(dir, &l, NULL), 0);
	assert_int_equal(l.n, TAKERS - (TAKERS + 2) / 3);
	assert_int_equal(l.next[0], TAKERS + 2);
	for (size_t i = 0; i < l.n; i++)
		for (size_t k = 0; k < i; k++)
			if (net_address_equal(&l.rows[i].ip[0], &l.rows[k].ip[0]) ||
			        net_address_equal(&l.rows[i].ip[1], &l.rows[k].ip[1]) ||
			        !memcmp(l.rows[i].mac, l.rows[k].mac, NET_MAC_LEN))
				fail_msg("%s is given twice", text_of(&l.rows[i], 0));
}

/* Killed while it takes and drops without end: the file is a whole one whenever one looks, and the lock of
 * the dead keeps nobody out. */
static void killed_at_any_moment(void **state)
{
	struct lease_pool p = pool("10.1.0.0/16", "10.1.0.1", NULL, NULL);

	(void)state;
	for (int round = 0; round < 60; round++) {
		pid_t pid = fork();
		if (!pid)
			for (int i = 0;; i++) {
				struct leases l;
				char id[16];

				snprintf(id, sizeof(id), "c%d", i % 50);
				lock(&l);
				take(&l, &p, id);
				leases_write(&l, NULL);
				leases_close(&l);
			}
		nanosleep(&(struct timespec){.tv_nsec = 200000 + round * 37000}, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		cleanup_leases struct leases read = LEASES_INIT, locked = LEASES_INIT;
		assert_int_equal(leases_read(dir, &read, NULL), 0);
		lock(&locked);
		assert_true(locked.n <= 50);
	}
	assert_int_equal(faccessat(dir, "leases.damaged", F_OK, 0), -1);
}

/* ---------------------------------------------------------------- many rows */

#define MANY 5000

/* Of this thread's processor, whatever else the machine does. */
static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void fill(struct leases *l, const struct lease_pool *p, int from, int to)
{
	char *names[] = {list_of("some-container-name"), list_of("alias"), NULL};

	for (int i = from; i < to; i++) {
		struct lease w = wish("");

		snprintf(w.id, sizeof(w.id), "%064x", i);
		snprintf(w.link, sizeof(w.link), "tv%08x", i);
		w.hostname = w.id + 52;
		w.names = names;
		assert_int_equal(leases_take(l, NETWORK, p, &w, NULL, NULL, NULL, NULL), 0);
	}
}

struct cost {
	double take, all;
};

/* The least that one more lease costs when there are those up to `to`: choosing it, and the whole of it. */
static struct cost cost_of_one_more(const struct lease_pool *p, int from, int to)
{
	struct cost best = {1e9, 1e9};
	struct leases l;

	lock(&l);
	fill(&l, p, from, to);
	assert_int_equal(leases_write(&l, NULL), 0);
	leases_close(&l);
	for (int i = 0; i < 20; i++) {
		double start = now_ms(), locked, took;
		lock(&l);
		locked = now_ms();
		take(&l, p, "one-more");
		took = now_ms();
		assert_int_equal(leases_write(&l, NULL), 0);
		leases_close(&l);
		double all = now_ms() - start;
		best.take = took - locked < best.take ? took - locked : best.take;
		best.all = all < best.all ? all : best.all;
	}
	return best;
}

/* Ten times as many cost about ten times as much, not a hundred times. */
static void five_thousand(void **state)
{
	struct lease_pool p = pool("10.1.0.0/16", "10.1.0.1", "fd00:1::/64", "fd00:1::1");

	(void)state;
	struct cost few = cost_of_one_more(&p, 0, MANY / 10), many = cost_of_one_more(&p, MANY / 10, MANY);
	print_message("with %d leases: choosing takes %.3f ms, the whole of it %.3f ms; with a tenth %.3f "
	              "and %.3f\n",
	        MANY, many.take, many.all, few.take, few.all);
	assert_true(many.take < 40 * few.take);
	assert_true(many.all < 40 * few.all);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        CASE(what_is_written_is_read),
	        CASE(nothing_strange_reaches_the_file),
	        CASE(damage_is_seen),
	        CASE(a_damaged_file_is_set_aside),
	        CASE(what_is_no_file_is_set_aside),
	        CASE(errors_of_the_directory),
	        CASE(a_hundred_at_once),
	        CASE(killed_at_any_moment),
	        CASE(five_thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
