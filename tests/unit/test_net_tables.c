/* The kernel's tables of routes, links and traffic. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "tests/unit/net_box.h"

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
	net_box_card(box, "lan0");
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

	net_box_card(box, "lan0");
	link_add_address(box->h, link_index(box->h, "lan0"), &a, 24);
	net_ok(link_commit(box->h, &box->e));
	net_set_flags(box->host, "lan0", 0, IFF_UP);
	assert_true(lists(box, NULL, "192.168.7.0/24"));
}

static void each_subnet_is_listed_once(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct net_subnet *list;
	size_t n;

	net_set_flags(box->host, "lo", IFF_UP, 0);
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

	net_box_card(box, "lan0");
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

	net_box_card(box, "lan0");
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

	assert_true(net_arrives(c->ns, box->host, &box->bridge.address[0], NULL, NET_SOON));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	        net_box_test(routes_and_addresses_are_listed),
	        net_box_test(the_address_of_a_link_that_is_down_is_listed),
	        net_box_test(each_subnet_is_listed_once),
	        net_box_test(many_routes_are_all_read),
	        net_box_test(names_of_links),
	        net_box_test(traffic_is_counted_as_the_hosts_end_sees_it),
	        net_box_test(reading_traffic_again_needs_no_more_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
