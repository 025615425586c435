/* What the tests of links have in common: a network namespace in the place of the host's, with a bridge, and
 * others in the place of containers', joined to it. Included after cmocka.h. */
#ifndef TARE_TESTS_UNIT_NET_BOX_H
#define TARE_TESTS_UNIT_NET_BOX_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/veth.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "net/link.h"
#include "net/link_message.h"

#define NET_BOX_MOST 4
#define NET_BOX_MTU  1500

struct net_container {
	int ns;
	struct link_handle *inside;
	char link[IFNAMSIZ]; /* the host's end */
	unsigned index;
	struct net_address address[2];
};

struct net_box {
	int home, host; /* the namespace that the test was started in, the one that stands for the host's */
	struct link_handle *h;
	struct link_bridge bridge;
	unsigned bridge_index;
	struct net_container container[NET_BOX_MOST];
	struct err e;
};

#define NET_SOON 1000 /* ms in which what should arrive does */
#define NET_LATE 100  /* ms after which what should not arrive never will */

#define net_eventually(condition)                                                                            \
	do {                                                                                                 \
		for (int tries_ = 0; !(condition); tries_++) {                                               \
			if (tries_ == 300)                                                                   \
				fail_msg("never: %s", #condition);                                           \
			net_nap(10);                                                                         \
		}                                                                                            \
	} while (0)

static inline void net_nap(int ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

static inline struct net_address net_address_of(const char *text)
{
	struct net_address a;

	assert_int_equal(net_address_parse(text, &a, NULL), 0);
	return a;
}

static inline int net_here(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static inline void net_enter(int ns)
{
	assert_int_equal(setns(ns, CLONE_NEWNET), 0);
}

/* A new namespace; the test stays where it is. */
static inline int net_namespace(void)
{
	cleanup_fd int here = net_here();
	int ns;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	ns = net_here();
	net_enter(here);
	return ns;
}

static inline void net_sysctl(int ns, const char *path, const char *value)
{
	cleanup_fd int here = net_here();
	char full[128];

	net_enter(ns);
	snprintf(full, sizeof full, "/proc/sys/net/%s", path);
	if (file_poke(AT_FDCWD, full, value) < 0)
		fail_msg("%s: %s", full, strerror(errno));
	net_enter(here);
}

/* A file of /proc as that namespace sees it. */
static inline const char *net_proc(int ns, const char *path)
{
	static char text[65536];
	cleanup_fd int here = net_here();

	net_enter(ns);
	if (file_read_small(AT_FDCWD, path, text, sizeof text) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	net_enter(here);
	return text;
}

static inline int net_socket(int ns, int family, int type, int protocol)
{
	cleanup_fd int here = net_here();
	int fd;

	net_enter(ns);
	fd = socket(family, type | SOCK_CLOEXEC, protocol);
	net_enter(here);
	assert_true(fd >= 0);
	return fd;
}

static inline struct ifreq net_interface(int fd, unsigned long request, const char *name)
{
	struct ifreq r = {0};

	strcpy(r.ifr_name, name);
	if (ioctl(fd, request, &r) < 0)
		fail_msg("%s: %s", name, strerror(errno));
	return r;
}

static inline bool net_is_up(int ns, const char *name)
{
	cleanup_fd int fd = net_socket(ns, AF_INET, SOCK_DGRAM, 0);

	return net_interface(fd, SIOCGIFFLAGS, name).ifr_flags & IFF_UP;
}

static inline void net_set_flags(int ns, const char *name, short set, short clear)
{
	cleanup_fd int fd = net_socket(ns, AF_INET, SOCK_DGRAM, 0);
	struct ifreq r = net_interface(fd, SIOCGIFFLAGS, name);

	r.ifr_flags = (short)((r.ifr_flags | set) & ~clear);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &r), 0);
}

static inline void net_assert_sysctl(int ns, const char *path, const char *value)
{
	char full[128];

	snprintf(full, sizeof full, "/proc/sys/net/%s", path);
	assert_string_equal(net_proc(ns, full), value);
}

static inline socklen_t net_sockaddr(const struct net_address *a, uint16_t port, struct sockaddr_storage *to)
{
	*to = (struct sockaddr_storage){.ss_family = (sa_family_t)a->family};
	if (a->family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)to;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, a->bytes, 4);
		return sizeof *in;
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, a->bytes, 16);
	return sizeof *in6;
}

/* A datagram from one namespace to an address of another arrives within `ms`, from `as` (NULL: whoever). */
static inline bool net_arrives(
        int from, int to, const struct net_address *at, const struct net_address *as, int ms)
{
	cleanup_fd int in = net_socket(to, at->family, SOCK_DGRAM, 0);
	cleanup_fd int out = net_socket(from, at->family, SOCK_DGRAM, 0);
	struct sockaddr_storage there, sender;
	struct pollfd p = {.fd = in, .events = POLLIN};
	socklen_t len = net_sockaddr(at, 4242, &there), sender_len = sizeof sender;
	char text[8];

	assert_int_equal(bind(in, (struct sockaddr *)&there, len), 0);
	if (sendto(out, "hello", 5, 0, (struct sockaddr *)&there, len) != 5 || poll(&p, 1, ms) != 1)
		return false;
	assert_int_equal(recvfrom(in, text, sizeof text, 0, (struct sockaddr *)&sender, &sender_len), 5);
	if (as) {
		struct sockaddr_storage want;
		net_sockaddr(as, 0, &want);
		assert_memory_equal(as->family == AF_INET
		                            ? (void *)&((struct sockaddr_in *)&sender)->sin_addr
		                            : (void *)&((struct sockaddr_in6 *)&sender)->sin6_addr,
		        as->bytes, net_address_len(as));
	}
	return true;
}

