/* Forwarding of this host, in network namespaces of its own. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "net/forwarding.h"
#include "tests/unit/net_box.h"

static const char *sysctl(struct net_box *box, const char *path)
{
	char full[128];

	snprintf(full, sizeof full, "/proc/sys/net/%s", path);
	return net_proc(box->host, full);
}

static void it_is_turned_on_once(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();

	/* a new namespace may have it from the host */
	net_sysctl(box->host, "ipv4/ip_forward", "0");
	net_sysctl(box->host, "ipv6/conf/all/forwarding", "0");
	assert_false(forwarding_on(AF_INET));
	assert_false(forwarding_on(AF_INET6));
	assert_int_equal(forwarding_enable(AF_INET, &box->e), 1);
	assert_true(forwarding_on(AF_INET));
	assert_false(forwarding_on(AF_INET6));
	assert_int_equal(forwarding_enable(AF_INET, &box->e), 0);
	assert_int_equal(forwarding_enable(AF_INET6, &box->e), 1);
	assert_true(forwarding_on(AF_INET6));
	assert_int_equal(forwarding_enable(AF_INET6, &box->e), 0);
}

/* A link that has its address and its way out from a router keeps them. */
static void links_that_listen_to_routers_go_on(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();
	struct link_bridge lan = {
	        .name = "lan0.7", .mac = {0x02, 0, 0, 0, 0, 0x07}}; /* a dot as VLANs have */
	unsigned index;

	net_sysctl(box->host, "ipv6/conf/all/forwarding", "0");
	net_ok(link_bridge_ensure(box->h, &lan, &index, &box->e));
	net_sysctl(box->host, "ipv6/conf/lan0.7/accept_ra", "1");
	assert_int_equal(forwarding_enable(AF_INET6, &box->e), 1);
	assert_string_equal(sysctl(box, "ipv6/conf/lan0.7/accept_ra"), "2");
	/* what did not listen does not begin to, nor does what will come */
	assert_string_equal(sysctl(box, "ipv6/conf/br0/accept_ra"), "0");
	assert_string_equal(sysctl(box, "ipv6/conf/default/accept_ra"), "1");
	assert_string_equal(sysctl(box, "ipv6/conf/all/accept_ra"), "1");
}

static void ipv4_alone_leaves_ipv6_as_it_is(void **state)
{
	struct net_box *box = *state;
	net_box_needs_root();

	net_sysctl(box->host, "ipv4/ip_forward", "0");
	net_sysctl(box->host, "ipv6/conf/all/forwarding", "0");
	net_sysctl(box->host, "ipv6/conf/br0/accept_ra", "1");
	assert_int_equal(forwarding_enable(AF_INET, &box->e), 1);
	assert_string_equal(sysctl(box, "ipv6/conf/br0/accept_ra"), "1");
	assert_string_equal(sysctl(box, "ipv6/conf/all/forwarding"), "0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        net_box_test(it_is_turned_on_once),
	        net_box_test(links_that_listen_to_routers_go_on),
	        net_box_test(ipv4_alone_leaves_ipv6_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
