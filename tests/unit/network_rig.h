/* What the tests of networks in the engine have in common: a store, and a network namespace in the place of
 * the host's, in which nothing but lo is. Included after cmocka.h. */
#ifndef TARE_TESTS_UNIT_NETWORK_RIG_H
#define TARE_TESTS_UNIT_NETWORK_RIG_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"
#include "engine/network.h"

struct network_rig {
	char dir[64];
	int home; /* the namespace that the test was started in */
	struct tare_engine *t;
	const struct store *s;
	struct link_handle *h;
	struct err e;
};

static inline int rig_setup(void **state)
{
	struct network_rig *r = calloc(1, sizeof *r);
	char root[96], run[96];

	*state = r;
	r->home = -1;
	if (geteuid() != 0)
		return 0;
	log_set_level(LOG_LEVEL_ERROR);
	strcpy(r->dir, "/dev/shm/tare-unit-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(root, sizeof root, "%s/root", r->dir);
	snprintf(run, sizeof run, "%s/state", r->dir);
	r->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	/* a new namespace has what the host's has */
	file_poke(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", "0");
	file_poke(AT_FDCWD, "/proc/sys/net/ipv6/conf/all/forwarding", "0");
	r->t = tare_engine_linux(root, run, &r->e);
	assert_non_null(r->t);
	r->s = engine_store(r->t);
	r->h = link_open(&r->e);
	assert_non_null(r->h);
	return 0;
}

static inline int rig_teardown(void **state)
{
	struct network_rig *r = *state;

	link_close(&r->h);
	if (r->t)
		r->t->close(r->t);
	if (r->home >= 0) {
		if (setns(r->home, CLONE_NEWNET) != 0)
			fail_msg("setns: %s", strerror(errno));
		remove_tree_at(AT_FDCWD, r->dir);
	}
	close_fd(&r->home);
	free(r);
	return 0;
}

#define rig_needs_root()                                                                                     \
	do {                                                                                                 \
		if (geteuid())                                                                               \
			skip();                                                                              \
	} while (0)

#define rig_ok(call)                                                                                         \
	do {                                                                                                 \
		if ((call) < 0)                                                                              \
			fail_msg("%s: %s", #call, rig->e.msg);                                               \
	} while (0)

/* A bridge of somebody else with this address: a route of the host. */
static inline void rig_route(struct network_rig *rig, const char *name, const char *address, unsigned prefix)
{
	struct link_bridge b = {.name = name, .mac = {0x02, 0xff, 0, 0, 0, 1}, .prefix = {prefix}};
	unsigned index;

	assert_int_equal(net_address_parse(address, &b.address[0], NULL), 0);
	rig_ok(link_bridge_ensure(rig->h, &b, &index, &rig->e));
}

static inline void rig_create(struct network_rig *rig, const char *name, const char *subnet, char *id)
{
	struct tare_network_create q = {.name = name, .subnet = {subnet}};
	char own[NETWORK_ID_LEN + 1] = "";

	rig_ok(engine_network_create(rig->t, &q, id ? id : own, &rig->e));
}

static inline struct network_record rig_up(struct network_rig *rig, const char *name, unsigned *bridge)
{
	struct network_record r;
	unsigned own;

	rig_ok(network_find(rig->s, name, &r, &rig->e));
	rig_ok(network_up(rig->s, &r, bridge ? bridge : &own, &rig->e));
	return r;
}

/* The same where nobody looks at its record. */
static inline void rig_bring_up(struct network_rig *rig, const char *name, unsigned *bridge)
{
	cleanup_network_record struct network_record r = rig_up(rig, name, bridge);

	assert_non_null(r.link);
}

/* A container whose record asks for that network; its lock is held by a start that never ends, unless it is
 * let go: then its run is over. */
struct rig_container {
	char id[TARE_ID_LEN + 1];
	int lock, state;
};

static inline struct rig_container rig_container(
        struct network_rig *rig, const char *name, const char *network)
{
	struct rig_container c;
	struct container_record r = {.name = strdup(name), .config = json_object_new_object()};
	json *host = json_object_new_object();

	random_hex(c.id, TARE_ID_LEN / 2);
	memcpy(r.id, c.id, sizeof r.id);
	json_set_str(host, "NetworkMode", network);
	json_set(r.config, "HostConfig", host);
	assert_int_equal(mkdirat(rig->s->containers_fd, r.id, 0700), 0);
	cleanup_fd int dir = container_dir_open(rig->s, r.id);
	assert_int_equal(container_record_write(dir, &r, false, NULL), 0);
	container_record_free(&r);
	c.lock = lock_take(dir, ".", LOCK_EXCLUSIVE, NULL);
	c.state = container_state_dir_open(rig->s, c.id, true);
	assert_true(c.lock >= 0 && c.state >= 0);
	return c;
}

/* Its run ends without anybody's clean-up. */
static inline void rig_die(struct rig_container *c)
{
	close_fd(&c->lock);
}

static inline void rig_forget(struct rig_container *c)
{
	close_fd(&c->lock);
	close_fd(&c->state);
}

/* Give it a lease, a state and rules, as a start would; no link. */
static inline struct endpoint rig_join(
        struct network_rig *rig, const struct rig_container *c, const struct network_record *r)
{
	cleanup_leases struct leases l = LEASES_INIT;
	cleanup_nft_batch struct nft_batch *b = NULL;
	cleanup_fd int dir = network_state_dir(rig->s, r->id, NULL);
	struct endpoint p = {.network = r->name, .driver = r->driver, .link_index = 1};
	struct network_state n = {.endpoints = &p, .n_endpoints = 1};
	struct lease want = {0};
	struct lease_pool pool;
	const struct lease *given;
	char table[NFT_TABLE_MAX];

	network_port_name(rig->s, c->id, p.link);
	snprintf(p.bridge, sizeof p.bridge, "%s", r->link);
	snprintf(p.name, sizeof p.name, "eth0");
	memcpy(p.network_id, r->id, sizeof p.network_id);
	memcpy(want.id, c->id, sizeof want.id);
	memcpy(want.link, p.link, sizeof want.link);
	rig_ok(network_pool(r, &pool, &rig->e));
	rig_ok(leases_lock(dir, &l, &rig->e));
	rig_ok(leases_take(&l, r->id, &pool, &want, NULL, NULL, &given, &rig->e));
	memcpy(p.ip, given->ip, sizeof p.ip);
	memcpy(p.mac, given->mac, sizeof p.mac);
	memcpy(p.gateway, pool.gateway, sizeof p.gateway);
	p.prefix[0] = pool.subnet[0].prefix;
	p.prefix[1] = pool.subnet[1].prefix;
	rig_ok(network_state_write(c->state, &n, &rig->e));
	rig_ok(leases_write(&l, &rig->e));
	b = nft_batch_open(network_table(rig->s, table), &rig->e);
	struct nft_member m = {.link = p.link, .owner = c->id, .address = {p.ip[0], p.ip[1]}};
	memcpy(m.mac, p.mac, sizeof m.mac);
	nft_member(b, NFT_ADD, &m);
	rig_ok(nft_batch_commit(b, &rig->e));
	return p;
}

static inline int rig_count_owner(const char *kind, const char owner[NFT_OWNER_LEN + 1], void *arg)
{
	struct {
		const char *id;
		int n;
	} *x = arg;

	(void)kind;
	x->n += strncmp(x->id, owner, NFT_OWNER_LEN) == 0;
	return 0;
}

/* How many elements of the tables bear that id. */
static inline int rig_rules(struct network_rig *rig, const char *id)
{
	char table[NFT_TABLE_MAX];
	struct {
		const char *id;
		int n;
	} x = {.id = id};

	nft_each_owned(network_table(rig->s, table), NULL, rig_count_owner, &x, NULL);
	return x.n;
}

#endif
