/* Groups: who gets which slots, on a table that is only kept here. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "net/group.h"

static char path[64];
static int dir;

/* ---------------------------------------------------------------- a table of elements */

#define TABLE_MAX 4096

static struct element {
	struct nft_port port;
	char owner[80];
	unsigned slot;
} table[TABLE_MAX];
static size_t n_elements, n_added, n_removed;

/* The engine's own is not linked: these are called instead. A batch is carried out as it is written. */
static struct nft_batch *const batch = (struct nft_batch *)(uintptr_t)1;

static struct element *find_element(const struct nft_port *p, unsigned slot)
{
	for (size_t i = 0; i < n_elements; i++)
		if (table[i].slot == slot && table[i].port.protocol == p->protocol &&
		        table[i].port.host_port == p->host_port &&
		        net_address_equal(&table[i].port.host, &p->host))
			return &table[i];
	return NULL;
}

static bool same_value(const struct element *el, const struct nft_port *p)
{
	return net_address_equal(&el->port.to, &p->to) && el->port.to_port == p->to_port;
}

void nft_group_slot(struct nft_batch *b, enum nft_change c, const struct nft_port *p, unsigned slot)
{
	struct element *el = find_element(p, slot);

	assert_ptr_equal(b, batch);
	assert_true(slot < NFT_GROUP_SLOTS);
	if (c == NFT_REMOVE) {
		/* ENOENT otherwise */
		assert_true(el && same_value(el, p) && !strcmp(el->owner, p->owner));
		*el = table[--n_elements];
		n_removed++;
	} else if (!el) {
		el = &table[n_elements++];
		*el = (struct element){.port = *p, .slot = slot};
		snprintf(el->owner, sizeof(el->owner), "%s", p->owner);
		n_added++;
	} else {
		/* EEXIST otherwise */
		assert_true(same_value(el, p));
	}
}

static unsigned slots_of(const char *owner, uint16_t port)
{
	unsigned n = 0;

	for (size_t i = 0; i < n_elements; i++)
		n += !strcmp(table[i].owner, owner) && table[i].port.host_port == port;
	return n;
}

static int setup(void **state)
{
	(void)state;
	strcpy(path, "/dev/shm/tare-test-group.XXXXXX");
	if (!mkdtemp(path))
		return -1;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	n_elements = n_added = n_removed = 0;
	log_set_level(LOG_LEVEL_ERROR);
	return dir < 0;
}

static int teardown(void **state)
{
	(void)state;
	close(dir);
	return remove_tree_at(AT_FDCWD, path);
}

/* ---------------------------------------------------------------- words for what the tests do */

static struct nft_port port_of(const char *owner, uint16_t host_port)
{
	struct nft_port p = {.owner = owner,
	        .protocol = IPPROTO_TCP,
	        .host = {.family = AF_INET},
	        .host_port = host_port,
	        .to = {.family = AF_INET, .bytes = {10, 1, 0, 0}},
	        .to_port = 80};

	p.to.bytes[3] = (unsigned char)owner[0];
	p.to.bytes[2] = (unsigned char)owner[1];
	return p;
}

static int n_asked;

static bool is_dead(const char *id, void *arg)
{
	n_asked++;
	return strchr(arg, *id) != NULL;
}

static struct group *opened(const char *name)
{
	struct err e = ERR_INIT;
	struct group *g = group_open(dir, name, &e);

	if (!g)
		fail_msg("%s: %s", name, e.msg);
	return g;
}

static struct err join_with(const char *name, const struct nft_port *p, const char *dead)
{
	cleanup_group struct group *g = opened(name);
	struct err e = ERR_INIT;

	if (group_join(g, p, dead ? is_dead : NULL, (void *)(uintptr_t)dead, batch, &e) == 0)
		assert_int_equal(group_save(g, NULL), 0);
	return e;
}

static void join(const char *name, const char *owner, uint16_t port)
{
	struct nft_port p = port_of(owner, port);
	struct err e = join_with(name, &p, NULL);

	assert_string_equal(e.msg, "");
}

static void leave(const char *name, const char *owner)
{
	cleanup_group struct group *g = opened(name);

	assert_int_equal(group_leave(g, owner, batch, NULL), 0);
	assert_int_equal(group_save(g, NULL), 0);
}

static bool exists(const char *name)
{
	return faccessat(dir, name, F_OK, 0) == 0;
}

/* What the file says is what the table has. */
static void assert_true_to_file(const char *name)
{
	static struct element kept[TABLE_MAX];
	size_t n = n_elements;

	memcpy(kept, table, sizeof(kept));
	n_elements = 0;
	assert_int_equal(group_restore(dir, name, batch, NULL), 0);
	assert_int_equal(n_elements, n);
	for (size_t i = 0; i < n; i++) {
		struct element *el = find_element(&kept[i].port, kept[i].slot);
		assert_true(el && same_value(el, &kept[i].port) && !strcmp(el->owner, kept[i].owner));
	}
}

