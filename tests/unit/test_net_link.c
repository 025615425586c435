/* Links of the kernel: bridges and pairs, each test in network namespaces of its own. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <linux/netlink.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "tests/unit/net_box.h"

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
	assert_true(net_is_up(box->host, "br0"));
	assert_memory_equal(
	        net_interface(fd, SIOCGIFHWADDR, "br0").ifr_hwaddr.sa_data, box->bridge.mac, NET_MAC_LEN);
	assert_int_equal(net_interface(fd, SIOCGIFMTU, "br0").ifr_mtu, NET_BOX_MTU);
	net_assert_sysctl(box->host, "ipv4/conf/br0/route_localnet", "1");
	net_assert_sysctl(box->host, "ipv6/conf/br0/accept_ra", "0");
	struct ifreq broadcast = net_interface(fd, SIOCGIFBRDADDR, "br0");
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
	net_assert_sysctl(box->host, "ipv4/conf/br1/route_localnet", "0");
	assert_true(net_is_up(box->host, "br1"));
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

	net_set_flags(box->host, "br0", 0, IFF_UP);
	net_ok(link_bridge_ensure(box->h, &box->bridge, &index, &box->e));
	assert_true(net_is_up(box->host, "br0"));
	/* its IPv6 address went with that */
	assert_true(net_arrives(c->ns, box->host, &box->bridge.address[1], &c->address[1], NET_SOON));

	net_sysctl(box->host, "ipv4/conf/br0/route_localnet", "0");
	net_ok(link_bridge_ensure(box->h, &box->bridge, &index, &box->e));
	net_assert_sysctl(box->host, "ipv4/conf/br0/route_localnet", "1");

	net_sysctl(box->host, "ipv6/conf/br0/accept_ra", "2");
	net_ok(link_bridge_ensure(box->h, &box->bridge, &index, &box->e));
	net_assert_sysctl(box->host, "ipv6/conf/br0/accept_ra", "0");

	cleanup_fd int fd = net_socket(box->host, AF_INET, SOCK_DGRAM, 0);
	struct ifreq none = {.ifr_name = "br0", .ifr_addr.sa_family = AF_INET};
	assert_int_equal(ioctl(fd, SIOCSIFADDR, &none), 0);
	net_ok(link_bridge_ensure(box->h, &box->bridge, &index, &box->e));
	assert_true(net_arrives(c->ns, box->host, &box->bridge.address[0], &c->address[0], NET_SOON));
	assert_int_equal(index, box->bridge_index);
}

static void a_link_of_the_name_that_is_no_bridge_is_left_alone(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct link_bridge b = net_box_bridge();
	unsigned index;

	net_box_card(box, "taken");
	b.name = "taken";
	assert_int_equal(link_bridge_ensure(box->h, &b, &index, &box->e), -1);
	assert_int_equal(box->e.kind, ERR_CONFLICT);
	assert_non_null(strstr(box->e.msg, "taken"));
	net_assert_sysctl(box->host, "ipv4/conf/taken/route_localnet", "0");
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
		assert_true(net_arrives(a->ns, b->ns, &b->address[f], &a->address[f], NET_SOON));
		assert_true(net_arrives(b->ns, a->ns, &a->address[f], &b->address[f], NET_SOON));
		assert_true(net_arrives(a->ns, box->host, &box->bridge.address[f], &a->address[f], NET_SOON));
		assert_true(net_arrives(box->host, b->ns, &b->address[f], &box->bridge.address[f], NET_SOON));
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
		net_eventually(link_index(box->h, "tv0") == 0);
	}
}

static void an_isolated_port_reaches_the_host_alone(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct net_container *a = net_box_join(box, 0, true, NULL), *b = net_box_join(box, 1, true, NULL);
	struct net_container *open = net_box_join(box, 2, false, NULL);

	for (int f = 0; f < 2; f++) {
		assert_false(net_arrives(a->ns, b->ns, &b->address[f], NULL, NET_LATE));
		assert_true(net_arrives(a->ns, box->host, &box->bridge.address[f], NULL, NET_SOON));
		assert_true(net_arrives(a->ns, open->ns, &open->address[f], NULL, NET_SOON));
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
	assert_true(net_is_up(box->host, p.host_name));
	assert_false(net_is_up(c->ns, "web0"));
	assert_int_equal(net_interface(fd, SIOCGIFMTU, "web0").ifr_mtu, 1400);
	assert_memory_equal(net_interface(fd, SIOCGIFHWADDR, "web0").ifr_hwaddr.sa_data, p.mac, NET_MAC_LEN);
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
	net_eventually(strstr(net_proc(c->ns, "/proc/net/if_inet6"), "fe80"));
	net_nap(NET_LATE);
	assert_null(strstr(net_proc(box->host, "/proc/net/if_inet6"), "tv0"));
}

static void a_pair_goes_with_its_namespace(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct net_container *c = net_box_join(box, 0, false, NULL);

	link_close(&c->inside);
	close_fd(&c->ns);
	net_eventually(link_index(box->h, "tv0") == 0);
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
	assert_true(net_arrives(ns[0], ns[199], &last, NULL, NET_SOON));
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

	net_box_card(box, "lan0");
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
		assert_true(net_arrives(a->ns, box->host, &box->bridge.address[f], &a->address[f], NET_SOON));
		assert_false(net_arrives(a->ns, b->ns, &b->address[f], NULL, NET_LATE));
	}
	assert_int_equal(link_port_join(box->h, "tv9", box->bridge_index, false, &box->e), -1);
	assert_int_equal(box->e.kind, ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        net_box_test(a_handle_stays_in_its_namespace),
	        net_box_test(what_is_no_namespace_is_an_error),
	        net_box_test(answers_that_are_not_the_kernels_are_passed_over),
	        net_box_test(a_bridge_is_up_and_has_what_was_asked),
	        net_box_test(a_bridge_without_options_has_none),
	        net_box_test(a_bridge_that_is_there_is_kept),
	        net_box_test(what_a_bridge_lost_is_given_back),
	        net_box_test(a_link_of_the_name_that_is_no_bridge_is_left_alone),
	        net_box_test(a_bridge_of_an_impossible_name_is_an_error),
	        net_box_test(two_make_the_same_bridge),
	        net_box_test(removing_what_is_gone_is_no_error),
	        net_box_test(containers_reach_each_other_and_the_host_at_once),
	        net_box_test(the_first_packet_of_a_new_container_is_never_lost),
	        net_box_test(an_isolated_port_reaches_the_host_alone),
	        net_box_test(the_far_end_is_as_asked),
	        net_box_test(a_name_that_is_taken_leaves_nothing_behind),
	        net_box_test(a_pair_without_a_bridge_or_a_namespace_leaves_nothing_behind),
	        net_box_test(the_hosts_end_has_no_address),
	        net_box_test(a_pair_goes_with_its_namespace),
	        net_box_test(two_hundred_pairs),
	        net_box_test(ports_of_a_bridge_are_named_and_made_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
