/* A small world for tests with real packets: a host with an interface outside and two networks of Tare's, in
 * network namespaces of their own. Nothing of the machine's own network is touched. Included after cmocka.h.
 *
 *   OUTSIDE .2 -- 192.0.2.0/24 -- .1 eth0  HOST  tare0 10.1.0.1/16 -- A1 .11, A2 .12
 *   INNER   .2 -- 198.51.100.0/24 -- .1 eth1     trb   10.2.0.1/16 -- B1 .11
 *
 * IPv6 the same with 2001:db8:1::, 2001:db8:2::, fd00:a::, fd00:b::. */
#ifndef TARE_TESTS_UNIT_NET_WORLD_H
#define TARE_TESTS_UNIT_NET_WORLD_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "net/address.h"
#include "net/link.h"
#include "net/nft.h"

enum place { HOST, OUTSIDE, INNER, A1, A2, B1, PLACES };
enum bridge { ETH0, ETH1, NET_A, NET_B, BRIDGES };

#define WORLD_TABLE "tare-test"
/* What should not come is waited for so long; what should, at most so long. */
#define LOST_MS 60
#define COME_MS 2000

static struct world {
	int home, ns[PLACES];
	struct err e;
} world;

static const struct bridge_plan {
	const char *name, *ip, *ip6;
	unsigned prefix;
} bridges[BRIDGES] = {
        [ETH0] = {"eth0", "192.0.2.1", "2001:db8:1::1", 24},
        [ETH1] = {"eth1", "198.51.100.1", "2001:db8:2::1", 24},
        [NET_A] = {"tare0", "10.1.0.1", "fd00:a::1", 16},
        [NET_B] = {"trb", "10.2.0.1", "fd00:b::1", 16},
};
static const struct host_plan {
	const char *link, *ip, *ip6;
	enum bridge bridge;
} hosts[PLACES] = {
        [OUTSIDE] = {"outside", "192.0.2.2", "2001:db8:1::2", ETH0},
        [INNER] = {"inner", "198.51.100.2", "2001:db8:2::2", ETH1},
        [A1] = {"ttesta1", "10.1.0.11", "fd00:a::11", NET_A},
        [A2] = {"ttesta2", "10.1.0.12", "fd00:a::12", NET_A},
        [B1] = {"ttestb1", "10.2.0.11", "fd00:b::11", NET_B},
};
static const char *const owners[PLACES] = {
        [A1] = "aaaaaaaaaaa1", [A2] = "aaaaaaaaaaa2", [B1] = "bbbbbbbbbbb1"};

#define must(call)                                                                                           \
	do {                                                                                                 \
		if ((call) < 0)                                                                              \
			fail_msg("%s: %s", #call, world.e.msg);                                              \
	} while (0)

static inline struct net_address address(const char *text)
{
	struct net_address a = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};

	assert_int_equal(inet_pton(a.family, text, a.bytes), 1);
	return a;
}

static inline void go(enum place p)
{
	assert_int_equal(setns(world.ns[p], CLONE_NEWNET), 0);
}

static inline void bridge_mac(enum bridge b, unsigned char mac[NET_MAC_LEN])
{
	memcpy(mac, (unsigned char[]){2, 0, 0, 0, 1, (unsigned char)b}, NET_MAC_LEN);
}

static inline void host_mac(enum place p, unsigned char mac[NET_MAC_LEN])
{
	memcpy(mac, (unsigned char[]){2, 0, 0, 0, 2, (unsigned char)p}, NET_MAC_LEN);
}

/* In the namespace that the caller is in. */
static inline void sysctl_set(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof path, "/proc/sys/net/%s", name);
	if (file_poke(AT_FDCWD, path, value) < 0 && errno != ENOENT)
		fail_msg("cannot set %s: %s", path, strerror(errno));
}

static inline void lo_up(void)
{
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &r), 0);
}

static inline void make_bridge(struct link_handle *h, enum bridge b, unsigned *index)
{
	struct link_bridge wish = {.name = bridges[b].name,
	        .address = {address(bridges[b].ip), address(bridges[b].ip6)},
	        .prefix = {bridges[b].prefix, 64},
	        .route_localnet = b >= NET_A};

	bridge_mac(b, wish.mac);
	must(link_bridge_ensure(h, &wish, index, &world.e));
}

