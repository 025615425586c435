/* The simulation's containers in networks: their addresses, and the ports that they publish. Both are given
 * when a container is made or connected and stay its own, so that every process reckons the same from the
 * journal. */
#include "engine/simulation.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENDPOINTS_MAX 16

struct sim_attachment *sim_attachment_in(const struct sim_container *c, const struct sim_network *n)
{
	for (size_t i = 0; i < c->n_attachments; i++)
		if (c->attachments[i].network == n)
			return &c->attachments[i];
	return NULL;
}

static void attachment_end(struct sim_attachment *at)
{
	strv_free(at->aliases);
}

void sim_endpoints_free(struct sim_container *c)
{
	for (size_t i = 0; i < c->n_attachments; i++)
		attachment_end(&c->attachments[i]);
	free(c->attachments);
	for (size_t i = 0; i < c->n_ports; i++)
		free(c->ports[i].host_ip);
	free(c->ports);
	free(c->network_mode);
}

/* ------------------------------------------------------------------ addresses */

static bool is_taken(
        const struct simulation *s, const struct sim_network *n, const struct net_address *a, int64_t when)
{
	if (net_address_equal(a, &n->gateway[0]) || net_address_equal(a, &n->gateway[1]))
		return true;
	for (size_t i = 0; i < s->n_containers; i++) {
		const struct sim_attachment *at = sim_attachment_in(s->containers[i], n);

		if (at && (net_address_equal(&at->ip[0], a) || net_address_equal(&at->ip[1], a)) &&
		        sim_at(s->containers[i], when).there)
			return true;
	}
	return false;
}

/* Round and round, so that an address that was given back rests for a while. */
static bool next_address(
        const struct simulation *s, struct sim_network *n, int64_t when, struct net_address *out)
{
	const struct net_subnet *from = n->range[0].base.family ? &n->range[0] : &n->subnet[0];
	uint64_t first = net_subnet_offset(&n->subnet[0], &from->base), size = net_subnet_size(from);

	for (uint64_t i = 0; i < size; i++, n->next++) {
		if (n->next < first || n->next >= first + size) {
			n->next = first;
			n->crowded = true;
		}
		if (!net_subnet_nth(&n->subnet[0], n->next, out) || !net_subnet_usable(&n->subnet[0], out) ||
		        net_address_equal(out, &n->gateway[0]) || (n->crowded && is_taken(s, n, out, when)))
			continue;
		n->next++;
		return true;
	}
	return false;
}

static bool asked_address(const struct simulation *s, const struct sim_network *n, int v, json *asked,
        int64_t when, struct net_address *out)
{
	const char *text = json_str(asked, v ? "ip6" : "ip", NULL);

	return text && net_address_parse(text, out, NULL) == 0 && net_subnet_has(&n->subnet[v], out) &&
	       !is_taken(s, n, out, when);
}

bool sim_join(struct simulation *s, struct sim_container *c, struct sim_network *n, json *asked, int64_t when)
{
	struct sim_attachment at = {.network = n}, *grown;
	bool own4 = asked_address(s, n, 0, asked, when, &at.ip[0]);
	bool own6 = asked_address(s, n, 1, asked, when, &at.ip[1]);

	if (c->n_attachments == ENDPOINTS_MAX || (!own4 && !next_address(s, n, when, &at.ip[0])))
		return false;
	if (!own6 && n->subnet[1].base.family)
		net_subnet_nth(&n->subnet[1], net_subnet_offset(&n->subnet[0], &at.ip[0]), &at.ip[1]);
	at.asked = own4 || own6;
	n->crowded |= at.asked;
	at.aliases = json_strv(asked, "aliases");
	grown = realloc(c->attachments, (c->n_attachments + 1) * sizeof(*grown));
	if (!grown) {
		attachment_end(&at);
		return false;
	}
	c->attachments = grown;
	grown[c->n_attachments++] = at;
	return true;
}

void sim_leave(struct sim_container *c, const struct sim_network *n)
{
	struct sim_attachment *at = sim_attachment_in(c, n);
	size_t i = at ? (size_t)(at - c->attachments) : 0;

	if (!at)
		return;
	attachment_end(at);
	memmove(at, at + 1, (c->n_attachments - i - 1) * sizeof(*at));
	c->n_attachments--;
}

int sim_endpoint_check(
        struct simulation *s, const struct sim_network *n, const struct tare_endpoint *asked, struct err *e)
{
	const char *texts[] = {asked->ip, asked->ip6};
	char subnet[NET_SUBNET_TEXT];

	for (int v = 0; v < 2; v++) {
		struct net_address a;

		if (!texts[v])
			continue;
		if (net_address_parse(texts[v], &a, e) < 0)
			return -1;
		if (!n->subnet[v].base.family)
			return err_set(e, ERR_USAGE, "network %s has no IPv%d", n->name, v ? 6 : 4);
		if (!net_subnet_has(&n->subnet[v], &a))
			return err_set(e, ERR_USAGE, "%s is not in network %s, which is %s", texts[v],
			        n->name, net_subnet_text(&n->subnet[v], subnet));
		if (is_taken(s, n, &a, sim_now(s)))
			return err_set(e, ERR_CONFLICT, "%s is taken in network %s; choose another --ip",
			        texts[v], n->name);
	}
	return 0;
}

