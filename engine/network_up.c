/* A network becomes real: tables, forwarding, a bridge with addresses, its elements. All of it is there after
 * the first container that needs it, so a start asks only whether the bridge is up, which is done last. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/network.h"
#include "engine/runtime/cgroup.h"
#include "net/dns.h"
#include "net/forwarding.h"

/* The index of the network's bridge when it is up and has its address, else 0: three ioctls, no netlink. */
static unsigned up_index(const struct network_record *r)
{
	struct ifreq q = {0};
	struct net_address gateway;
	struct sockaddr_in has;
	cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(q.ifr_name, sizeof q.ifr_name, "%s", r->link);
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &q) != 0 || !(q.ifr_flags & IFF_UP))
		return 0;
	if (r->gateway[0] && net_address_parse(r->gateway[0], &gateway, NULL) == 0) {
		if (ioctl(fd, SIOCGIFADDR, &q) != 0)
			return 0;
		memcpy(&has, &q.ifr_addr, sizeof has);
		if (memcmp(&has.sin_addr, gateway.bytes, sizeof has.sin_addr) != 0)
			return 0;
	}
	return ioctl(fd, SIOCGIFINDEX, &q) == 0 ? (unsigned)q.ifr_ifindex : 0;
}

/* ------------------------------------------------------------------ forwarding */

#define GUARDED_MAX ((size_t)1 << 16)

/* By family, in the state's networks directory: names of links, one a line. */
static const char *const guarded_files[2] = {"guarded4", "guarded6"};
static const int families[2] = {AF_INET, AF_INET6};

static char **read_guarded(const struct store *s, int f)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(GUARDED_MAX);
	cleanup_fd int dir = networks_state_dir(s, NULL);
	char **names = NULL;

	if (dir < 0 || file_read_at(dir, guarded_files[f], &text, NULL) < 0 || !text.len)
		return NULL;
	for (char *save, *name = strtok_r(text.data, "\n", &save); name; name = strtok_r(NULL, "\n", &save))
		strv_add(&names, name);
	return names;
}

static int write_guarded(const struct store *s, int f, char *const *names, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_fd int dir = networks_state_dir(s, e);

	strv_foreach (name, names)
		buf_printf(&text, "%s\n", *name);
	return dir < 0 ? -1
	               : file_write_at(
	                         dir, guarded_files[f], buf_str(&text), text.len, 0600, FILE_NO_SYNC, e);
}

void network_guards(const struct store *s, struct nft_batch *b)
{
	for (int f = 0; f < 2; f++) {
		cleanup_strv char **names = read_guarded(s, f);
		strv_foreach (name, names)
			nft_guarded(b, NFT_ADD, families[f], *name);
	}
}

/* Links of this host that did not forward to each other until now still don't: it must not become a router
 * between its interfaces because a container was started. */
static int guard_links(const struct store *s, struct link_handle *h, int f, struct err *e)
{
	char table[NFT_TABLE_MAX];
	cleanup_strv char **there = NULL, **names = read_guarded(s, f);
	cleanup_nft_batch struct nft_batch *b = nft_batch_open(network_table(s, table), e);

	if (!b || link_names(h, &there, e) != 0)
		return -1;
	strv_foreach (name, there)
		if (!network_made_link(*name) && !strv_has(names, *name) && strv_add(&names, *name) != 0)
			return err_no_memory(e);
	if (write_guarded(s, f, names, e) != 0)
		return -1;
	strv_foreach (name, names)
		nft_guarded(b, NFT_ADD, families[f], *name);
	return nft_batch_commit(b, e);
}

static void say_so(const bool turned[2])
{
	if (turned[0] || turned[1])
		log_line(LOG_LEVEL_INFO,
		        "turned on %s%s%s, which networks need; this host's other interfaces still don't "
		        "forward "
		        "to each other",
		        turned[0] ? "net.ipv4.ip_forward" : "", turned[0] && turned[1] ? " and " : "",
		        turned[1] ? "net.ipv6.conf.all.forwarding" : "");
}

int network_forward(
        const struct store *s, const struct network_record *r, struct link_handle *h, struct err *e)
{
	bool turned[2] = {false, false};

	for (int f = 0; f < 2 && !r->internal; f++) {
		if (!r->subnet[f] || (f && !host_has_ipv6()) || forwarding_on(families[f]))
			continue;
		if (guard_links(s, h, f, e) != 0)
			return err_wrap(e, "cannot turn on forwarding");
		if (forwarding_enable(families[f], e) < 0)
			return -1;
		turned[f] = true;
	}
	say_so(turned);
	return 0;
}

/* ------------------------------------------------------------------ elements and bridge */

void network_elements(
        struct nft_batch *b, enum nft_change c, const struct network_record *r, const struct lease_pool *pool)
{
	bool all = c == NFT_REMOVE; /* whatever it was once */
	struct nft_network n = {.bridge = r->link,
	        .gateway = {pool->gateway[0], pool->gateway[1]},
	        .internal = all || r->internal,
	        .open = all || !r->isolated,
	        .masquerade = all || r->masquerade,
	        .apart = all || !r->icc};

