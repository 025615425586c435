/* Names of containers, asked from containers: the real tare-dns in namespaces of the test's own. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <sys/resource.h>
#include <cmocka.h>

#include "tests/unit/dns_box.h"

/* ---------------------------------------------------------------- what is known */

static void a_container_is_found_by_all_its_names(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();

	assert_answer(box->web, "db", PACKET_A, "10.209.0.3");
	assert_answer(box->web, "db", PACKET_AAAA, "fd00:209::3");
	assert_answer(box->web, "db-host", PACKET_A, "10.209.0.3");
	assert_answer(box->web, "a.b", PACKET_A, "10.209.0.3");
	assert_answer(box->web, "bbbbbbbbbbbb", PACKET_A, "10.209.0.3");
	assert_answer(box->db, "aaaaaaaaaaaa", PACKET_A, "10.209.0.2");
	assert_answer(box->web, "web", PACKET_A, "10.209.0.2");
	assert_int_equal(ask(box->web, "db", PACKET_ANY)->n_addresses, 2);
	/* it exists, but has no such record: that is no NXDOMAIN, which would hide the address too */
	assert_rcode(box->web, "db", 16, PACKET_NOERROR);
	assert_int_equal(ask(box->web, "db", 16)->answers, 0);
}

static void a_question_comes_back_as_it_was_spelled(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	unsigned char q[64];
	size_t len = make_query(q, 7, "dB", PACKET_A, 0);
	struct reply *r = ask(box->web, "dB", PACKET_A);

	assert_string_equal(r->address[0], "10.209.0.3");
	assert_memory_equal(r->data + 12, q + 12, len - 12);
	/* an answer, authoritative, recursion desired and available */
	assert_int_equal(r->flags, 0x8580);
}

static void a_short_name_is_not_a_part_of_a_longer_one(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();

	write_leases(box, "net1", WEB " tv0 02:00:00:00:01:00 10.209.0.2 - - web -\n");
	say(box->web, "we", PACKET_A, 1);
	assert_true(resolver_hear(box->resolver[0], DNS_SOON)->len > 0);
	say(box->web, "web.example.com", PACKET_A, 1);
	assert_true(resolver_hear(box->resolver[0], DNS_SOON)->len > 0);
	say(box->web, "aaaaaaaaaaa", PACKET_A, 1);
	assert_true(resolver_hear(box->resolver[0], DNS_SOON)->len > 0);
}

static void a_container_without_ipv6_has_an_empty_answer(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	struct reply *r;

	write_leases(box, "net1",
	        WEB " tv0 02:00:00:00:01:00 10.209.0.2 - - web -\n" DB
	            " tv1 02:00:00:00:01:01 10.209.0.3 - - db -\n");
	r = ask(box->web, "db", PACKET_AAAA);
	assert_int_equal(r->rcode, PACKET_NOERROR);
	assert_int_equal(r->answers, 0);
}

static void an_address_has_the_name_of_its_container(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	static const char six[] = "3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.9.0.2.0.0.0.d.f.ip6.arpa";
	struct reply *r = ask(box->web, "3.0.209.10.in-addr.arpa", PACKET_PTR);

	assert_int_equal(r->answers, 1);
	assert_memory_equal(r->data + r->len - 4, "\2db\0", 4);
	r = ask(box->web, six, PACKET_PTR);
	assert_int_equal(r->answers, 1);
	assert_memory_equal(r->data + r->len - 4, "\2db\0", 4);
	/* nobody's, but of this network: no other is asked about it */
	assert_rcode(box->web, "9.0.209.10.in-addr.arpa", PACKET_PTR, PACKET_NXDOMAIN);
	say(box->web, "9.0.210.10.in-addr.arpa", PACKET_PTR, 1);
	assert_true(resolver_hear(box->resolver[0], DNS_SOON)->len > 0);
}

static void an_alias_of_several_gives_each_in_turn(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	char first[NET_ADDRESS_TEXT];
	struct reply *r = ask(box->web, "www", PACKET_A);

	assert_int_equal(r->n_addresses, 2);
	strcpy(first, r->address[0]);
	r = ask(box->web, "www", PACKET_A);
	assert_int_equal(r->n_addresses, 2);
	assert_string_not_equal(r->address[0], first);
	assert_string_equal(r->address[1], first);
}

static void a_lease_is_known_as_soon_as_it_is_written(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();

	for (int i = 0; i < 50; i++) {
		char line[300], want[32];
		snprintf(want, sizeof want, "10.209.1.%d", i + 1);
		snprintf(line, sizeof line,
		        WEB " tv0 02:00:00:00:01:00 10.209.0.2 - - web -\n" DB
		            " tv1 02:00:00:00:01:01 %s - - db -\n",
		        want);
		write_leases(box, "net1", line);
		assert_answer(box->web, "db", PACKET_A, want);
	}
}

