/* The texts that ask for networks and ports, and what of a whole request they must not meet. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/tare.h"
#include "tests/unit/request_box.h"

static int setup(void **state)
{
	struct tare_create *c;

	request_setup(state);
	c = *state;
	c->image = strdup("busybox");
	return 0;
}

static int check(struct tare_create *c, const char *text, struct err *e)
{
	(void)text;
	return tare_create_check(c, e);
}

/* ------------------------------------------------------------------ networks */

static void networks_are_collected(void **state)
{
	struct tare_create *c = *state;

	good(c, tare_parse_network, "web");
	good(c, tare_parse_network, "default");
	good(c, tare_parse_network,
	        "name=data,ip=10.5.0.7,ip6=FD05::7,mac-address=02:00:00:00:00:0A,alias=db,alias=sql");
	assert_int_equal(c->n_endpoints, 3);
	assert_null(c->network);
	assert_string_equal(c->endpoints[0].network, "web");
	assert_string_equal(c->endpoints[1].network, "bridge");
	assert_string_equal(c->endpoints[2].network, "data");
	assert_string_equal(c->endpoints[2].ip, "10.5.0.7");
	assert_string_equal(c->endpoints[2].ip6, "fd05::7");
	assert_string_equal(c->endpoints[2].mac, "02:00:00:00:00:0a");
	assert_string_equal(c->endpoints[2].aliases[1], "sql");
	good(c, check, "three networks");
}

static void modes_are_no_networks(void **state)
{
	static const char *const modes[] = {"none", "host", "container:db"};
	struct tare_create *c = *state;

	for (size_t i = 0; i < 3; i++) {
		good(c, tare_parse_network, modes[i]);
		good(c, tare_parse_network, modes[i]);
		assert_string_equal(c->network, modes[i]);
		assert_int_equal(c->n_endpoints, 0);
		good(c, check, modes[i]);
		free_ptr(&c->network);
	}
	good(c, tare_parse_network, "none");
	bad(c, tare_parse_network, "host", "--network none and --network host exclude each other");
	good(c, tare_parse_network, "web");
	bad(c, check, "none and web", "--network none and --network web exclude each other");
}

static void addresses_are_of_the_first_network(void **state)
{
	struct tare_create *c = *state;

	good(c, tare_parse_ip, "10.5.0.9");
	assert_string_equal(c->endpoints[0].network, "bridge");
	good(c, tare_parse_network_alias, "db");
	good(c, tare_parse_network, "web");
	good(c, tare_parse_ip, "fd05::9");
	good(c, tare_parse_network, "data");
	good(c, tare_parse_mac, "02:00:00:00:00:01");
	assert_int_equal(c->n_endpoints, 2);
	assert_string_equal(c->endpoints[0].network, "web");
	assert_string_equal(c->endpoints[0].ip, "10.5.0.9");
	assert_string_equal(c->endpoints[0].ip6, "fd05::9");
	assert_string_equal(c->endpoints[0].mac, "02:00:00:00:00:01");
	assert_string_equal(c->endpoints[0].aliases[0], "db");
	assert_null(c->endpoints[1].ip);
}

static void an_address_alone_is_of_the_default_network(void **state)
{
	struct tare_create *c = *state;

	good(c, tare_parse_ip, "10.209.0.9");
	good(c, check, "--ip alone");
	assert_string_equal(c->endpoints[0].network, "bridge");
	good(c, tare_parse_network, "bridge");
	assert_int_equal(c->n_endpoints, 1);
	bad(c, tare_parse_network, "bridge", "the network bridge is given twice");
}

static void addresses_need_a_network_of_their_own(void **state)
{
	struct tare_create *c = *state;

	good(c, tare_parse_network_alias, "db");
	good(c, tare_parse_network, "container:db");
	bad(c, check, "alias", "which it has none of with --network container:db");
}

static void names_are_those_of_the_shared_network(void **state)
{
	struct tare_create *c = *state;

	good(c, tare_parse_add_host, "db:192.0.2.7");
	good(c, check, "default");
	good(c, tare_parse_network, "container:db");
	bad(c, check, "--add-host", "belong to the container whose network it is");
	strv_free_ptr(&c->add_hosts);
	strv_add(&c->dns, "9.9.9.9");
	bad(c, check, "--dns", "--network container:db shares its files");
}

