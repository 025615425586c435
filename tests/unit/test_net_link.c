/* Links of the kernel, each test in network namespaces of its own. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/veth.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <net/ethernet.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "net/link_message.h"
#include "net_box.h"

#define SOON 1000 /* ms in which what should arrive does */
#define LATE 100  /* ms after which what should not arrive never will */

#define eventually(condition)                                                                                \
	do {                                                                                                 \
		for (int tries_ = 0; !(condition); tries_++) {                                               \
			if (tries_ == 300)                                                                   \
				fail_msg("never: %s", #condition);                                           \
			net_nap(10);                                                                         \
		}                                                                                            \
	} while (0)

static struct ifreq interface_request(int fd, unsigned long request, const char *name)
{
	struct ifreq r = {0};

	strcpy(r.ifr_name, name);
	if (ioctl(fd, request, &r) < 0)
		fail_msg("%s: %s", name, strerror(errno));
	return r;
}

static bool is_up(int ns, const char *name)
{
	cleanup_fd int fd = net_socket(ns, AF_INET, SOCK_DGRAM, 0);

	return interface_request(fd, SIOCGIFFLAGS, name).ifr_flags & IFF_UP;
}

static void set_flags(int ns, const char *name, short set, short clear)
{
	cleanup_fd int fd = net_socket(ns, AF_INET, SOCK_DGRAM, 0);
	struct ifreq r = interface_request(fd, SIOCGIFFLAGS, name);

	r.ifr_flags = (short)((r.ifr_flags | set) & ~clear);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &r), 0);
}

static void assert_sysctl(int ns, const char *path, const char *value)
{
	char full[128];

	snprintf(full, sizeof full, "/proc/sys/net/%s", path);
	assert_string_equal(net_proc(ns, full), value);
}

/* In the place of a network card: one end of a pair, whose other is up too. */
static void make_card(struct net_box *box, const char *name)
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
	set_flags(box->host, name, IFF_UP, 0);
	set_flags(box->host, far, IFF_UP, 0);
	link_settle(
	        box->h, link_index(box->h, name), link_index(box->h, far), box->h, &(struct net_address){0});
}

static void add_route(struct net_box *box, const char *to, const char *link, uint32_t table)
{
	struct net_subnet s;
	struct rtmsg m = {.rtm_protocol = RTPROT_STATIC, .rtm_type = RTN_UNICAST, .rtm_scope = RT_SCOPE_LINK};

	assert_int_equal(net_subnet_parse(to, &s, NULL), 0);
	m.rtm_family = (unsigned char)s.base.family;
	m.rtm_dst_len = (unsigned char)s.prefix;
	m.rtm_table = (unsigned char)table;
	link_begin(box->h, RTM_NEWROUTE, NLM_F_CREATE, &m, sizeof m);
	if (s.prefix)
		link_put_address(box->h, RTA_DST, &s.base);
	link_put_u32(box->h, RTA_OIF, link_index(box->h, link));
	link_end(box->h, "cannot add a route", 0);
	net_ok(link_commit(box->h, &box->e));
}

/* ---------------------------------------------------------------- handles */

static void a_handle_stays_in_its_namespace(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	cleanup_fd int elsewhere = net_namespace();
	cleanup_link struct link_handle *h = link_open_at(elsewhere, &box->e);

	assert_non_null(h);
	assert_int_equal(link_index(h, "lo"), 1);
	assert_int_equal(link_index(h, "br0"), 0);
	assert_int_equal(link_index(box->h, "br0"), box->bridge_index);
	assert_int_equal(link_index(box->h, "a-name-that-is-far-too-long"), 0);
	/* and the thread came back */
	cleanup_link struct link_handle *here = link_open(&box->e);
	assert_int_equal(link_index(here, "br0"), box->bridge_index);
}

static void what_is_no_namespace_is_an_error(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	cleanup_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_null(link_open_at(null, &box->e));
	assert_non_null(strstr(box->e.msg, "namespace"));
	assert_null(link_open_at(-1, &box->e));
	cleanup_link struct link_handle *here = link_open(&box->e);
	assert_int_equal(link_index(here, "br0"), box->bridge_index);
}

/* The only netlink socket of that namespace that a program has bound. */
static unsigned netlink_port(int ns)
{
	const char *line = net_proc(ns, "/proc/net/netlink");
	unsigned protocol, port;

	while ((line = strchr(line, '\n'))) {
		line++;
		if (sscanf(line, "%*x %u %u", &protocol, &port) == 2 && protocol == NETLINK_ROUTE && port)
			return port;
	}
	fail_msg("no netlink socket");
	return 0;
}

