/* What a crash leaves of networks, or somebody who flushes the firewall: found, and mended; and what is
 * another's or under way is left alone. Each test in a network namespace of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/wait.h>
#include <time.h>

#include "net/forwarding.h"
#include "tests/unit/network_rig.h"

/* ------------------------------------------------------------------ asking */

static size_t count(
        struct network_rig *rig, bool repair, const char *what, const char *problem, bool *repaired)
{
	struct tare_check_result found = {0};
	size_t n = 0;

	rig_ok(network_check(rig->s, repair, &found, &rig->e));
	*repaired = true;
	for (size_t i = 0; i < found.n; i++)
		if (strstr(found.rows[i].what, what) && strstr(found.rows[i].problem, problem)) {
			n++;
			*repaired = *repaired && found.rows[i].repaired;
		}
	tare_check_result_free(&found);
	return n;
}

/* Found without being touched, then mended, then gone. */
static void expect(struct network_rig *rig, const char *what, const char *problem)
{
	bool repaired;

	if (count(rig, false, what, problem, &repaired) != 1 || repaired)
		fail_msg("not found: %s %s", what, problem);
	if (count(rig, false, what, problem, &repaired) != 1)
		fail_msg("gone by being looked at: %s %s", what, problem);
	if (count(rig, true, what, problem, &repaired) != 1 || !repaired)
		fail_msg("not mended: %s %s", what, problem);
	if (count(rig, false, what, problem, &repaired) != 0)
		fail_msg("still there: %s %s", what, problem);
}

static void expect_nothing(struct network_rig *rig)
{
	struct tare_check_result found = {0};

	rig_ok(network_check(rig->s, false, &found, &rig->e));
	/* no name service was started here: that alone is right */
	for (size_t i = 0; i < found.n; i++)
		if (!strstr(found.rows[i].what, "name service"))
			fail_msg("%s: %s", found.rows[i].what, found.rows[i].problem);
	tare_check_result_free(&found);
}

static bool has_lease(struct network_rig *rig, const struct network_record *r, const char *id)
{
	cleanup_leases struct leases l = LEASES_INIT;
	cleanup_fd int dir = network_state_dir(rig->s, r->id, NULL);

	rig_ok(leases_read(dir, &l, &rig->e));
	return leases_find(&l, id) != NULL;
}

/* ------------------------------------------------------------------ tests */

static void test_all_is_in_order(void **state)
{
	struct network_rig *rig = *state;

	rig_needs_root();
	expect_nothing(rig);
	cleanup_network_record struct network_record r = rig_up(rig, NETWORK_DEFAULT, NULL);
	struct rig_container c = rig_container(rig, "shop", NETWORK_DEFAULT);
	rig_join(rig, &c, &r);
	expect_nothing(rig);
	rig_forget(&c);
}

static void test_lease_and_rules_of_the_dead_go(void **state)
{
	struct network_rig *rig = *state;

	rig_needs_root();
	cleanup_network_record struct network_record r = rig_up(rig, NETWORK_DEFAULT, NULL);
	struct rig_container dead = rig_container(rig, "dead", NETWORK_DEFAULT);
	struct rig_container live = rig_container(rig, "live", NETWORK_DEFAULT);
	rig_join(rig, &dead, &r);
	rig_join(rig, &live, &r);
	rig_die(&dead);
	assert_true(rig_rules(rig, dead.id) > 0);
	expect(rig, "lease of ", "its run is over");
	assert_false(has_lease(rig, &r, dead.id));
	assert_int_equal(rig_rules(rig, dead.id), 0); /* by the same repair */
	assert_true(has_lease(rig, &r, live.id));
	assert_true(rig_rules(rig, live.id) > 0);
	rig_join(rig, &dead, &r);
	expect(rig, "rules of ", "its run is over");
	expect_nothing(rig);
	rig_forget(&dead);
	rig_forget(&live);
}

/* The last process of a start that was killed dies some ms after the others, and has the lock until then. */
static void test_start_that_is_dying_is_waited_for(void **state)
{
	struct network_rig *rig = *state;
	struct tare_check_result found = {0};

	rig_needs_root();
	cleanup_network_record struct network_record r = rig_up(rig, NETWORK_DEFAULT, NULL);
	struct rig_container c = rig_container(rig, "killed", NETWORK_DEFAULT);
	rig_join(rig, &c, &r);
	pid_t last = fork();
	if (last == 0) {
		nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
		_exit(0);
	}
	rig_die(&c);
	rig_ok(engine_check(rig->t, true, &found, &rig->e));
	tare_check_result_free(&found);
	assert_int_equal(waitpid(last, NULL, 0), last);
	assert_false(has_lease(rig, &r, c.id));
	assert_int_equal(rig_rules(rig, c.id), 0);
	rig_forget(&c);
}

