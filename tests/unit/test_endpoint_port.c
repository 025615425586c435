/* A container's published ports: chosen, held, named when somebody else has one, led to an address. */
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "tests/unit/endpoint_box.h"

static void ports_lead_to_the_first_that_can(void **state)
{
	struct endpoint_box *f = *state;
	cleanup_network_state struct network_state n = {0}, again = {0};

	add_endpoint(&n, "lan", LAN, "", "192.0.2.2", "fd01::2");
	add_endpoint(&n, "inner", WEB, "tv1", "10.2.0.2", NULL)->internal = true;
	add_endpoint(&n, "web", WEB, "tv2", "10.1.0.2", NULL);
	add_endpoint(&n, "six", WEB, "tv3", "10.3.0.2", "fd03::2");
	add_port(&n, "0.0.0.0", 80, "0.0.0.0", 80);
	add_port(&n, "::", 80, "::", 80);
	assert_int_equal(endpoint_ports_lead_to(&n, &f->e), 0);
	assert_int_equal(n.n_ports, 2);
	assert_true(net_address_equal(&n.ports[0].to, &n.endpoints[2].ip[0]));
	assert_true(net_address_equal(&n.ports[1].to, &n.endpoints[3].ip[1]));
	network_state_drop(&n, 3);
	assert_int_equal(endpoint_ports_lead_to(&n, &f->e), 0);
	assert_int_equal(n.n_ports, 1); /* nothing left to lead IPv6 to */
	assert_int_equal(n.n_idle, 1);

	assert_int_equal(network_state_write(f->c.state_fd, &n, &f->e), 0);
	assert_int_equal(network_state_read(f->c.state_fd, ID_A, &again, &f->e), 0);
	assert_int_equal(again.n_idle, 1);
	add_endpoint(&again, "six", WEB, "tv3", "10.3.0.2", "fd03::2");
	assert_int_equal(endpoint_ports_lead_to(&again, &f->e), 0);
	assert_int_equal(again.n_idle, 0);
	assert_int_equal(again.n_ports, 2);
	assert_true(net_address_equal(&again.ports[1].to, &again.endpoints[3].ip[1]));
	assert_true(net_address_equal(&again.ports[0].to, &again.endpoints[2].ip[0]));
}

struct holding {
	struct endpoint_start x;
	struct tare_publish port;
};

static void holding_open(struct endpoint_box *f, struct holding *h, bool v6)
{
	*h = (struct holding){.x = {.store = f->store, .c = &f->c, .nft_fd = -1},
	        .port = {.protocol = IPPROTO_TCP, .container_port = 80}};
	h->x.request.ports = &h->port;
	h->x.request.n_ports = 1;
	h->x.records[0] = (struct network_record){.name = strdup("web"),
	        .driver = strdup("bridge"),
	        .subnet = {strdup("10.1.0.0/16"), v6 ? strdup("fd00::/64") : NULL}};
	add_endpoint(&h->x.state, "web", WEB, "tv0", NULL, NULL);
}

static void holding_close(struct holding *h)
{
	for (size_t i = 0; i < h->x.n_held; i++)
		close(h->x.held[i]);
	free(h->x.held);
	network_record_free(&h->x.records[0]);
	network_state_free(&h->x.state);
}

static uint16_t bound_port(int fd)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof a;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
	                                     : ((struct sockaddr_in *)&a)->sin_port);
}

static void a_random_port_is_the_same_in_both_families(void **state)
{
	struct endpoint_box *f = *state;
	struct holding h;

	holding_open(f, &h, true);
	assert_int_equal(endpoint_ports_hold(&h.x, &f->e), 0);
	assert_int_equal(h.x.n_held, h.x.state.n_ports); /* one, or two where there is IPv6 */
	assert_true(h.x.n_held >= 1);
	for (size_t i = 0; i < h.x.n_held; i++) {
		assert_int_equal(bound_port(h.x.held[i]), h.x.state.ports[0].host_port);
		assert_int_equal(fcntl(h.x.held[i], F_GETFD), FD_CLOEXEC);
	}
	holding_close(&h);
}

static void a_taken_port_is_passed_over_in_a_range_and_named_alone(void **state)
{
	struct endpoint_box *f = *state;
	struct sockaddr_in a = {.sin_family = AF_INET};
	struct holding h;
	char who[64];
	cleanup_fd int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(other, (struct sockaddr *)&a, sizeof a), 0);
	uint16_t taken = bound_port(other);
	holding_open(f, &h, false);
	h.port.host_port = taken;
	h.port.host_port_to = taken;
	assert_int_equal(endpoint_ports_hold(&h.x, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_CONFLICT);
	snprintf(who, sizeof who, "0.0.0.0:%u/tcp: address in use by pid %d", taken, (int)getpid());
	if (!strstr(f->e.msg, who) || !strstr(f->e.msg, "choose another port with -p"))
		fail_msg("%s", f->e.msg);
	assert_int_equal(h.x.n_held, 0);
	if (taken < UINT16_MAX - 20) {
		h.port.host_port_to = (uint16_t)(taken + 20);
		assert_int_equal(endpoint_ports_hold(&h.x, &f->e), 0);
		assert_true(h.x.state.ports[0].host_port > taken);
	}
	holding_close(&h);
}

static void a_container_that_has_a_port_is_named(void **state)
{
	struct endpoint_box *f = *state;
	struct container other;
	cleanup_network_state struct network_state n = {.nft_fd = -1};
	struct holding first, second;

	holding_open(f, &first, false);
	assert_int_equal(endpoint_ports_hold(&first.x, &f->e), 0);
	make_container(f, ID_B, "second", &other);
	add_endpoint(&n, "web", WEB, "tv1", "10.1.0.3", NULL);
	add_port(&n, "0.0.0.0", first.x.state.ports[0].host_port, "10.1.0.3", 80);
	assert_int_equal(network_state_write(other.state_fd, &n, &f->e), 0);
	run_container(f, &other);
	holding_open(f, &second, false);
	second.port.host_ip = (char[]){"127.0.0.1"};
	second.port.host_port = second.port.host_port_to = first.x.state.ports[0].host_port;
	assert_int_equal(endpoint_ports_hold(&second.x, &f->e), -1);
	if (!strstr(f->e.msg, "container second has it"))
		fail_msg("%s", f->e.msg);
	holding_close(&first);
	holding_close(&second);
	container_close(&other);
}

static void only_a_bridge_has_ports(void **state)
{
	struct endpoint_box *f = *state;
	struct holding h;

	holding_open(f, &h, false);
	h.x.state.endpoints[0].internal = true; /* a warning */
	assert_int_equal(endpoint_ports_hold(&h.x, &f->e), 0);
	assert_int_equal(h.x.n_held, 0);
	h.x.state.endpoints[0].bridge[0] = '\0';
	assert_int_equal(endpoint_ports_hold(&h.x, &f->e), -1);
	assert_non_null(strstr(f->e.msg, "web"));
	holding_close(&h);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, endpoint_box_setup, endpoint_box_teardown)
	const struct CMUnitTest tests[] = {
	        TEST(ports_lead_to_the_first_that_can),
	        TEST(a_random_port_is_the_same_in_both_families),
	        TEST(a_taken_port_is_passed_over_in_a_range_and_named_alone),
	        TEST(a_container_that_has_a_port_is_named),
	        TEST(only_a_bridge_has_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