static inline void make_host(struct link_handle *h, enum place p, unsigned bridge)
{
	const struct host_plan *plan = &hosts[p];
	struct link_pair pair = {.bridge = bridge, .name = "eth0", .netns_fd = world.ns[p]};
	struct link_interface face = {.name = "eth0",
	        .address = {address(plan->ip), address(plan->ip6)},
	        .prefix = {bridges[plan->bridge].prefix, 64},
	        .gateway = {address(bridges[plan->bridge].ip), address(bridges[plan->bridge].ip6)}};
	struct link_handle *there = link_open_at(world.ns[p], &world.e);
	unsigned index;

	assert_non_null(there);
	snprintf(pair.host_name, sizeof pair.host_name, "%s", plan->link);
	host_mac(p, pair.mac);
	must(link_pair_create(h, &pair, &index, &world.e));
	must(link_interface_setup(there, world.ns[p], &face, &world.e));
	link_close(&there);
}

static inline struct nft_network network_of(enum bridge b)
{
	return (struct nft_network){
	        .bridge = bridges[b].name, .gateway = {address(bridges[b].ip), address(bridges[b].ip6)}};
}

static inline struct nft_member member_of(enum place p)
{
	struct nft_member m = {.link = hosts[p].link,
	        .owner = owners[p],
	        .address = {address(hosts[p].ip), address(hosts[p].ip6)}};

	host_mac(p, m.mac);
	return m;
}

static inline struct nft_port port_of(enum place p, int protocol, const char *host, int port)
{
	bool six = strchr(host, ':');

	return (struct nft_port){.owner = owners[p],
	        .protocol = protocol,
	        .host = address(host),
	        .host_port = (uint16_t)port,
	        .to = address(six ? hosts[p].ip6 : hosts[p].ip),
	        .to_port = 80};
}

/* One batch on the host. */
#define change(...)                                                                                          \
	do {                                                                                                 \
		struct nft_batch *batch;                                                                     \
		go(HOST);                                                                                    \
		batch = nft_batch_open(WORLD_TABLE, &world.e);                                               \
		assert_non_null(batch);                                                                      \
		__VA_ARGS__;                                                                                 \
		must(nft_batch_commit(batch, &world.e));                                                     \
		nft_batch_close(&batch);                                                                     \
	} while (0)

static inline void publish(int protocol, const char *host, int port, enum place p)
{
	struct nft_port wish = port_of(p, protocol, host, port);

	change(nft_port(batch, NFT_ADD, &wish));
}

/* A host with br_netfilter, as Docker needs it, sends bridged frames through the same rules. */
static inline void bridged_frames_pass_rules(bool on)
{
	go(HOST);
	sysctl_set("bridge/bridge-nf-call-iptables", on ? "1" : "0");
	sysctl_set("bridge/bridge-nf-call-ip6tables", on ? "1" : "0");
}

/* The tables as they are after `network create` twice and three starts. */
static inline void lay_world(void)
{
	bool no_bridge;
	struct nft_network a = network_of(NET_A), b = network_of(NET_B);

	bridged_frames_pass_rules(false);
	must(nft_lay(WORLD_TABLE, true, &no_bridge, &world.e));
	assert_false(no_bridge);
	change({
		nft_network(batch, NFT_ADD, &a);
		nft_network(batch, NFT_ADD, &b);
		for (enum place p = A1; p <= B1; p++) {
			struct nft_member m = member_of(p);
			nft_member(batch, NFT_ADD, &m);
		}
	});
}

/* What comes out of that port is not looked at from now on. */
static inline void trust(enum place p)
{
	struct nft_member m = member_of(p), trusted = m;

	trusted.trusted = true;
	change({
		nft_member(batch, NFT_REMOVE, &m);
		nft_member(batch, NFT_ADD, &trusted);
	});
}

static inline void needs_root(void)
{
	if (geteuid() != 0)
		skip();
}

static int make_world(void **state)
{
	unsigned index[BRIDGES];
	struct link_handle *h;

	(void)state;
	if (geteuid() != 0)
		return 0;
	world.home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	for (enum place p = HOST; p < PLACES; p++) {
		assert_int_equal(unshare(CLONE_NEWNET), 0);
		world.ns[p] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		lo_up();
		/* Another value of the machine's would be taken over. */
		sysctl_set("ipv4/conf/all/rp_filter", "0");
		sysctl_set("ipv4/conf/default/rp_filter", "0");
	}
	go(HOST);
	h = link_open(&world.e);
	assert_non_null(h);
	for (enum bridge b = ETH0; b < BRIDGES; b++)
		make_bridge(h, b, &index[b]);
	for (enum place p = OUTSIDE; p < PLACES; p++)
		make_host(h, p, index[hosts[p].bridge]);
	link_close(&h);
	sysctl_set("ipv4/ip_forward", "1");
	sysctl_set("ipv6/conf/all/forwarding", "1");
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return 0;
	setns(world.home, CLONE_NEWNET);
	for (enum place p = HOST; p < PLACES; p++)
		close_fd(&world.ns[p]);
	close_fd(&world.home);
	return 0;
}

