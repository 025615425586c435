/* The rules of networks with real packets: published ports, masquerade, who reaches whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/net_world.h"

/* ---------------------------------------------------------------- published ports */

static void published_ports(int type, bool through_rules)
{
	int protocol = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
	cleanup_fd int v4 = bound(A1, type, "10.1.0.11", 80), v6 = bound(A1, type, "fd00:a::11", 80);

	lay_world();
	bridged_frames_pass_rules(through_rules);
	publish(protocol, "0.0.0.0", 8080, A1);
	publish(protocol, "::", 8080, A1);
	/* The client's own address is seen, from wherever that is possible. */
	assert_seen_as(v4, "192.0.2.2", OUTSIDE, type, "192.0.2.1", 8080);
	assert_seen_as(v6, "2001:db8:1::2", OUTSIDE, type, "2001:db8:1::1", 8080);
	assert_seen_as(v4, "192.0.2.1", HOST, type, "192.0.2.1", 8080);
	assert_seen_as(v6, "2001:db8:1::1", HOST, type, "2001:db8:1::1", 8080);
	assert_seen_as(v4, "10.1.0.1", HOST, type, "127.0.0.1", 8080);
	assert_seen_as(v4, "10.1.0.1", HOST, type, "127.0.0.53", 8080);
	/* A container of another network, by the host's address or that network's gateway. */
	assert_seen_as(v4, "10.2.0.11", B1, type, "192.0.2.1", 8080);
	assert_seen_as(v4, "10.2.0.11", B1, type, "10.1.0.1", 8080);
	assert_seen_as(v6, "fd00:b::11", B1, type, "2001:db8:1::1", 8080);
}

static void published_tcp(void **state)
{
	(void)state;
	needs_root();
	published_ports(SOCK_STREAM, false);
	published_ports(SOCK_STREAM, true);
}

static void published_udp(void **state)
{
	(void)state;
	needs_root();
	published_ports(SOCK_DGRAM, false);
	published_ports(SOCK_DGRAM, true);
}

/* By the host's address to a neighbour, and to itself. */
static void hairpin(void **state)
{
	cleanup_fd int v4 = bound(A1, SOCK_STREAM, "10.1.0.11", 80),
	               v6 = bound(A1, SOCK_STREAM, "fd00:a::11", 80);

	(void)state;
	needs_root();
	lay_world();
	bridged_frames_pass_rules(false);
	publish(IPPROTO_TCP, "0.0.0.0", 8080, A1);
	publish(IPPROTO_TCP, "::", 8080, A1);
	assert_seen_as(v4, "10.1.0.1", A2, SOCK_STREAM, "192.0.2.1", 8080);
	assert_seen_as(v4, "10.1.0.1", A1, SOCK_STREAM, "192.0.2.1", 8080);
	assert_seen_as(v4, "10.1.0.1", A1, SOCK_STREAM, "10.1.0.1", 8080);
	assert_seen_as(v6, "fd00:a::1", A2, SOCK_STREAM, "2001:db8:1::1", 8080);
	assert_seen_as(v6, "fd00:a::1", A1, SOCK_STREAM, "2001:db8:1::1", 8080);
}

static void hairpin_with_bridged_frames_in_the_rules(void **state)
{
	cleanup_fd int v4 = bound(A1, SOCK_STREAM, "10.1.0.11", 80),
	               v6 = bound(A1, SOCK_STREAM, "fd00:a::11", 80);

	(void)state;
	needs_root();
	lay_world();
	bridged_frames_pass_rules(true);
	publish(IPPROTO_TCP, "0.0.0.0", 8080, A1);
	publish(IPPROTO_TCP, "::", 8080, A1);
	/* Both stay within the bridge, so the neighbour's own address is seen. */
	assert_seen_as(v4, "10.1.0.12", A2, SOCK_STREAM, "192.0.2.1", 8080);
	assert_seen_as(v6, "fd00:a::12", A2, SOCK_STREAM, "2001:db8:1::1", 8080);
	assert_seen_as(v4, "10.1.0.1", A1, SOCK_STREAM, "192.0.2.1", 8080);
	assert_seen_as(v4, "10.1.0.1", A1, SOCK_STREAM, "10.1.0.1", 8080);
	assert_seen_as(v6, "fd00:a::1", A1, SOCK_STREAM, "2001:db8:1::1", 8080);
}