/* ---------------------------------------------------------------- shares */

static void all_slots_for_one(void **state)
{
	(void)state;
	join("g", "a", 80);
	assert_int_equal(slots_of("a", 80), 256);
	assert_true_to_file("g");
	leave("g", "a");
	assert_int_equal(n_elements, 0);
	assert_false(exists("g"));
	leave("g", "a");
	leave("never", "a");
}

/* Who comes gets an even part and nothing else moves; who goes leaves its slots and nothing else moves. */
static void as_little_as_possible_moves(void **state)
{
	char owner[2] = "a";

	(void)state;
	for (unsigned n = 1; n <= 26; n++, owner[0]++) {
		n_added = n_removed = 0;
		join("g", owner, 80);
		assert_int_equal(n_elements, 256);
		assert_int_equal(n_added, 256 / n);
		assert_int_equal(n_removed, n == 1 ? 0 : 256 / n);
		for (char m[2] = "a"; m[0] <= owner[0]; m[0]++)
			assert_in_range(slots_of(m, 80), 256 / n, 256 / n + (256 % n != 0));
	}
	assert_true_to_file("g");
	/* from the middle */
	for (unsigned n = 25; n >= 1; n--) {
		owner[0] = n % 2 ? (char)('a' + (25 - n) / 2) : (char)('z' - (24 - n) / 2);
		unsigned had = slots_of(owner, 80);
		n_added = n_removed = 0;
		assert_true(had > 0);
		leave("g", owner);
		assert_int_equal(n_added, had);
		assert_int_equal(n_removed, had);
		assert_int_equal(n_elements, 256);
		for (char m[2] = "a"; m[0] <= 'z'; m[0]++)
			if (slots_of(m, 80))
				assert_in_range(slots_of(m, 80), 256 / n, 256 / n + (256 % n != 0));
	}
	assert_true_to_file("g");
}

static void ports_are_shared_apart(void **state)
{
	struct nft_port six = port_of("a", 80), udp = port_of("b", 80);

	(void)state;
	six.host.family = six.to.family = AF_INET6;
	udp.protocol = IPPROTO_UDP;
	join("g", "a", 80);
	join("g", "b", 80);
	join("g", "a", 443);
	assert_string_equal(join_with("g", &six, NULL).msg, "");
	assert_string_equal(join_with("g", &udp, NULL).msg, "");
	assert_int_equal(n_elements, 4 * 256);
	assert_int_equal(slots_of("a", 443), 256);
	assert_true_to_file("g");
	leave("g", "a");
	assert_int_equal(slots_of("b", 80), 512);
	assert_int_equal(n_elements, 512);
	assert_true_to_file("g");
}

static void no_more_members_than_slots(void **state)
{
	char owner[3] = "";
	struct nft_port p;
	struct err e;

	(void)state;
	for (int i = 0; i < 256; i++) {
		owner[0] = (char)('a' + i / 16);
		owner[1] = (char)('a' + i % 16);
		join("g", owner, 80);
	}
	assert_int_equal(slots_of("aa", 80), 1);
	assert_int_equal(slots_of("pp", 80), 1);
	p = port_of("zz", 80);
	e = join_with("g", &p, NULL);
	assert_int_equal(e.kind, ERR_NO_SPACE);
	assert_non_null(strstr(e.msg, "at most 256"));
	assert_int_equal(slots_of("aa", 80), 1);
	assert_true_to_file("g");
}

static void the_dead_leave_by_the_way(void **state)
{
	struct nft_port p = port_of("d", 80);

	(void)state;
	join("g", "a", 80);
	join("g", "b", 80);
	join("g", "b", 443);
	join("g", "c", 80);
	n_asked = 0;
	assert_string_equal(join_with("g", &p, "bcd").msg, "");
	assert_int_equal(n_asked, 3);
	assert_int_equal(slots_of("a", 80), 128);
	assert_int_equal(slots_of("d", 80), 128);
	assert_int_equal(n_elements, 256);
	assert_true_to_file("g");
}

/* One opening, a port after the other. */
static void several_ports_at_once(void **state)
{
	cleanup_group struct group *g = opened("g");

	(void)state;
	join("x", "c", 7);
	n_asked = 0;
	for (int i = 0; i < 6; i++) {
		struct nft_port p = port_of(i % 2 ? "b" : "a", (uint16_t)(80 + i / 2));
		assert_int_equal(group_join(g, &p, is_dead, "", batch, NULL), 0);
	}
	assert_int_equal(n_asked, 0);
	assert_int_equal(group_save(g, NULL), 0);
	group_close(&g);
	leave("x", "c");
	for (uint16_t port = 80; port < 83; port++)
		assert_int_equal(slots_of("b", port), 128);
	assert_true_to_file("g");
}

