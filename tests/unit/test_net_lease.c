/* Leases: who gets which address. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/lease_box.h"

/* ---------------------------------------------------------------- which address */

static void addresses_go_round(void **state)
{
	struct lease_pool p = pool("10.1.0.0/29", "10.1.0.1", NULL, NULL);
	cleanup_leases struct leases l = LEASES_INIT;

	(void)state;
	assert_string_equal(take(&l, &p, "a"), "10.1.0.2");
	assert_string_equal(take(&l, &p, "b"), "10.1.0.3");
	assert_true(leases_drop(&l, "a"));
	assert_false(leases_drop(&l, "a"));
	assert_string_equal(take(&l, &p, "c"), "10.1.0.4");
	assert_string_equal(take(&l, &p, "d"), "10.1.0.5");
	assert_string_equal(take(&l, &p, "e"), "10.1.0.6");
	/* .7 is the broadcast address, .0 the network's, .1 the gateway's */
	assert_string_equal(take(&l, &p, "f"), "10.1.0.2");
	leases_drop(&l, "c");
	leases_drop(&l, "f");
	assert_string_equal(take(&l, &p, "g"), "10.1.0.4");
	/* Those at the front are known to be taken when the turn comes from the end. */
	assert_string_equal(take(&l, &p, "h"), "10.1.0.2");
	leases_drop(&l, "d");
	l.next[0] = 7;
	assert_string_equal(take(&l, &p, "i"), "10.1.0.5");
}

static void the_turn_outlives_the_process(void **state)
{
	struct lease_pool p = pool("10.1.0.0/16", "10.1.0.1", "fd00:1::/64", "fd00:1::1");

	(void)state;
	for (int i = 2; i < 7; i++) {
		cleanup_leases struct leases l = LEASES_INIT;
		char expected[32];

		lock(&l);
		snprintf(expected, sizeof(expected), "10.1.0.%d", i);
		assert_string_equal(take(&l, &p, "a"), expected);
		snprintf(expected, sizeof(expected), "fd00:1::%d", i);
		assert_string_equal(text_of(leases_find(&l, "a"), 1), expected);
		assert_int_equal(l.n, 1);
		assert_true(i % 2 == 0 || leases_drop(&l, "a"));
		assert_int_equal(leases_write(&l, NULL), 0);
	}
}

static void a_range_binds_what_is_chosen(void **state)
{
	struct lease_pool p = pool("10.1.0.0/16", "10.1.0.1", "fd00:1::/64", "fd00:1::1");
	cleanup_leases struct leases l = LEASES_INIT;
	struct err e;

	(void)state;
	assert_int_equal(net_subnet_parse("10.1.9.8/30", &p.range[0], NULL), 0);
	assert_int_equal(net_subnet_parse("fd00:1::ab00/120", &p.range[1], NULL), 0);
	/* The first and last of a range are ordinary addresses of the subnet. */
	assert_string_equal(take(&l, &p, "a"), "10.1.9.8");
	assert_string_equal(text_of(leases_find(&l, "a"), 1), "fd00:1::ab00");
	assert_string_equal(take(&l, &p, "b"), "10.1.9.9");
	assert_string_equal(take(&l, &p, "c"), "10.1.9.10");
	assert_string_equal(take(&l, &p, "d"), "10.1.9.11");
	assert_string_equal(text_of(leases_find(&l, "d"), 1), "fd00:1::ab03");
	e = ask(&l, &p, "f", "fd00:1::1:1");
	assert_int_equal(e.kind, ERR_NO_SPACE);
	assert_non_null(strstr(e.msg, "10.1.9.8/30"));
	/* ...but not what is asked for */
	e = ask(&l, &p, "g", "10.1.200.200");
	assert_string_equal(e.msg, "");
}

static void a_range_may_hold_the_gateway(void **state)
{
	struct lease_pool p = pool("10.1.0.0/24", "10.1.0.130", NULL, NULL);
	cleanup_leases struct leases l = LEASES_INIT;

	(void)state;
	assert_int_equal(net_subnet_parse("10.1.0.128/30", &p.range[0], NULL), 0);
	assert_string_equal(take(&l, &p, "a"), "10.1.0.128");
	assert_string_equal(take(&l, &p, "b"), "10.1.0.129");
	assert_string_equal(take(&l, &p, "c"), "10.1.0.131");
	assert_int_equal(ask(&l, &p, "d", "fd00::1").kind, ERR_USAGE);
}

