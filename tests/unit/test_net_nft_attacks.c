/* What a container with CAP_NET_RAW can try: frames made by hand, each beside its honest twin, which passes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "tests/unit/net_world.h"

#define MAC_LEN NET_MAC_LEN

struct frame {
	unsigned char bytes[512];
	size_t len;
};
typedef unsigned char mac_address[MAC_LEN];

static const mac_address everybody = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
/* LLDP's: a bridge keeps such a frame to itself (IEEE 802.1Q, table 8-1). */
static const mac_address this_link = {0x01, 0x80, 0xc2, 0, 0, 0x0e};

static void add(struct frame *f, const void *data, size_t len)
{
	assert_true(f->len + len <= sizeof f->bytes);
	memcpy(f->bytes + f->len, data, len);
	f->len += len;
}

static void add16(struct frame *f, unsigned v)
{
	add(f, (unsigned char[]){(unsigned char)(v >> 8), (unsigned char)v}, 2);
}

static void add_bytes(struct frame *f, unsigned char byte, size_t n)
{
	while (n--)
		add(f, &byte, 1);
}

static void add_address(struct frame *f, const char *text)
{
	struct net_address a = address(text);

	add(f, a.bytes, net_address_len(&a));
}

static void add_mac(struct frame *f, enum place p)
{
	mac_address mac;

	host_mac(p, mac);
	add(f, mac, sizeof mac);
}

static struct frame frame_to(const mac_address to, enum place from, unsigned type)
{
	struct frame f = {.len = 0};

	add(&f, to, MAC_LEN);
	add_mac(&f, from);
	add16(&f, type);
	return f;
}