static void damaged_leases_leave_what_was_known(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();

	assert_answer(box->web, "db", PACKET_A, "10.209.0.3");
	write_leases(box, "net1", "this is no lease\n");
	assert_answer(box->web, "db", PACKET_A, "10.209.0.3");
	write_leases(box, "net1", usual_leases);
	assert_answer(box->web, "db", PACKET_A, "10.209.0.3");
}

static void ipv6_is_served_too(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	cleanup_fd int fd = dns_socket(box, box->net->container[0].ns, SOCK_DGRAM, &box->network.gateway[1]);

	assert_answer(fd, "db", PACKET_AAAA, "fd00:209::3");
}

/* ---------------------------------------------------------------- several networks */

/* A second bridge, br1 with 10.210.0.0/16, as network "net2". */
static struct dns_network second_network(struct dns_box *box)
{
	struct dns_network n = {.id = "net2", .bridge = "br1"};
	struct link_bridge b = {.name = "br1",
	        .mac = {0x02, 0, 0, 0, 0, 0x02},
	        .address = {net_address_of("10.210.0.1")},
	        .prefix = {16}};
	unsigned index;

	assert_int_equal(link_bridge_ensure(box->net->h, &b, &index, &box->e), 0);
	n.gateway[0] = b.address[0];
	net_subnet_parse("10.210.0.0/16", &n.subnet[0], NULL);
	dns_lay_network(box, &n);
	return n;
}

static void who_is_in_two_networks_sees_the_members_of_both(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	struct dns_network second = second_network(box);

	write_leases(box, "net2",
	        WEB " tv2 02:00:00:00:01:02 10.210.0.2 - - web,front -\n"
	            "cccc tv3 02:00:00:00:01:03 10.210.0.3 - - cache -\n");
	assert_int_equal(dns_ensure(box->networks_fd, box->program, NULL, TABLE, &second, NULL), 0);
	assert_answer(box->web, "cache", PACKET_A, "10.210.0.3");
	assert_answer(box->web, "db", PACKET_A, "10.209.0.3");
	assert_int_equal(ask(box->web, "web", PACKET_A)->n_addresses, 2);
	/* db isn't in the second one */
	say(box->db, "cache", PACKET_A, 1);
	assert_true(resolver_hear(box->resolver[0], DNS_SOON)->len > 0);
}

static void an_internal_network_asks_nobody_else(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();

	dns_forget(box->networks_fd, TABLE, "net1");
	box->network.internal = true;
	dns_up(box);
	assert_answer(box->web, "db", PACKET_A, "10.209.0.3");
	assert_rcode(box->web, "example.com", PACKET_A, PACKET_NXDOMAIN);
	assert_int_equal(resolver_hear(box->resolver[0], DNS_LATE)->len, -1);
}

/* ---------------------------------------------------------------- who may ask */

static void who_has_no_lease_hears_nothing(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();

	write_leases(box, "net1", DB " tv1 02:00:00:00:01:01 10.209.0.3 - - db -\n");
	say(box->web, "db", PACKET_A, 1);
	assert_int_equal(hear(box->web, DNS_LATE)->len, -1);
	say(box->web, "example.com", PACKET_A, 1);
	assert_int_equal(resolver_hear(box->resolver[0], DNS_LATE)->len, -1);
	assert_answer(box->db, "db", PACKET_A, "10.209.0.3");
}

/* An address of another network that has a lease there, sent from here: the answer would go to him. */
static void an_address_of_elsewhere_hears_nothing(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	struct net_address to = box->network.gateway[0], made_up = net_address_of("10.210.0.3");
	cleanup_fd int fd = net_socket(box->net->container[0].ns, AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_storage a;
	int on = 1;

	write_leases(box, "net1",
	        WEB " tv0 02:00:00:00:01:00 10.209.0.2 - - web -\n" DB
	            " tv1 02:00:00:00:01:01 10.210.0.3 - - db -\n");
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof on), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, net_sockaddr(&made_up, 0, &a)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, net_sockaddr(&to, 53, &a)), 0);
	say(fd, "example.com", PACKET_A, 1);
	assert_int_equal(resolver_hear(box->resolver[0], DNS_LATE)->len, -1);
}