static void bad_networks(void **state)
{
	struct tare_create *c = *state;
	char name[32];

	bad(c, tare_parse_network, "", "unknown network \"\"");
	bad(c, tare_parse_network, "a/b", "unknown network \"a/b\"");
	bad(c, tare_parse_network, "contaner:db", "container:NAME");
	bad(c, tare_parse_network, "ip=10.5.0.7", "the name is missing, as in name=web");
	bad(c, tare_parse_network, "name=", "\"name=\" needs a value");
	bad(c, tare_parse_network, "name=web,", "\"\" needs a value");
	bad(c, tare_parse_network, "name=web,aliass=x", "unknown key \"aliass\"; did you mean alias?");
	bad(c, tare_parse_network, "name=web,driver-opt=x", "known are name, ip");
	bad(c, tare_parse_network, "name=web,ip=10.5.0", "invalid address \"10.5.0\"");
	bad(c, tare_parse_network, "name=host,ip=10.5.0.1", "host takes neither addresses nor aliases");
	assert_int_equal(c->n_endpoints, 0);
	good(c, tare_parse_network, "web");
	bad(c, tare_parse_network, "name=web,ip=10.5.0.7", "the network web is given twice");
	for (int i = 1; i < TARE_ENDPOINTS_MAX; i++) {
		snprintf(name, sizeof name, "n%d", i);
		good(c, tare_parse_network, name);
	}
	bad(c, tare_parse_network, "more", "at most 16 networks");
}

static void bad_addresses(void **state)
{
	static const char *const addresses[] = {"", "10", "10.5.0.256", "10.5.0.1/16", "010.5.0.1",
	        "fd00:::1", "fe80::1%eth0", "example.com", "::ffff:10.0.0.1"};
	static const char *const macs[] = {"", "02:00:00:00:00", "02:00:00:00:00:0g", "02:00:00:00:00:01:02",
	        "00:00:00:00:00:00", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff"};
	struct tare_create *c = *state;

	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		char quoted[64];

		snprintf(quoted, sizeof quoted, "\"%s\"", addresses[i]);
		bad(c, tare_parse_ip, addresses[i], quoted);
	}
	for (size_t i = 0; i < sizeof macs / sizeof *macs; i++)
		bad(c, tare_parse_mac, macs[i], macs[i]);
}

static void aliases(void **state)
{
	struct tare_create *c = *state;
	char label[80], name[400] = "";

	good(c, tare_parse_network_alias, "db");
	good(c, tare_parse_network_alias, "DB_1.internal");
	good(c, tare_parse_network_alias, "db");
	assert_int_equal(strv_len(c->endpoints[0].aliases), 2);
	memset(label, 'a', sizeof label);
	label[63] = 0;
	good(c, tare_parse_network_alias, label);
	label[63] = 'a';
	label[64] = 0;
	bad(c, tare_parse_network_alias, label, "parts of at most 63");
	for (int i = 0; i < 127; i++)
		strcat(name, i ? ".a" : "a");
	good(c, tare_parse_network_alias, name);
	strcat(name, "a");
	bad(c, tare_parse_network_alias, name, "invalid alias");
	bad(c, tare_parse_network_alias, "", "invalid alias \"\"");
	bad(c, tare_parse_network_alias, "-db", "invalid alias \"-db\"");
	bad(c, tare_parse_network_alias, "db-", "invalid alias \"db-\"");
	bad(c, tare_parse_network_alias, "d b", "invalid alias \"d b\"");
	bad(c, tare_parse_network_alias, "db.", "invalid alias \"db.\"");
	bad(c, tare_parse_network_alias, ".db", "invalid alias \".db\"");
	bad(c, tare_parse_network_alias, "a,b", "as in db or db.internal");
	bad(c, tare_parse_network_alias, "d\xc3\xa4", "invalid alias");
}

/* ------------------------------------------------------------------ ports */