/* Root of a container may write to every netlink socket of its namespace. */
static void answers_that_are_not_the_kernels_are_passed_over(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct net_container *c = &box->container[0];
	c->ns = net_namespace();
	c->inside = link_open_at(c->ns, &box->e);
	cleanup_fd int liar = net_socket(c->ns, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_pid = netlink_port(c->ns)};

	for (unsigned seq = 0; seq < 16; seq++) {
		struct {
			struct nlmsghdr head;
			struct nlmsgerr body;
		} lie = {.head = {.nlmsg_len = sizeof lie, .nlmsg_type = NLMSG_ERROR, .nlmsg_seq = seq},
		        .body = {.error = -ENOSPC}};
		assert_int_equal(
		        sendto(liar, &lie, sizeof lie, 0, (struct sockaddr *)&to, sizeof to), sizeof lie);
	}
	net_ok(link_remove(c->inside, "nothing", &box->e));
}

/* ---------------------------------------------------------------- bridges */

static void a_bridge_is_up_and_has_what_was_asked(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	cleanup_fd int fd = net_socket(box->host, AF_INET, SOCK_DGRAM, 0);

	assert_true(box->bridge_index > 0);
	assert_int_equal(link_index(box->h, "br0"), box->bridge_index);
	assert_true(is_up(box->host, "br0"));
	assert_memory_equal(
	        interface_request(fd, SIOCGIFHWADDR, "br0").ifr_hwaddr.sa_data, box->bridge.mac, NET_MAC_LEN);
	assert_int_equal(interface_request(fd, SIOCGIFMTU, "br0").ifr_mtu, NET_BOX_MTU);
	assert_sysctl(box->host, "ipv4/conf/br0/route_localnet", "1");
	assert_sysctl(box->host, "ipv6/conf/br0/accept_ra", "0");
	struct ifreq broadcast = interface_request(fd, SIOCGIFBRDADDR, "br0");
	assert_string_equal(
	        inet_ntoa(((struct sockaddr_in *)&broadcast.ifr_broadaddr)->sin_addr), "10.209.255.255");
	/* A server can have the IPv6 address at once. */
	cleanup_fd int server = net_socket(box->host, AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_storage at;
	socklen_t len = net_sockaddr(&box->bridge.address[1], 53, &at);
	assert_int_equal(bind(server, (struct sockaddr *)&at, len), 0);
}

static void a_bridge_without_options_has_none(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct link_bridge plain = {.name = "br1", .mac = {0x02, 0, 0, 0, 0, 0x02}};
	unsigned index = 0;

	net_ok(link_bridge_ensure(box->h, &plain, &index, &box->e));
	assert_int_equal(index, link_index(box->h, "br1"));
	assert_sysctl(box->host, "ipv4/conf/br1/route_localnet", "0");
	assert_true(is_up(box->host, "br1"));
}

static void a_bridge_that_is_there_is_kept(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	unsigned index = 0;

	for (int i = 0; i < 3; i++) {
		net_ok(link_bridge_ensure(box->h, &box->bridge, &index, &box->e));
		assert_int_equal(index, box->bridge_index);
	}
}

static void what_a_bridge_lost_is_given_back(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct net_container *c = net_box_join(box, 0, false, NULL);
	unsigned index;

	set_flags(box->host, "br0", 0, IFF_UP);
	net_ok(link_bridge_ensure(box->h, &box->bridge, &index, &box->e));
	assert_true(is_up(box->host, "br0"));
	/* its IPv6 address went with that */
	assert_true(net_arrives(c->ns, box->host, &box->bridge.address[1], &c->address[1], SOON));

	net_sysctl(box->host, "ipv4/conf/br0/route_localnet", "0");
	net_ok(link_bridge_ensure(box->h, &box->bridge, &index, &box->e));
	assert_sysctl(box->host, "ipv4/conf/br0/route_localnet", "1");

	net_sysctl(box->host, "ipv6/conf/br0/accept_ra", "2");
	net_ok(link_bridge_ensure(box->h, &box->bridge, &index, &box->e));
	assert_sysctl(box->host, "ipv6/conf/br0/accept_ra", "0");

	cleanup_fd int fd = net_socket(box->host, AF_INET, SOCK_DGRAM, 0);
	struct ifreq none = {.ifr_name = "br0", .ifr_addr.sa_family = AF_INET};
	assert_int_equal(ioctl(fd, SIOCSIFADDR, &none), 0);
	net_ok(link_bridge_ensure(box->h, &box->bridge, &index, &box->e));
	assert_true(net_arrives(c->ns, box->host, &box->bridge.address[0], &c->address[0], SOON));
	assert_int_equal(index, box->bridge_index);
}

static void a_link_of_the_name_that_is_no_bridge_is_left_alone(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct link_bridge b = net_box_bridge();
	unsigned index;

	make_card(box, "taken");
	b.name = "taken";
	assert_int_equal(link_bridge_ensure(box->h, &b, &index, &box->e), -1);
	assert_int_equal(box->e.kind, ERR_CONFLICT);
	assert_non_null(strstr(box->e.msg, "taken"));
	assert_sysctl(box->host, "ipv4/conf/taken/route_localnet", "0");
}

static void a_bridge_of_an_impossible_name_is_an_error(void **state)
{
	static const char *const bad[] = {"a-name-that-is-far-too-long", "a/b", "a b", "..", ""};
	struct net_box *box = *state;
	net_box_needs_root();

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct link_bridge b = net_box_bridge();
		unsigned index;
		b.name = bad[i];
		if (link_bridge_ensure(box->h, &b, &index, &box->e) != -1)
			fail_msg("\"%s\" was taken for a name", bad[i]);
	}
	/* and the handle is as good as before */
	assert_int_equal(link_index(box->h, "br0"), box->bridge_index);
	net_ok(link_remove(box->h, "br0", &box->e));
}