json *sim_endpoint_json(const struct sim_network *n, const struct tare_endpoint *asked)
{
	json *o = json_object_new_object();

	json_set_str(o, "network", n->id);
	if (asked->ip)
		json_set_str(o, "ip", asked->ip);
	if (asked->ip6)
		json_set_str(o, "ip6", asked->ip6);
	if (asked->aliases)
		json_set_strv(o, "aliases", asked->aliases);
	return o;
}

/* ------------------------------------------------------------------ the cast's */

static struct sim_network *network_called(struct simulation *s, const char *name, size_t len)
{
	for (size_t i = 0; i < s->n_networks; i++)
		if (strncmp(s->networks[i]->name, name, len) == 0 && !s->networks[i]->name[len])
			return s->networks[i];
	return NULL;
}

/* "shop:jobs": a network and a name in it that others may have too. */
static bool attach_cast(struct simulation *s, struct sim_container *c, const char *word)
{
	size_t len = strcspn(word, ":");
	struct sim_network *n = network_called(s, word, len);
	json *aliases = json_object_new_array(), *asked = json_object_new_object();
	bool done;

	json_add_str(aliases, word[len] ? word + len + 1 : c->role->service ? c->role->service : c->name);
	json_set(asked, "aliases", aliases);
	done = n && sim_join(s, c, n, asked, c->created);
	json_free(&asked);
	return done;
}

int sim_endpoints_cast(struct simulation *s, struct sim_container *c, bool publishes)
{
	const struct sim_role *role = c->role;
	cleanup_strv char **words =
	        sim_words(role->networks && publishes ? role->networks : SIM_NETWORK_DEFAULT);

	if (!words)
		return -1;
	if (strcmp(words[0], "none") == 0) {
		c->network_mode = strdup("none");
		return c->network_mode ? 0 : -1;
	}
	strv_foreach (w, words)
		if (!attach_cast(s, c, *w))
			return -1;
	for (size_t i = 0; publishes && i < 3 && role->ports[i].container; i++) {
		const struct sim_port_role *p = &role->ports[i];
		struct sim_port port = {p->protocol, (char *)p->ip, p->host, p->container};

		if (sim_port_add(c, &port) < 0)
			return -1;
	}
	return 0;
}

/* ------------------------------------------------------------------ asked by users */

static int ask_network(struct simulation *s, json *list, const struct tare_endpoint *asked, struct err *e)
{
	const struct sim_network *n = sim_find_network(s, asked->network, e);

	if (!n || sim_endpoint_check(s, n, asked, e) < 0)
		return -1;
	json_object_array_add(list, sim_endpoint_json(n, asked));
	return 0;
}

static bool is_mode(const char *network)
{
	return network && (strcmp(network, "none") == 0 || strcmp(network, "host") == 0 ||
	                          strncmp(network, "container:", 10) == 0);
}

int sim_endpoints_ask(struct simulation *s, json *line, const struct tare_create *q,
        const struct sim_image_role *image, struct err *e)
{
	struct tare_endpoint dflt = {.network = q->network ? q->network : (char *)SIM_NETWORK_DEFAULT};
	json *list;

	if (is_mode(q->network)) {
		const char *other = strncmp(q->network, "container:", 10) == 0 ? q->network + 10 : NULL;

		if (other && !sim_find(s, other, e))
			return -1;
		json_set_str(line, "networkMode", q->network);
		return 0;
	}
	list = json_object_new_array();
	json_set(line, "networks", list);
	for (size_t i = 0; i < q->n_endpoints; i++)
		if (ask_network(s, list, &q->endpoints[i], e) < 0)
			return -1;
	if ((!q->n_endpoints || q->network) && ask_network(s, list, &dflt, e) < 0)
		return -1;
	return sim_ports_ask(s, line, q, image, e);
}

/* ------------------------------------------------------------------ from the journal */

int sim_endpoints_made(struct simulation *s, struct sim_container *c, json *line)
{
	const char *mode = json_str(line, "networkMode", NULL);
	json *networks = json_get(line, "networks"), *ports = json_get(line, "ports");

	if (is_mode(mode)) {
		c->network_mode = strdup(mode);
		return c->network_mode ? 0 : -1;
	}
	if (!json_object_is_type(networks, json_type_array))
		networks = NULL;
	for (size_t i = 0; networks && i < json_object_array_length(networks); i++) {
		json *asked = json_object_array_get_idx(networks, i);
		struct sim_network *n = sim_network_by_id(s, json_str(asked, "network", ""));

		if (n && !sim_attachment_in(c, n))
			sim_join(s, c, n, asked, c->created);
	}
	return sim_ports_made(c, ports);
}

