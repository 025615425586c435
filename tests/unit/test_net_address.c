/* Addresses, subnets and link addresses. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "net/address.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static struct net_address address(const char *text)
{
	struct net_address a;
	struct err e = ERR_INIT;

	if (net_address_parse(text, &a, &e) < 0)
		fail_msg("%s", e.msg);
	return a;
}

static struct net_subnet subnet(const char *text)
{
	struct net_subnet s;
	struct err e = ERR_INIT;

	if (net_subnet_parse(text, &s, &e) < 0)
		fail_msg("%s", e.msg);
	return s;
}

static const char *nth(const char *of, uint64_t n)
{
	static char text[NET_ADDRESS_TEXT];
	struct net_subnet s = subnet(of);
	struct net_address a;

	return net_subnet_nth(&s, n, &a) ? net_address_text(&a, text) : "none";
}

static void addresses_are_printed_as_they_are_commonly_written(void **state)
{
	static const struct {
		const char *text, *printed;
		int family;
	} good[] = {
	        {"10.1.0.5", "10.1.0.5", AF_INET},
	        {"0.0.0.0", "0.0.0.0", AF_INET},
	        {"255.255.255.255", "255.255.255.255", AF_INET},
	        {"FD00:0:0:0::5", "fd00::5", AF_INET6},
	        {"::", "::", AF_INET6},
	        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", AF_INET6},
	        {"64:ff9b::192.0.2.1", "64:ff9b::c000:201", AF_INET6},
	};
	char text[NET_ADDRESS_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct net_address a = address(good[i].text);
		assert_int_equal(a.family, good[i].family);
		assert_int_equal(net_address_len(&a), good[i].family == AF_INET ? 4 : 16);
		assert_string_equal(net_address_text(&a, text), good[i].printed);
	}
	assert_string_equal(net_address_text(&(struct net_address){0}, text), "");
	assert_int_equal(net_address_len(&(struct net_address){0}), 0);
}

static void bad_addresses_are_quoted(void **state)
{
	static const char *const bad[] = {"", " ", "10.1", "10.1.0", "10.1.0.256", "10.1.0.5.", "10.01.0.5",
	        " 10.1.0.5", "10.1.0.5 ", "0x0a.1.0.5", "10.1.0.5/16", "host", "fe80::1%eth0", ":",
	        ":::", "1:2:3:4:5:6:7:8:9", "fd00::g", "[fd00::5]", "12345::", "::ffff:10.0.0.1",
	        "::FFFF:a00:1"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct net_address a;
		struct err e = ERR_INIT;
		if (net_address_parse(bad[i], &a, &e) != -1)
			fail_msg("\"%s\" was taken for an address", bad[i]);
		assert_int_equal(a.family, 0);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_non_null(strstr(e.msg, bad[i]));
	}
}

static void an_address_in_the_clothes_of_the_other_family_is_named(void **state)
{
	struct net_address a;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(net_address_parse("::ffff:a00:1", &a, &e), -1);
	assert_non_null(strstr(e.msg, "10.0.0.1"));
}

static void addresses_have_an_order(void **state)
{
	static const char *const rising[] = {
	        "0.0.0.0", "10.1.0.5", "10.1.1.0", "192.168.0.1", "::", "fd00::5"};

	(void)state;
	for (size_t i = 0; i < COUNT(rising); i++) {
		for (size_t k = 0; k < COUNT(rising); k++) {
			struct net_address a = address(rising[i]), b = address(rising[k]);
			int order = net_address_compare(&a, &b);
			assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
			assert_int_equal(net_address_equal(&a, &b), i == k);
		}
	}
}

static void what_lies_behind_a_short_address_does_not_count(void **state)
{
	struct net_address a = address("10.1.0.5"), b = a;

	(void)state;
	memset(b.bytes + 4, 0xee, 12);
	assert_true(net_address_equal(&a, &b));
}

static void subnets_are_printed_as_they_were_given(void **state)
{
	static const char *const good[] = {"10.1.0.0/16", "0.0.0.0/0", "10.1.2.3/32", "10.1.2.2/31",
	        "10.128.0.0/9", "fd00::/64", "::/0", "::1/128"};
	char text[NET_SUBNET_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct net_subnet s = subnet(good[i]);
		assert_string_equal(net_subnet_text(&s, text), good[i]);
	}
	assert_string_equal(net_subnet_text(&(struct net_subnet){0}, text), "");
}

static void bad_subnets_are_quoted(void **state)
{
	static const char *const bad[] = {"", "/", "/16", "10.1.0.0", "10.1.0.0/", "10.1.0.0/33",
	        "10.1.0.0/-1", "10.1.0.0/+8", "10.1.0.0/016", "10.1.0.0/16 ", "10.1.0.0/16/16", "10.1.0/16",
	        "fd00::/129", "fd00::/064", "10.1.0.0/4294967312", "10.1.0.0/255.255.0.0",
	        "::ffff:10.0.0.0/104", "1111111111111111111111111111111111111111111111111111/8"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct net_subnet s;
		struct err e = ERR_INIT;
		if (net_subnet_parse(bad[i], &s, &e) != -1)
			fail_msg("\"%s\" was taken for a subnet", bad[i]);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_non_null(strstr(e.msg, bad[i]));
	}
}

static void a_subnet_that_begins_elsewhere_is_shown(void **state)
{
	struct net_subnet s;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(net_subnet_parse("10.1.2.3/17", &s, &e), -1);
	assert_string_equal(e.msg, "invalid subnet \"10.1.2.3/17\": it begins at 10.1.0.0/17");
	assert_int_equal(net_subnet_parse("fd00:0:0:1:8000::/64", &s, &e), -1);
	assert_non_null(strstr(e.msg, "fd00:0:0:1::/64"));
}

static void the_subnet_of_an_address(void **state)
{
	static const struct {
		const char *address;
		unsigned prefix;
		const char *subnet;
	} cases[] = {
	        {"10.1.2.3", 16, "10.1.0.0/16"},
	        {"10.1.2.3", 31, "10.1.2.2/31"},
	        {"10.1.2.3", 0, "0.0.0.0/0"},
	        {"10.1.2.3", 32, "10.1.2.3/32"},
	        {"10.1.2.3", 33, "10.1.2.3/32"},
	        {"fd00::1:2", 124, "fd00::1:0/124"},
	        {"fd00::1:2", 128, "fd00::1:2/128"},
	};
	char text[NET_SUBNET_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct net_address a = address(cases[i].address);
		struct net_subnet s = net_subnet_of(&a, cases[i].prefix);
		assert_string_equal(net_subnet_text(&s, text), cases[i].subnet);
	}
}

static void members_of_a_subnet(void **state)
{
	static const struct {
		const char *subnet, *address;
		bool has, usable;
	} cases[] = {
	        {"10.1.0.0/16", "10.1.0.0", true, false},
	        {"10.1.0.0/16", "10.1.0.1", true, true},
	        {"10.1.0.0/16", "10.1.0.255", true, true},
	        {"10.1.0.0/16", "10.1.255.255", true, false},
	        {"10.1.0.0/16", "10.2.0.1", false, false},
	        {"10.1.0.0/16", "fd00::1", false, false},
	        {"10.1.0.0/31", "10.1.0.0", true, true},
	        {"10.1.0.0/31", "10.1.0.1", true, true},
	        {"10.1.0.7/32", "10.1.0.7", true, true},
	        {"10.1.0.4/30", "10.1.0.7", true, false},
	        {"fd00::/64", "fd00::", true, false},
	        {"fd00::/64", "fd00::ffff:ffff:ffff:ffff", true, true},
	        {"fd00::/64", "fd00:0:0:1::1", false, false},
	        {"fd00::/127", "fd00::", true, true},
	        {"::/0", "10.0.0.1", false, false},
	        {"0.0.0.0/0", "10.0.0.1", true, true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct net_subnet s = subnet(cases[i].subnet);
		struct net_address a = address(cases[i].address);
		if (net_subnet_has(&s, &a) != cases[i].has || net_subnet_usable(&s, &a) != cases[i].usable)
			fail_msg("%s in %s", cases[i].address, cases[i].subnet);
	}
	assert_false(net_subnet_has(&(struct net_subnet){0}, &(struct net_address){0}));
}

static void subnets_overlap_in_both_directions(void **state)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} cases[] = {
	        {"10.1.0.0/16", "10.1.0.0/16", true},
	        {"10.0.0.0/8", "10.1.0.0/16", true},
	        {"10.1.0.0/17", "10.1.128.0/17", false},
	        {"0.0.0.0/0", "10.1.128.0/17", true},
	        {"0.0.0.0/0", "fd00::/8", false},
	        {"fd00::/8", "fd12:3456::/32", true},
	        {"fd00::/64", "fd00:0:0:1::/64", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct net_subnet a = subnet(cases[i].a), b = subnet(cases[i].b);
		assert_int_equal(net_subnet_overlap(&a, &b), cases[i].overlap);
		assert_int_equal(net_subnet_overlap(&b, &a), cases[i].overlap);
	}
}

static void addresses_are_counted_from_the_base(void **state)
{
	(void)state;
	assert_string_equal(nth("10.1.0.0/16", 0), "10.1.0.0");
	assert_string_equal(nth("10.1.0.0/16", 258), "10.1.1.2");
	assert_string_equal(nth("10.1.0.0/16", 65535), "10.1.255.255");
	assert_string_equal(nth("10.1.0.0/16", 65536), "none");
	assert_string_equal(nth("10.1.0.6/31", 1), "10.1.0.7");
	assert_string_equal(nth("10.1.0.7/32", 1), "none");
	assert_string_equal(nth("0.0.0.0/0", UINT32_MAX), "255.255.255.255");
	assert_string_equal(nth("0.0.0.0/0", (uint64_t)UINT32_MAX + 1), "none");
	assert_string_equal(nth("fd00::/64", 0x12345), "fd00::1:2345");
	assert_string_equal(nth("fd00::/64", UINT64_MAX), "fd00::ffff:ffff:ffff:ffff");
	assert_string_equal(nth("fd00::/48", UINT64_MAX), "fd00::ffff:ffff:ffff:ffff");
	assert_string_equal(nth("fd00::40/122", 63), "fd00::7f");
	assert_string_equal(nth("fd00::40/122", 64), "none");
	assert_false(net_subnet_nth(&(struct net_subnet){0}, 0, &(struct net_address){0}));
}

static void an_offset_leads_back_to_its_address(void **state)
{
	static const struct {
		const char *subnet;
		uint64_t size;
	} cases[] = {
	        {"10.1.0.0/16", 65536},
	        {"10.1.0.7/32", 1},
	        {"0.0.0.0/0", UINT64_C(1) << 32},
	        {"fd00::/64", UINT64_MAX},
	        {"fd00::/48", UINT64_MAX},
	        {"fd00::/65", UINT64_C(1) << 63},
	        {"fd00::40/122", 64},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct net_subnet s = subnet(cases[i].subnet);
		uint64_t offsets[] = {0, cases[i].size / 3, cases[i].size - 1};
		assert_true(net_subnet_size(&s) == cases[i].size);
		for (size_t k = 0; k < COUNT(offsets); k++) {
			struct net_address a;
			assert_true(net_subnet_nth(&s, offsets[k], &a));
			assert_true(net_subnet_has(&s, &a));
			assert_true(net_subnet_offset(&s, &a) == offsets[k]);
		}
	}
	assert_true(net_subnet_size(&(struct net_subnet){0}) == 0);
}

static void link_addresses_are_read_and_printed(void **state)
{
	static const unsigned char want[NET_MAC_LEN] = {0x02, 0x42, 0xac, 0x11, 0x00, 0xfe};
	unsigned char mac[NET_MAC_LEN];
	char text[NET_MAC_TEXT];
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(net_mac_parse("02:42:AC:11:00:fe", mac, &e), 0);
	assert_memory_equal(mac, want, NET_MAC_LEN);
	assert_string_equal(net_mac_text(mac, text), "02:42:ac:11:00:fe");
}

static void bad_link_addresses_are_quoted(void **state)
{
	static const char *const bad[] = {"", "02", "02:42:ac:11:00",
	        "02:42:ac:11:00:02:", "02:42:ac:11:00:2", "2:42:ac:11:00:002", "02-42-ac-11-00-02",
	        "02:42:ac:11:00:0g", "02:42:ac:11:0002", "01:00:5e:00:00:01", "33:33:00:00:00:01",
	        "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", " 2:42:ac:11:00:02"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		unsigned char mac[NET_MAC_LEN];
		struct err e = ERR_INIT;
		if (net_mac_parse(bad[i], mac, &e) != -1)
			fail_msg("\"%s\" was taken for a MAC address", bad[i]);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_non_null(strstr(e.msg, bad[i]));
	}
}

/* Every address of a /16 has a link address of its own, the same each time. */
static void no_two_addresses_of_a_network_share_a_link_address(void **state)
{
	static unsigned char seen[65536];
	struct net_subnet s = subnet("10.209.0.0/16");
	unsigned char first[NET_MAC_LEN], mac[NET_MAC_LEN];

	(void)state;
	for (unsigned n = 0; n < 65536; n++) {
		struct net_address a;
		net_subnet_nth(&s, n, &a);
		net_mac_of("4f5b", &a, mac);
		if (n == 0)
			memcpy(first, mac, sizeof first);
		/* What the network gives is the same for all of them: the rest tells them apart. */
		assert_memory_equal(mac, first, 4);
		assert_int_equal(seen[mac[4] << 8 | mac[5]]++, 0);
		assert_int_equal(mac[0], 0x02);
	}
}