/* As SIGKILL of everything with --rm leaves it: no container any more. */
static void test_rules_of_nobody_go(void **state)
{
	struct network_rig *rig = *state;

	rig_needs_root();
	cleanup_network_record struct network_record r = rig_up(rig, NETWORK_DEFAULT, NULL);
	struct rig_container c = rig_container(rig, "gone", NETWORK_DEFAULT);
	rig_join(rig, &c, &r);
	rig_forget(&c);
	remove_tree_at(rig->s->containers_fd, c.id);
	remove_tree_at(rig->s->state_containers_fd, c.id);
	expect(rig, "rules of ", "its run is over");
	assert_false(has_lease(rig, &r, c.id));
	assert_int_equal(rig_rules(rig, c.id), 0);
}

static void test_flushed_table_comes_back(void **state)
{
	bool no_bridge;
	struct network_rig *rig = *state;
	char table[NFT_TABLE_MAX];

	rig_needs_root();
	cleanup_network_record struct network_record r = rig_up(rig, NETWORK_DEFAULT, NULL);
	struct rig_container c = rig_container(rig, "shop", NETWORK_DEFAULT);
	rig_join(rig, &c, &r);
	int rules = rig_rules(rig, c.id);
	rig_ok(nft_remove(network_table(rig->s, table), &rig->e));
	expect(rig, "nftables table tare-", "flushed");
	assert_int_equal(rig_rules(rig, c.id), rules);
	/* its elements alone */
	rig_ok(nft_remove(table, &rig->e));
	rig_ok(nft_lay(table, false, &no_bridge, &rig->e));
	expect(rig, "rules of ", "are missing");
	assert_int_equal(rig_rules(rig, c.id), rules);
	rig_forget(&c);
}

static void test_reload_needs_nothing_to_be_there(void **state)
{
	struct network_rig *rig = *state;
	char table[NFT_TABLE_MAX];
	char **notes = NULL;

	rig_needs_root();
	rig_ok(engine_network_reload(rig->t, &notes, &rig->e));
	assert_true(nft_is_laid(network_table(rig->s, table)));
	assert_null(notes);
	cleanup_network_record struct network_record r = rig_up(rig, NETWORK_DEFAULT, NULL);
	struct rig_container c = rig_container(rig, "shop", NETWORK_DEFAULT);
	rig_join(rig, &c, &r);
	rig_ok(engine_network_reload(rig->t, &notes, &rig->e));
	assert_true(rig_rules(rig, c.id) > 0);
	strv_free(notes);
	rig_forget(&c);
}

static bool is_port(struct network_rig *rig, const char *bridge, const char *link)
{
	cleanup_strv char **ports = NULL;

	rig_ok(link_ports(rig->h, link_index(rig->h, bridge), &ports, &rig->e));
	return strv_has(ports, link);
}

static void test_removed_bridge_comes_back_with_its_ports(void **state)
{
	struct network_rig *rig = *state;
	unsigned bridge;

	rig_needs_root();
	cleanup_network_record struct network_record r = rig_up(rig, NETWORK_DEFAULT, &bridge);
	struct rig_container c = rig_container(rig, "shop", NETWORK_DEFAULT);
	struct endpoint p = rig_join(rig, &c, &r);
	cleanup_fd int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	cleanup_fd int ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_int_equal(setns(here, CLONE_NEWNET), 0);
	struct link_pair pair = {.bridge = bridge, .name = "eth0", .netns_fd = ns};
	memcpy(pair.host_name, p.link, sizeof pair.host_name);
	memcpy(pair.mac, p.mac, sizeof pair.mac);
	unsigned index;
	rig_ok(link_pair_create(rig->h, &pair, &index, &rig->e));
	expect_nothing(rig);
	rig_ok(link_remove(rig->h, r.link, &rig->e));
	expect(rig, "interface tare", "containers are on it");
	assert_true(is_port(rig, r.link, p.link));
	/* by the next start, too */
	rig_ok(link_remove(rig->h, r.link, &rig->e));
	rig_ok(network_up(rig->s, &r, &bridge, &rig->e));
	assert_true(is_port(rig, r.link, p.link));
	expect_nothing(rig);
	rig_forget(&c);
}