/* Two starts may make the same bridge at once: each finds none and goes on to make it. */
static void two_make_the_same_bridge(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	atomic_int *ready =
	        mmap(NULL, sizeof *ready, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(ready, MAP_FAILED);
	for (int round = 0; round < 20; round++) {
		pid_t child[2];
		net_ok(link_remove(box->h, "br0", &box->e));
		*ready = 0;
		for (int i = 0; i < 2; i++) {
			child[i] = fork();
			if (child[i] == 0) {
				struct link_handle *h = link_open(NULL);
				unsigned index = 0;
				++*ready;
				while (*ready < 2)
					;
				int r = link_bridge_ensure(h, &box->bridge, &index, &box->e);
				if (r < 0)
					fprintf(stderr, "%s\n", box->e.msg);
				_exit(r < 0 || index != link_index(h, "br0"));
			}
		}
		for (int i = 0; i < 2; i++) {
			int status;
			waitpid(child[i], &status, 0);
			assert_int_equal(status, 0);
		}
	}
	munmap(ready, sizeof *ready);
}

static void removing_what_is_gone_is_no_error(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();

	net_ok(link_remove(box->h, "br0", &box->e));
	assert_int_equal(link_index(box->h, "br0"), 0);
	net_ok(link_remove(box->h, "br0", &box->e));
	assert_int_equal(link_remove(box->h, "lo", &box->e), -1);
	assert_non_null(strstr(box->e.msg, "lo"));
}

/* ---------------------------------------------------------------- pairs */

static void containers_reach_each_other_and_the_host_at_once(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct net_container *a = net_box_join(box, 0, false, NULL), *b = net_box_join(box, 1, false, NULL);

	for (int f = 0; f < 2; f++) {
		assert_true(net_arrives(a->ns, b->ns, &b->address[f], &a->address[f], SOON));
		assert_true(net_arrives(b->ns, a->ns, &a->address[f], &b->address[f], SOON));
		assert_true(net_arrives(a->ns, box->host, &box->bridge.address[f], &a->address[f], SOON));
		assert_true(net_arrives(box->host, b->ns, &b->address[f], &box->bridge.address[f], SOON));
	}
}

/* Without link_settle() one in ten or more would have to ask a second time, a second later. */
static void the_first_packet_of_a_new_container_is_never_lost(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();

	for (int i = 0; i < 40; i++) {
		int f = i % 2;
		if (i % 4 > 1) { /* the bridge too is new */
			net_ok(link_remove(box->h, "br0", &box->e));
			net_ok(link_bridge_ensure(box->h, &box->bridge, &box->bridge_index, &box->e));
		}
		struct net_container *c = net_box_join(box, 0, false, NULL);
		if (!net_arrives(c->ns, box->host, &box->bridge.address[f], &c->address[f], 500))
			fail_msg("the first packet of container %d was lost", i);
		link_close(&c->inside);
		close_fd(&c->ns);
		eventually(link_index(box->h, "tv0") == 0);
	}
}

static void an_isolated_port_reaches_the_host_alone(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct net_container *a = net_box_join(box, 0, true, NULL), *b = net_box_join(box, 1, true, NULL);
	struct net_container *open = net_box_join(box, 2, false, NULL);

	for (int f = 0; f < 2; f++) {
		assert_false(net_arrives(a->ns, b->ns, &b->address[f], NULL, LATE));
		assert_true(net_arrives(a->ns, box->host, &box->bridge.address[f], NULL, SOON));
		assert_true(net_arrives(a->ns, open->ns, &open->address[f], NULL, SOON));
	}
}

static void the_far_end_is_as_asked(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct net_container *c = &box->container[0];
	c->ns = net_namespace();
	c->inside = link_open_at(c->ns, &box->e);
	struct link_pair p = net_box_pair(box, 0, c->ns);
	p.mtu = 1400;
	strcpy(p.name, "web0");

	net_ok(link_pair_create(box->h, &p, &c->index, &box->e));
	cleanup_fd int fd = net_socket(c->ns, AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(c->index, link_index(box->h, p.host_name));
	assert_true(is_up(box->host, p.host_name));
	assert_false(is_up(c->ns, "web0"));
	assert_int_equal(interface_request(fd, SIOCGIFMTU, "web0").ifr_mtu, 1400);
	assert_memory_equal(
	        interface_request(fd, SIOCGIFHWADDR, "web0").ifr_hwaddr.sa_data, p.mac, NET_MAC_LEN);
	assert_int_equal(link_index(box->h, "web0"), 0);
}

static void a_name_that_is_taken_leaves_nothing_behind(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct net_container *c = net_box_join(box, 0, false, NULL);
	cleanup_fd int other = net_namespace();
	struct link_pair p = net_box_pair(box, 0, other);
	unsigned index;

	/* on the host */
	assert_int_equal(link_pair_create(box->h, &p, &index, &box->e), -1);
	assert_int_equal(box->e.kind, ERR_CONFLICT);
	assert_non_null(strstr(box->e.msg, "tv0"));
	cleanup_link struct link_handle *there = link_open_at(other, &box->e);
	assert_int_equal(link_index(there, "eth0"), 0);
	/* in the container */
	p = net_box_pair(box, 7, c->ns);
	assert_int_equal(link_pair_create(box->h, &p, &index, &box->e), -1);
	assert_int_equal(box->e.kind, ERR_CONFLICT);
	assert_int_equal(link_index(box->h, "tv7"), 0);
}

static void a_pair_without_a_bridge_or_a_namespace_leaves_nothing_behind(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	cleanup_fd int ns = net_namespace();
	struct link_pair p = net_box_pair(box, 0, ns);
	unsigned index;

	p.bridge = 9999;
	assert_int_equal(link_pair_create(box->h, &p, &index, &box->e), -1);
	assert_int_equal(link_index(box->h, "tv0"), 0);
	p = net_box_pair(box, 0, -1);
	assert_int_equal(link_pair_create(box->h, &p, &index, &box->e), -1);
	p.mtu = 1; /* less than any link may have */
	assert_int_equal(link_pair_create(box->h, &p, &index, &box->e), -1);
	assert_int_equal(link_index(box->h, "tv0"), 0);
}

/* Otherwise a container could speak to the host by an address that no rule knows. */
static void the_hosts_end_has_no_address(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct net_container *c = net_box_join(box, 0, false, NULL);

	/* The container's end has got its link-local one by then. */
	eventually(strstr(net_proc(c->ns, "/proc/net/if_inet6"), "fe80"));
	net_nap(LATE);
	assert_null(strstr(net_proc(box->host, "/proc/net/if_inet6"), "tv0"));
}

static void a_pair_goes_with_its_namespace(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct net_container *c = net_box_join(box, 0, false, NULL);

	link_close(&c->inside);
	close_fd(&c->ns);
	eventually(link_index(box->h, "tv0") == 0);
}

static void two_hundred_pairs(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	cleanup_strv char **names = NULL;
	struct link_stats_list stats = {0};
	int ns[200];

	for (unsigned i = 0; i < 200; i++) {
		unsigned index;
		ns[i] = net_namespace();
		struct link_pair p = net_box_pair(box, i, ns[i]);
		struct link_interface f = net_box_interface(box, i);
		net_ok(link_pair_create(box->h, &p, &index, &box->e));
		cleanup_link struct link_handle *inside = link_open_at(ns[i], &box->e);
		net_ok(link_interface_setup(inside, ns[i], &f, &box->e));
		link_settle(box->h, index, box->bridge_index, inside, &f.address[1]);
	}
	net_ok(link_names(box->h, &names, &box->e));
	assert_int_equal(strv_len(names), 201);
	net_ok(link_stats_read(box->h, &stats, &box->e));
	assert_int_equal(stats.n, 202); /* lo and the bridge */
	for (size_t i = 1; i < stats.n; i++)
		assert_true(stats.rows[i - 1].index < stats.rows[i].index);
	struct net_address last = net_box_interface(box, 199).address[0];
	assert_true(net_arrives(ns[0], ns[199], &last, NULL, SOON));
	link_stats_free(&stats);
	for (int i = 0; i < 200; i++)
		close(ns[i]);
}

static void ports_of_a_bridge_are_named_and_made_again(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct net_container *a = net_box_join(box, 0, true, NULL), *b = net_box_join(box, 1, true, NULL);
	cleanup_strv char **ports = NULL, **none = NULL;

	make_card(box, "lan0");
	net_ok(link_ports(box->h, box->bridge_index, &ports, &box->e));
	assert_int_equal(strv_len(ports), 2);
	assert_true(strv_has(ports, "tv0") && strv_has(ports, "tv1"));
	net_ok(link_remove(box->h, "br0", &box->e));
	net_ok(link_bridge_ensure(box->h, &box->bridge, &box->bridge_index, &box->e));
	net_ok(link_ports(box->h, box->bridge_index, &none, &box->e));
	assert_int_equal(strv_len(none), 0);
	for (unsigned n = 0; n < 2; n++)
		net_ok(link_port_join(box->h, box->container[n].link, box->bridge_index, true, &box->e));
	link_settle(box->h, a->index, box->bridge_index, a->inside, &a->address[1]);
	for (int f = 0; f < 2; f++) {
		assert_true(net_arrives(a->ns, box->host, &box->bridge.address[f], &a->address[f], SOON));
		assert_false(net_arrives(a->ns, b->ns, &b->address[f], NULL, LATE));
	}
	assert_int_equal(link_port_join(box->h, "tv9", box->bridge_index, false, &box->e), -1);
	assert_int_equal(box->e.kind, ERR_NOT_FOUND);
}

/* ---------------------------------------------------------------- interfaces */

static void lo_and_the_default_routes_are_there(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct net_container *c = net_box_join(box, 0, false, NULL);

	assert_true(is_up(c->ns, "lo"));
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
	assert_true(net_arrives(c->ns, box->host, &box->bridge.address[0], NULL, SOON));
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

	assert_true(net_arrives(c->ns, box->host, &box->bridge.address[0], &i.address[0], SOON));
	net_nap(LATE);
	assert_null(strstr(net_proc(c->ns, "/proc/net/if_inet6"), "eth0"));
}

static void without_an_address_there_is_no_ipv4(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct link_interface i = net_box_interface(box, 0);
	i.address[0].family = i.gateway[0].family = 0;
	struct net_container *c = net_box_join(box, 0, false, &i);

	assert_true(net_arrives(c->ns, box->host, &box->bridge.address[1], &i.address[1], SOON));
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
	eventually((advertise(liar), believes(fool->ns)));
	net_nap(LATE);
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

	make_card(box, "lan0");
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
		assert_int_equal(interface_request(fd, SIOCGIFMTU, "eth0").ifr_mtu, 1400);
	}
	struct net_container *a = &box->container[0], *b = &box->container[1];
	for (int f = 0; f < 2; f++)
		assert_true(net_arrives(a->ns, b->ns, &b->address[f], &a->address[f], SOON));
}

static void private_macvlans_do_not_reach_each_other(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();

	make_card(box, "lan0");
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
	        box->container[0].ns, box->container[1].ns, &box->container[1].address[0], NULL, LATE));
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
	make_card(box, "lan0");
	m.mode = "bridged";
	assert_int_equal(link_macvlan_create(box->h, &m, &box->e), -1);
	assert_int_equal(box->e.kind, ERR_USAGE);
	m.mode = "vepa";
	net_ok(link_macvlan_create(box->h, &m, &box->e));
	assert_int_equal(link_macvlan_create(box->h, &m, &box->e), -1);
	assert_int_equal(box->e.kind, ERR_CONFLICT);
}