static void published_on_one_address(void **state)
{
	cleanup_fd int v4 = bound(A1, SOCK_STREAM, "10.1.0.11", 80),
	               v6 = bound(A1, SOCK_STREAM, "fd00:a::11", 80);
	cleanup_fd int local = bound(A2, SOCK_STREAM, "10.1.0.12", 80);

	(void)state;
	needs_root();
	lay_world();
	publish(IPPROTO_TCP, "192.0.2.1", 8080, A1);
	publish(IPPROTO_TCP, "2001:db8:1::1", 8080, A1);
	publish(IPPROTO_TCP, "127.0.0.1", 8080, A2);
	assert_seen_as(v4, "192.0.2.2", OUTSIDE, SOCK_STREAM, "192.0.2.1", 8080);
	assert_seen_as(v6, "2001:db8:1::2", OUTSIDE, SOCK_STREAM, "2001:db8:1::1", 8080);
	assert_seen_as(local, "10.1.0.1", HOST, SOCK_STREAM, "127.0.0.1", 8080);
	assert_refused(v4, OUTSIDE, SOCK_STREAM, "198.51.100.1", 8080);
	assert_refused(v6, OUTSIDE, SOCK_STREAM, "2001:db8:2::1", 8080);
	assert_refused(v4, HOST, SOCK_STREAM, "10.1.0.1", 8080);
	assert_refused(v4, OUTSIDE, SOCK_STREAM, "192.0.2.1", 8081);
	assert_refused(v4, OUTSIDE, SOCK_DGRAM, "192.0.2.1", 8080);
}

/* An answer to these could not come back, so who calls is told at once. */
static void addresses_of_one_link_are_refused(void **state)
{
	cleanup_fd int v6 = bound(A1, SOCK_STREAM, "fd00:a::11", 80);

	(void)state;
	needs_root();
	lay_world();
	publish(IPPROTO_TCP, "::", 8080, A1);
	assert_refused(v6, HOST, SOCK_STREAM, "::1", 8080);
}

static void questions_for_names_are_redirected(void **state)
{
	struct nft_dns v4 = {"tare0", address("10.1.0.1"), 4053, 4054},
	               v6 = {"tare0", address("fd00:a::1"), 4055, 4056};
	cleanup_fd int udp = bound(HOST, SOCK_DGRAM, "10.1.0.1", 4053),
	               tcp = bound(HOST, SOCK_STREAM, "10.1.0.1", 4054);
	cleanup_fd int udp6 = bound(HOST, SOCK_DGRAM, "fd00:a::1", 4055),
	               tcp6 = bound(HOST, SOCK_STREAM, "fd00:a::1", 4056);
	/* A name service of the host's does no harm, nor one that somebody publishes. */
	cleanup_fd int other = bound(HOST, SOCK_DGRAM, "0.0.0.0", 53),
	               published = bound(A2, SOCK_DGRAM, "10.1.0.12", 80);

	(void)state;
	needs_root();
	lay_world();
	publish(IPPROTO_UDP, "0.0.0.0", 53, A2);
	change({
		nft_dns(batch, NFT_ADD, &v4);
		nft_dns(batch, NFT_ADD, &v6);
	});
	assert_seen_as(udp, "10.1.0.11", A1, SOCK_DGRAM, "10.1.0.1", 53);
	assert_seen_as(tcp, "10.1.0.11", A1, SOCK_STREAM, "10.1.0.1", 53);
	assert_seen_as(udp6, "fd00:a::11", A1, SOCK_DGRAM, "fd00:a::1", 53);
	assert_seen_as(tcp6, "fd00:a::11", A1, SOCK_STREAM, "fd00:a::1", 53);
	assert_seen_as(published, "10.2.0.11", B1, SOCK_DGRAM, "10.1.0.1", 53);
	assert_seen_as(published, "192.0.2.2", OUTSIDE, SOCK_DGRAM, "192.0.2.1", 53);
	change({
		nft_dns(batch, NFT_REMOVE, &v4);
		nft_dns(batch, NFT_REMOVE, &v6);
	});
	(void)other;
}

