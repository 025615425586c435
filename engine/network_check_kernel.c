/* What the kernel has of networks against what the records and states say: rules, links, forwarding, and the
 * firewall of others. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/network_check.h"
#include "net/forwarding.h"

static const char over[] = "its run is over";

static bool any_held_bridge(const struct network_check *x)
{
	for (size_t i = 0; i < x->records.n; i++)
		if (x->held[i] && strcmp(x->records.rows[i].driver, "bridge") == 0)
			return true;
	return false;
}

/* ------------------------------------------------------------------ rules */

struct owners {
	struct network_check *x;
	char **dead, **seen; /* of those that hold a place, seen: short ids */
};

/* A container that has the same short id as one that holds a place has none of its own. */
static bool holds(const struct network_check *x, const char *owner)
{
	strv_foreach (id, x->holders)
		if (strncmp(*id, owner, NFT_OWNER_LEN) == 0)
			return true;
	return false;
}

/* Asked again of one that did not hold a place at the beginning: it may have been started since. */
static bool is_dead(const struct network_check *x, const char *owner)
{
	char id[TARE_ID_LEN + 1];

	return container_resolve(x->s, owner, id, NULL) != 0 || endpoint_holder_is_dead(id, (void *)x->s);
}

static int look_at_owner(const char *kind, const char owner[NFT_OWNER_LEN + 1], void *arg)
{
	struct owners *o = arg;

	if (strv_has(o->dead, owner)) {
		/* who is left in its group has these slots by now: the file says who */
		o->x->reload |= strncmp(kind, "group", strlen("group")) == 0;
		return 1;
	}
	if (strv_has(o->seen, owner))
		return 0;
	if (!holds(o->x, owner) && is_dead(o->x, owner))
		return strv_add(&o->dead, owner) == 0 ? look_at_owner(kind, owner, o) : -1;
	return strv_add(&o->seen, owner);
}

static int tell_dead_rules(struct network_check *x, char *const *dead, struct nft_batch *removal)
{
	bool repaired = x->repair && dead && nft_batch_commit_removal(removal, NULL) == 0;

	strv_foreach (owner, dead)
		if (network_check_tell(x, repaired, over, NULL, str_printf("rules of %s", *owner)) != 0)
			return -1;
	return 0;
}

/* On a bridge: macvlan needs no rules. */
static int note_bridged(const struct container *c, const struct network_state *n, void *arg)
{
	char ***ids = arg;

	for (size_t i = 0; i < n->n_endpoints; i++)
		if (n->endpoints[i].bridge[0] && n->endpoints[i].link_index)
			return strv_add(ids, c->id);
	return 0;
}

static int tell_missing_rules(struct network_check *x, char *const *seen, struct err *e)
{
	cleanup_strv char **bridged = NULL;

	if (network_each_holder(x->s, note_bridged, &bridged, e) != 0)
		return -1;
	strv_foreach (id, bridged) {
		char owner[NFT_OWNER_LEN + 1];
		snprintf(owner, sizeof owner, "%.*s", NFT_OWNER_LEN, *id);
		if (strv_has(seen, owner) || !strv_has(x->holders, *id))
			continue;
		x->reload = true;
		if (network_check_tell(x, x->repair, "are missing: somebody changed the table", NULL,
		            str_printf("rules of %s", owner)) != 0)
			return err_no_memory(e);
	}
	return 0;
}

int network_check_rules(struct network_check *x, struct err *e)
{
	cleanup_nft_batch struct nft_batch *removal = NULL;
	struct owners o = {.x = x};
	int rc = -1;

	if (!nft_is_laid(x->table)) {
		if (!any_held_bridge(x))
			return 0;
		x->reload = true;
		return network_check_tell(x, x->repair, "is not there: somebody flushed the firewall", NULL,
		               str_printf("nftables table %s", x->table)) == 0
		               ? 0
		               : err_no_memory(e);
	}
	removal = nft_batch_open(x->table, e);
	if (removal && nft_each_owned(x->table, removal, look_at_owner, &o, e) == 0) {
		rc = tell_dead_rules(x, o.dead, removal);
		rc = rc == 0 ? tell_missing_rules(x, o.seen, e) : err_no_memory(e);
	}
	strv_free(o.dead);
	strv_free(o.seen);
	return rc;
}

