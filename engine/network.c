/* Networks: which there are, found by name or id, and the default one, which is made when it is first asked
 * for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/endpoint.h"
#include "engine/events.h"
#include "engine/network.h"

bool network_is_default(const struct network_record *r)
{
	return strcmp(r->name, NETWORK_DEFAULT) == 0;
}

/* ------------------------------------------------------------------ the record's addresses */

static int parse_family(const struct network_record *r, int f, struct lease_pool *pool, struct err *e)
{
	if (!r->subnet[f] || (f == 1 && !host_has_ipv6()))
		return 0;
	if (net_subnet_parse(r->subnet[f], &pool->subnet[f], e) != 0 ||
	        (r->range[f] && net_subnet_parse(r->range[f], &pool->range[f], e) != 0) ||
	        (r->gateway[f] && net_address_parse(r->gateway[f], &pool->gateway[f], e) != 0))
		return -1;
	return 0;
}

int network_pool(const struct network_record *r, struct lease_pool *pool, struct err *e)
{
	*pool = (struct lease_pool){0};
	for (int f = 0; f < 2; f++)
		if (parse_family(r, f, pool, e) != 0)
			return err_wrap(e, "network %s", r->name);
	if (!pool->subnet[0].base.family && !pool->subnet[1].base.family)
		return err_set(e, ERR_UNSUPPORTED,
		        "network %s is an IPv6 one, and IPv6 is turned off on this host", r->name);
	return 0;
}

int network_set_subnet(struct network_record *r, const struct net_subnet *s)
{
	char subnet[NET_SUBNET_TEXT], gateway[NET_ADDRESS_TEXT];
	struct net_address first;
	int f = s->base.family == AF_INET6;

	if (!net_subnet_nth(s, 1, &first))
		first = s->base;
	free(r->subnet[f]);
	free(r->gateway[f]);
	r->subnet[f] = strdup(net_subnet_text(s, subnet));
	r->gateway[f] = strdup(net_address_text(&first, gateway));
	return r->subnet[f] && r->gateway[f] ? 0 : -1;
}

void network_event(const struct store *s, const struct network_record *r, const char *action, json *more)
{
	json *attributes = more ? more : json_object_new_object();

	json_set_str(attributes, "name", r->name);
	json_set_str(attributes, "type", r->driver);
	event_emit(s, "network", action, r->id, attributes);
}

/* ------------------------------------------------------------------ the default one */

int network_default_choose(const struct store *s, struct network_record *r, struct err *e)
{
	cleanup_subnet_claims struct subnet_claims claims = {0};
	bool v6 = host_has_ipv6();

	if (subnet_claims_read(s, r->link, &claims, e) != 0)
		return -1;
	/* what it had does not count: it is chosen anew */
	for (size_t i = 0; i < claims.networks.n; i++)
		if (network_is_default(&claims.networks.rows[i]))
			for (int f = 0; f < 2; f++) {
				free(claims.networks.rows[i].subnet[f]);
				claims.networks.rows[i].subnet[f] = NULL;
			}
	for (int f = 0; f < (v6 ? 2 : 1); f++) {
		struct net_subnet free_one;
		if (subnet_choose(s, &claims, f ? AF_INET6 : AF_INET, true, &free_one, e) != 0)
			return err_wrap(e, "network " NETWORK_DEFAULT);
		if (network_set_subnet(r, &free_one) != 0)
			return err_no_memory(e);
	}
	return 0;
}

static int make_default(const struct store *s, struct network_record *r, struct err *e)
{
	char bridge[IFNAMSIZ];

	*r = (struct network_record){.name = strdup(NETWORK_DEFAULT),
	        .driver = strdup("bridge"),
	        .link = strdup(network_default_bridge(s, bridge)),
	        .created = now_realtime(),
	        .isolated = true,
	        .icc = true,
	        .masquerade = true,
	        .antispoof = true};
	random_hex(r->id, NETWORK_ID_LEN / 2);
	if (!r->name || !r->driver || !r->link)
		return err_no_memory(e);
	if (network_default_choose(s, r, e) != 0 || network_record_write(s, r, true, e) != 0)
		return -1;
	network_event(s, r, "create", NULL);
	return 0;
}

int network_default(const struct store *s, struct network_record *r, struct err *e)
{
	struct err local = ERR_INIT;

	if (network_record_find(s, NETWORK_DEFAULT, r, &local) == 0)
		return 0;
	cleanup_fd int lock = local.kind == ERR_NOT_FOUND ? networks_lock(s, &local) : -1;
	if (lock >= 0 && network_record_find(s, NETWORK_DEFAULT, r, &local) == 0)
		return 0; /* somebody was quicker */
	if (lock < 0 || local.kind != ERR_NOT_FOUND) {
		if (e)
			*e = local;
		return -1;
	}
	if (make_default(s, r, e) == 0)
		return 0;
	network_record_free(r);
	return -1;
}

int network_find(const struct store *s, const char *ref, struct network_record *r, struct err *e)
{
	static const char *const names[] = {NETWORK_DEFAULT, "bridge", "default"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(ref, names[i]) == 0)
			return network_default(s, r, e);
	if (network_mode_is_shared(ref))
		return err_set(e, ERR_NOT_FOUND,
		        "%s is no network that has members, but a way to run: --network %s; see which there "
		        "are: tare network ls",
		        ref, ref);
	return network_record_find(s, ref, r, e);
}
