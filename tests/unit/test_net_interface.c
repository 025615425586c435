/* A container's interface: addresses and routes of an end of a pair and of a macvlan, and who may change
 * them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>

#include "tests/unit/net_box.h"

/* ---------------------------------------------------------------- interfaces */

static void lo_and_the_default_routes_are_there(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct net_container *c = net_box_join(box, 0, false, NULL);

	assert_true(net_is_up(c->ns, "lo"));
	/* by 10.209.0.1, in the byte order of the machine */
	assert_non_null(strstr(net_proc(c->ns, "/proc/net/route"), "eth0\t00000000\t0100D10A\t0003"));
	assert_non_null(strstr(net_proc(c->ns, "/proc/net/ipv6_route"),
	        "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
	        "fd000209000000000000000000000001"));
}

static void an_interface_without_a_gateway_leads_nowhere_else(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct link_interface i = net_box_interface(box, 0);
	i.gateway[0] = i.gateway[1] = (struct net_address){0};
	struct net_container *c = net_box_join(box, 0, false, &i);

	assert_null(strstr(net_proc(c->ns, "/proc/net/route"), "eth0\t00000000\t"));
	assert_true(net_arrives(c->ns, box->host, &box->bridge.address[0], NULL, NET_SOON));
}

static void a_metric_orders_two_default_routes(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct net_container *c = net_box_join(box, 0, false, NULL);
	struct link_pair p = net_box_pair(box, 1, c->ns);
	struct link_interface i = net_box_interface(box, 1);
	unsigned index;

	net_ok(link_next_name(c->inside, p.name, &box->e));
	assert_string_equal(p.name, "eth1");
	net_ok(link_pair_create(box->h, &p, &index, &box->e));
	strcpy(i.name, "eth1");
	i.metric = 77;
	net_ok(link_interface_setup(c->inside, c->ns, &i, &box->e));
	assert_non_null(
	        strstr(net_proc(c->ns, "/proc/net/route"), "eth0\t00000000\t0100D10A\t0003\t0\t0\t0\t"));
	assert_non_null(
	        strstr(net_proc(c->ns, "/proc/net/route"), "eth1\t00000000\t0100D10A\t0003\t0\t0\t77\t"));
}

static void without_an_address_there_is_no_ipv6(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct link_interface i = net_box_interface(box, 0);
	i.address[1].family = i.gateway[1].family = 0;
	struct net_container *c = net_box_join(box, 0, false, &i);

	assert_true(net_arrives(c->ns, box->host, &box->bridge.address[0], &i.address[0], NET_SOON));
	net_nap(NET_LATE);
	assert_null(strstr(net_proc(c->ns, "/proc/net/if_inet6"), "eth0"));
}

static void without_an_address_there_is_no_ipv4(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct link_interface i = net_box_interface(box, 0);
	i.address[0].family = i.gateway[0].family = 0;
	struct net_container *c = net_box_join(box, 0, false, &i);

	assert_true(net_arrives(c->ns, box->host, &box->bridge.address[1], &i.address[1], NET_SOON));
	assert_null(strstr(net_proc(c->ns, "/proc/net/route"), "eth0"));
}

static void an_interface_that_cannot_be_set_up_is_an_error(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct net_container *c = net_box_join(box, 0, false, NULL);
	struct link_interface i = net_box_interface(box, 0);

	strcpy(i.name, "eth9");
	assert_int_equal(link_interface_setup(c->inside, c->ns, &i, &box->e), -1);
	assert_int_equal(box->e.kind, ERR_NOT_FOUND);
	assert_non_null(strstr(box->e.msg, "eth9"));
	/* a gateway that is on no network of it */
	i = net_box_interface(box, 0);
	i.gateway[0] = net_address_of("192.0.2.1");
	i.metric = 5;
	assert_int_equal(link_interface_setup(c->inside, c->ns, &i, &box->e), -1);
	assert_non_null(strstr(box->e.msg, "eth0: cannot set the IPv4 default route"));
}