static uint16_t sum_of(const unsigned char *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += (uint32_t)p[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Sender and target of an ARP message; `says`: whose link address it gives for `ip`. */
static struct frame arp(
        enum place from, unsigned operation, enum place says, const char *ip, const char *target)
{
	struct frame f = frame_to(everybody, from, ETH_P_ARP);

	add16(&f, 1);
	add16(&f, ETH_P_IP);
	add(&f, (unsigned char[]){MAC_LEN, 4}, 2);
	add16(&f, operation);
	add_mac(&f, says);
	add_address(&f, ip);
	add(&f, everybody, MAC_LEN);
	add_address(&f, target);
	return f;
}

static void add_ip4(struct frame *f, unsigned protocol, const char *from, const char *to, size_t payload)
{
	size_t start = f->len;
	uint16_t sum;

	add(f, (unsigned char[]){0x45, 0}, 2);
	add16(f, (unsigned)(20 + payload));
	add(f, (unsigned char[]){0, 1, 0, 0, 64, (unsigned char)protocol, 0, 0}, 8);
	add_address(f, from);
	add_address(f, to);
	sum = sum_of(f->bytes + start, 20, 0);
	f->bytes[start + 10] = (unsigned char)(sum >> 8);
	f->bytes[start + 11] = (unsigned char)sum;
}

static void add_udp(struct frame *f, unsigned from, unsigned to)
{
	add16(f, from);
	add16(f, to);
	add16(f, 8 + 4);
	add16(f, 0); /* no checksum */
	add(f, "call", 4);
}

struct datagram {
	enum place mac;
	const char *from, *to;
	unsigned source_port, port;
};
static struct frame udp4(const mac_address to, struct datagram d)
{
	struct frame f = frame_to(to, d.mac, ETH_P_IP);

	add_ip4(&f, IPPROTO_UDP, d.from, d.to, 12);
	add_udp(&f, d.source_port ? d.source_port : 4000, d.port ? d.port : 4000);
	return f;
}

static void add_ip6(struct frame *f, unsigned next, const char *from, const char *to, size_t payload)
{
	add(f, (unsigned char[]){0x60, 0, 0, 0}, 4);
	add16(f, (unsigned)payload);
	add(f, (unsigned char[]){(unsigned char)next, 255}, 2);
	add_address(f, from);
	add_address(f, to);
}

static struct frame udp6(const mac_address to, struct datagram d)
{
	struct frame f = frame_to(to, d.mac, ETH_P_IPV6);

	add_ip6(&f, IPPROTO_UDP, d.from, d.to, 12);
	add_udp(&f, d.source_port ? d.source_port : 4000, d.port ? d.port : 4000);
	return f;
}

/* ICMPv6 (RFC 4861): type and, for the neighbour's, its target. `options`: hop-by-hop ones stand before it.
 */
static struct frame icmp6(
        enum place mac, const char *from, const char *to, unsigned type, const char *target, bool options)
{
	struct frame f = frame_to((mac_address){0x33, 0x33, 0, 0, 0, 1}, mac, ETH_P_IPV6);

	add_ip6(&f, options ? IPPROTO_HOPOPTS : IPPROTO_ICMPV6, from, to, 24 + (options ? 8 : 0));
	if (options)
		add(&f, (unsigned char[]){IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0}, 8); /* router alert */
	add(&f, (unsigned char[]){(unsigned char)type, 0, 0, 0, 0, 0, 0, 0}, 8);
	if (target)
		add_address(&f, target);
	else
		add_bytes(&f, 0, 16);
	return f;
}

static const char *link_local(enum place p)
{
	static char text[PLACES][NET_ADDRESS_TEXT];
	struct net_address a;
	mac_address mac;

	host_mac(p, mac);
	net_link_local(mac, &a);
	return net_address_text(&a, text[p]);
}

/* ---------------------------------------------------------------- sending and watching */

static int wire_of(enum place p)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd;

	go(p);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	at.sll_ifindex = (int)if_nametoindex("eth0");
	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
	return fd;
}

/* The token goes behind what the headers say there is, as padding does. */
static void send_frame(int fd, struct frame f, uint64_t token)
{
	if (f.len < 60)
		add_bytes(&f, 0, 60 - f.len);
	add(&f, &token, sizeof token);
	assert_int_equal(send(fd, f.bytes, f.len, 0), f.len);
}

static bool has_token(const unsigned char *data, size_t len, uint64_t token)
{
	return len >= sizeof token && !memcmp(data + len - sizeof token, &token, sizeof token);
}

/* Does it get from A1's port to A2? An honest frame goes after it: once that has come, it would have too. */
static bool passes(struct frame f)
{
	static uint64_t token = 0x7461726574657374;
	cleanup_fd int sender = wire_of(A1), watch = wire_of(A2);
	uint64_t sent = ++token, marker = ++token;
	bool seen = false;

	send_frame(sender, f, sent);
	send_frame(sender, arp(A1, 1, A1, hosts[A1].ip, hosts[A1].ip), marker);
	for (;;) {
		unsigned char data[2048];
		ssize_t n;

		if (!readable(watch, COME_MS))
			fail_msg("the honest frame did not come");
		n = recv(watch, data, sizeof data, 0);
		assert_true(n > 0);
		seen = seen || has_token(data, (size_t)n, sent);
		if (has_token(data, (size_t)n, marker))
			return seen;
	}
}

#define IP(p)  hosts[p].ip
#define IP6(p) hosts[p].ip6

static void link_addresses_of_others(void **state)
{
	mac_address a2;

	(void)state;
	needs_root();
	host_mac(A2, a2);
	lay_world();
	assert_true(passes(udp4(a2, (struct datagram){A1, IP(A1), IP(A2), 0, 0})));
	assert_false(passes(udp4(a2, (struct datagram){B1, IP(A1), IP(A2), 0, 0})));
	assert_false(passes(udp4(everybody, (struct datagram){A2, IP(A1), IP(A2), 0, 0})));
	/* Whoever is trusted may. */
	trust(A1);
	assert_true(passes(udp4(a2, (struct datagram){B1, IP(A1), IP(A2), 0, 0})));
}

static void arp_spoofing(void **state)
{
	(void)state;
	needs_root();
	lay_world();
	assert_true(passes(arp(A1, 2, A1, IP(A1), IP(A2))));
	assert_false(passes(arp(A1, 2, A1, "10.1.0.1", IP(A2))));
	assert_false(passes(arp(A1, 1, A1, "10.1.0.1", IP(A2))));
	assert_false(passes(arp(A1, 2, A1, IP(A2), IP(A2))));
	assert_false(passes(arp(A1, 2, A2, IP(A1), IP(A2))));
	/* Whether an address is free may be asked. */
	assert_true(passes(arp(A1, 1, A1, "0.0.0.0", "10.1.0.99")));
	assert_false(passes(arp(A1, 1, A2, "0.0.0.0", "10.1.0.99")));
}

static void sources_of_others(void **state)
{
	(void)state;
	needs_root();
	lay_world();
	assert_true(passes(udp4(everybody, (struct datagram){A1, IP(A1), IP(A2), 0, 0})));
	assert_false(passes(udp4(everybody, (struct datagram){A1, "10.1.0.1", IP(A2), 0, 0})));
	assert_false(passes(udp4(everybody, (struct datagram){A1, "192.0.2.77", IP(A2), 0, 0})));
	assert_false(passes(udp4(everybody, (struct datagram){A1, "127.0.0.1", IP(A2), 0, 0})));
	assert_false(passes(udp4(everybody, (struct datagram){A1, "0.0.0.0", IP(A2), 0, 0})));
	assert_true(passes(udp6(everybody, (struct datagram){A1, IP6(A1), IP6(A2), 0, 0})));
	assert_true(passes(udp6(everybody, (struct datagram){A1, link_local(A1), IP6(A2), 0, 0})));
	assert_false(passes(udp6(everybody, (struct datagram){A1, link_local(A2), IP6(A2), 0, 0})));
	assert_false(passes(udp6(everybody, (struct datagram){A1, "fd00:a::1", IP6(A2), 0, 0})));
	assert_false(passes(udp6(everybody, (struct datagram){A1, "::", IP6(A2), 0, 0})));
}

static void servers_of_addresses(void **state)
{
	(void)state;
	needs_root();
	lay_world();
	assert_true(passes(udp4(everybody, (struct datagram){A1, "0.0.0.0", "255.255.255.255", 68, 67})));
	assert_false(passes(udp4(everybody, (struct datagram){A1, IP(A1), "255.255.255.255", 67, 68})));
	assert_true(passes(udp6(everybody, (struct datagram){A1, link_local(A1), "ff02::1:2", 546, 547})));
	assert_false(
	        passes(udp6(everybody, (struct datagram){A1, link_local(A1), link_local(A2), 547, 546})));
}

enum { SOLICIT_ROUTER = 133, ADVERTISE_ROUTER, SOLICIT, ADVERTISE, REDIRECT, REPORT2 = 143 };

static void routers_and_neighbours(void **state)
{
	(void)state;
	needs_root();
	lay_world();
	for (int options = 0; options <= 1; options++) {
		assert_false(passes(icmp6(A1, link_local(A1), "ff02::1", ADVERTISE_ROUTER, NULL, options)));
		assert_false(passes(icmp6(A1, link_local(A1), IP6(A2), REDIRECT, "2001:db8:1::2", options)));
		assert_true(passes(icmp6(A1, IP6(A1), IP6(A2), ADVERTISE, IP6(A1), options)));
		assert_true(passes(icmp6(A1, link_local(A1), IP6(A2), ADVERTISE, link_local(A1), options)));
		assert_false(passes(icmp6(A1, IP6(A1), IP6(A2), ADVERTISE, "fd00:a::1", options)));
		assert_false(passes(icmp6(A1, IP6(A1), "ff02::1", ADVERTISE, IP6(A2), options)));
	}
	assert_true(passes(icmp6(A1, IP6(A1), "ff02::1:ff00:12", SOLICIT, IP6(A2), false)));
}

/* Before there is an address: trying one's own out, joining groups. Not trying out a neighbour's. */
static void without_an_address(void **state)
{
	(void)state;
	needs_root();
	lay_world();
	assert_true(passes(icmp6(A1, "::", "ff02::1:ff00:11", SOLICIT, IP6(A1), false)));
	assert_true(passes(icmp6(A1, "::", "ff02::1:ff00:11", SOLICIT, link_local(A1), false)));
	assert_false(passes(icmp6(A1, "::", "ff02::1:ff00:12", SOLICIT, IP6(A2), false)));
	assert_true(passes(icmp6(A1, "::", "ff02::16", REPORT2, NULL, true)));
	assert_true(passes(icmp6(A1, "::", "ff02::2", SOLICIT_ROUTER, NULL, false)));
	assert_false(passes(icmp6(A1, "::", "ff02::1", 128, NULL, false)));
}

/* Behind a tag the rules would not see what it is; the neighbour with a VLAN interface would. */
static void tags_and_other_protocols(void **state)
{
	static const unsigned tags[] = {ETH_P_8021Q, ETH_P_8021AD, ETH_P_QINQ1};
	struct frame honest = arp(A1, 2, A1, IP(A1), IP(A2)), lie = arp(A1, 2, A1, "10.1.0.1", IP(A2));
	struct frame lldp = frame_to(everybody, A1, ETH_P_LLDP);

	(void)state;
	needs_root();
	lay_world();
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
		for (int vlan = 0; vlan <= 5; vlan += 5) {
			struct frame f = frame_to(everybody, A1, tags[i]);

			add16(&f, (unsigned)vlan);
			add(&f, lie.bytes + 2 * MAC_LEN, lie.len - 2 * MAC_LEN);
			assert_false(passes(f));
			f = frame_to(everybody, A1, tags[i]);
			add16(&f, (unsigned)vlan);
			add(&f, honest.bytes + 2 * MAC_LEN, honest.len - 2 * MAC_LEN);
			assert_false(passes(f));
		}
	add_bytes(&lldp, 0, 46);
	assert_false(passes(lldp));
}

/* The bridge's ports let frames out where they came in, for a container that calls itself; nothing else of
 * what it sends comes back. */
static void nobody_hears_himself(void **state)
{
	mac_address a1;
	const struct datagram d = {A1, IP(A1), IP(A2), 0, 0};

	(void)state;
	needs_root();
	host_mac(A1, a1);
	lay_world();
	for (int to = 0; to < 2; to++) {
		cleanup_fd int ear = wire_of(A1);
		/* Nobody has that one. */
		const mac_address stranger = {2, 0, 0, 0, 9, 9};
		unsigned char data[2048];
		struct sockaddr_ll from;

		assert_int_equal(passes(udp4(to ? stranger : everybody, d)), true);
		for (;;) {
			socklen_t len = sizeof from;

			if (recvfrom(ear, data, sizeof data, MSG_DONTWAIT, (struct sockaddr *)&from, &len) <
			        0)
				break;
			assert_true(from.sll_pkttype == PACKET_OUTGOING ||
			            memcmp(data + MAC_LEN, a1, MAC_LEN) != 0);
		}
	}
}

/* ---------------------------------------------------------------- at the host */

static bool host_gets(struct frame f, const char *ip, unsigned port)
{
	cleanup_fd int server = bound(HOST, SOCK_DGRAM, ip, (int)port), sender = wire_of(A1);

	send_frame(sender, f, 0);
	return readable(server, LOST_MS);
}

/* CVE-2020-8558: a neighbour asks for 127.0.0.1, and route_localnet would let it in. */
static void services_of_the_host_alone(void **state)
{
	mac_address gateway;

	(void)state;
	needs_root();
	bridge_mac(NET_A, gateway);
	lay_world();
	trust(A1);
	assert_true(host_gets(
	        udp4(gateway, (struct datagram){A1, IP(A1), "10.1.0.1", 0, 4000}), "10.1.0.1", 4000));
	assert_false(host_gets(
	        udp4(gateway, (struct datagram){A1, IP(A1), "127.0.0.1", 0, 4000}), "127.0.0.1", 4000));
	assert_false(host_gets(
	        udp4(gateway, (struct datagram){A1, IP(A1), "127.1.2.3", 0, 4000}), "0.0.0.0", 4000));
	assert_false(host_gets(
	        udp4(gateway, (struct datagram){A1, "127.0.0.2", "10.1.0.1", 0, 4000}), "10.1.0.1", 4000));
}

/* A run has ended and another process still holds its namespace: its port is nobody's, and no longer a way
 * in. */
static void a_port_without_a_container(void **state)
{
	struct nft_member m = member_of(A1);
	const struct datagram d = {A1, IP(A1), "10.1.0.1", 0, 4000};
	mac_address gateway;

	(void)state;
	needs_root();
	bridge_mac(NET_A, gateway);
	lay_world();
	assert_true(host_gets(udp4(gateway, d), "10.1.0.1", 4000));
	change(nft_member(batch, NFT_REMOVE, &m));
	assert_false(host_gets(udp4(gateway, d), "10.1.0.1", 4000));
}

/* Such a frame is handed to the port itself: it would come from an interface that no rule knows. */
static void frames_to_the_port_itself(void **state)
{
	(void)state;
	needs_root();
	lay_world();
	assert_false(host_gets(
	        udp4(this_link, (struct datagram){A1, IP(A1), "192.0.2.1", 0, 4000}), "192.0.2.1", 4000));
	assert_false(host_gets(
	        udp4(this_link, (struct datagram){A1, IP(A2), "192.0.2.1", 0, 4000}), "192.0.2.1", 4000));
	trust(A1);
	assert_false(host_gets(
	        udp4(this_link, (struct datagram){A1, IP(A1), "192.0.2.1", 0, 4000}), "192.0.2.1", 4000));
}

/* Nor does the bridge learn from one where a neighbour is. */
static void a_neighbours_place_is_not_taken(void **state)
{
	cleanup_fd int sender = -1, server = -1;

	(void)state;
	needs_root();
	lay_world();
	server = bound(A2, SOCK_DGRAM, IP(A2), 4000);
	assert_seen_as(server, "10.1.0.1", HOST, SOCK_DGRAM, IP(A2), 4000);
	sender = wire_of(A1);
	send_frame(sender, udp4(this_link, (struct datagram){A2, IP(A2), "192.0.2.1", 0, 0}), 0);
	assert_seen_as(server, "10.1.0.1", HOST, SOCK_DGRAM, IP(A2), 4000);
}

/* What conntrack doesn't see isn't translated, and must not leave with such an address. */
static void addresses_of_the_host_alone_stay(void **state)
{
	cleanup_fd int server = -1, caller = -1;
	union sock_address peer, to;
	socklen_t len = sizeof peer, to_len;
	char data[8];

	(void)state;
	needs_root();
	lay_world();
	server = bound(A1, SOCK_DGRAM, IP(A1), 4000);
	caller = bound(HOST, SOCK_DGRAM, "127.0.0.1", 0);
	to_len = sock_address(&to, IP(A1), 4000);
	assert_int_equal(sendto(caller, "call", 4, 0, &to.any, to_len), 4);
	assert_true(readable(server, COME_MS));
	assert_int_equal(recvfrom(server, data, sizeof data, 0, &peer.any, &len), 4);
	assert_string_equal(peer_text(&peer), "10.1.0.1");
	assert_int_equal(system("nft 'table ip blind { chain out { type filter hook output priority -300;"
	                        " ip saddr 127.0.0.1 notrack; }; }'"),
	        0);
	/* Its own sender is told. */
	assert_int_equal(sendto(caller, "call", 4, 0, &to.any, to_len), -1);
	assert_int_equal(errno, EPERM);
	assert_false(readable(server, LOST_MS));
	assert_int_equal(system("nft delete table ip blind"), 0);
}

/* Does another host see A1's own address in it? */
static bool shows_its_source(struct frame f)
{
	cleanup_fd int sender = wire_of(A1), watch = wire_of(OUTSIDE);
	struct net_address inside = address(IP(A1));
	unsigned char data[2048];

	send_frame(sender, f, 0);
	while (readable(watch, LOST_MS)) {
		ssize_t n = recv(watch, data, sizeof data, 0);

		if (n >= 34 && !memcmp(data + 12, (unsigned char[]){0x08, 0}, 2) &&
		        !memcmp(data + 26, inside.bytes, 4))
			return true;
	}
	return false;
}

/* A segment without a flag is no part of any connection, so NAT lets it be. */
static void sources_stay_inside(void **state)
{
	mac_address gateway;
	struct nft_network a = network_of(NET_A);
	struct frame f;

	(void)state;
	needs_root();
	bridge_mac(NET_A, gateway);
	lay_world();
	f = frame_to(gateway, A1, ETH_P_IP);
	add_ip4(&f, IPPROTO_TCP, IP(A1), hosts[OUTSIDE].ip, 20);
	add16(&f, 4000);
	add16(&f, 80);
	add_bytes(&f, 0, 8);
	add_bytes(&f, 0x50, 1);
	add_bytes(&f, 0, 7);
	assert_true(shows_its_source(f));
	a.masquerade = true;
	change(nft_network(batch, NFT_ADD, &a));
	assert_false(shows_its_source(f));
}

/* icc=false: the bridge keeps ports apart, and the host doesn't pass on what a container sends by way of it.
 */
static void members_kept_apart(void **state)
{
	struct nft_network a = network_of(NET_A);
	struct datagram d = {A1, IP(A1), IP(A2), 0, 4000};
	mac_address gateway;

	(void)state;
	needs_root();
	bridge_mac(NET_A, gateway);
	lay_world();
	for (int apart = 0; apart <= 1; apart++) {
		cleanup_fd int server = bound(A2, SOCK_DGRAM, IP(A2), 4000), sender = wire_of(A1);
		cleanup_fd int published = bound(A2, SOCK_DGRAM, IP(A2), 80);

		a.apart = apart;
		change(nft_network(batch, NFT_ADD, &a));
		send_frame(sender, udp4(gateway, d), 0);
		assert_int_equal(readable(server, apart ? LOST_MS : COME_MS), !apart);
		if (apart) {
			publish(IPPROTO_UDP, "0.0.0.0", 8080, A2);
			assert_string_not_equal(outcome(&(struct call){A1, SOCK_DGRAM, "192.0.2.1", 8080},
			                                published, COME_MS),
			        "lost");
		}
	}
}

/* A frame of SCTP's first message: its checksum is CRC-32C (RFC 9260, appendix A). */
static uint32_t crc32c(const unsigned char *p, size_t len)
{
	uint32_t crc = UINT32_MAX;

	while (len--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

/* Raw sockets: many kernels translate SCTP without speaking it. */
static void published_sctp(void **state)
{
	struct frame f = {.len = 0};
	union sock_address to;
	socklen_t len;
	uint32_t sum;

	(void)state;
	needs_root();
	lay_world();
	publish(IPPROTO_SCTP, "0.0.0.0", 8080, A1);
	go(A1);
	cleanup_fd int server = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_SCTP);
	go(OUTSIDE);
	cleanup_fd int caller = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_SCTP);
	add16(&f, 4000);
	add16(&f, 8080);
	add_bytes(&f, 0, 8);
	add(&f, (unsigned char[]){1, 0, 0, 20, 0, 0, 0, 7, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 9}, 20);
	sum = crc32c(f.bytes, f.len);
	memcpy(f.bytes + 8, &sum, sizeof sum);
	len = sock_address(&to, "192.0.2.1", 0);
	assert_int_equal(sendto(caller, f.bytes, f.len, 0, &to.any, len), f.len);
	assert_true(readable(server, COME_MS));
	assert_true(recv(server, f.bytes, sizeof f.bytes, 0) >= 20 + 12);
	assert_memory_equal(f.bytes + 12, ((unsigned char[]){192, 0, 2, 2, 10, 1, 0, 11}), 8);
	assert_int_equal(f.bytes[22] << 8 | f.bytes[23], 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(link_addresses_of_others),
	        cmocka_unit_test(a_port_without_a_container),
	        cmocka_unit_test(arp_spoofing),
	        cmocka_unit_test(sources_of_others),
	        cmocka_unit_test(servers_of_addresses),
	        cmocka_unit_test(routers_and_neighbours),
	        cmocka_unit_test(without_an_address),
	        cmocka_unit_test(tags_and_other_protocols),
	        cmocka_unit_test(nobody_hears_himself),
	        cmocka_unit_test(services_of_the_host_alone),
	        cmocka_unit_test(frames_to_the_port_itself),
	        cmocka_unit_test(a_neighbours_place_is_not_taken),
	        cmocka_unit_test(addresses_of_the_host_alone_stay),
	        cmocka_unit_test(sources_stay_inside),
	        cmocka_unit_test(members_kept_apart),
	        cmocka_unit_test(published_sctp),
	};

	return cmocka_run_group_tests(tests, make_world, end_world);
}