/* The rows as text: "HOST:FROM-TO>PORT/PROTOCOL" each. */
static void published(struct tare_create *c, const char *expected)
{
	cleanup_buf struct buf text = BUF_INIT;

	for (size_t i = 0; i < c->n_publish; i++) {
		const struct tare_publish *p = &c->publish[i];

		buf_printf(&text, "%s%s:%u-%u>%u/%s", i ? " " : "", p->host_ip ? p->host_ip : "",
		        p->host_port, p->host_port_to, p->container_port, tare_protocol_name(p->protocol));
		free(p->host_ip);
	}
	c->n_publish = 0;
	assert_string_equal(buf_str(&text), expected);
}

static void publishes(struct tare_create *c, const char *text, const char *expected)
{
	good(c, tare_parse_publish, text);
	published(c, expected);
}

static void ports_are_published(void **state)
{
	struct tare_create *c = *state;

	publishes(c, "80", ":0-0>80/tcp");
	publishes(c, ":80", ":0-0>80/tcp");
	publishes(c, "8080:80", ":8080-8080>80/tcp");
	publishes(c, "8080:80/UDP", ":8080-8080>80/udp");
	publishes(c, "132:132/sctp", ":132-132>132/sctp");
	publishes(c, "127.0.0.1:8080:80", "127.0.0.1:8080-8080>80/tcp");
	publishes(c, "0:80", ":0-0>80/tcp");
	publishes(c, "127.0.0.1::80", "127.0.0.1:0-0>80/tcp");
	publishes(c, "[2001:DB8::1]:8080:80", "2001:db8::1:8080-8080>80/tcp");
	publishes(c, "[::]:8080:80", ":::8080-8080>80/tcp");
	publishes(c, "[FD00::1]::53/udp", "fd00::1:0-0>53/udp");
	publishes(c, "0.0.0.0:65535:65535", "0.0.0.0:65535-65535>65535/tcp");
	publishes(c, "8000-8010:80", ":8000-8010>80/tcp");
	publishes(c, "8000-8002:9000-9002", ":8000-8000>9000/tcp :8001-8001>9001/tcp :8002-8002>9002/tcp");
	publishes(c, "9000-9001/udp", ":0-0>9000/udp :0-0>9001/udp");
	publishes(c, "127.0.0.1::9000-9001", "127.0.0.1:0-0>9000/tcp 127.0.0.1:0-0>9001/tcp");
}

static void bad_ports(void **state)
{
	static const struct {
		const char *text, *words;
	} typed[] = {
	        {"", "\"\" is not a port from 1 to 65535"},
	        {"0", "\"0\" is not a port from 1 to 65535"},
	        {"-1", "\"-1\" is not a port"},
	        {"65536", "\"65536\" is not a port"},
	        {"99999999999999999999", "is not a port"},
	        {"8080:0", "\"0\" is not a port"},
	        {"65536:80", "\"65536\" is not a port"},
	        {"-1:80", "\"-1\" is not a port"},
	        {"80:", "\"\" is not a port"},
	        {"http:80", "\"http\" is not a port"},
	        {"80a:80", "\"80a\" is not a port"},
	        {" 80:80", "\" 80\" is not a port"},
	        {"8080:80:80", "\"8080\" is not an address of this host such as 127.0.0.1"},
	        {"localhost:8080:80", "\"localhost\" is not an address"},
	        {"1.2.3:8080:80", "\"1.2.3\" is not an address"},
	        {"127.0.0.1:80", "\"127.0.0.1\" is not a port"},
	        {"::1:8080:80", "an IPv6 address goes in brackets"},
	        {"2001:db8::1:8080:80", "an IPv6 address goes in brackets"},
	        {"[::1]:80", "the port of the container is missing"},
	        {"[::1:8080:80", "write [ADDRESS]:PORT:PORT, as in [2001:db8::1]:8080:80"},
	        {"[::1]8080:80", "write [ADDRESS]:PORT:PORT"},
	        {"[::x]:8080:80", "\"::x\" is not an address"},
	        {"[::1]:8080:80",
	                "::1 cannot be published: the kernel forwards nothing from ::1; use 127.0.0.1"},
	        {"[fe80::1]:8080:80", "from a link-local address"},
	        {"[febf::1]:8080:80", "from a link-local address"},
	        {"[ff02::1]:8080:80", "no address of one host"},
	        {"224.0.0.1:8080:80", "no address of one host"},
	        {"255.255.255.255:8080:80", "no address of one host"},
	        {"8010-8000:80", "the range \"8010-8000\" is reversed; write 8000-8010"},
	        {"8000-8001:9002-9000", "the range \"9002-9000\" is reversed"},
	        {"8000-:80", "\"8000-\" is not a port"},
	        {"-8000:80", "\"-8000\" is not a port"},
	        {"8000-8001-8002:80", "is not a port"},
	        {"8000-8001:9000-9002", "2 ports of the host for 3 of the container"},
	        {"8000:9000-9002", "1 ports of the host for 3 of the container"},
	        {"80/icmp", "unknown protocol \"icmp\"; one of tcp, udp, sctp"},
	        {"80/", "unknown protocol \"\""},
	        {"80/tcp/udp", "unknown protocol \"tcp/udp\""},
	        {"8080/tcp:80", "\"8080/tcp\" is not a port"},
	        {"1-4097", "more than 4096 ports"},
	};
	struct tare_create *c = *state;

	for (size_t i = 0; i < sizeof typed / sizeof *typed; i++) {
		char quoted[80];

		snprintf(quoted, sizeof quoted, "invalid port \"%s\": ", typed[i].text);
		bad(c, tare_parse_publish, typed[i].text, typed[i].words);
		bad(c, tare_parse_publish, typed[i].text, quoted);
		assert_int_equal(c->n_publish, 0);
	}
	good(c, tare_parse_publish, "1-4096:1-4096");
	bad(c, tare_parse_publish, "5000", "more than 4096 ports");
	assert_int_equal(c->n_publish, 4096);
	good(c, check, "4096 ports");
}