/* ---------------------------------------------------------------- tables */

static bool lists(struct net_box *box, const char *but, const char *subnet)
{
	struct net_subnet *list, want;
	bool found = false;
	size_t n;

	assert_int_equal(net_subnet_parse(subnet, &want, NULL), 0);
	net_ok(link_routes(box->h, but, &list, &n, &box->e));
	for (size_t i = 0; i < n; i++)
		found |= list[i].prefix == want.prefix && net_address_equal(&list[i].base, &want.base);
	free(list);
	return found;
}

static void routes_and_addresses_are_listed(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();

	assert_true(lists(box, NULL, "10.209.0.0/16"));
	assert_true(lists(box, NULL, "fd00:209::/64"));
	assert_false(lists(box, "br0", "10.209.0.0/16"));
	assert_false(lists(box, "br0", "fd00:209::/64"));
	make_card(box, "lan0");
	add_route(box, "172.20.0.0/14", "lan0", RT_TABLE_MAIN);
	add_route(box, "0.0.0.0/0", "lan0", RT_TABLE_MAIN);
	add_route(box, "::/0", "lan0", RT_TABLE_MAIN);
	add_route(box, "fd99::/48", "lan0", RT_TABLE_MAIN);
	/* where a tunnel keeps what it leads to */
	add_route(box, "100.64.0.0/10", "lan0", 52);
	assert_true(lists(box, "br0", "172.20.0.0/14"));
	assert_true(lists(box, NULL, "fd99::/48"));
	assert_true(lists(box, NULL, "100.64.0.0/10"));
	assert_false(lists(box, NULL, "0.0.0.0/0"));
	assert_false(lists(box, NULL, "::/0"));
}