/* A client that keeps its port gets to whoever has the published port now. */
static void a_flow_follows_its_port(void **state)
{
	cleanup_fd int client = -1, own = -1, a1 = -1, a2 = -1, nft = -1;
	struct nft_port first = port_of(A1, IPPROTO_UDP, "0.0.0.0", 8080),
	                second = port_of(A2, IPPROTO_UDP, "0.0.0.0", 8080);
	union sock_address to, other;
	socklen_t len = sock_address(&to, "192.0.2.1", 8080),
	          other_len = sock_address(&other, "198.51.100.2", 8080);
	const struct {
		int *server;
		const struct nft_port *before, *now;
		enum nft_flows which;
	} steps[] = {
	        {&own, NULL, NULL, 0},
	        {&a1, NULL, &first, NFT_FLOWS_TO_HOST},
	        {&a1, &first, &first, NFT_FLOWS_ELSEWHERE},
	        {&a2, &first, &second, NFT_FLOWS_ELSEWHERE},
	        /* It leads to a container, which keeps it if both are of a group. */
	        {&a2, &second, &first, NFT_FLOWS_TO_HOST},
	        {&a2, &first, &second, NFT_FLOWS_ELSEWHERE},
	        {&own, &second, NULL, NFT_FLOWS_TO_IT},
	};

	(void)state;
	needs_root();
	lay_world();
	client = bound(OUTSIDE, SOCK_DGRAM, "192.0.2.2", 5000);
	own = bound(HOST, SOCK_DGRAM, "192.0.2.1", 8080);
	a1 = bound(A1, SOCK_DGRAM, "10.1.0.11", 80);
	a2 = bound(A2, SOCK_DGRAM, "10.1.0.12", 80);
	go(HOST);
	nft = nft_socket(&world.e);
	/* To that port of another host: not forgotten. */
	assert_int_equal(sendto(client, "call", 4, 0, &other.any, other_len), 4);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		char data[8];

		change({
			if (steps[i].before)
				nft_port(batch, NFT_REMOVE, steps[i].before);
			if (steps[i].now)
				nft_port(batch, NFT_ADD, steps[i].now);
		});
		if (i)
			must(nft_forget_flows(nft, steps[i].now ? steps[i].now : steps[i].before, 1,
			        steps[i].which, &world.e));
		assert_int_equal(sendto(client, "call", 4, 0, &to.any, len), 4);
		assert_true(readable(*steps[i].server, COME_MS));
		assert_int_equal(recv(*steps[i].server, data, sizeof data, 0), 4);
	}
	if (!access("/proc/net/nf_conntrack", F_OK))
		assert_int_equal(
		        system("grep -q 'src=192.0.2.2 dst=198.51.100.2' /proc/net/nf_conntrack"), 0);
}

/* ---------------------------------------------------------------- groups */

static void give_slots(enum place p, const char *host, unsigned first, unsigned end)
{
	struct nft_port wish = port_of(p, IPPROTO_TCP, host, 8080);

	change(for (unsigned i = first; i < end; i++) nft_group_slot(batch, NFT_ADD, &wish, i));
}

static void take_slots(enum place p, const char *host, unsigned first, unsigned end)
{
	struct nft_port wish = port_of(p, IPPROTO_TCP, host, 8080);

	change(for (unsigned i = first; i < end; i++) nft_group_slot(batch, NFT_REMOVE, &wish, i));
}

/* Of n connections, how many come out at each; the sockets of the last one are kept. */
static void share(const char *to, int n, const int server[2], int count[2], int kept[2])
{
	count[0] = count[1] = 0;
	for (int i = 0; i < n; i++) {
		struct call c = {OUTSIDE, SOCK_STREAM, to, 8080};
		struct pollfd p[] = {
		        {.fd = server[0], .events = POLLIN}, {.fd = server[1], .events = POLLIN}};
		cleanup_fd int caller = calling(&c);
		int at;

		assert_true(caller >= 0 && poll(p, 2, COME_MS) == 1);
		at = p[1].revents ? 1 : 0;
		count[at]++;
		close_fd(&kept[0]);
		close_fd(&kept[1]);
		kept[0] = steal_fd(&caller);
		kept[1] = accept4(server[at], NULL, NULL, SOCK_CLOEXEC);
	}
}

static void assert_talks(const int pair[2])
{
	char data[4];

	assert_int_equal(send(pair[0], "on?", 3, MSG_NOSIGNAL), 3);
	assert_true(readable(pair[1], COME_MS) && recv(pair[1], data, sizeof data, 0) == 3);
	assert_int_equal(send(pair[1], "yes", 3, MSG_NOSIGNAL), 3);
	assert_true(readable(pair[0], COME_MS) && recv(pair[0], data, sizeof data, 0) == 3);
}