static void what_was_asked_for_is_checked(void **state)
{
	struct lease_pool p = pool("10.1.0.0/24", "10.1.0.1", "fd00:1::/64", "fd00:1::1");
	struct lease_pool v6 = pool(NULL, NULL, "fd00:1::/64", "fd00:1::1"), none = {0};
	cleanup_leases struct leases l = LEASES_INIT;
	struct err e;

	(void)state;
	e = ask(&l, &p, "0123456789abcdef0123", "10.1.0.77");
	assert_string_equal(e.msg, "");
	assert_string_equal(text_of(leases_find(&l, "0123456789abcdef0123"), 0), "10.1.0.77");
	assert_string_equal(text_of(leases_find(&l, "0123456789abcdef0123"), 1), "fd00:1::2");
	e = ask(&l, &p, "b", "10.1.0.77");
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_string_equal(e.msg, "address 10.1.0.77 is taken by container 0123456789ab");
	e = ask(&l, &p, "b", "fd00:1::2");
	assert_string_equal(e.msg, "address fd00:1::2 is taken by container 0123456789ab");
	e = ask(&l, &p, "b", "10.1.1.5");
	assert_int_equal(e.kind, ERR_USAGE);
	assert_string_equal(e.msg, "address 10.1.1.5 is outside of the network's subnet 10.1.0.0/24");
	e = ask(&l, &p, "b", "10.1.0.1");
	assert_string_equal(e.msg, "address 10.1.0.1 is the network's gateway");
	e = ask(&l, &p, "b", "10.1.0.255");
	assert_string_equal(
	        e.msg, "address 10.1.0.255 cannot be given: it is the first or last of 10.1.0.0/24");
	e = ask(&l, &p, "b", "10.1.0.0");
	assert_int_equal(e.kind, ERR_USAGE);
	e = ask(&l, &v6, "b", "10.1.0.5");
	assert_string_equal(e.msg, "address 10.1.0.5 cannot be given: the network has no IPv4 subnet");
	e = ask(&l, &none, "b", "10.1.0.5");
	assert_int_equal(e.kind, ERR_USAGE);
	/* One's own address is not taken: a start after a crash asks for it again. */
	e = ask(&l, &p, "0123456789abcdef0123", "10.1.0.77");
	assert_string_equal(e.msg, "");
	assert_int_equal(l.n, 1);
}

static void ipv6_alone(void **state)
{
	struct lease_pool p = pool(NULL, NULL, "fd00:1::/64", "fd00:1::1");
	cleanup_leases struct leases l = LEASES_INIT;

	(void)state;
	l.next[1] = UINT64_MAX - 1; /* the last one but one: the turn goes on at the front */
	assert_string_equal(take(&l, &p, "a"), "fd00:1::ffff:ffff:ffff:fffe");
	assert_string_equal(take(&l, &p, "b"), "fd00:1::2");
	assert_string_equal(take(&l, &p, "c"), "fd00:1::3");
	assert_int_equal(leases_find(&l, "a")->ip[0].family, 0);
}

static void the_smallest_subnets(void **state)
{
	struct lease_pool p = pool("10.1.0.0/31", "10.1.0.0", NULL, NULL);
	struct lease_pool one = pool("10.1.0.1/32", "10.1.0.1", NULL, NULL);
	cleanup_leases struct leases l = LEASES_INIT;
	struct lease w = wish("b");

	(void)state;
	assert_string_equal(take(&l, &p, "a"), "10.1.0.1");
	assert_int_equal(leases_take(&l, NETWORK, &p, &w, NULL, NULL, NULL, NULL), -1);
	assert_int_equal(leases_take(&l, NETWORK, &one, &w, NULL, NULL, NULL, NULL), -1);
}

/* ---------------------------------------------------------------- link addresses */