static void the_address_of_a_link_that_is_down_is_listed(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct net_address a = net_address_of("192.168.7.1");

	make_card(box, "lan0");
	link_add_address(box->h, link_index(box->h, "lan0"), &a, 24);
	net_ok(link_commit(box->h, &box->e));
	set_flags(box->host, "lan0", 0, IFF_UP);
	assert_true(lists(box, NULL, "192.168.7.0/24"));
}

static void each_subnet_is_listed_once(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct net_subnet *list;
	size_t n;

	set_flags(box->host, "lo", IFF_UP, 0);
	net_ok(link_routes(box->h, NULL, &list, &n, &box->e));
	for (size_t i = 0; i < n; i++) {
		for (size_t k = i + 1; k < n; k++)
			assert_false(list[i].prefix == list[k].prefix &&
			             net_address_equal(&list[i].base, &list[k].base));
		assert_int_not_equal(list[i].prefix, 0);
	}
	free(list);
	assert_false(lists(box, NULL, "127.0.0.1/32"));
	assert_false(lists(box, NULL, "::1/128"));
}

static void many_routes_are_all_read(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();

	make_card(box, "lan0");
	for (unsigned i = 0; i < 2000; i++) {
		char text[NET_SUBNET_TEXT];
		snprintf(text, sizeof text, "172.%u.%u.0/24", 16 + i / 256, i % 256);
		add_route(box, text, "lan0", RT_TABLE_MAIN);
	}
	assert_true(lists(box, NULL, "172.16.0.0/24"));
	assert_true(lists(box, NULL, "172.23.207.0/24"));
}