static void a_link_address_stays_and_another_networks_differs(void **state)
{
	struct net_address a4 = address("10.209.0.5"), a6 = address("fd00::5"), b6 = address("fd00:1::5");
	unsigned char mac[NET_MAC_LEN], again[NET_MAC_LEN];

	(void)state;
	net_mac_of("4f5b", &a4, mac);
	net_mac_of("4f5b", &a4, again);
	assert_memory_equal(mac, again, NET_MAC_LEN);
	net_mac_of("4f5c", &a4, again);
	assert_memory_not_equal(mac, again, NET_MAC_LEN);
	net_mac_of("4f5b", &a6, mac);
	net_mac_of("4f5b", &b6, again);
	assert_memory_not_equal(mac, again, NET_MAC_LEN);
}

static void the_link_local_address_of_a_link_address(void **state)
{
	/* RFC 4291, appendix A: 34-56-78-9A-BC-DE */
	static const unsigned char mac[NET_MAC_LEN] = {0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde};
	char text[NET_ADDRESS_TEXT];
	struct net_address a;

	(void)state;
	net_link_local(mac, &a);
	assert_string_equal(net_address_text(&a, text), "fe80::3656:78ff:fe9a:bcde");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(addresses_are_printed_as_they_are_commonly_written),
	        cmocka_unit_test(bad_addresses_are_quoted),
	        cmocka_unit_test(an_address_in_the_clothes_of_the_other_family_is_named),
	        cmocka_unit_test(addresses_have_an_order),
	        cmocka_unit_test(what_lies_behind_a_short_address_does_not_count),
	        cmocka_unit_test(subnets_are_printed_as_they_were_given),
	        cmocka_unit_test(bad_subnets_are_quoted),
	        cmocka_unit_test(a_subnet_that_begins_elsewhere_is_shown),
	        cmocka_unit_test(the_subnet_of_an_address),
	        cmocka_unit_test(members_of_a_subnet),
	        cmocka_unit_test(subnets_overlap_in_both_directions),
	        cmocka_unit_test(addresses_are_counted_from_the_base),
	        cmocka_unit_test(an_offset_leads_back_to_its_address),
	        cmocka_unit_test(link_addresses_are_read_and_printed),
	        cmocka_unit_test(bad_link_addresses_are_quoted),
	        cmocka_unit_test(no_two_addresses_of_a_network_share_a_link_address),
	        cmocka_unit_test(a_link_address_stays_and_another_networks_differs),
	        cmocka_unit_test(the_link_local_address_of_a_link_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