static void link_addresses(void **state)
{
	struct lease_pool p = pool("10.1.0.0/24", "10.1.0.1", NULL, NULL);
	cleanup_leases struct leases l = LEASES_INIT;
	struct lease w = wish("asks");
	struct net_address second = address("10.1.0.2"), third = address("10.1.0.3");
	const struct lease *given;
	unsigned char mac[NET_MAC_LEN];
	struct err e = ERR_INIT;

	(void)state;
	/* Somebody asks for what 10.1.0.2 would get: that address is passed over. */
	w.ip[0] = address("10.1.0.200");
	net_mac_of(NETWORK, &second, w.mac);
	assert_int_equal(leases_take(&l, NETWORK, &p, &w, NULL, NULL, &given, NULL), 0);
	assert_memory_equal(given->mac, w.mac, NET_MAC_LEN);
	assert_string_equal(take(&l, &p, "b"), "10.1.0.3");
	net_mac_of(NETWORK, &third, mac);
	assert_memory_equal(leases_find(&l, "b")->mac, mac, NET_MAC_LEN);
	assert_int_equal(ask(&l, &p, "c", "10.1.0.2").kind, ERR_CONFLICT);
	snprintf(w.id, sizeof(w.id), "c");
	w.ip[0] = address("10.1.0.9");
	assert_int_equal(leases_take(&l, NETWORK, &p, &w, NULL, NULL, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_non_null(strstr(e.msg, "MAC address 02:"));
	assert_non_null(strstr(e.msg, "is taken by container asks"));
	/* a group's */
	w.mac[0] = 1;
	assert_int_equal(leases_take(&l, NETWORK, &p, &w, NULL, NULL, NULL, &e), -1);
	assert_int_equal(l.n, 2);

	w.ip[0] = address("10.1.0.20");
	memset(w.mac, 0, sizeof w.mac);
	w.names = (char *[]){"web", "alias", NULL};
	assert_int_equal(leases_take(&l, NETWORK, &p, &w, NULL, NULL, NULL, &e), 0);
	e = ask(&l, &p, "d", "10.1.0.20");
	assert_string_equal(e.msg, "address 10.1.0.20 is taken by container web");
}

/* ---------------------------------------------------------------- those who died */

static int asked;

static bool is_dead(const char *id, void *arg)
{
	asked++;
	return strchr(arg, *id) != NULL;
}

static void the_dead_give_back(void **state)
{
	struct lease_pool p = pool("10.1.0.0/29", "10.1.0.1", NULL, NULL);
	cleanup_leases struct leases l = LEASES_INIT;
	struct lease w = wish("x");
	struct err e = ERR_INIT;

	(void)state;
	for (const char *id = "a\0b\0c\0d\0e\0"; *id; id += 2)
		take(&l, &p, id);
	asked = 0;
	assert_int_equal(leases_take(&l, NETWORK, &p, &w, is_dead, "z", NULL, &e), -1);
	assert_int_equal(e.kind, ERR_NO_SPACE);
	assert_int_equal(asked, 5);
	assert_int_equal(l.n, 5);
	assert_int_equal(leases_take(&l, NETWORK, &p, &w, is_dead, "bd", NULL, &e), 0);
	assert_string_equal(text_of(leases_find(&l, "x"), 0), "10.1.0.3");
	assert_null(leases_find(&l, "b"));
	assert_null(leases_find(&l, "d"));
	assert_int_equal(l.n, 4);
	/* While there is room nobody is asked. */
	asked = 0;
	snprintf(w.id, sizeof(w.id), "y");
	assert_int_equal(leases_take(&l, NETWORK, &p, &w, is_dead, "a", NULL, &e), 0);
	assert_int_equal(asked, 0);
	/* An address that was asked for: only its holder. */
	snprintf(w.id, sizeof(w.id), "w");
	w.ip[0] = address("10.1.0.2");
	assert_int_equal(leases_take(&l, NETWORK, &p, &w, is_dead, "c", NULL, &e), -1);
	assert_int_equal(leases_take(&l, NETWORK, &p, &w, is_dead, "a", NULL, &e), 0);
	assert_int_equal(asked, 2);
	assert_null(leases_find(&l, "a"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        CASE(addresses_go_round),
	        CASE(the_turn_outlives_the_process),
	        CASE(a_range_binds_what_is_chosen),
	        CASE(a_range_may_hold_the_gateway),
	        CASE(what_was_asked_for_is_checked),
	        CASE(ipv6_alone),
	        CASE(the_smallest_subnets),
	        CASE(link_addresses),
	        CASE(the_dead_give_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