static void the_host_and_its_neighbours_hear_nothing(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	struct dns_record record = {0};
	struct sockaddr_storage to;
	cleanup_fd int fd = net_socket(box->net->host, AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(dns_record_read(box->networks_fd, &record, NULL), 0);
	connect(fd, (struct sockaddr *)&to,
	        net_sockaddr(&box->network.gateway[0], record.rows[0].port[0][0], &to));
	dns_record_free(&record);
	say(fd, "db", PACKET_A, 1);
	assert_int_equal(hear(fd, DNS_LATE)->len, -1);
}

/* ---------------------------------------------------------------- its life */

static void a_killed_one_is_replaced_and_serves_all_networks(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	struct dns_network second = second_network(box);
	int first = dns_pid(box->networks_fd);

	write_leases(box, "net2", WEB " tv2 02:00:00:00:01:02 10.210.0.2 - - web -\n");
	assert_int_equal(dns_ensure(box->networks_fd, box->program, NULL, TABLE, &second, NULL), 0);
	assert_int_equal(dns_pid(box->networks_fd), first);
	dns_kill(box);
	assert_int_equal(dns_pid(box->networks_fd), 0);
	/* the second network is asked for, the first is served again with it, by its old redirect */
	assert_int_equal(dns_ensure(box->networks_fd, box->program, NULL, TABLE, &second, &box->e), 0);
	assert_int_not_equal(dns_pid(box->networks_fd), first);
	assert_answer(box->web, "db", PACKET_A, "10.209.0.3");
	cleanup_fd int tcp =
	        dns_socket(box, box->net->container[0].ns, SOCK_STREAM, &box->network.gateway[0]);
}

static void be_nice(void)
{
	(void)!nice(3);
}

/* So that it doesn't end with the session of whoever needed it first. */
static void it_goes_where_its_starter_tells_it_to(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	int own = getpriority(PRIO_PROCESS, 0);

	dns_kill(box);
	assert_int_equal(
	        dns_ensure(box->networks_fd, box->program, be_nice, TABLE, &box->network, &box->e), 0);
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t)dns_pid(box->networks_fd)), own + 3);
	assert_int_equal(getpriority(PRIO_PROCESS, 0), own);
}