static void members_share_a_port(const char *host, const char *to, const int server[2])
{
	int count[2], kept[2] = {-1, -1};

	lay_world();
	give_slots(A1, host, 0, 256);
	share(to, 4, server, count, kept);
	assert_int_equal(count[0], 4);
	/* Who comes takes slots; what is established stays where it is. */
	take_slots(A1, host, 0, 128);
	give_slots(B1, host, 0, 128);
	assert_talks(kept);
	share(to, 100, server, count, kept);
	/* Less than 20 of 100 at one half: not in a lifetime of test runs. */
	assert_true(count[0] >= 20 && count[1] >= 20);
	/* Who goes leaves them. */
	take_slots(A1, host, 128, 256);
	give_slots(B1, host, 128, 256);
	share(to, 4, server, count, kept);
	assert_int_equal(count[1], 4);
	assert_talks(kept);
	close_fd(&kept[0]);
	close_fd(&kept[1]);
}

static void groups(void **state)
{
	cleanup_fd int a = bound(A1, SOCK_STREAM, "10.1.0.11", 80),
	               b = bound(B1, SOCK_STREAM, "10.2.0.11", 80);
	cleanup_fd int a6 = bound(A1, SOCK_STREAM, "fd00:a::11", 80),
	               b6 = bound(B1, SOCK_STREAM, "fd00:b::11", 80);

	(void)state;
	needs_root();
	members_share_a_port("0.0.0.0", "192.0.2.1", (int[]){a, b});
	members_share_a_port("192.0.2.1", "192.0.2.1", (int[]){a, b});
	members_share_a_port("::", "2001:db8:1::1", (int[]){a6, b6});
	members_share_a_port("2001:db8:1::1", "2001:db8:1::1", (int[]){a6, b6});
}

/* ---------------------------------------------------------------- who reaches whom */

static void leaving(void **state)
{
	cleanup_fd int v4 = bound(OUTSIDE, SOCK_STREAM, "192.0.2.2", 80),
	               v6 = bound(OUTSIDE, SOCK_STREAM, "2001:db8:1::2", 80);
	struct nft_network a = network_of(NET_A);

	(void)state;
	needs_root();
	lay_world();
	assert_seen_as(v4, "10.1.0.11", A1, SOCK_STREAM, "192.0.2.2", 80);
	assert_seen_as(v6, "fd00:a::11", A1, SOCK_STREAM, "2001:db8:1::2", 80);
	a.masquerade = true;
	change(nft_network(batch, NFT_ADD, &a));
	assert_seen_as(v4, "192.0.2.1", A1, SOCK_STREAM, "192.0.2.2", 80);
	assert_seen_as(v6, "2001:db8:1::1", A1, SOCK_STREAM, "2001:db8:1::2", 80);
	assert_seen_as(v4, "10.2.0.11", B1, SOCK_STREAM, "192.0.2.2", 80);
	assert_seen_as(v4, "192.0.2.1", HOST, SOCK_STREAM, "192.0.2.2", 80);
}

/* Other hosts and other networks get to published ports alone. */
static void isolation(void **state)
{
	cleanup_fd int v4 = bound(A1, SOCK_STREAM, "10.1.0.11", 80),
	               v6 = bound(A1, SOCK_STREAM, "fd00:a::11", 80);
	struct nft_network a = network_of(NET_A), b = network_of(NET_B);

	(void)state;
	needs_root();
	lay_world();
	assert_lost(v4, OUTSIDE, SOCK_STREAM, "10.1.0.11", 80);
	assert_lost(v6, OUTSIDE, SOCK_STREAM, "fd00:a::11", 80);
	assert_lost(v4, B1, SOCK_STREAM, "10.1.0.11", 80);
	assert_lost(v6, B1, SOCK_STREAM, "fd00:a::11", 80);
	assert_seen_as(v4, "10.1.0.12", A2, SOCK_STREAM, "10.1.0.11", 80);
	assert_seen_as(v6, "fd00:a::12", A2, SOCK_STREAM, "fd00:a::11", 80);
	assert_seen_as(v4, "10.1.0.1", HOST, SOCK_STREAM, "10.1.0.11", 80);
	/* One that is open alone isn't open to the others. */
	a.open = b.open = true;
	change(nft_network(batch, NFT_ADD, &a));
	assert_lost(v4, B1, SOCK_STREAM, "10.1.0.11", 80);
	change(nft_network(batch, NFT_ADD, &b));
	assert_seen_as(v4, "10.2.0.11", B1, SOCK_STREAM, "10.1.0.11", 80);
	assert_seen_as(v6, "fd00:b::11", B1, SOCK_STREAM, "fd00:a::11", 80);
	assert_lost(v4, OUTSIDE, SOCK_STREAM, "10.1.0.11", 80);
}