static void ports_are_exposed(void **state)
{
	struct tare_create *c = *state;

	good(c, tare_parse_expose, "80");
	good(c, tare_parse_expose, "53/UDP");
	good(c, tare_parse_expose, "8000-8001/tcp");
	assert_int_equal(strv_len(c->expose), 4);
	assert_string_equal(c->expose[0], "80/tcp");
	assert_string_equal(c->expose[1], "53/udp");
	assert_string_equal(c->expose[3], "8001/tcp");
	bad(c, tare_parse_expose, "", "is not a port");
	bad(c, tare_parse_expose, "0", "is not a port");
	bad(c, tare_parse_expose, "80:80", "\"80:80\" is not a port");
	bad(c, tare_parse_expose, "80/icmp", "one of tcp, udp, sctp");
	bad(c, tare_parse_expose, "2-1", "is reversed");
	bad(c, tare_parse_expose, "1-65535", "more than 4096 ports");
	assert_int_equal(strv_len(c->expose), 4);
}

static void ports_of_documents(void **state)
{
	struct err e = ERR_INIT;
	uint16_t port;
	int protocol;

	(void)state;
	assert_int_equal(tare_port_parse("53/udp", &port, &protocol, &e), 0);
	assert_int_equal(port, 53);
	assert_int_equal(protocol, IPPROTO_UDP);
	assert_int_equal(tare_port_parse("80", &port, &protocol, &e), 0);
	assert_int_equal(protocol, IPPROTO_TCP);
	assert_int_equal(tare_port_parse("80-81", &port, &protocol, &e), -1);
	assert_non_null(strstr(e.msg, "one port such as 80/tcp"));
	assert_int_equal(tare_port_parse("80/x", &port, &protocol, &e), -1);
}

static void a_port_of_the_host_is_given_once(void **state)
{
	static const struct {
		const char *one, *other;
		bool clash;
	} pairs[] = {
	        {"8080:80", "8080:81", true},
	        {"8080:80", "127.0.0.1:8080:80", true},
	        {"0.0.0.0:8080:80", "127.0.0.1:8080:80", true},
	        {"[::]:8080:80", "[2001:db8::1]:8080:80", true},
	        {"127.0.0.1:8080:80", "127.0.0.1:8080:80", true},
	        {"8000-8002:80-82", "8001:90", true},
	        {"8080:80", "8080:80/udp", false},
	        {"8080:80", "8081:80", false},
	        {"0.0.0.0:8080:80", "[::]:8080:80", false},
	        {"127.0.0.1:8080:80", "127.0.0.2:8080:80", false},
	        {"80", "80", false},
	        {"8000-8010:80", "8000-8010:80", false},
	};
	struct tare_create *c = *state;

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		good(c, tare_parse_publish, pairs[i].one);
		good(c, tare_parse_publish, pairs[i].other);
		if (pairs[i].clash)
			bad(c, check, pairs[i].one, "of this host is published twice; choose another one");
		else
			good(c, check, pairs[i].one);
		while (c->n_publish)
			free(c->publish[--c->n_publish].host_ip);
	}
}