#define net_ok(call)                                                                                         \
	do {                                                                                                 \
		if ((call) < 0)                                                                              \
			fail_msg("%s: %s", #call, box->e.msg);                                               \
	} while (0)

static inline struct link_bridge net_box_bridge(void)
{
	return (struct link_bridge){.name = "br0",
	        .mac = {0x02, 0, 0, 0, 0, 0x01},
	        .address = {net_address_of("10.209.0.1"), net_address_of("fd00:209::1")},
	        .prefix = {16, 64},
	        .mtu = NET_BOX_MTU,
	        .route_localnet = true};
}

/* The n-th container's pair, its namespace being made. */
static inline struct link_pair net_box_pair(struct net_box *box, unsigned n, int ns)
{
	struct link_pair p = {.bridge = box->bridge_index,
	        .name = "eth0",
	        .netns_fd = ns,
	        .mac = {0x02, 0, 0, 0x01, (unsigned char)(n >> 8), (unsigned char)n},
	        .mtu = NET_BOX_MTU};

	snprintf(p.host_name, sizeof p.host_name, "tv%u", n);
	return p;
}

static inline struct link_interface net_box_interface(struct net_box *box, unsigned n)
{
	struct link_interface i = {.name = "eth0",
	        .address = {box->bridge.address[0], box->bridge.address[1]},
	        .prefix = {box->bridge.prefix[0], box->bridge.prefix[1]},
	        .gateway = {box->bridge.address[0], box->bridge.address[1]}};

	i.address[0].bytes[3] = i.address[1].bytes[15] = (unsigned char)(n + 2);
	return i;
}

/* The n-th container with its end of the pair up; `with` may be NULL. */
static inline struct net_container *net_box_join(
        struct net_box *box, unsigned n, bool isolated, const struct link_interface *with)
{
	struct net_container *c = &box->container[n];
	struct link_interface usual = net_box_interface(box, n);
	struct link_pair p;

	c->ns = net_namespace();
	p = net_box_pair(box, n, c->ns);
	p.isolated = isolated;
	net_ok(link_pair_create(box->h, &p, &c->index, &box->e));
	strcpy(c->link, p.host_name);
	c->inside = link_open_at(c->ns, &box->e);
	assert_non_null(c->inside);
	net_ok(link_interface_setup(c->inside, c->ns, with ? with : &usual, &box->e));
	for (int f = 0; f < 2; f++)
		c->address[f] = (with ? with : &usual)->address[f];
	link_settle(box->h, c->index, box->bridge_index, c->inside, &c->address[1]);
	return c;
}

static inline int net_box_setup(void **state)
{
	struct net_box *box = calloc(1, sizeof *box);

	*state = box;
	box->home = box->host = -1;
	for (int i = 0; i < NET_BOX_MOST; i++)
		box->container[i].ns = -1;
	if (geteuid() != 0)
		return 0;
	box->home = net_here();
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	box->host = net_here();
	box->h = link_open(&box->e);
	assert_non_null(box->h);
	box->bridge = net_box_bridge();
	net_ok(link_bridge_ensure(box->h, &box->bridge, &box->bridge_index, &box->e));
	return 0;
}

static inline int net_box_teardown(void **state)
{
	struct net_box *box = *state;

	for (int i = 0; i < NET_BOX_MOST; i++) {
		link_close(&box->container[i].inside);
		close_fd(&box->container[i].ns);
	}
	link_close(&box->h);
	if (box->home >= 0)
		net_enter(box->home);
	close_fd(&box->host);
	close_fd(&box->home);
	free(box);
	return 0;
}

/* In the place of a network card: one end of a pair, whose other is up too. */
static inline void net_box_card(struct net_box *box, const char *name)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
	struct nlattr *link;
	char far[IFNAMSIZ];

	snprintf(far, sizeof far, "far-%s", name);
	link_begin(box->h, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof info);
	link_put_text(box->h, IFLA_IFNAME, name);
	link = link_nest(box->h, IFLA_LINKINFO);
	link_put_text(box->h, IFLA_INFO_KIND, "veth");
	struct nlattr *data = link_nest(box->h, IFLA_INFO_DATA), *peer = link_nest(box->h, VETH_INFO_PEER);
	nlmsg_append(box->h->building, &info, sizeof info, NLMSG_ALIGNTO);
	link_put_text(box->h, IFLA_IFNAME, far);
	link_nest_end(box->h, peer);
	link_nest_end(box->h, data);
	link_nest_end(box->h, link);
	link_end(box->h, "cannot make a card", 0);
	net_ok(link_commit(box->h, &box->e));
	net_set_flags(box->host, name, IFF_UP, 0);
	net_set_flags(box->host, far, IFF_UP, 0);
	link_settle(
	        box->h, link_index(box->h, name), link_index(box->h, far), box->h, &(struct net_address){0});
}

#define net_box_test(f) cmocka_unit_test_setup_teardown(f, net_box_setup, net_box_teardown)

#define net_box_needs_root()                                                                                 \
	do {                                                                                                 \
		if (geteuid())                                                                               \
			skip();                                                                              \
	} while (0)

#endif