/* As after a crash: the member is in the file already. */
static void who_comes_again(void **state)
{
	struct nft_port p = port_of("a", 80);

	(void)state;
	join("g", "a", 80);
	join("g", "b", 80);
	n_added = 0;
	join("g", "a", 80);
	assert_int_equal(n_added, 0);
	/* the table lost its elements */
	n_elements = 0;
	join("g", "a", 80);
	assert_int_equal(slots_of("a", 80), 128);
	group_restore(dir, "g", batch, NULL);
	/* with another address, and somebody has died meanwhile */
	p.to.bytes[3] = 77;
	assert_string_equal(join_with("g", &p, "b").msg, "");
	assert_int_equal(n_elements, 256);
	for (size_t i = 0; i < n_elements; i++)
		assert_int_equal(table[i].port.to.bytes[3], 77);
	assert_true_to_file("g");
	join("g", "b", 80);
	assert_string_equal(join_with("g", &p, "b").msg, "");
	assert_int_equal(n_elements, 256);
	assert_true_to_file("g");
}

static void a_failed_commit_is_undone(void **state)
{
	static struct element kept[TABLE_MAX];
	char before[1024], after[1024];
	struct nft_port p = port_of("b", 80), first = port_of("a", 80);

	(void)state;
	for (int i = 0; i < 2; i++) {
		ssize_t len = file_read_small(dir, "g", before, sizeof(before));
		size_t n = n_elements;
		cleanup_group struct group *g = opened("g");

		memcpy(kept, table, sizeof(kept));
		assert_int_equal(group_join(g, i ? &p : &first, NULL, NULL, batch, NULL), 0);
		assert_int_equal(group_save(g, NULL), 0);
		memcpy(table, kept, sizeof(kept));
		n_elements = n;
		assert_int_equal(group_undo(g, NULL), 0);
		assert_int_equal(file_read_small(dir, "g", after, sizeof(after)), len);
		assert_true(len < 0 || !strcmp(before, after));
		group_close(&g);
		join("g", "a", 80);
	}
	assert_true_to_file("g");
}

/* ---------------------------------------------------------------- several groups */