/* Somebody took its ports meanwhile: the redirect leads to the new ones. */
static void a_redirect_follows_a_new_port(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	struct dns_record record = {0};
	cleanup_fd int udp = net_socket(box->net->host, AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_storage at;
	struct net_address any = net_address_of("0.0.0.0");

	assert_int_equal(dns_record_read(box->networks_fd, &record, NULL), 0);
	dns_kill(box);
	assert_int_equal(
	        bind(udp, (struct sockaddr *)&at, net_sockaddr(&any, record.rows[0].port[0][0], &at)), 0);
	dns_record_free(&record);
	dns_up(box);
	assert_answer(box->web, "db", PACKET_A, "10.209.0.3");
}

static void one_that_hangs_is_replaced(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	int pid = dns_pid(box->networks_fd);

	kill(pid, SIGSTOP);
	dns_up(box);
	assert_int_not_equal(dns_pid(box->networks_fd), pid);
	assert_answer(box->web, "db", PACKET_A, "10.209.0.3");
	kill(pid, SIGKILL);
}

static void a_flushed_table_is_filled_again(void **state)
{
	bool no_bridge;
	struct dns_box *box = *state;
	net_box_needs_root();

	assert_int_equal(nft_lay(TABLE, true, &no_bridge, &box->e), 1);
	dns_lay_network(box, &box->network);
	assert_int_equal(dns_redirect(box->networks_fd, TABLE, &box->e), 0);
	assert_answer(box->web, "db", PACKET_A, "10.209.0.3");
}

static void a_bridge_that_was_made_anew_has_new_sockets(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	struct link_bridge b = box->net->bridge;

	assert_int_equal(link_remove(box->net->h, "br0", &box->e), 0);
	assert_int_equal(link_bridge_ensure(box->net->h, &b, &box->net->bridge_index, &box->e), 0);
	assert_int_equal(link_port_join(box->net->h, "tv0", box->net->bridge_index, false, &box->e), 0);
	dns_up(box);
	assert_answer(box->web, "db", PACKET_A, "10.209.0.3");
}

#define STARTS 50
static void many_starts_at_once_start_one(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	pid_t pid[STARTS];
	int status, ends[2], first = 0;

	dns_kill(box);
	assert_int_equal(pipe(ends), 0);
	for (int i = 0; i < STARTS; i++) {
		pid[i] = fork();
		if (pid[i])
			continue;
		int r = dns_ensure(box->networks_fd, box->program, NULL, TABLE, &box->network, NULL);
		int who = dns_pid(box->networks_fd);
		write(ends[1], &who, sizeof who);
		_exit(r ? 1 : 0);
	}
	for (int i = 0; i < STARTS; i++) {
		int who = 0;
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
		assert_int_equal(read(ends[0], &who, sizeof who), sizeof who);
		assert_true(who > 0 && (!first || who == first));
		first = who;
	}
	close(ends[0]);
	close(ends[1]);
}

static bool is_gone(int pid, int ms)
{
	for (; ms > 0 && !dns_is_gone(pid); ms -= 10)
		net_nap(10);
	return dns_is_gone(pid);
}

static void it_ends_after_the_last_lease(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	int pid;

	dns_kill(box);
	setenv("TARE_DNS_LINGER", "0.1", 1);
	dns_up(box);
	unsetenv("TARE_DNS_LINGER");
	pid = dns_pid(box->networks_fd);
	dns_idle(box->networks_fd);
	assert_false(is_gone(pid, 300)); /* there are leases */
	write_leases(box, "net1", "");
	dns_idle(box->networks_fd);
	dns_up(box); /* somebody comes: it stays */
	assert_false(is_gone(pid, 300));
	dns_idle(box->networks_fd);
	assert_true(is_gone(pid, 2000));
	dns_up(box);
	assert_int_not_equal(dns_pid(box->networks_fd), pid);
}

static void a_forgotten_network_is_silent(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	struct dns_record record = {0};

	dns_forget(box->networks_fd, TABLE, "net1");
	say(box->web, "db", PACKET_A, 1);
	assert_int_equal(hear(box->web, DNS_LATE)->len, -1);
	assert_int_equal(dns_record_read(box->networks_fd, &record, NULL), 0);
	assert_int_equal(record.n, 0);
	dns_record_free(&record);
	/* the refusal of the closed port may be the first thing that is heard */
	dns_up(box);
	cleanup_fd int fd = dns_socket(box, box->net->container[0].ns, SOCK_DGRAM, &box->network.gateway[0]);
	assert_answer(fd, "db", PACKET_A, "10.209.0.3");
}

static void a_program_that_is_not_there_is_an_error(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();

	dns_kill(box);
	assert_int_equal(
	        dns_ensure(box->networks_fd, "/nowhere/tare-dns", NULL, TABLE, &box->network, &box->e), -1);
	assert_string_equal(
	        box->e.msg, "cannot start the name service /nowhere/tare-dns: No such file or directory");
	/* and one that ends at once */
	assert_int_equal(dns_ensure(box->networks_fd, "/bin/true", NULL, TABLE, &box->network, &box->e), -1);
	assert_string_equal(box->e.msg, "the name service tare-dns has ended");
	dns_up(box);
	box->network.bridge = "nowhere";
	assert_int_equal(dns_ensure(box->networks_fd, box->program, NULL, TABLE, &box->network, &box->e), -1);
	assert_non_null(strstr(box->e.msg, "bridge nowhere"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dns_box_setup, dns_box_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_container_is_found_by_all_its_names),
	        TEST(a_question_comes_back_as_it_was_spelled),
	        TEST(a_short_name_is_not_a_part_of_a_longer_one),
	        TEST(a_container_without_ipv6_has_an_empty_answer),
	        TEST(an_address_has_the_name_of_its_container),
	        TEST(an_alias_of_several_gives_each_in_turn),
	        TEST(a_lease_is_known_as_soon_as_it_is_written),
	        TEST(damaged_leases_leave_what_was_known),
	        TEST(ipv6_is_served_too),
	        TEST(who_is_in_two_networks_sees_the_members_of_both),
	        TEST(an_internal_network_asks_nobody_else),
	        TEST(who_has_no_lease_hears_nothing),
	        TEST(an_address_of_elsewhere_hears_nothing),
	        TEST(the_host_and_its_neighbours_hear_nothing),
	        TEST(a_killed_one_is_replaced_and_serves_all_networks),
	        TEST(it_goes_where_its_starter_tells_it_to),
	        TEST(a_redirect_follows_a_new_port),
	        TEST(one_that_hangs_is_replaced),
	        TEST(a_flushed_table_is_filled_again),
	        TEST(a_bridge_that_was_made_anew_has_new_sockets),
	        TEST(many_starts_at_once_start_one),
	        TEST(it_ends_after_the_last_lease),
	        TEST(a_forgotten_network_is_silent),
	        TEST(a_program_that_is_not_there_is_an_error),
	};

	return cmocka_run_group_tests(tests, dns_box_program_setup, NULL);
}
