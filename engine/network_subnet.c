/* Subnets: which are taken, by a network or by a route of this host, and one that is free. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "engine/network.h"

/* A route to more than a 256th of all addresses is a default route by another name (a tunnel's 0.0.0.0/1):
 * the link's own route goes before it. */
#define ROUTE_PREFIX_MIN 8

bool host_has_ipv6(void)
{
	static const char *const off[] = {
	        "/proc/sys/net/ipv6/conf/all/disable_ipv6", "/proc/sys/net/ipv6/conf/default/disable_ipv6"};
	char text[8];

	for (size_t i = 0; i < sizeof off / sizeof off[0]; i++)
		if (file_read_small(AT_FDCWD, off[i], text, sizeof text) < 1 || text[0] != '0')
			return false;
	return true;
}

/* ------------------------------------------------------------------ what is taken */

void subnet_claims_free(struct subnet_claims *c)
{
	network_records_free(&c->networks);
	free(c->routes);
	*c = (struct subnet_claims){0};
}

int subnet_claims_read(const struct store *s, const char *but_link, struct subnet_claims *c, struct err *e)
{
	*c = (struct subnet_claims){0};
	cleanup_link struct link_handle *h = link_open(e);

	if (h && network_record_list(s, &c->networks, e) == 0 &&
	        link_routes(h, but_link, &c->routes, &c->n_routes, e) == 0)
		return 0;
	subnet_claims_free(c);
	return err_wrap(e, "cannot see which subnets are in use");
}

static int check_networks(
        const struct subnet_claims *c, const struct net_subnet *want, const char *but_name, struct err *e)
{
	char text[NET_SUBNET_TEXT];

	for (size_t i = 0; i < c->networks.n; i++) {
		const struct network_record *r = &c->networks.rows[i];
		for (int f = 0; f < 2; f++) {
			struct net_subnet has;
			if ((but_name && strcmp(r->name, but_name) == 0) || !r->subnet[f] ||
			        net_subnet_parse(r->subnet[f], &has, NULL) != 0 ||
			        !net_subnet_overlap(&has, want))
				continue;
			return err_set(e, ERR_CONFLICT,
			        "subnet %s overlaps %s of network %s; choose another with --subnet",
			        net_subnet_text(want, text), r->subnet[f], r->name);
		}
	}
	return 0;
}

static int check_routes(const struct subnet_claims *c, const struct net_subnet *want, struct err *e)
{
	char text[NET_SUBNET_TEXT], route[NET_SUBNET_TEXT];

	for (size_t i = 0; i < c->n_routes; i++)
		if (c->routes[i].prefix >= ROUTE_PREFIX_MIN && net_subnet_overlap(&c->routes[i], want))
			return err_set(e, ERR_CONFLICT,
			        "subnet %s overlaps the route %s of this host; choose another with --subnet",
			        net_subnet_text(want, text), net_subnet_text(&c->routes[i], route));
	return 0;
}

int subnet_check(
        const struct subnet_claims *c, const struct net_subnet *want, const char *but_name, struct err *e)
{
	return check_networks(c, want, but_name, e) == 0 ? check_routes(c, want, e) : -1;
}

/* ------------------------------------------------------------------ one that is free */

/* Private ranges (RFC 1918), those first that fewest others use. */
static const struct {
	const char *first; /* the default network's, where it is free */
	unsigned prefix, n;
} candidates[] = {{"10.209.0.0", 16, 46}, {"172.20.0.0", 16, 12}, {"192.168.0.0", 24, 256}};

static void nth_candidate(size_t row, unsigned n, struct net_subnet *out)
{
	*out = (struct net_subnet){.prefix = candidates[row].prefix};
	net_address_parse(candidates[row].first, &out->base, NULL);
	out->base.bytes[candidates[row].prefix / 8 - 1] += (unsigned char)n;
}

static bool is_free(const struct subnet_claims *c, const struct net_subnet *want)
{
	return subnet_check(c, want, NULL, NULL) == 0;
}

static int choose_v4(const struct subnet_claims *c, bool for_default, struct net_subnet *out, struct err *e)
{
	for (size_t row = 0; row < sizeof candidates / sizeof candidates[0]; row++)
		for (unsigned n = 0; n < candidates[row].n; n++) {
			if (row == 0 && n == 0 && !for_default)
				continue;
			nth_candidate(row, n, out);
			if (is_free(c, out))
				return 0;
		}
	return err_set(e, ERR_NO_SPACE,
	        "no private IPv4 subnet is free of this host's routes and other networks; give one with "
	        "--subnet");
}

/* A unique local prefix of this host (RFC 4193: fd and 40 bits), and a subnet's number within it. */
static int choose_v6(const struct store *s, const struct subnet_claims *c, bool for_default,
        struct net_subnet *out, struct err *e)
{
	uint64_t hash = network_host_hash(s);

	*out = (struct net_subnet){.base = {.family = AF_INET6, .bytes = {0xfd}}, .prefix = 64};
	for (int i = 0; i < 5; i++)
		out->base.bytes[1 + i] = (unsigned char)(hash >> 8 * i);
	for (unsigned n = for_default ? 0 : 1; n <= 0xffff; n++) {
		out->base.bytes[6] = (unsigned char)(n >> 8);
		out->base.bytes[7] = (unsigned char)n;
		if (is_free(c, out))
			return 0;
	}
	return err_set(e, ERR_NO_SPACE, "no IPv6 subnet is free; give one with --subnet");
}

int subnet_choose(const struct store *s, const struct subnet_claims *c, int family, bool for_default,
        struct net_subnet *out, struct err *e)
{
	return family == AF_INET ? choose_v4(c, for_default, out, e) : choose_v6(s, c, for_default, out, e);
}