static void ports_need_a_network(void **state)
{
	struct tare_create *c = *state;

	good(c, tare_parse_publish, "8080:80");
	good(c, check, "the default network");
	good(c, tare_parse_network, "none");
	bad(c, check, "none", "ports cannot be published with --network none: there is no network");
	free_ptr(&c->network);
	good(c, tare_parse_network, "container:db");
	bad(c, check, "container", "publish them on the container whose network it is");
	free_ptr(&c->network);
	good(c, tare_parse_network, "host");
	good(c, check, "host: Docker's warning, not an error");
}

static void a_group_needs_ports(void **state)
{
	struct tare_create *c = *state;

	c->publish_group = strdup("web");
	bad(c, check, "group", "--publish-group web needs a port to share");
	good(c, tare_parse_publish, "8080:80");
	good(c, check, "group");
	free_ptr(&c->publish_group);
	c->publish_group = strdup("../x");
	bad(c, check, "group", "invalid name \"../x\"");
}

/* ------------------------------------------------------------------ ports as text */

static void ports_as_lists_show_them(void **state)
{
	static char any[] = "0.0.0.0", any6[] = "::", lo[] = "127.0.0.1";
	static const struct tare_port both[] = {
	        {IPPROTO_TCP, any, 8080, 80},
	        {IPPROTO_TCP, any6, 8080, 80},
	};
	static const struct tare_port ranges[] = {
	        {IPPROTO_UDP, NULL, 0, 53},
	        {IPPROTO_TCP, any, 8000, 9000},
	        {IPPROTO_TCP, any6, 8000, 9000},
	        {IPPROTO_TCP, any, 8001, 9001},
	        {IPPROTO_TCP, any6, 8001, 9001},
	        {IPPROTO_TCP, any, 8003, 9002},
	        {IPPROTO_TCP, any6, 8002, 9002},
	        {IPPROTO_TCP, NULL, 0, 9003},
	        {IPPROTO_TCP, NULL, 0, 9004},
	        {IPPROTO_UDP, NULL, 0, 9005},
	        {IPPROTO_TCP, lo, 1, 9006},
	};
	cleanup_buf struct buf text = BUF_INIT;

	(void)state;
	tare_ports_text(both, 2, &text);
	assert_string_equal(buf_str(&text), "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp");
	buf_reset(&text);
	tare_ports_text(ranges, sizeof ranges / sizeof *ranges, &text);
	assert_string_equal(buf_str(&text),
	        "53/udp, 0.0.0.0:8000-8001->9000-9001/tcp, [::]:8000-8002->9000-9002/tcp, "
	        "0.0.0.0:8003->9002/tcp, 9003-9004/tcp, 9005/udp, 127.0.0.1:1->9006/tcp");
	buf_reset(&text);
	tare_ports_text(NULL, 0, &text);
	assert_string_equal(buf_str(&text), "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, request_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(networks_are_collected),
	        TEST(modes_are_no_networks),
	        TEST(addresses_are_of_the_first_network),
	        TEST(an_address_alone_is_of_the_default_network),
	        TEST(addresses_need_a_network_of_their_own),
	        TEST(names_are_those_of_the_shared_network),
	        TEST(bad_networks),
	        TEST(bad_addresses),
	        TEST(aliases),
	        TEST(ports_are_published),
	        TEST(bad_ports),
	        TEST(ports_are_exposed),
	        TEST(ports_of_documents),
	        TEST(a_port_of_the_host_is_given_once),
	        TEST(ports_need_a_network),
	        TEST(a_group_needs_ports),
	        TEST(ports_as_lists_show_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
