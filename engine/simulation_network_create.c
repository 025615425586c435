/* What somebody asks of a new network of the simulation: its name, its subnets, its options. */
#include "engine/simulation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/proc.h"

#define FIRST_FREE 213 /* 10.213.0.0/16 is the first that nobody of the cast has */

static struct sim_network *overlaps(const struct simulation *s, const struct net_subnet *subnet)
{
	for (size_t i = 0; i < s->n_networks; i++)
		for (int v = 0; v < 2; v++)
			if (!s->networks[i]->removed && s->networks[i]->subnet[v].base.family &&
			        net_subnet_overlap(&s->networks[i]->subnet[v], subnet))
				return s->networks[i];
	return NULL;
}

static int choose_subnet(
        const struct simulation *s, int v, const char *id, struct net_subnet *out, struct err *e)
{
	char text[NET_SUBNET_TEXT];

	for (unsigned i = FIRST_FREE; v == 0 && i < 256; i++) {
		snprintf(text, sizeof(text), "10.%u.0.0/16", i);
		if (net_subnet_parse(text, out, NULL) == 0 && !overlaps(s, out))
			return 0;
	}
	for (unsigned i = 0; v == 0 && i < 256; i++) {
		snprintf(text, sizeof(text), "192.168.%u.0/24", i);
		if (net_subnet_parse(text, out, NULL) == 0 && !overlaps(s, out))
			return 0;
	}
	if (v == 0)
		return err_set(e, ERR_CONFLICT, "no subnet is free; name one with: --subnet 172.30.0.0/24");
	snprintf(text, sizeof(text), "fd5a:%.4s:%.4s:%.4s::/64", id, id + 4, id + 8);
	return net_subnet_parse(text, out, e);
}

static int check_subnet(const struct simulation *s, const struct net_subnet *subnet, int v, struct err *e)
{
	const struct sim_network *other = overlaps(s, subnet);
	char text[NET_SUBNET_TEXT];

	net_subnet_text(subnet, text);
	if ((subnet->base.family == AF_INET6) != (v == 1))
		return err_set(e, ERR_USAGE, "%s is not an %s subnet", text, v ? "IPv6" : "IPv4");
	if (other)
		return err_set(e, ERR_CONFLICT, "%s overlaps with network %s; choose another --subnet", text,
		        other->name);
	return 0;
}

/* Subnet, gateway and range of one family into the journal's line. */
static int set_family(const struct simulation *s, json *line, const struct tare_network_create *q, int v,
        const char *id, struct err *e)
{
	struct net_subnet subnet, range;
	struct net_address gateway;
	char text[NET_SUBNET_TEXT];

	if (q->subnet[v]
	                ? net_subnet_parse(q->subnet[v], &subnet, e) < 0 || check_subnet(s, &subnet, v, e) < 0
	                : choose_subnet(s, v, id, &subnet, e) < 0)
		return -1;
	json_set_str(line, v ? "subnet6" : "subnet", net_subnet_text(&subnet, text));
	if (q->gateway[v]) {
		if (net_address_parse(q->gateway[v], &gateway, e) < 0)
			return -1;
		if (!net_subnet_has(&subnet, &gateway))
			return err_set(e, ERR_USAGE, "gateway %s is not in subnet %s", q->gateway[v], text);
		json_set_str(line, v ? "gateway6" : "gateway", q->gateway[v]);
	}
	if (q->range[v]) {
		if (net_subnet_parse(q->range[v], &range, e) < 0)
			return -1;
		if (!net_subnet_has(&subnet, &range.base) || range.prefix < subnet.prefix)
			return err_set(e, ERR_USAGE, "range %s is not in subnet %s", q->range[v], text);
		if (v == 0)
			json_set_str(line, "range", net_subnet_text(&range, text));
	}
	return 0;
}

static int set_options(json *line, const struct tare_network_create *q, struct err *e)
{
	json *options = json_object_new_object();
	bool macvlan = q->driver && strcmp(q->driver, "macvlan") == 0;

	json_set(line, "options", options);
	strv_foreach (o, q->options) {
		size_t len = strcspn(*o, "=");
		cleanup_free char *key = strndup(*o, len);

		if (key)
			json_set_str(options, key, (*o)[len] ? *o + len + 1 : "true");
	}
	if (macvlan && !json_get(options, "parent"))
		return err_set(e, ERR_USAGE,
		        "a macvlan network needs an interface of the host: --opt parent=enp3s0");
	if (macvlan)
		json_set_str(line, "parent", json_str(options, "parent", ""));
	return 0;
}

static int check_name(const struct simulation *s, const char *name, struct err *e)
{
	static const char *const taken[] = {"bridge", "host", "none", "default", "container"};

	if (!name || tare_name_check(name, e) < 0)
		return name ? -1 : err_set(e, ERR_USAGE, "a network needs a name");
	if (strlen(name) > SIM_NETWORK_NAME_MAX)
		return err_set(
		        e, ERR_USAGE, "the name of a network has at most %d letters", SIM_NETWORK_NAME_MAX);
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		if (strcmp(name, taken[i]) == 0)
			return err_set(e, ERR_USAGE, "no network can be called \"%s\"", name);
	if (sim_network_by_name(s, name))
		return err_set(e, ERR_CONFLICT,
		        "there is a network %s already; choose another name or: tare network rm %s", name,
		        name);
	return 0;
}

int sim_network_create(struct tare_engine *t, const struct tare_network_create *q, char *id, struct err *e)
{
	struct simulation *s = sim_of(t);
	cleanup_json json *line = NULL;

	if (sim_refresh(s, e) < 0 || check_name(s, q->name, e) < 0)
		return -1;
	if (q->driver && strcmp(q->driver, "bridge") != 0 && strcmp(q->driver, "macvlan") != 0)
		return err_set(
		        e, ERR_UNSUPPORTED, "there is no driver \"%.40s\": bridge or macvlan", q->driver);
	sim_hex(sim_hash(sim_hash((uint64_t)now_realtime(), (uint64_t)getpid()), s->journal_read + 7), id,
	        TARE_ID_LEN);
	line = sim_action("network-create", id);
	json_set_str(line, "name", q->name);
	json_set_str(line, "driver", q->driver ? q->driver : "bridge");
	json_set_bool(line, "internal", q->internal);
	if (q->labels)
		json_set(line, "labels", json_object_get(q->labels));
	if (set_options(line, q, e) < 0 || set_family(s, line, q, 0, id, e) < 0 ||
	        ((q->ipv6 || q->subnet[1]) && set_family(s, line, q, 1, id, e) < 0) ||
	        sim_journal_add(s, steal_ptr(&line), e) < 0)
		return -1;
	return sim_network_by_id(s, id)
	               ? 0
	               : err_set(e, ERR_CONFLICT, "the name %s was taken at the same moment", q->name);
}
