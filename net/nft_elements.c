#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>

#include "net/nft_batch.h"

static const unsigned char nowhere[16];

static bool is_any(const struct net_address *a)
{
	return !memcmp(a->bytes, nowhere, net_address_len(a));
}

static struct nft_value link_value(const char *name)
{
	struct nft_value v = {.len = 0};

	nft_value_link(&v, name);
	return v;
}

static void link_element(struct nft_batch *b, enum nft_change c, const char *set, const char *link)
{
	struct nft_value key = link_value(link);

	nft_element(b, c, NFPROTO_INET, set, &key, NULL, NULL);
}

static void protocol_value(struct nft_value *v, int protocol)
{
	unsigned char field = (unsigned char)protocol;

	nft_value_add(v, &field, sizeof field);
}

/* "publish4", "publish6_any": the map for that address. */
struct map_name {
	char text[24];
};
static struct map_name map_for(const char *kind, const struct net_address *a)
{
	struct map_name name;

	snprintf(name.text, sizeof name.text, "%s%c%s", kind, a->family == AF_INET ? '4' : '6',
	        is_any(a) ? "_any" : "");
	return name;
}

static void target_value(struct nft_value *v, const struct net_address *to, uint16_t port)
{
	nft_value_address(v, to);
	nft_value_port(v, port);
}

void nft_network(struct nft_batch *b, enum nft_change c, const struct nft_network *n)
{
	struct nft_value same = link_value(n->bridge);

	link_element(b, c, "bridges", n->bridge);
	nft_value_link(&same, n->bridge);
	nft_element(b, c, NFPROTO_INET, "same", &same, NULL, NULL);
	if (n->internal)
		link_element(b, c, "internal", n->bridge);
	if (n->open)
		link_element(b, c, "open", n->bridge);
	if (n->apart)
		link_element(b, c, "apart", n->bridge);
	if (n->masquerade)
		link_element(b, c, "leaving", n->bridge);
}

static void dns_element(
        struct nft_batch *b, enum nft_change c, const struct nft_dns *d, int protocol, uint16_t port)
{
	struct nft_value key = link_value(d->bridge), data = {.len = 0};

	if (!port)
		return;
	nft_value_address(&key, &d->gateway);
	protocol_value(&key, protocol);
	target_value(&data, &d->gateway, port);
	nft_element(b, c, NFPROTO_INET, d->gateway.family == AF_INET ? "dns4" : "dns6", &key, &data, NULL);
}

void nft_dns(struct nft_batch *b, enum nft_change c, const struct nft_dns *d)
{
	dns_element(b, c, d, IPPROTO_UDP, d->udp_port);
	dns_element(b, c, d, IPPROTO_TCP, d->tcp_port);
}

/* A link's name is never another's: whose what it keys is needs no look before the removal. */
static const char *owner_of_link(enum nft_change c, const char *owner)
{
	return c == NFT_REMOVE ? NULL : owner;
}

static void member_element(struct nft_batch *b, enum nft_change c, const struct nft_member *m,
        const char *set, const void *field, size_t len)
{
	struct nft_value key = link_value(m->link);

	if (len)
		nft_value_add(&key, field, len);
	nft_element(b, c, NFPROTO_BRIDGE, set, &key, NULL, owner_of_link(c, m->owner));
}

static void member_address(
        struct nft_batch *b, enum nft_change c, const struct nft_member *m, const struct net_address *a)
{
	size_t len = net_address_len(a);

	if (a->family == AF_INET)
		member_element(b, c, m, "members4", a->bytes, len);
	if (a->family != AF_INET6)
		return;
	member_element(b, c, m, "members6", a->bytes, len);
	member_element(b, c, m, "targets6", a->bytes, len);
}

/* Trusted or not: where its packets are expected, and how it reaches itself. */
static void member_self(struct nft_batch *b, enum nft_change c, const struct nft_member *m)
{
	struct nft_value port = link_value(m->link), both = port;

	nft_value_link(&both, m->link);
	nft_element(b, c, NFPROTO_BRIDGE, "self", &both, NULL, owner_of_link(c, m->owner));
	for (int i = 0; i < 2; i++) {
		struct nft_value pair = {.len = 0};

		if (!m->address[i].family)
			continue;
		nft_value_address(&pair, &m->address[i]);
		nft_value_address(&pair, &m->address[i]);
		nft_element(b, c, NFPROTO_INET, m->address[i].family == AF_INET ? "self4" : "self6", &pair,
		        NULL, m->owner);
	}
}

void nft_member(struct nft_batch *b, enum nft_change c, const struct nft_member *m)
{
	struct net_address local;

	member_self(b, c, m);
	if (m->trusted) {
		member_element(b, c, m, "trusted", NULL, 0);
		return;
	}
	member_element(b, c, m, "members", m->mac, sizeof m->mac);
	member_address(b, c, m, &m->address[0]);
	member_address(b, c, m, &m->address[1]);
	/* Every container may have one, with or without IPv6 in its network. */
	net_link_local(m->mac, &local);
	member_address(b, c, m, &local);
}

void nft_port(struct nft_batch *b, enum nft_change c, const struct nft_port *p)
{
	struct nft_value key = {.len = 0}, data = {.len = 0};

	if (!is_any(&p->host))
		nft_value_address(&key, &p->host);
	protocol_value(&key, p->protocol);
	nft_value_port(&key, p->host_port);
	target_value(&data, &p->to, p->to_port);
	nft_element(b, c, NFPROTO_INET, map_for("publish", &p->host).text, &key, &data, p->owner);
}

void nft_group_slot(struct nft_batch *b, enum nft_change c, const struct nft_port *p, unsigned slot)
{
	struct nft_value key = {.len = 0}, data = {.len = 0};
	uint32_t number = slot; /* in the host's byte order, as numgen makes it */

	if (!is_any(&p->host))
		nft_value_address(&key, &p->host);
	protocol_value(&key, p->protocol);
	nft_value_port(&key, p->host_port);
	nft_value_add(&key, &number, sizeof number);
	target_value(&data, &p->to, p->to_port);
	/* the group's file, which is locked, says whose a slot is */
	nft_element(b, c, NFPROTO_INET, map_for("group", &p->host).text, &key, &data,
	        c == NFT_REMOVE ? NULL : p->owner);
}

void nft_guarded(struct nft_batch *b, enum nft_change c, int family, const char *link)
{
	link_element(b, c, family == AF_INET ? "guarded4" : "guarded6", link);
}