static void test_pair_of_nobody_goes(void **state)
{
	struct network_rig *rig = *state;
	unsigned bridge, index;
	char what[64];

	rig_needs_root();
	rig_bring_up(rig, NETWORK_DEFAULT, &bridge);
	cleanup_fd int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	cleanup_fd int ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_int_equal(setns(here, CLONE_NEWNET), 0);
	struct link_pair pair = {
	        .bridge = bridge, .name = "eth0", .netns_fd = ns, .mac = {0x02, 0, 0, 0, 0, 2}};
	network_port_name(rig->s, "0123456789abcdef", pair.host_name);
	rig_ok(link_pair_create(rig->h, &pair, &index, &rig->e));
	snprintf(what, sizeof what, "interface %s", pair.host_name);
	expect(rig, what, "no container that runs");
	assert_int_equal(link_index(rig->h, pair.host_name), 0);
}

/* One of our state directory, and one of another's that looks the same. */
static void test_bridge_without_a_record(void **state)
{
	struct network_rig *rig = *state;
	struct link_bridge b = {.name = "tr-0123456789ab"};
	unsigned index;

	rig_needs_root();
	network_bridge_mac(rig->s, "some", b.mac);
	rig_ok(link_bridge_ensure(rig->h, &b, &index, &rig->e));
	b.name = "tr-aaaaaaaaaaaa";
	b.mac[2] ^= 0x55;
	rig_ok(link_bridge_ensure(rig->h, &b, &index, &rig->e));
	rig_route(rig, "br-foreign", "10.1.0.1", 24);
	expect(rig, "bridge tr-0123456789ab", "its network is gone");
	expect_nothing(rig);
	assert_true(link_index(rig->h, "tr-aaaaaaaaaaaa") != 0);
	assert_true(link_index(rig->h, "br-foreign") != 0);
}

/* A record that cannot be read: what may be its network's stays. */
static void test_damaged_record_saves_what_may_be_its(void **state)
{
	struct network_rig *rig = *state;
	struct link_bridge b = {.name = "tr-0123456789ab"};
	char id[NETWORK_ID_LEN + 1];
	unsigned index;
	bool repaired;

	rig_needs_root();
	rig_create(rig, "web", NULL, NULL);
	network_bridge_mac(rig->s, "some", b.mac);
	rig_ok(link_bridge_ensure(rig->h, &b, &index, &rig->e));
	random_hex(id, NETWORK_ID_LEN / 2);
	cleanup_fd int dir = network_state_dir(rig->s, id, NULL);
	cleanup_fd int records = openat(rig->s->root_fd, "networks", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rig_ok(file_write_at(records, "bad.json", "{", 1, 0600, FILE_NO_SYNC, &rig->e));
	assert_int_equal(count(rig, true, "/networks/bad.json", "cannot be read", &repaired), 1);
	assert_false(repaired);
	assert_true(link_index(rig->h, b.name) != 0);
	cleanup_fd int networks = networks_state_dir(rig->s, NULL);
	assert_int_equal(faccessat(networks, id, F_OK, 0), 0);
	assert_int_equal(unlinkat(records, "bad.json", 0), 0);
	expect(rig, "bridge tr-0123456789ab", "its network is gone");
}

static void test_state_of_a_removed_network(void **state)
{
	struct network_rig *rig = *state;
	char id[NETWORK_ID_LEN + 1];

	rig_needs_root();
	random_hex(id, NETWORK_ID_LEN / 2);
	cleanup_fd int dir = network_state_dir(rig->s, id, NULL);
	assert_true(dir >= 0);
	expect(rig, "state of network ", "its network is gone");
}

static void test_forwarding_that_was_turned_off(void **state)
{
	struct network_rig *rig = *state;

	rig_needs_root();
	rig_bring_up(rig, NETWORK_DEFAULT, NULL);
	assert_int_equal(file_poke(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", "0"), 0);
	expect(rig, "net.ipv4.ip_forward", "is off");
	assert_true(forwarding_on(AF_INET));
}

static void test_damaged_leases_are_told(void **state)
{
	struct network_rig *rig = *state;

	rig_needs_root();
	cleanup_network_record struct network_record r = rig_up(rig, NETWORK_DEFAULT, NULL);
	cleanup_fd int dir = network_state_dir(rig->s, r.id, NULL);
	rig_ok(file_write_at(dir, LEASES_FILE, "no leases\n", 10, 0644, FILE_NO_SYNC, &rig->e));
	expect(rig, "leases of network tare0", "set aside");
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_all_is_in_order),
	        T(test_lease_and_rules_of_the_dead_go),
	        T(test_start_that_is_dying_is_waited_for),
	        T(test_rules_of_nobody_go),
	        T(test_flushed_table_comes_back),
	        T(test_reload_needs_nothing_to_be_there),
	        T(test_removed_bridge_comes_back_with_its_ports),
	        T(test_pair_of_nobody_goes),
	        T(test_bridge_without_a_record),
	        T(test_damaged_record_saves_what_may_be_its),
	        T(test_state_of_a_removed_network),
	        T(test_forwarding_that_was_turned_off),
	        T(test_damaged_leases_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