/* ------------------------------------------------------------------ rows */

char *sim_network_text(const struct sim_container *c)
{
	cleanup_buf struct buf b = BUF_INIT;

	if (c->network_mode)
		return strdup(c->network_mode);
	for (size_t i = 0; i < c->n_attachments; i++)
		buf_printf(&b, "%s%s", i ? "," : "", c->attachments[i].network->name);
	return b.len ? buf_take(&b) : strdup("none");
}

static char *text_of(const struct net_address *a)
{
	char text[NET_ADDRESS_TEXT];

	return strdup(net_address_text(a, text));
}

static int fill_attachment(const struct sim_attachment *at, struct tare_attachment *out)
{
	unsigned char mac[NET_MAC_LEN];
	char text[NET_MAC_TEXT];

	net_mac_of(at->network->id, &at->ip[0], mac);
	*out = (struct tare_attachment){.network = strdup(at->network->name),
	        .ip = text_of(&at->ip[0]),
	        .ip6 = text_of(&at->ip[1]),
	        .mac = strdup(net_mac_text(mac, text))};
	return out->network && out->ip && out->ip6 && out->mac ? 0 : -1;
}

int sim_endpoints_fill(const struct sim_container *c, bool is_up, struct tare_container *row)
{
	size_t n = is_up ? c->n_attachments : 0;

	row->attachments = n ? calloc(n, sizeof(*row->attachments)) : NULL;
	if (n && !row->attachments)
		return -1;
	for (; row->n_attachments < n; row->n_attachments++) {
		if (fill_attachment(
		            &c->attachments[row->n_attachments], &row->attachments[row->n_attachments]) == 0)
			continue;
		row->n_attachments++;
		return -1;
	}
	return sim_ports_fill(c, &row->ports, &row->n_ports);
}

/* ------------------------------------------------------------------ documents */

static json *endpoint_settings(const struct sim_container *c, const struct sim_attachment *at, bool is_up)
{
	const struct sim_network *n = at->network;
	json *o = json_object_new_object();
	unsigned char mac[NET_MAC_LEN];
	char hex[TARE_ID_LEN + 1], text[NET_SUBNET_TEXT];

	sim_hex(sim_hash(c->seed, sim_hash_text(n->id)), hex, TARE_ID_LEN);
	net_mac_of(n->id, &at->ip[0], mac);
	if (at->asked) {
		json *ipam = json_object_new_object();

		json_set_str(ipam, "IPv4Address", net_address_text(&at->ip[0], text));
		json_set(o, "IPAMConfig", ipam);
	}
	if (at->aliases)
		json_set_strv(o, "Aliases", at->aliases);
	json_set_str(o, "MacAddress", is_up ? net_mac_text(mac, text) : "");
	json_set_str(o, "NetworkID", n->id);
	json_set_str(o, "EndpointID", is_up ? hex : "");
	json_set_str(o, "Gateway", is_up && !n->internal ? net_address_text(&n->gateway[0], text) : "");
	json_set_str(o, "IPAddress", is_up ? net_address_text(&at->ip[0], text) : "");
	json_set_int(o, "IPPrefixLen", is_up ? n->subnet[0].prefix : 0);
	json_set_str(o, "IPv6Gateway", is_up && !n->internal ? net_address_text(&n->gateway[1], text) : "");
	json_set_str(o, "GlobalIPv6Address", is_up ? net_address_text(&at->ip[1], text) : "");
	json_set_int(o, "GlobalIPv6PrefixLen", is_up && at->ip[1].family ? n->subnet[1].prefix : 0);
	return o;
}

json *sim_network_settings(const struct sim_container *c, bool is_up)
{
	json *o = json_object_new_object(), *networks = json_object_new_object();
	char text[NET_ADDRESS_TEXT] = "";

	if (is_up && c->n_attachments)
		net_address_text(&c->attachments[0].ip[0], text);
	json_set_str(o, "IPAddress", text);
	json_set(o, "Ports", is_up ? sim_ports_bound(c) : json_object_new_object());
	for (size_t i = 0; i < c->n_attachments; i++)
		json_set(networks, c->attachments[i].network->name,
		        endpoint_settings(c, &c->attachments[i], is_up));
	json_set(o, "Networks", networks);
	return o;
}

void sim_host_config_network(const struct sim_container *c, json *host_config)
{
	json *bindings = json_object_new_object();

	json_set_str(host_config, "NetworkMode",
	        c->network_mode    ? c->network_mode
	        : c->n_attachments ? c->attachments[0].network->name
	                           : "none");
	for (size_t i = 0; i < c->n_ports; i++) {
		const struct sim_port *p = &c->ports[i];
		const struct tare_port port = {p->protocol, p->host_ip, p->host, p->container};

		sim_port_bind(bindings, &port);
	}
	json_set(host_config, "PortBindings", bindings);
}