/* ------------------------------------------------------------------ links */

static int note_links(const struct container *c, const struct network_state *n, void *arg)
{
	char ***links = arg;

	(void)c;
	for (size_t i = 0; i < n->n_endpoints; i++)
		if (n->endpoints[i].link[0] && strv_add(links, n->endpoints[i].link) != 0)
			return -1;
	return 0;
}

/* The host's ends of pairs that are ours. */
static int our_pairs(const struct network_check *x, char ***pairs, struct err *e)
{
	cleanup_strv char **all = NULL;

	if (link_names(x->h, &all, e) != 0)
		return -1;
	strv_foreach (name, all)
		if (network_port_is_ours(x->s, *name) && strv_add(pairs, *name) < 0)
			return err_no_memory(e);
	return 0;
}

/* First which there are, then whose: a start writes down a link before it makes it. */
static int idle_pairs(const struct network_check *x, char ***idle, struct err *e)
{
	cleanup_strv char **pairs = NULL, **used = NULL;

	*idle = NULL;
	if (our_pairs(x, &pairs, e) != 0 || network_each_holder(x->s, note_links, &used, e) != 0)
		return -1;
	strv_foreach (name, pairs)
		if (!strv_has(used, *name))
			strv_add(idle, *name);
	return 0;
}

/* A pair dies some ms after its container. */
#define DYING_NS 200000000

static int check_pairs(struct network_check *x, struct err *e)
{
	cleanup_strv char **before = NULL, **idle = NULL;

	if (idle_pairs(x, &before, e) != 0)
		return -1;
	if (!before)
		return 0;
	nanosleep(&(struct timespec){.tv_nsec = DYING_NS}, NULL);
	if (idle_pairs(x, &idle, e) != 0)
		return -1;
	strv_foreach (name, idle) {
		if (!strv_has(before, *name))
			continue;
		bool repaired = x->repair && link_remove(x->h, *name, NULL) == 0;
		if (network_check_tell(x, repaired, "belongs to no container that runs", NULL,
		            str_printf("interface %s", *name)) != 0)
			return err_no_memory(e);
	}
	return 0;
}

static bool is_recorded(const struct network_check *x, const char *link)
{
	for (size_t i = 0; i < x->records.n; i++)
		if (strcmp(x->records.rows[i].link, link) == 0)
			return true;
	return false;
}

static int check_bridges(struct network_check *x, struct err *e)
{
	cleanup_strv char **names = NULL;

	if (link_names(x->h, &names, e) != 0)
		return -1;
	strv_foreach (name, names) {
		if (is_recorded(x, *name) || x->records.damaged || !network_bridge_is_ours(x->s, *name))
			continue;
		bool repaired = x->repair && link_remove(x->h, *name, NULL) == 0;
		if (network_check_tell(
		            x, repaired, "its network is gone", NULL, str_printf("bridge %s", *name)) != 0)
			return err_no_memory(e);
	}
	return 0;
}

static int check_held(struct network_check *x, struct err *e)
{
	for (size_t i = 0; i < x->records.n; i++) {
		const struct network_record *r = &x->records.rows[i];
		if (!x->held[i] || link_index(x->h, r->link))
			continue;
		bool bridge = strcmp(r->driver, "bridge") == 0;
		x->reload |= bridge;
		if (network_check_tell(x, x->repair && bridge, "is not there, and containers are on it",
		            bridge ? NULL : "bring the interface back",
		            str_printf("interface %s of network %s", r->link, r->name)) != 0)
			return err_no_memory(e);
	}
	return 0;
}

