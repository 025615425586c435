/* The simulation's containers in networks: their addresses, and the ports that they publish. Both are given
 * when a container is made or connected and stay its own, so that every process reckons the same from the
 * journal. */
#include "engine/simulation.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENDPOINTS_MAX 16
#define PORTS_MAX     256
#define FREE_PORTS    32768 /* where those are that nobody asked for */
#define FREE_PORTS_N  28000

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

static int port_add(struct sim_container *c, const struct sim_port *port)
{
	struct sim_port *grown = realloc(c->ports, (c->n_ports + 1) * sizeof(*grown));

	if (!grown)
		return -1;
	c->ports = grown;
	grown[c->n_ports] = *port;
	grown[c->n_ports].host_ip = port->host_ip ? strdup(port->host_ip) : NULL;
	c->n_ports++;
	return port->host_ip && !grown[c->n_ports - 1].host_ip ? -1 : 0;
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

		if (port_add(c, &port) < 0)
			return -1;
	}
	return 0;
}

/* ------------------------------------------------------------------ asked by users */

static bool covers(const char *a, const char *b)
{
	return !a || !b || strcmp(a, b) == 0;
}

/* Who publishes that port already, of those that run. */
static const struct sim_container *publisher(
        const struct simulation *s, const struct sim_port *port, const struct sim_container *besides)
{
	int64_t now = sim_now(s);

	for (size_t i = 0; i < s->n_containers; i++) {
		const struct sim_container *c = s->containers[i];

		for (size_t k = 0; k < c->n_ports && c != besides; k++) {
			struct sim_status st;

			if (c->ports[k].host != port->host || c->ports[k].protocol != port->protocol ||
			        !covers(c->ports[k].host_ip, port->host_ip))
				continue;
			st = sim_at(c, now);
			if (st.there && st.state != TARE_CREATED && st.state != TARE_EXITED)
				return c;
		}
	}
	return NULL;
}

int sim_ports_check(struct simulation *s, const struct sim_container *c, struct err *e)
{
	for (size_t i = 0; i < c->n_ports; i++) {
		const struct sim_port *p = &c->ports[i];
		const struct sim_container *other = publisher(s, p, c);

		if (other)
			return err_set(e, ERR_CONFLICT,
			        "cannot publish %s:%u: container %s does; choose another port with -p",
			        p->host_ip ? p->host_ip : "0.0.0.0", p->host, other->name);
	}
	return 0;
}

/* The first free port of what was asked for. */
static int choose_port(
        const struct simulation *s, const struct tare_publish *q, struct sim_port *port, struct err *e)
{
	unsigned from = q->host_port, to = q->host_port_to ? q->host_port_to : q->host_port;

	if (!from) {
		from = FREE_PORTS + (unsigned)(sim_hash(s->journal_read, q->container_port) % FREE_PORTS_N);
		to = 65535;
	}
	for (unsigned at = from; at <= to; at++) {
		port->host = (uint16_t)at;
		/* one alone is looked at when the container starts */
		if (from == to || !publisher(s, port, NULL))
			return 0;
	}
	return err_set(e, ERR_CONFLICT, "no port of %u-%u is free; choose others with -p", from, to);
}

static int ask_port(const struct simulation *s, json *ports, const struct tare_publish *q, struct err *e)
{
	struct sim_port port = {q->protocol, q->host_ip, 0, q->container_port};
	json *o;

	if (choose_port(s, q, &port, e) < 0)
		return -1;
	o = json_object_new_object();
	json_set_int(o, "protocol", port.protocol);
	if (port.host_ip)
		json_set_str(o, "ip", port.host_ip);
	json_set_int(o, "host", port.host);
	json_set_int(o, "container", port.container);
	json_object_array_add(ports, o);
	return 0;
}

static int ask_ports(const struct simulation *s, json *line, const struct tare_create *q,
        const struct sim_image_role *image, struct err *e)
{
	json *ports = json_object_new_array();

	json_set(line, "ports", ports);
	for (size_t i = 0; i < q->n_publish; i++)
		if (ask_port(s, ports, &q->publish[i], e) < 0)
			return -1;
	if (q->publish_all && image->port) {
		struct tare_publish exposed = {
		        .protocol = strstr(image->port, "/udp") ? IPPROTO_UDP : IPPROTO_TCP,
		        .container_port = (uint16_t)strtoul(image->port, NULL, 10)};

		return ask_port(s, ports, &exposed, e);
	}
	return 0;
}

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
	return ask_ports(s, line, q, image, e);
}

/* ------------------------------------------------------------------ from the journal */

