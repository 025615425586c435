/* The simulation's networks as rows and as documents, with those who run in them. */
#include "engine/simulation.h"

#include <stdlib.h>
#include <string.h>

#include "base/units.h"

/* ------------------------------------------------------------------ list */

static char *subnet_copy(const struct net_subnet *subnet)
{
	char text[NET_SUBNET_TEXT];

	return subnet->base.family ? strdup(net_subnet_text(subnet, text)) : NULL;
}

static char *address_copy(const struct net_address *a)
{
	char text[NET_ADDRESS_TEXT];

	return strdup(net_address_text(a, text));
}

static int fill_member(const struct sim_network *n, const struct sim_container *c, struct tare_member *m)
{
	const struct sim_attachment *at = sim_attachment_in(c, n);
	unsigned char mac[NET_MAC_LEN];
	char text[NET_MAC_TEXT];

	net_mac_of(n->id, &at->ip[0], mac);
	*m = (struct tare_member){.id = strdup(c->id),
	        .name = strdup(c->name),
	        .ip = address_copy(&at->ip[0]),
	        .ip6 = address_copy(&at->ip[1]),
	        .mac = strdup(net_mac_text(mac, text))};
	if (!m->id || !m->name || !m->ip || !m->ip6 || !m->mac)
		return -1;
	/* an internal network lets nobody in, and a macvlan one passes the host by */
	if (n->internal || strcmp(n->driver, "bridge") != 0)
		return 0;
	return sim_ports_fill(c, &m->ports, &m->n_ports);
}

static bool runs(const struct simulation *s, const struct sim_container *c)
{
	struct sim_status st = sim_at(c, sim_now(s));

	return st.there && (st.state == TARE_RUNNING || st.state == TARE_PAUSED);
}

static int fill_members(const struct simulation *s, const struct sim_network *n, struct tare_network *row)
{
	size_t count = 0;

	for (size_t i = 0; i < s->n_containers; i++)
		count += sim_attachment_in(s->containers[i], n) != NULL;
	row->members = calloc(count + 1, sizeof(*row->members));
	if (!row->members)
		return -1;
	for (size_t i = 0; i < s->n_containers; i++)
		if (sim_attachment_in(s->containers[i], n) && runs(s, s->containers[i]) &&
		        fill_member(n, s->containers[i], &row->members[row->n_members++]) < 0)
			return -1;
	return 0;
}

static int fill(const struct simulation *s, const struct sim_network *n, struct tare_network *row)
{
	*row = (struct tare_network){.name = strdup(n->name),
	        .id = strdup(n->id),
	        .driver = strdup(n->driver),
	        .link = strdup(n->link),
	        .created = sim_wall(s, n->created),
	        .internal = n->internal,
	        .is_default = n->is_default,
	        .ipv6 = n->subnet[1].base.family != 0,
	        .labels = json_object_get(n->labels),
	        .options = json_object_get(n->options)};
	for (int v = 0; v < 2; v++) {
		row->subnet[v] = subnet_copy(&n->subnet[v]);
		row->gateway[v] = n->gateway[v].family ? address_copy(&n->gateway[v]) : NULL;
		row->range[v] = subnet_copy(&n->range[v]);
	}
	if (!row->name || !row->id || !row->driver || !row->link)
		return -1;
	return fill_members(s, n, row);
}

static int default_first(const void *a, const void *b)
{
	const struct tare_network *x = a, *y = b;

	if (x->is_default != y->is_default)
		return x->is_default ? -1 : 1;
	return strcmp(x->name, y->name);
}

int sim_network_list(struct tare_engine *t, struct tare_network_list *out, struct err *e)
{
	struct simulation *s = sim_of(t);

	*out = (struct tare_network_list){0};
	if (sim_refresh(s, e) < 0)
		return -1;
	out->rows = calloc(s->n_networks + 1, sizeof(*out->rows));
	if (!out->rows)
		return err_no_memory(e);
	for (size_t i = 0; i < s->n_networks; i++) {
		if (s->networks[i]->removed)
			continue;
		if (fill(s, s->networks[i], &out->rows[out->n++]) < 0) {
			tare_network_list_free(out);
			return err_no_memory(e);
		}
	}
	qsort(out->rows, out->n, sizeof(*out->rows), default_first);
	return 0;
}