/* What is on our bridges. */
static int bridged_links(const struct network_check *x, char ***links, struct err *e)
{
	for (size_t i = 0; i < x->records.n; i++) {
		unsigned bridge = link_index(x->h, x->records.rows[i].link);
		cleanup_strv char **ports = NULL;
		if (!bridge || strcmp(x->records.rows[i].driver, "bridge") != 0)
			continue;
		if (link_ports(x->h, bridge, &ports, e) != 0)
			return -1;
		strv_foreach (port, ports)
			if (strv_add(links, *port) < 0)
				return err_no_memory(e);
	}
	return 0;
}

struct loose {
	const struct network_check *x;
	char **ports, **links; /* of all our bridges; of containers that run, and on no bridge */
};

static int note_loose(const struct container *c, const struct network_state *n, void *arg)
{
	struct loose *l = arg;

	(void)c;
	for (size_t i = 0; i < n->n_endpoints; i++) {
		const struct endpoint *p = &n->endpoints[i];
		if (!p->bridge[0] || !p->link_index || strv_has(l->ports, p->link) ||
		        !link_index(l->x->h, p->bridge) || !link_index(l->x->h, p->link))
			continue;
		if (strv_add(&l->links, p->link) != 0)
			return -1;
	}
	return 0;
}

/* A bridge that somebody removed is made again by the next start in its network, without the ports it had. */
static int check_loose(struct network_check *x, struct err *e)
{
	struct loose l = {.x = x};
	int rc = bridged_links(x, &l.ports, e) == 0 ? network_each_holder(x->s, note_loose, &l, e) : -1;

	x->reload |= l.links != NULL;
	strv_foreach (name, l.links)
		if (rc == 0 && network_check_tell(x, x->repair, "is not on its network's bridge", NULL,
		                       str_printf("interface %s", *name)) != 0)
			rc = err_no_memory(e);
	strv_free(l.ports);
	strv_free(l.links);
	return rc;
}

int network_check_links(struct network_check *x, struct err *e)
{
	return check_bridges(x, e) == 0 && check_pairs(x, e) == 0 && check_loose(x, e) == 0 ? check_held(x, e)
	                                                                                    : -1;
}

/* ------------------------------------------------------------------ the host */

static int check_forwarding(struct network_check *x, struct err *e)
{
	static const char *const sysctls[2] = {"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"};

	for (size_t i = 0; i < x->records.n; i++) {
		const struct network_record *r = &x->records.rows[i];
		if (r->internal || strcmp(r->driver, "bridge") != 0 || !link_index(x->h, r->link))
			continue;
		for (int f = 0; f < 2; f++) {
			if (!r->subnet[f] || (f && !host_has_ipv6()) || forwarding_on(f ? AF_INET6 : AF_INET))
				continue;
			bool repaired = x->repair && network_forward(x->s, r, x->h, NULL) == 0;
			if (network_check_tell(x, repaired, "is off, so containers reach nothing outside",
			            NULL, strdup(sysctls[f])) != 0)
				return err_no_memory(e);
		}
	}
	return 0;
}

/* Rules of others are theirs: only told. */
static int tell_foreign(struct network_check *x, const struct network_record *r, const char *line)
{
	const char *colon = strstr(line, ": "); /* "ip filter FORWARD: COMMAND" */
	cleanup_free char *problem = str_printf("drops the packets of network %s", r->name);

	if (!problem)
		return -1;
	return network_check_tell(x, false, problem, colon ? colon + 2 : NULL,
	        str_printf("firewall chain %.*s", colon ? (int)(colon - line) : 80, line));
}

static int check_foreign(struct network_check *x, struct err *e)
{
	for (size_t i = 0; i < x->records.n; i++) {
		const struct network_record *r = &x->records.rows[i];
		cleanup_strv char **advice = NULL;
		if (r->internal || strcmp(r->driver, "bridge") != 0 || !link_index(x->h, r->link) ||
		        nft_foreign_drops(x->table, r->link, &advice, NULL) != 0)
			continue;
		strv_foreach (line, advice)
			if (tell_foreign(x, r, *line) != 0)
				return err_no_memory(e);
	}
	return 0;
}

int network_check_host(struct network_check *x, struct err *e)
{
	return check_forwarding(x, e) == 0 ? check_foreign(x, e) : -1;
}
