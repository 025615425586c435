/* Tables and their elements: laid once, changed in one go, found again; and the firewalls of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/wait.h>

#include "tests/unit/net_world.h"

/* ---------------------------------------------------------------- tables and elements */

static void rules_are_laid_once(void **state)
{
	bool no_bridge = true;

	(void)state;
	needs_root();
	go(HOST);
	must(nft_remove(WORLD_TABLE, &world.e));
	must(nft_remove(WORLD_TABLE, &world.e));
	assert_false(nft_is_laid(WORLD_TABLE));
	assert_int_equal(nft_lay(WORLD_TABLE, false, &no_bridge, &world.e), 1);
	assert_false(no_bridge);
	assert_true(nft_is_laid(WORLD_TABLE));
	assert_false(nft_is_laid("tare-other"));
	assert_int_equal(nft_lay(WORLD_TABLE, false, &no_bridge, &world.e), 0);
	/* Half of it was removed by somebody. */
	assert_int_equal(system("nft delete table bridge " WORLD_TABLE), 0);
	assert_false(nft_is_laid(WORLD_TABLE));
	assert_int_equal(nft_lay(WORLD_TABLE, false, &no_bridge, &world.e), 1);
	assert_int_equal(nft_lay(WORLD_TABLE, true, &no_bridge, &world.e), 1);
	assert_true(nft_is_laid(WORLD_TABLE));
}