static void a_port_belongs_to_one_group(void **state)
{
	struct nft_port p = port_of("b", 80), elsewhere = port_of("b", 81), one = port_of("b", 80);
	struct err e = ERR_INIT;

	(void)state;
	join("web", "a", 80);
	assert_int_equal(group_check(dir, "other", &p, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_string_equal(e.msg, "it belongs to group web; choose another port with -p, or join with "
	                           "--publish-group web");
	assert_int_equal(group_check(dir, "web", &p, NULL), 0);
	assert_int_equal(group_check(dir, "other", &elsewhere, NULL), 0);
	assert_int_equal(join_with("other", &p, NULL).kind, ERR_CONFLICT);
	assert_false(exists("other"));
	/* one address of the host is part of all */
	one.host.bytes[0] = 127;
	assert_int_equal(group_check(dir, "other", &one, NULL), -1);
	one.protocol = IPPROTO_UDP;
	assert_int_equal(group_check(dir, "other", &one, NULL), 0);
	leave("web", "a");
	join("other", "b", 80);
	assert_int_equal(slots_of("b", 80), 256);
}

static void names_are_checked(void **state)
{
	static const char *const bad[] = {"", ".", "..", ".lock-g", "a/b", "../x", "a b", "a\n",
	        "caf\xc3\xa9", "0123456789012345678901234567890123456789012345678901234567890123x"};
	struct nft_port p = port_of("b c", 80), mixed = port_of("b", 80);
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(group_open(dir, bad[i], &e));
		assert_int_equal(e.kind, ERR_USAGE);
		assert_int_equal(group_restore(dir, bad[i], batch, NULL), -1);
	}
	assert_int_equal(join_with("g", &p, NULL).kind, ERR_USAGE);
	mixed.to.family = AF_INET6;
	assert_int_equal(join_with("g", &mixed, NULL).kind, ERR_USAGE);
}

/* ---------------------------------------------------------------- the file */

#define ALL "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static void put_file(const char *text)
{
	assert_int_equal(file_write_at(dir, "g", text, strlen(text), 0600, FILE_NO_SYNC, NULL), 0);
}

static void damage(void **state)
{
	static const char *const bad[] = {"x\n", "tcp 0.0.0.0 80 a 10.1.0.2 80 " ALL,
	        "tcp 0.0.0.0 80 a 10.1.0.2 80 " ALL " x\n", "icmp 0.0.0.0 80 a 10.1.0.2 80 " ALL "\n",
	        "tcp 0.0.0.0 0 a 10.1.0.2 80 " ALL "\n", "tcp 0.0.0.0 65536 a 10.1.0.2 80 " ALL "\n",
	        "tcp 0.0.0.0 80 a fd00::1 80 " ALL "\n", "tcp 0.0.0.0 80  10.1.0.2 80 " ALL "\n",
	        "tcp 0.0.0.0 80 a 10.1.0.2 80 " ALL "f\n", "tcp 0.0.0.0 80 a 10.1.0.2 80 F" ALL "\n",
	        "tcp 0.0.0.0 80 a 10.1.0.2 80 " ALL "\ntcp 0.0.0.0 80 b 10.1.0.3 80 " ALL "\n",
	        "tcp 0.0.0.0 80 a 10.1.0.2 80 " ALL "\n\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = ERR_INIT;

		put_file(bad[i]);
		n_elements = 0;
		if (group_restore(dir, "g", batch, &e) == 0)
			fail_msg("taken for a group: %s", bad[i]);
		assert_int_equal(e.kind, ERR_CORRUPT);
		assert_int_equal(n_elements, 0);
		/* nobody else is kept from a port by it */
		join("other", "o", 80);
		leave("other", "o");
		join("g", "a", 80);
		assert_int_equal(slots_of("a", 80), 256);
		assert_true(exists(".damaged-g"));
		assert_int_equal(unlinkat(dir, ".damaged-g", 0), 0);
		assert_true_to_file("g");
	}
}

static void a_nul_is_damage(void **state)
{
	static const char text[] = "tcp 0.0.0.0 80 a 10.1.0.2 80 " ALL "\n\0 and more\n";

	(void)state;
	assert_int_equal(file_write_at(dir, "g", text, sizeof(text) - 1, 0600, FILE_NO_SYNC, NULL), 0);
	assert_int_equal(group_restore(dir, "g", batch, NULL), -1);
}

/* Slots that nobody has, as no join leaves them, are given out by the next one. */
static void gaps_are_filled(void **state)
{
	(void)state;
	put_file("tcp 0.0.0.0 80 a 10.1.0.97 80 "
	         "0000000000000000000000000000000000000000000000000000000000000000\n");
	join("g", "b", 80);
	assert_int_equal(slots_of("a", 80), 128);
	assert_int_equal(slots_of("b", 80), 128);
	assert_true_to_file("g");
}

static int count_port(const struct nft_port *p, void *arg)
{
	(void)p;
	return ++*(int *)arg == 2 ? -1 : 0;
}

static void looking(void **state)
{
	int n = 0;

	(void)state;
	join("g", "a", 80);
	assert_int_equal(group_each(dir, "g", count_port, &n, NULL), 0);
	assert_int_equal(n, 1);
	n = 0;
	join("g", "b", 80);
	join("g", "c", 80);
	assert_int_equal(group_each(dir, "g", count_port, &n, NULL), -1);
	assert_int_equal(n, 2);
}

/* Twenty at once: each one's slots are in the file, none twice. */
static void many_at_once(void **state)
{
	int status;

	(void)state;
	for (int i = 0; i < 20; i++)
		if (!fork()) {
			char owner[2] = {(char)('a' + i), 0};
			struct nft_port p = port_of(owner, 80);
			cleanup_group struct group *g = opened("g");

			n_elements = 0;
			group_restore(dir, "g", batch, NULL);
			_exit(group_join(g, &p, NULL, NULL, batch, NULL) < 0 || group_save(g, NULL) < 0);
		}
	for (int i = 0; i < 20; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(group_restore(dir, "g", batch, NULL), 0);
	assert_int_equal(n_elements, 256);
	for (char m[2] = "a"; m[0] < 'a' + 20; m[0]++)
		assert_in_range(slots_of(m, 80), 12, 13);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        CASE(all_slots_for_one),
	        CASE(as_little_as_possible_moves),
	        CASE(ports_are_shared_apart),
	        CASE(no_more_members_than_slots),
	        CASE(the_dead_leave_by_the_way),
	        CASE(several_ports_at_once),
	        CASE(who_comes_again),
	        CASE(a_failed_commit_is_undone),
	        CASE(a_port_belongs_to_one_group),
	        CASE(names_are_checked),
	        CASE(damage),
	        CASE(a_nul_is_damage),
	        CASE(gaps_are_filled),
	        CASE(looking),
	        CASE(many_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