static int port_made(struct sim_container *c, json *o)
{
	int64_t host = json_int(o, "host", 0), container = json_int(o, "container", 0);
	int64_t protocol = json_int(o, "protocol", IPPROTO_TCP);
	const char *ip = json_str(o, "ip", NULL);
	struct net_address a;

	if (host < 1 || host > 65535 || container < 1 || container > 65535 || c->n_ports >= PORTS_MAX ||
	        (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP && protocol != 132 /* SCTP */) ||
	        (ip && net_address_parse(ip, &a, NULL) < 0))
		return 0;
	return port_add(
	        c, &(struct sim_port){(int)protocol, (char *)ip, (uint16_t)host, (uint16_t)container});
}

static struct sim_network *network_with(struct simulation *s, const char *id)
{
	for (size_t i = 0; i < s->n_networks; i++)
		if (!s->networks[i]->removed && strcmp(s->networks[i]->id, id) == 0)
			return s->networks[i];
	return NULL;
}

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
		struct sim_network *n = network_with(s, json_str(asked, "network", ""));

		if (n && !sim_attachment_in(c, n))
			sim_join(s, c, n, asked, c->created);
	}
	if (!json_object_is_type(ports, json_type_array))
		return 0;
	for (size_t i = 0; i < json_object_array_length(ports); i++)
		if (port_made(c, json_object_array_get_idx(ports, i)) < 0)
			return -1;
	return 0;
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

static bool has_ipv6(const struct sim_container *c)
{
	for (size_t i = 0; i < c->n_attachments; i++)
		if (c->attachments[i].network->subnet[1].base.family)
			return true;
	return false;
}

static int fill_port(const struct sim_port *p, const char *ip, struct tare_port *out)
{
	*out = (struct tare_port){.protocol = p->protocol,
	        .host_ip = strdup(ip),
	        .host_port = p->host,
	        .container_port = p->container};
	return out->host_ip ? 0 : -1;
}

static int by_container_port(const void *a, const void *b)
{
	const struct tare_port *x = a, *y = b;

	if (x->container_port != y->container_port)
		return x->container_port < y->container_port ? -1 : 1;
	return x->host_port != y->host_port ? (x->host_port < y->host_port ? -1 : 1)
	                                    : strcmp(x->host_ip, y->host_ip);
}

int sim_ports_fill(const struct sim_container *c, struct tare_port **out, size_t *n)
{
	bool both = has_ipv6(c);

	if (!c->n_ports || c->network_mode)
		return 0;
	*out = calloc(2 * c->n_ports, sizeof(**out));
	if (!*out)
		return -1;
	for (size_t i = 0; i < c->n_ports; i++) {
		const struct sim_port *p = &c->ports[i];

		if (fill_port(p, p->host_ip ? p->host_ip : "0.0.0.0", &(*out)[(*n)++]) < 0 ||
		        (!p->host_ip && both && fill_port(p, "::", &(*out)[(*n)++]) < 0))
			return -1;
	}
	qsort(*out, *n, sizeof(**out), by_container_port);
	return 0;
}

/* ------------------------------------------------------------------ documents */

static const char *protocol_name(int protocol)
{
	return protocol == IPPROTO_TCP ? "tcp" : protocol == IPPROTO_UDP ? "udp" : "sctp";
}

/* {"80/tcp": [{"HostIp": …, "HostPort": "8080"}, …]} */
static void add_binding(json *all, const struct tare_port *p)
{
	cleanup_free char *key = str_printf("%u/%s", p->container_port, protocol_name(p->protocol));
	cleanup_free char *host = str_printf("%u", p->host_port);
	json *one = json_object_new_object(), *list;

	json_set_str(one, "HostIp", p->host_ip ? p->host_ip : "");
	json_set_str(one, "HostPort", host);
	list = key ? json_get(all, key) : NULL;
	if (key && !list) {
		list = json_object_new_array();
		json_set(all, key, list);
	}
	if (list)
		json_object_array_add(list, one);
	else
		json_free(&one);
}

static json *bound_ports(const struct sim_container *c)
{
	json *all = json_object_new_object();
	struct tare_container row = {0};

	if (sim_ports_fill(c, &row.ports, &row.n_ports) == 0)
		for (size_t i = 0; i < row.n_ports; i++)
			add_binding(all, &row.ports[i]);
	tare_container_free(&row);
	return all;
}

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
	json_set(o, "Ports", is_up ? bound_ports(c) : json_object_new_object());
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

		add_binding(bindings, &port);
	}
	json_set(host_config, "PortBindings", bindings);
}