static void names_of_links(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	cleanup_strv char **names = NULL;

	make_card(box, "lan0");
	net_box_join(box, 0, false, NULL);
	net_ok(link_names(box->h, &names, &box->e));
	assert_int_equal(strv_len(names), 4);
	assert_true(strv_has(names, "br0"));
	assert_true(strv_has(names, "lan0"));
	assert_true(strv_has(names, "far-lan0"));
	assert_true(strv_has(names, "tv0"));
}

/* ---------------------------------------------------------------- traffic */

static struct link_stats *stats_of(struct net_box *box, struct link_stats_list *l, unsigned index)
{
	net_ok(link_stats_read(box->h, l, &box->e));
	for (size_t i = 0; i < l->n; i++) {
		if (l->rows[i].index == index)
			return &l->rows[i];
	}
	fail_msg("link %u is not listed", index);
	return NULL;
}

static void traffic_is_counted_as_the_hosts_end_sees_it(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct net_container *c = net_box_join(box, 0, false, NULL);
	struct link_stats_list l = {0};
	struct link_stats before = *stats_of(box, &l, c->index), after;
	cleanup_fd int out = net_socket(c->ns, AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_storage to;
	socklen_t len = net_sockaddr(&box->bridge.address[0], 9, &to);

	assert_true(net_arrives(c->ns, box->host, &box->bridge.address[0], NULL, SOON));
	for (int i = 0; i < 100; i++)
		sendto(out, (char[1000]){0}, 1000, 0, (struct sockaddr *)&to, len);
	after = *stats_of(box, &l, c->index);
	assert_true(after.rx_bytes - before.rx_bytes >= 100 * 1042);
	assert_true(after.rx_bytes - before.rx_bytes < 110 * 1042);
	assert_true(after.rx_packets - before.rx_packets >= 101);
	/* back comes at most an error for some of them */
	assert_true(after.tx_bytes - before.tx_bytes < 100 * 1042 / 2);
	link_stats_free(&l);
}

static void reading_traffic_again_needs_no_more_memory(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct link_stats_list l = {0};

	for (unsigned n = 0; n < NET_BOX_MOST; n++)
		net_box_join(box, n, false, NULL);
	net_ok(link_stats_read(box->h, &l, &box->e));
	struct link_stats *rows = l.rows;
	size_t room = l.room;
	for (int i = 0; i < 50; i++)
		net_ok(link_stats_read(box->h, &l, &box->e));
	assert_ptr_equal(l.rows, rows);
	assert_int_equal(l.room, room);
	assert_int_equal(l.n, NET_BOX_MOST + 2);
	link_stats_free(&l);
}

#define link_test(f) cmocka_unit_test_setup_teardown(f, net_box_setup, net_box_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        link_test(a_handle_stays_in_its_namespace),
	        link_test(what_is_no_namespace_is_an_error),
	        link_test(answers_that_are_not_the_kernels_are_passed_over),
	        link_test(a_bridge_is_up_and_has_what_was_asked),
	        link_test(a_bridge_without_options_has_none),
	        link_test(a_bridge_that_is_there_is_kept),
	        link_test(what_a_bridge_lost_is_given_back),
	        link_test(a_link_of_the_name_that_is_no_bridge_is_left_alone),
	        link_test(a_bridge_of_an_impossible_name_is_an_error),
	        link_test(two_make_the_same_bridge),
	        link_test(removing_what_is_gone_is_no_error),
	        link_test(containers_reach_each_other_and_the_host_at_once),
	        link_test(the_first_packet_of_a_new_container_is_never_lost),
	        link_test(an_isolated_port_reaches_the_host_alone),
	        link_test(the_far_end_is_as_asked),
	        link_test(a_name_that_is_taken_leaves_nothing_behind),
	        link_test(a_pair_without_a_bridge_or_a_namespace_leaves_nothing_behind),
	        link_test(the_hosts_end_has_no_address),
	        link_test(a_pair_goes_with_its_namespace),
	        link_test(two_hundred_pairs),
	        link_test(ports_of_a_bridge_are_named_and_made_again),
	        link_test(lo_and_the_default_routes_are_there),
	        link_test(an_interface_without_a_gateway_leads_nowhere_else),
	        link_test(a_metric_orders_two_default_routes),
	        link_test(without_an_address_there_is_no_ipv6),
	        link_test(without_an_address_there_is_no_ipv4),
	        link_test(an_interface_that_cannot_be_set_up_is_an_error),
	        link_test(a_router_advertisement_changes_nothing),
	        link_test(macvlans_of_a_parent_reach_each_other),
	        link_test(private_macvlans_do_not_reach_each_other),
	        link_test(a_macvlan_that_cannot_be_is_an_error),
	        link_test(routes_and_addresses_are_listed),
	        link_test(the_address_of_a_link_that_is_down_is_listed),
	        link_test(each_subnet_is_listed_once),
	        link_test(many_routes_are_all_read),
	        link_test(names_of_links),
	        link_test(traffic_is_counted_as_the_hosts_end_sees_it),
	        link_test(reading_traffic_again_needs_no_more_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