	nft_network(b, c, &n);
}

/* What an earlier life of the network left, with other options or another gateway, goes first. */
static int lay_elements(
        const char *table, const struct network_record *r, const struct lease_pool *pool, struct err *e)
{
	cleanup_nft_batch struct nft_batch *old = nft_batch_open(table, e);
	cleanup_nft_batch struct nft_batch *b = nft_batch_open(table, e);

	if (!old || !b)
		return -1;
	network_elements(old, NFT_REMOVE, r, pool);
	network_elements(b, NFT_ADD, r, pool);
	return nft_batch_commit_removal(old, e) == 0 ? nft_batch_commit(b, e) : -1;
}

#define MTU_MAX 65535 /* of a pair */
#define MTU6    1280  /* RFC 8200: the least that IPv6 works over */

/* Of a bridge that is being made: what leaves this host has to fit, and a tunnel or a cloud's network takes
 * less than what is usual. One that is up keeps what it has, since its ports have the same. */
static unsigned bridge_mtu(
        const struct network_record *r, const struct lease_pool *pool, struct link_handle *h)
{
	unsigned mtu = r->mtu || up_index(r) ? r->mtu : link_default_mtu(h);

	if (r->mtu || !mtu)
		return mtu;
	if (pool->subnet[1].base.family && mtu < MTU6)
		return MTU6;
	return mtu > MTU_MAX ? MTU_MAX : mtu;
}

int network_bridge(const struct store *s, const struct network_record *r, const struct lease_pool *pool,
        struct link_handle *h, unsigned *index, struct err *e)
{
	struct link_bridge bridge = {.name = r->link,
	        .mtu = bridge_mtu(r, pool, h),
	        .route_localnet = !r->internal && pool->gateway[0].family};

	network_bridge_mac(s, r->id, bridge.mac);
	for (int f = 0; f < 2; f++) {
		bridge.address[f] = pool->gateway[f];
		bridge.prefix[f] = pool->subnet[f].prefix;
	}
	return link_bridge_ensure(h, &bridge, index, e);
}

struct rejoin {
	const struct network_record *r;
	struct link_handle *h;
	unsigned bridge;
};

/* A start that is under way may not have made its link yet. */
static int join_again(const struct container *c, const struct network_state *n, void *arg)
{
	const struct rejoin *x = arg;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < n->n_endpoints; i++) {
		const struct endpoint *p = &n->endpoints[i];
		if (strcmp(p->network_id, x->r->id) == 0 && p->link[0] && link_index(x->h, p->link) &&
		        link_port_join(x->h, p->link, x->bridge, !x->r->icc, &e) != 0)
			log_line(LOG_LEVEL_WARN, "container %s is cut off from network %s: %s",
			        c->record.name, x->r->name, e.msg);
	}
	return 0;
}

int network_rejoin(const struct store *s, const struct network_record *r, struct link_handle *h,
        unsigned bridge, struct err *e)
{
	struct rejoin x = {.r = r, .h = h, .bridge = bridge};

	return network_each_holder(s, join_again, &x, e);
}

static void warn_of_foreign_drops(const char *table, const struct network_record *r)
{
	cleanup_strv char **advice = NULL;

	if (r->internal || nft_foreign_drops(table, r->link, &advice, NULL) != 0)
		return;
	strv_foreach (line, advice)
		log_line(LOG_LEVEL_WARN,
		        "the host's firewall drops packets of network %s; to let them pass, %s", r->name,
		        *line);
}

/* ------------------------------------------------------------------ up */

/* A route that came since the subnet was chosen would take the packets of one of the two. The default network
 * goes out of the way, since nobody chose its addresses. */
static int check_subnet(const struct store *s, struct network_record *r, struct err *e)
{
	cleanup_subnet_claims struct subnet_claims claims = {0};
	struct err why = ERR_INIT;
	bool clash = false;

	if (subnet_claims_read(s, r->link, &claims, e) != 0)
		return -1;
	for (int f = 0; f < 2 && !clash; f++) {
		struct net_subnet has;
		clash = r->subnet[f] && net_subnet_parse(r->subnet[f], &has, NULL) == 0 &&
		        subnet_check(&claims, &has, r->name, &why) != 0;
	}
	bool lacks_v6 = network_is_default(r) && !r->subnet[1] && host_has_ipv6();
	if (!clash && !lacks_v6)
		return 0;
	if (!network_is_default(r))
		return err_set(e, why.kind, "%s", why.msg);
	if (network_default_choose(s, r, e) != 0)
		return -1;
	return network_record_write(s, r, false, e);
}

/* The record as it is under the lock: another start may have given it another subnet, or somebody removed it.
 */