/* None of them empties what another one has put in since. */
static void many_lay_them_at_once(void **state)
{
	const int n = 8;

	(void)state;
	needs_root();
	go(HOST);
	must(nft_remove(WORLD_TABLE, &world.e));
	for (int i = 0; i < n; i++)
		if (!fork()) {
			char link[IFNAMSIZ];
			bool no_bridge;
			struct nft_batch *b = nft_batch_open(WORLD_TABLE, NULL);

			snprintf(link, sizeof link, "lay%d", i);
			if (nft_lay(WORLD_TABLE, false, &no_bridge, NULL) < 0)
				_exit(1);
			nft_guarded(b, NFT_ADD, AF_INET, link);
			_exit(nft_batch_commit(b, NULL) ? 2 : 0);
		}
	for (int i = 0, status; i < n; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(system("test $(nft list set inet " WORLD_TABLE " guarded4 | grep -o '\"lay[0-7]\"' |"
	                        " wc -l) = 8"),
	        0);
}

/* PATH leads to a program of that name with this body. */
static char *with_nft(const char *body)
{
	static char dir[] = "/tmp/tare-nft-XXXXXX";
	char path[64];
	char *before = strdup(getenv("PATH"));
	FILE *f;

	strcpy(dir, "/tmp/tare-nft-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/nft", dir);
	f = fopen(path, "w");
	fprintf(f, "#!/bin/sh\nPATH=%s\n%s\n", before, body);
	fclose(f);
	chmod(path, 0755);
	setenv("PATH", dir, 1);
	return before;
}

static void without_nft(char *before)
{
	char path[64];

	snprintf(path, sizeof path, "%s/nft", getenv("PATH"));
	unlink(path);
	rmdir(getenv("PATH"));
	setenv("PATH", before, 1);
	free(before);
}

static void an_nft_that_refuses_is_quoted(void **state)
{
	bool no_bridge;
	char *before;

	(void)state;
	needs_root();
	go(HOST);
	must(nft_remove(WORLD_TABLE, &world.e));
	before = with_nft(
	        "echo '/proc/self/fd/3:1:2-3: Error: Operation \033[1mnot\033[0m supported' >&2; exit 1");
	assert_int_equal(nft_lay(WORLD_TABLE, false, &no_bridge, &world.e), -1);
	without_nft(before);
	assert_int_equal(world.e.kind, ERR_UNSUPPORTED);
	assert_non_null(strstr(world.e.msg, "nft refused the rules of the networks: Operation"));
	assert_null(strchr(world.e.msg, '\033'));
	/* It is found where PATH doesn't lead, too, and nowhere relative. */
	before = strdup(getenv("PATH"));
	setenv("PATH", "/nowhere:.", 1);
	assert_int_equal(nft_lay(WORLD_TABLE, false, &no_bridge, &world.e), 1);
	setenv("PATH", before, 1);
	free(before);
}

/* A kernel without the bridge family: containers get their network all the same. */
static void without_the_bridge_family(void **state)
{
	struct nft_member m = member_of(A1);
	struct nft_network a = network_of(NET_A);
	struct nft_batch *removal;
	bool no_bridge = false;
	char *before;

	(void)state;
	needs_root();
	go(HOST);
	must(nft_remove(WORLD_TABLE, &world.e));
	before = with_nft(
	        "grep -q 'table bridge' \"$2\" && echo 'Error: no bridge' && exit 1; exec nft \"$@\"");
	assert_int_equal(nft_lay(WORLD_TABLE, false, &no_bridge, &world.e), 1);
	assert_true(no_bridge);
	/* Known from now on, without another try. */
	no_bridge = false;
	assert_int_equal(nft_lay(WORLD_TABLE, false, &no_bridge, &world.e), 0);
	assert_true(no_bridge && nft_is_laid(WORLD_TABLE));
	without_nft(before);
	change({
		nft_member(batch, NFT_ADD, &m);
		nft_network(batch, NFT_ADD, &a);
	});
	assert_int_equal(system("nft list set inet " WORLD_TABLE " self4 | grep -q 10.1.0.11"), 0);
	change(nft_member(batch, NFT_REMOVE, &m));
	removal = nft_batch_open(WORLD_TABLE, &world.e);
	nft_member(removal, NFT_REMOVE, &m);
	must(nft_batch_commit_removal(removal, &world.e));
	nft_batch_close(&removal);
	assert_int_equal(nft_lay(WORLD_TABLE, true, &no_bridge, &world.e), 1);
	assert_false(no_bridge);
}

static void a_batch_is_all_or_nothing(void **state)
{
	struct nft_port p = port_of(A1, IPPROTO_TCP, "0.0.0.0", 8080);
	struct nft_port other = port_of(A1, IPPROTO_TCP, "0.0.0.0", 8081);
	struct nft_batch *b;
	char owner[NFT_OWNER_LEN + 1];

	(void)state;
	needs_root();
	lay_world();
	b = nft_batch_open(WORLD_TABLE, &world.e);
	must(nft_batch_commit(b, &world.e));
	nft_port(b, NFT_ADD, &p);
	must(nft_batch_commit(b, &world.e));
	/* The same once more is no conflict; another target is. */
	nft_port(b, NFT_ADD, &p);
	must(nft_batch_commit(b, &world.e));
	p.to_port = 81;
	nft_port(b, NFT_ADD, &other);
	nft_port(b, NFT_ADD, &p);
	assert_int_equal(nft_batch_commit(b, &world.e), -1);
	assert_int_equal(world.e.kind, ERR_CONFLICT);
	assert_int_equal(world.e.sys, EEXIST);
	must(nft_port_owner(WORLD_TABLE, &other, owner, &world.e));
	assert_string_equal(owner, "");
	nft_batch_close(&b);
	b = nft_batch_open(WORLD_TABLE, &world.e);
	nft_port(b, NFT_REMOVE, &p);
	nft_port(b, NFT_REMOVE, &other);
	assert_int_equal(nft_batch_commit(b, &world.e), -1);
	assert_int_equal(world.e.kind, ERR_NOT_FOUND);
	assert_int_equal(world.e.sys, ENOENT);
	assert_non_null(strstr(world.e.msg, "publish4_any of table inet " WORLD_TABLE));
	/* A failed batch is as it was, and a removal passes over what is gone. */
	must(nft_batch_commit_removal(b, &world.e));
	must(nft_port_owner(WORLD_TABLE, &p, owner, &world.e));
	assert_string_equal(owner, "");
	nft_port(b, NFT_ADD, &p);
	nft_batch_close(&b);
	must(nft_remove(WORLD_TABLE, &world.e));
	b = nft_batch_open(WORLD_TABLE, &world.e);
	nft_port(b, NFT_ADD, &p);
	assert_int_equal(nft_batch_commit(b, &world.e), -1);
	assert_int_equal(world.e.sys, ENOENT);
	nft_batch_close(&b);
	b = nft_batch_open(WORLD_TABLE, &world.e);
	nft_port(b, NFT_REMOVE, &p);
	must(nft_batch_commit_removal(b, &world.e));
	nft_batch_close(&b);
}

static void large_batches(void **state)
{
	struct nft_port p = port_of(A1, IPPROTO_TCP, "::", 10000);

	(void)state;
	needs_root();
	lay_world();
	change(for (int i = 0; i < 2000; i++, p.host_port++) nft_port(batch, NFT_ADD, &p));
	p.host_port = 9000;
	change(for (unsigned i = 0; i < 8 * NFT_GROUP_SLOTS; i++) {
		p.host_port = (uint16_t)(9000 + i / NFT_GROUP_SLOTS);
		nft_group_slot(batch, NFT_ADD, &p, i % NFT_GROUP_SLOTS);
	});
	/* More is missing than there is room for errors. */
	p = port_of(A1, IPPROTO_TCP, "::", 1000);
	go(HOST);
	struct nft_batch *b = nft_batch_open(WORLD_TABLE, &world.e);
	for (int i = 0; i < 11000; i++, p.host_port++)
		nft_port(b, NFT_REMOVE, &p);
	must(nft_batch_commit_removal(b, &world.e));
	nft_batch_close(&b);
	assert_int_equal(system("nft list map inet " WORLD_TABLE " publish6_any | grep -q elements"), 256);
}

struct owned {
	int n, of_a1;
};
static int count_owned(const char *kind, const char owner[NFT_OWNER_LEN + 1], void *arg)
{
	struct owned *o = arg;
	bool a1 = !strcmp(owner, owners[A1]);

	assert_int_equal(strlen(owner), NFT_OWNER_LEN);
	assert_true(*kind);
	o->n++;
	o->of_a1 += a1;
	return a1;
}

static void what_was_left_behind_is_found(void **state)
{
	struct nft_port bound_to = port_of(A1, IPPROTO_UDP, "192.0.2.1", 53),
	                of_b = port_of(B1, IPPROTO_TCP, "::", 443);
	struct nft_batch *removal;
	struct owned o = {0};

	(void)state;
	needs_root();
	lay_world();
	change({
		nft_port(batch, NFT_ADD, &bound_to);
		nft_port(batch, NFT_ADD, &of_b);
		for (unsigned i = 0; i < NFT_GROUP_SLOTS; i++)
			nft_group_slot(batch, NFT_ADD, &of_b, i);
	});
	removal = nft_batch_open(WORLD_TABLE, &world.e);
	must(nft_each_owned(WORLD_TABLE, removal, count_owned, &o, &world.e));
	/* Of each container: itself thrice, a link address, an IPv4 one, two of IPv6 twice. */
	assert_int_equal(o.of_a1, 9 + 1);
	assert_int_equal(o.n, 3 * 9 + 2 + NFT_GROUP_SLOTS);
	must(nft_batch_commit(removal, &world.e));
	nft_batch_close(&removal);
	o = (struct owned){0};
	must(nft_each_owned(WORLD_TABLE, NULL, count_owned, &o, &world.e));
	assert_int_equal(o.of_a1, 0);
	assert_int_equal(o.n, 2 * 9 + 1 + NFT_GROUP_SLOTS);
	must(nft_each_owned("tare-other", NULL, count_owned, &o, &world.e));
}

static const char *owner_of(int protocol, const char *host, int port)
{
	static char owner[NFT_OWNER_LEN + 1];
	struct nft_port p = port_of(A1, protocol, host, port);

	go(HOST);
	must(nft_port_owner(WORLD_TABLE, &p, owner, &world.e));
	return owner;
}

/* Who was started in the meantime has the same address, or published the same. */
static void what_is_anothers_by_then_stays(void **state)
{
	struct nft_port now = port_of(A1, IPPROTO_TCP, "0.0.0.0", 80), before = now;

	(void)state;
	needs_root();
	lay_world();
	before.owner = owners[A2];
	change(nft_port(batch, NFT_ADD_NEW, &now));
	cleanup_nft_batch struct nft_batch *b = nft_batch_open(WORLD_TABLE, &world.e);
	/* the very same would be the other's */
	nft_port(b, NFT_ADD_NEW, &before);
	assert_int_equal(nft_batch_commit(b, &world.e), -1);
	assert_int_equal(world.e.kind, ERR_CONFLICT);
	nft_batch_close(&b);
	b = nft_batch_open(WORLD_TABLE, &world.e);
	nft_port(b, NFT_REMOVE, &before);
	must(nft_batch_commit_removal(b, &world.e));
	assert_string_equal(owner_of(IPPROTO_TCP, "0.0.0.0", 80), owners[A1]);
	nft_port(b, NFT_REMOVE, &now);
	must(nft_batch_commit_removal(b, &world.e));
	assert_string_equal(owner_of(IPPROTO_TCP, "0.0.0.0", 80), "");
}

static void who_has_a_port(void **state)
{
	struct nft_port any = port_of(A1, IPPROTO_TCP, "0.0.0.0", 80),
	                one = port_of(A2, IPPROTO_TCP, "192.0.2.1", 81),
	                group = port_of(B1, IPPROTO_TCP, "::", 82);

	(void)state;
	needs_root();
	lay_world();
	change({
		nft_port(batch, NFT_ADD, &any);
		nft_port(batch, NFT_ADD, &one);
		nft_group_slot(batch, NFT_ADD, &group, 7);
	});
	assert_string_equal(owner_of(IPPROTO_TCP, "0.0.0.0", 80), owners[A1]);
	assert_string_equal(owner_of(IPPROTO_TCP, "127.0.0.1", 80), owners[A1]);
	assert_string_equal(owner_of(IPPROTO_UDP, "0.0.0.0", 80), "");
	assert_string_equal(owner_of(IPPROTO_TCP, "0.0.0.0", 81), owners[A2]);
	assert_string_equal(owner_of(IPPROTO_TCP, "192.0.2.1", 81), owners[A2]);
	assert_string_equal(owner_of(IPPROTO_TCP, "127.0.0.1", 81), "");
	assert_string_equal(owner_of(IPPROTO_TCP, "2001:db8:1::1", 82), owners[B1]);
	assert_string_equal(owner_of(IPPROTO_TCP, "::", 80), "");
}

/* ---------------------------------------------------------------- others' firewalls */

static char **drops(void)
{
	char **advice;

	go(HOST);
	must(nft_foreign_drops(WORLD_TABLE, "tare0", &advice, &world.e));
	return advice;
}

static void host_firewall(const char *rules)
{
	cleanup_free char *command = str_printf("nft -f - <<'EOF'\n%s\nEOF\n", rules);

	go(HOST);
	assert_int_equal(system(command), 0);
}

/* What is advised works, and is not advised again. */
static void firewalls_of_others_are_named(void **state)
{
	cleanup_fd int v4 = bound(A1, SOCK_STREAM, "10.1.0.11", 80);
	cleanup_strv char **none = NULL, **two = NULL, **after = NULL;

	(void)state;
	needs_root();
	lay_world();
	publish(IPPROTO_TCP, "0.0.0.0", 8080, A1);
	none = drops();
	assert_null(none);
	host_firewall(
	        "table inet wall {\n"
	        "  chain called { tcp dport 22 accept; }\n"
	        "  chain crossing { type filter hook forward priority 0; policy drop; jump called; }\n"
	        "  chain outgoing { type filter hook output priority 0; policy accept; }\n"
	        "  chain incoming { type filter hook input priority 0; policy accept;\n"
	        "    ct state established accept; tcp dport 22 accept; counter reject; }\n"
	        "  chain fine { type filter hook input priority 0; policy accept; tcp dport 23 drop; }\n"
	        "}");
	assert_lost(v4, OUTSIDE, SOCK_STREAM, "192.0.2.1", 8080);
	two = drops();
	assert_int_equal(strv_len(two), 2);
	assert_string_equal(two[0],
	        "inet wall crossing: nft insert rule inet wall crossing iifname tare0 accept && "
	        "nft insert rule inet wall crossing oifname tare0 accept");
	assert_string_equal(two[1],
	        "inet wall incoming: nft insert rule inet wall incoming iifname tare0 ct status dnat accept");
	strv_foreach (line, two)
		assert_int_equal(system(strstr(*line, "nft insert")), 0);
	after = drops();
	assert_null(after);
	assert_seen_as(v4, "192.0.2.2", OUTSIDE, SOCK_STREAM, "192.0.2.1", 8080);
	go(HOST);
	assert_int_equal(system("nft delete table inet wall"), 0);
}

static bool has_program(const char *name)
{
	cleanup_free char *command = str_printf("command -v %s >/dev/null", name);

	return system(command) == 0;
}

/* Both chains drop after `setup`; what is advised helps. $P is the program. */
static void iptables_is_named(const char *program, const char *setup)
{
	cleanup_strv char **named = NULL, **after = NULL;
	char command[256];

	go(HOST);
	snprintf(command, sizeof command, "P=%s; %s", program, setup);
	assert_int_equal(system(command), 0);
	named = drops();
	assert_int_equal(strv_len(named), 2);
	strv_foreach (line, named)
		assert_int_equal(system(strstr(*line, ": ") + 2), 0);
	after = drops();
	assert_null(after);
	snprintf(command, sizeof command, "P=%s; $P -P FORWARD ACCEPT; $P -P INPUT ACCEPT; $P -F", program);
	assert_int_equal(system(command), 0);
}

/* iptables writes into tables of nftables, or (legacy) into ones of its own. */
static void firewalls_of_iptables_are_named(void **state)
{
	static const char *const programs[] = {"iptables-nft", "iptables-legacy", "ip6tables-legacy"};

	(void)state;
	needs_root();
	lay_world();
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
		if (!has_program(programs[i]))
			continue;
		iptables_is_named(programs[i], "$P -P FORWARD DROP; $P -P INPUT DROP");
		iptables_is_named(programs[i],
		        "$P -A FORWARD -p tcp --dport 22 -j ACCEPT; $P -A FORWARD -j REJECT;"
		        "$P -N OWN; $P -A INPUT -j OWN; $P -A INPUT -j DROP");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(rules_are_laid_once),
	        cmocka_unit_test(many_lay_them_at_once),
	        cmocka_unit_test(an_nft_that_refuses_is_quoted),
	        cmocka_unit_test(without_the_bridge_family),
	        cmocka_unit_test(a_batch_is_all_or_nothing),
	        cmocka_unit_test(large_batches),
	        cmocka_unit_test(what_was_left_behind_is_found),
	        cmocka_unit_test(what_is_anothers_by_then_stays),
	        cmocka_unit_test(who_has_a_port),
	        cmocka_unit_test(firewalls_of_others_are_named),
	        cmocka_unit_test(firewalls_of_iptables_are_named),
	};

	return cmocka_run_group_tests(tests, make_world, end_world);
}