/* ---------------------------------------------------------------- router advertisements */

struct advertisement {
	struct ether_header ether;
	struct ip6_hdr ip;
	struct nd_router_advert ra;
	struct nd_opt_prefix_info prefix;
} __attribute__((packed));

static uint16_t checksum(const struct advertisement *f)
{
	const unsigned char *body = (const unsigned char *)&f->ra,
	                    *ends = (const unsigned char *)&f->ip.ip6_src;
	size_t len = sizeof *f - offsetof(struct advertisement, ra);
	uint32_t sum = (uint32_t)len + IPPROTO_ICMPV6;

	for (size_t i = 0; i < 32; i += 2)
		sum += (uint32_t)(ends[i] << 8 | ends[i + 1]);
	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)(body[i] << 8 | body[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* "I am everybody's router, and these are your addresses", from a container's interface to all. */
static void advertise(const struct net_container *from)
{
	cleanup_fd int fd = net_socket(from->ns, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	struct advertisement f = {
	        .ether = {.ether_dhost = {0x33, 0x33, 0, 0, 0, 1}, .ether_type = htons(ETHERTYPE_IPV6)},
	        .ip = {.ip6_src = {.s6_addr = {0xfe, 0x80, [15] = 0x66}},
	                .ip6_dst = {.s6_addr = {0xff, 0x02, [15] = 1}}},
	        .ra = {.nd_ra_hdr.icmp6_type = ND_ROUTER_ADVERT},
	        .prefix = {.nd_opt_pi_type = ND_OPT_PREFIX_INFORMATION,
	                .nd_opt_pi_len = 4,
	                .nd_opt_pi_prefix_len = 64,
	                .nd_opt_pi_flags_reserved = ND_OPT_PI_FLAG_ONLINK | ND_OPT_PI_FLAG_AUTO,
	                .nd_opt_pi_valid_time = htonl(3600),
	                .nd_opt_pi_preferred_time = htonl(3600),
	                .nd_opt_pi_prefix = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8, 0x66}}}};
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IPV6), .sll_halen = 6};

	to.sll_ifindex = (int)link_index(from->inside, "eth0");
	f.ether.ether_shost[0] = 0x02;
	f.ip.ip6_flow = htonl(UINT32_C(6) << 28);
	f.ip.ip6_plen = htons((uint16_t)(sizeof f - offsetof(struct advertisement, ra)));
	f.ip.ip6_nxt = IPPROTO_ICMPV6;
	f.ip.ip6_hlim = 255;
	f.ra.nd_ra_curhoplimit = 64;
	f.ra.nd_ra_router_lifetime = htons(1800);
	f.ra.nd_ra_cksum = checksum(&f);
	assert_int_equal(sendto(fd, &f, sizeof f, 0, (struct sockaddr *)&to, sizeof to), sizeof f);
}

static bool believes(int ns)
{
	return strstr(net_proc(ns, "/proc/net/ipv6_route"), "20010db8") ||
	       strstr(net_proc(ns, "/proc/net/ipv6_route"), "fe800000000000000000000000000066");
}

/* CVE-2020-13401: nobody takes a container for his router, neither another container nor the host. */
static void a_router_advertisement_changes_nothing(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct net_container *liar = net_box_join(box, 0, false, NULL),
	                     *victim = net_box_join(box, 1, false, NULL);
	struct net_container *fool = net_box_join(box, 2, false, NULL);

	/* one that listens, to see that there is something to hear */
	net_sysctl(fool->ns, "ipv6/conf/eth0/accept_ra", "2");
	net_eventually((advertise(liar), believes(fool->ns)));
	net_nap(NET_LATE);
	assert_false(believes(victim->ns));
	assert_false(believes(box->host));
}

/* ---------------------------------------------------------------- macvlan */