static void nothing_leaves_an_internal_network(void **state)
{
	cleanup_fd int outside = bound(OUTSIDE, SOCK_STREAM, "192.0.2.2", 80),
	               outside6 = bound(OUTSIDE, SOCK_STREAM, "2001:db8:1::2", 80);
	cleanup_fd int a = bound(A1, SOCK_STREAM, "10.1.0.11", 80),
	               b = bound(B1, SOCK_STREAM, "10.2.0.11", 80);
	struct nft_network inside = network_of(NET_A);

	(void)state;
	needs_root();
	lay_world();
	publish(IPPROTO_TCP, "0.0.0.0", 8080, A1);
	publish(IPPROTO_TCP, "0.0.0.0", 8090, B1);
	assert_seen_as(outside, "10.1.0.11", A1, SOCK_STREAM, "192.0.2.2", 80);
	assert_seen_as(b, "10.1.0.11", A1, SOCK_STREAM, "192.0.2.1", 8090);
	inside.internal = true;
	change(nft_network(batch, NFT_ADD, &inside));
	assert_lost(outside, A1, SOCK_STREAM, "192.0.2.2", 80);
	assert_lost(outside6, A1, SOCK_STREAM, "2001:db8:1::2", 80);
	/* Not by way of what another network publishes, and none comes in that way. */
	assert_lost(b, A1, SOCK_STREAM, "192.0.2.1", 8090);
	assert_lost(a, OUTSIDE, SOCK_STREAM, "192.0.2.1", 8080);
	assert_lost(a, B1, SOCK_STREAM, "192.0.2.1", 8080);
	assert_seen_as(a, "10.1.0.12", A2, SOCK_STREAM, "10.1.0.11", 80);
	assert_seen_as(b, "192.0.2.2", OUTSIDE, SOCK_STREAM, "192.0.2.1", 8090);
}

static void guarded_links_stay_apart(void **state)
{
	cleanup_fd int v4 = bound(INNER, SOCK_STREAM, "198.51.100.2", 80),
	               v6 = bound(INNER, SOCK_STREAM, "2001:db8:2::2", 80);

	(void)state;
	needs_root();
	lay_world();
	assert_seen_as(v4, "192.0.2.2", OUTSIDE, SOCK_STREAM, "198.51.100.2", 80);
	assert_seen_as(v6, "2001:db8:1::2", OUTSIDE, SOCK_STREAM, "2001:db8:2::2", 80);
	change({
		nft_guarded(batch, NFT_ADD, AF_INET, "eth0");
		nft_guarded(batch, NFT_ADD, AF_INET, "eth1");
	});
	assert_lost(v4, OUTSIDE, SOCK_STREAM, "198.51.100.2", 80);
	assert_seen_as(v6, "2001:db8:1::2", OUTSIDE, SOCK_STREAM, "2001:db8:2::2", 80);
	assert_seen_as(v4, "10.1.0.11", A1, SOCK_STREAM, "198.51.100.2", 80);
	change({
		nft_guarded(batch, NFT_ADD, AF_INET6, "eth0");
		nft_guarded(batch, NFT_ADD, AF_INET6, "eth1");
	});
	assert_lost(v6, OUTSIDE, SOCK_STREAM, "2001:db8:2::2", 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(published_tcp),
	        cmocka_unit_test(published_udp),
	        cmocka_unit_test(hairpin),
	        cmocka_unit_test(hairpin_with_bridged_frames_in_the_rules),
	        cmocka_unit_test(published_on_one_address),
	        cmocka_unit_test(addresses_of_one_link_are_refused),
	        cmocka_unit_test(questions_for_names_are_redirected),
	        cmocka_unit_test(a_flow_follows_its_port),
	        cmocka_unit_test(groups),
	        cmocka_unit_test(leaving),
	        cmocka_unit_test(isolation),
	        cmocka_unit_test(nothing_leaves_an_internal_network),
	        cmocka_unit_test(guarded_links_stay_apart),
	};

	return cmocka_run_group_tests(tests, make_world, end_world);
}