/* ---------------------------------------------------------------- who reaches whom */

union sock_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static inline socklen_t sock_address(union sock_address *s, const char *text, int port)
{
	memset(s, 0, sizeof *s);
	if (strchr(text, ':')) {
		s->v6.sin6_family = AF_INET6;
		s->v6.sin6_port = htons((uint16_t)port);
		assert_int_equal(inet_pton(AF_INET6, text, &s->v6.sin6_addr), 1);
		return sizeof s->v6;
	}
	s->v4.sin_family = AF_INET;
	s->v4.sin_port = htons((uint16_t)port);
	assert_int_equal(inet_pton(AF_INET, text, &s->v4.sin_addr), 1);
	return sizeof s->v4;
}

/* A socket at `p`, bound; a stream listens. */
static inline int bound(enum place p, int type, const char *text, int port)
{
	union sock_address s;
	socklen_t len = sock_address(&s, text, port);
	int fd, on = 1;

	/* There is no world then, and the test is about to say so. */
	if (geteuid() != 0)
		return -1;
	go(p);
	fd = socket(s.any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &on, s.any.sa_family == AF_INET6 ? sizeof on : 0);
	if (bind(fd, &s.any, len) < 0)
		fail_msg("cannot bind %s %d: %s", text, port, strerror(errno));
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 64), 0);
	return fd;
}

struct call {
	enum place from;
	int type;
	const char *to;
	int port;
};

/* A socket that is connecting, or has sent a datagram; -1 with errno when that is refused at once. */
static inline int calling(const struct call *c)
{
	union sock_address s;
	socklen_t len = sock_address(&s, c->to, c->port);
	cleanup_fd int fd = -1;

	go(c->from);
	fd = socket(s.any.sa_family, c->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	if (connect(fd, &s.any, len) < 0 && errno != EINPROGRESS)
		return -1;
	if (c->type == SOCK_DGRAM && send(fd, "call", 4, 0) != 4)
		return -1;
	return steal_fd(&fd);
}

static inline bool readable(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms) == 1;
}

static inline const char *peer_text(const union sock_address *s)
{
	static char text[NET_ADDRESS_TEXT];

	inet_ntop(s->any.sa_family, s->any.sa_family == AF_INET6 ? (void *)&s->v6.sin6_addr : &s->v4.sin_addr,
	        text, sizeof text);
	return text;
}

/* The server answers and the caller hears it; whose address the server saw. */
static inline const char *answer(const struct call *c, int server, int caller)
{
	union sock_address peer;
	socklen_t len = sizeof peer;
	char data[8];

	if (c->type == SOCK_STREAM) {
		cleanup_fd int fd = accept4(server, &peer.any, &len, SOCK_CLOEXEC);

		assert_true(fd >= 0);
		assert_int_equal(send(fd, "yes", 3, MSG_NOSIGNAL), 3);
		if (!readable(caller, COME_MS) || recv(caller, data, sizeof data, 0) != 3)
			return "no answer";
		return peer_text(&peer);
	}
	assert_int_equal(recvfrom(server, data, sizeof data, 0, &peer.any, &len), 4);
	assert_int_equal(sendto(server, "yes", 3, 0, &peer.any, len), 3);
	if (!readable(caller, COME_MS) || recv(caller, data, sizeof data, 0) != 3)
		return "no answer";
	return peer_text(&peer);
}

/* The address of the caller as the server sees it, "refused", "lost", or "no answer". `ms`: how long. */
static inline const char *outcome(const struct call *c, int server, int ms)
{
	cleanup_fd int caller = calling(c);
	struct pollfd p[] = {{.fd = server, .events = POLLIN}, {.fd = caller, .events = POLLIN}};

	if (caller < 0)
		return "refused";
	for (int waited = 0; waited <= ms; waited += 20) {
		if (poll(p, 2, 20) <= 0)
			continue;
		if (p[0].revents)
			return answer(c, server, caller);
		if (p[1].revents & (POLLERR | POLLHUP))
			return "refused";
	}
	return "lost";
}

#define assert_seen_as(server, peer, ...)                                                                    \
	assert_string_equal(outcome(&(struct call){__VA_ARGS__}, server, COME_MS), peer)
#define assert_lost(server, ...)                                                                             \
	assert_string_equal(outcome(&(struct call){__VA_ARGS__}, server, LOST_MS), "lost")
#define assert_refused(server, ...)                                                                          \
	assert_string_equal(outcome(&(struct call){__VA_ARGS__}, server, COME_MS), "refused")

#endif