static int read_again(const struct store *s, struct network_record *r, struct err *e)
{
	struct network_record fresh;

	if (network_record_find(s, r->name, &fresh, e) != 0)
		return -1;
	bool same = strcmp(fresh.id, r->id) == 0;
	network_record_free(r);
	*r = fresh;
	return same ? 0 : err_set(e, ERR_CONFLICT, "it was removed meanwhile, and made again");
}

static int lay_rules(const struct store *s, const struct network_record *r, const struct lease_pool *pool,
        struct link_handle *h, struct err *e)
{
	char table[NFT_TABLE_MAX];
	bool no_bridge = false;

	if (nft_lay(network_table(s, table), false, &no_bridge, e) < 0)
		return -1;
	if (no_bridge)
		log_line(LOG_LEVEL_WARN,
		        "this kernel has no nftables for bridges: containers of a network can use each "
		        "other's addresses");
	return network_forward(s, r, h, e) == 0 ? lay_elements(table, r, pool, e) : -1;
}

/* Once more when somebody flushed the firewall between the rules and their elements. */
static int lay_rules_firmly(const struct store *s, const struct network_record *r,
        const struct lease_pool *pool, struct link_handle *h, struct err *e)
{
	struct err why = ERR_INIT;

	if (lay_rules(s, r, pool, h, &why) == 0)
		return 0;
	if (why.sys == ENOENT)
		return lay_rules(s, r, pool, h, e);
	if (e)
		*e = why;
	return -1;
}

static int bring_up(const struct store *s, struct network_record *r, unsigned *index, struct err *e)
{
	char table[NFT_TABLE_MAX];
	struct lease_pool pool;
	cleanup_fd int lock = networks_lock(s, e);

	if (lock < 0 || read_again(s, r, e) != 0)
		return -1;
	if ((*index = up_index(r)) != 0)
		return 0; /* somebody was quicker */
	cleanup_link struct link_handle *h = link_open(e);
	if (!h || check_subnet(s, r, e) != 0 || network_pool(r, &pool, e) != 0 ||
	        lay_rules_firmly(s, r, &pool, h, e) != 0)
		return -1;
	if (network_bridge(s, r, &pool, h, index, e) != 0 || network_rejoin(s, r, h, *index, e) != 0)
		return -1;
	warn_of_foreign_drops(network_table(s, table), r);
	return 0;
}

static int check_parent(const struct network_record *r, struct err *e)
{
	if (if_nametoindex(r->link) != 0)
		return 0;
	return err_set(e, ERR_NOT_FOUND, "the interface %s of this host, parent of network %s, is not there",
	        r->link, r->name);
}

int network_up(const struct store *s, struct network_record *r, unsigned *bridge_index, struct err *e)
{
	*bridge_index = 0;
	if (strcmp(r->driver, "macvlan") == 0)
		return check_parent(r, e);
	*bridge_index = up_index(r);
	if (*bridge_index)
		return 0;
	return bring_up(s, r, bridge_index, e) == 0 ? 0 : err_wrap(e, "cannot bring up network %s", r->name);
}

int network_dns(const struct store *s, const struct network_record *r, struct err *e)
{
	char table[NFT_TABLE_MAX], program[4096];
	struct lease_pool pool;
	cleanup_fd int dir = networks_state_dir(s, e);

	if (dir < 0 || network_pool(r, &pool, e) != 0 ||
	        helper_path("tare-dns", program, sizeof program, e) != 0)
		return -1;
	struct dns_network n = {.id = r->id, .bridge = r->link, .internal = r->internal};
	for (int f = 0; f < 2; f++) {
		n.subnet[f] = pool.subnet[f];
		n.gateway[f] = pool.gateway[f];
	}
	return dns_ensure(dir, program, cgroup_enter_monitors, network_table(s, table), &n, e);
}

/* ------------------------------------------------------------------ down */

static void remove_elements(const char *table, const struct network_record *r)
{
	struct lease_pool pool;
	cleanup_nft_batch struct nft_batch *b = nft_batch_open(table, NULL);

	if (!b || network_pool(r, &pool, NULL) != 0)
		return;
	network_elements(b, NFT_REMOVE, r, &pool);
	nft_batch_commit_removal(b, NULL); /* no table, no elements */
}

int network_down(const struct store *s, const struct network_record *r, struct err *e)
{
	char table[NFT_TABLE_MAX];
	cleanup_fd int dir = networks_state_dir(s, e);

	if (dir < 0)
		return -1;
	if (strcmp(r->driver, "macvlan") != 0) {
		cleanup_link struct link_handle *h = link_open(e);
		network_table(s, table);
		dns_forget(dir, table, r->id);
		if (!h || link_remove(h, r->link, e) != 0)
			return err_wrap(e, "network %s: cannot remove the bridge %s", r->name, r->link);
		remove_elements(table, r);
	}
	if (remove_tree_at(dir, r->id) != 0)
		return err_sys(e, "cannot remove %s/networks/%s", s->state, r->id);
	return 0;
}