static struct link_macvlan macvlan(unsigned n, int ns)
{
	return (struct link_macvlan){.parent = "lan0",
	        .name = "eth0",
	        .netns_fd = ns,
	        .mac = {0x02, 0, 0, 0x02, 0, (unsigned char)n},
	        .mtu = 1400};
}

static void macvlans_of_a_parent_reach_each_other(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();

	net_box_card(box, "lan0");
	for (unsigned n = 0; n < 2; n++) {
		struct net_container *c = &box->container[n];
		c->ns = net_namespace();
		struct link_macvlan m = macvlan(n, c->ns);
		struct link_interface i = {.name = "eth0", .prefix = {24, 64}};
		net_ok(link_macvlan_create(box->h, &m, &box->e));
		c->inside = link_open_at(c->ns, &box->e);
		i.address[0] = c->address[0] = net_address_of(n ? "192.0.2.11" : "192.0.2.10");
		i.address[1] = c->address[1] = net_address_of(n ? "fd00:2::11" : "fd00:2::10");
		net_ok(link_interface_setup(c->inside, c->ns, &i, &box->e));
		link_settle(box->h, 0, 0, c->inside, &i.address[1]);
		cleanup_fd int fd = net_socket(c->ns, AF_INET, SOCK_DGRAM, 0);
		assert_int_equal(net_interface(fd, SIOCGIFMTU, "eth0").ifr_mtu, 1400);
	}
	struct net_container *a = &box->container[0], *b = &box->container[1];
	for (int f = 0; f < 2; f++)
		assert_true(net_arrives(a->ns, b->ns, &b->address[f], &a->address[f], NET_SOON));
}

static void private_macvlans_do_not_reach_each_other(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();

	net_box_card(box, "lan0");
	for (unsigned n = 0; n < 2; n++) {
		struct net_container *c = &box->container[n];
		c->ns = net_namespace();
		struct link_macvlan m = macvlan(n, c->ns);
		struct link_interface i = {.name = "eth0", .prefix = {24}};
		m.mode = "private";
		net_ok(link_macvlan_create(box->h, &m, &box->e));
		c->inside = link_open_at(c->ns, &box->e);
		i.address[0] = c->address[0] = net_address_of(n ? "192.0.2.11" : "192.0.2.10");
		net_ok(link_interface_setup(c->inside, c->ns, &i, &box->e));
	}
	assert_false(net_arrives(
	        box->container[0].ns, box->container[1].ns, &box->container[1].address[0], NULL, NET_LATE));
}

static void a_macvlan_that_cannot_be_is_an_error(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	cleanup_fd int ns = net_namespace();
	struct link_macvlan m = macvlan(0, ns);

	assert_int_equal(link_macvlan_create(box->h, &m, &box->e), -1);
	assert_int_equal(box->e.kind, ERR_NOT_FOUND);
	assert_non_null(strstr(box->e.msg, "lan0"));
	net_box_card(box, "lan0");
	m.mode = "bridged";
	assert_int_equal(link_macvlan_create(box->h, &m, &box->e), -1);
	assert_int_equal(box->e.kind, ERR_USAGE);
	m.mode = "vepa";
	net_ok(link_macvlan_create(box->h, &m, &box->e));
	assert_int_equal(link_macvlan_create(box->h, &m, &box->e), -1);
	assert_int_equal(box->e.kind, ERR_CONFLICT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        net_box_test(lo_and_the_default_routes_are_there),
	        net_box_test(an_interface_without_a_gateway_leads_nowhere_else),
	        net_box_test(a_metric_orders_two_default_routes),
	        net_box_test(without_an_address_there_is_no_ipv6),
	        net_box_test(without_an_address_there_is_no_ipv4),
	        net_box_test(an_interface_that_cannot_be_set_up_is_an_error),
	        net_box_test(a_router_advertisement_changes_nothing),
	        net_box_test(macvlans_of_a_parent_reach_each_other),
	        net_box_test(private_macvlans_do_not_reach_each_other),
	        net_box_test(a_macvlan_that_cannot_be_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