/* ------------------------------------------------------------------ inspect */

static json *ipam_of(const struct sim_network *n)
{
	json *o = json_object_new_object(), *config = json_object_new_array();
	char text[NET_SUBNET_TEXT];

	for (int v = 0; v < 2; v++) {
		json *one;

		if (!n->subnet[v].base.family)
			continue;
		one = json_object_new_object();
		json_set_str(one, "Subnet", net_subnet_text(&n->subnet[v], text));
		if (n->range[v].base.family)
			json_set_str(one, "IPRange", net_subnet_text(&n->range[v], text));
		if (n->gateway[v].family)
			json_set_str(one, "Gateway", net_address_text(&n->gateway[v], text));
		json_object_array_add(config, one);
	}
	json_set_str(o, "Driver", "default");
	json_set(o, "Options", NULL);
	json_set(o, "Config", config);
	return o;
}

static void set_with_prefix(
        json *o, const char *key, const struct net_address *a, const struct net_subnet *subnet)
{
	char text[NET_ADDRESS_TEXT];
	cleanup_free char *whole =
	        a->family ? str_printf("%s/%u", net_address_text(a, text), subnet->prefix) : NULL;

	json_set_str(o, key, whole ? whole : "");
}

static json *containers_of(const struct simulation *s, const struct sim_network *n)
{
	json *all = json_object_new_object();

	for (size_t i = 0; i < s->n_containers; i++) {
		const struct sim_container *c = s->containers[i];
		const struct sim_attachment *at = sim_attachment_in(c, n);
		unsigned char mac[NET_MAC_LEN];
		char hex[TARE_ID_LEN + 1], text[NET_MAC_TEXT];
		json *one;

		if (!at || !runs(s, c))
			continue;
		one = json_object_new_object();
		sim_hex(sim_hash(c->seed, sim_hash_text(n->id)), hex, TARE_ID_LEN);
		net_mac_of(n->id, &at->ip[0], mac);
		json_set_str(one, "Name", c->name);
		json_set_str(one, "EndpointID", hex);
		json_set_str(one, "MacAddress", net_mac_text(mac, text));
		set_with_prefix(one, "IPv4Address", &at->ip[0], &n->subnet[0]);
		set_with_prefix(one, "IPv6Address", &at->ip[1], &n->subnet[1]);
		json_set(all, c->id, one);
	}
	return all;
}

int sim_network_inspect(struct tare_engine *t, const char *ref, json **out, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_network *n = sim_find_network(s, ref, e);
	char time[TIME_TEXT_SIZE];
	json *o;

	if (!n)
		return -1;
	o = json_object_new_object();
	json_set_str(o, "Name", n->name);
	json_set_str(o, "Id", n->id);
	json_set_str(o, "Created", time_format(sim_wall(s, n->created), time));
	json_set_str(o, "Scope", "local");
	json_set_str(o, "Driver", n->driver);
	json_set_bool(o, "EnableIPv4", true);
	json_set_bool(o, "EnableIPv6", n->subnet[1].base.family != 0);
	json_set(o, "IPAM", ipam_of(n));
	json_set_bool(o, "Internal", n->internal);
	json_set_bool(o, "Attachable", false);
	json_set_bool(o, "Ingress", false);
	json_set(o, "Containers", containers_of(s, n));
	json_set(o, "Options", n->options ? json_object_get(n->options) : json_object_new_object());
	json_set(o, "Labels", n->labels ? json_object_get(n->labels) : json_object_new_object());
	json_set_str(o, "Link", n->link);
	*out = o;
	return 0;
}
