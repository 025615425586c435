/* A container's networks and ports as lists and Docker's document show them. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "engine/endpoint.h"

/* ------------------------------------------------------------------ lists */

static const char *mode_of(const struct container *c)
{
	return json_str(json_get(c->record.config, "HostConfig"), "NetworkMode", "none");
}

/* What its record asks for: the names, comma-separated; also of one that doesn't run. */
static char *network_names(const struct container *c)
{
	cleanup_buf struct buf b = BUF_INIT;
	const char *mode = mode_of(c);
	json *config = json_path(c->record.config, "NetworkingConfig.EndpointsConfig");

	if (network_mode_is_shared(mode) || !config)
		return strdup(mode);
	json_object_object_foreach (config, name, value) {
		(void)value;
		buf_printf(&b, "%s%s", b.len ? "," : "", name);
	}
	return b.len ? buf_take(&b) : strdup("none");
}

static int add_port(struct tare_container *row, size_t room, int protocol, const char *host,
        uint16_t host_port, uint16_t port)
{
	struct tare_port *p = &row->ports[row->n_ports];

	if (row->n_ports == room)
		return 0;
	*p = (struct tare_port){.protocol = protocol,
	        .host_ip = host ? strdup(host) : NULL,
	        .host_port = host_port,
	        .container_port = port};
	row->n_ports++;
	return host && !p->host_ip ? -1 : 0;
}

static bool is_published(const struct tare_container *row, int protocol, uint16_t port)
{
	for (size_t i = 0; i < row->n_ports; i++)
		if (row->ports[i].protocol == protocol && row->ports[i].container_port == port)
			return true;
	return false;
}

static int by_container_port(const void *a, const void *b)
{
	const struct tare_port *x = a, *y = b;

	if (x->container_port != y->container_port)
		return x->container_port < y->container_port ? -1 : 1;
	if (x->protocol != y->protocol)
		return x->protocol < y->protocol ? -1 : 1;
	if (x->host_port != y->host_port)
		return x->host_port < y->host_port ? -1 : 1;
	return x->host_ip && y->host_ip ? strcmp(x->host_ip, y->host_ip) : !x->host_ip - !y->host_ip;
}

static int fill_ports(const struct container *c, const struct network_state *n, struct tare_container *row)
{
	json *exposed = json_path(c->record.config, "Config.ExposedPorts");
	size_t room = n->n_ports + (exposed ? (size_t)json_object_object_length(exposed) : 0);
	char host[NET_ADDRESS_TEXT];
	uint16_t port;
	int protocol;

	if (!room || (!n->n_endpoints && !n->n_ports))
		return 0;
	row->ports = calloc(room, sizeof *row->ports);
	if (!row->ports)
		return -1;
	for (size_t i = 0; i < n->n_ports; i++)
		if (add_port(row, room, n->ports[i].protocol, net_address_text(&n->ports[i].host, host),
		            n->ports[i].host_port, n->ports[i].to_port) != 0)
			return -1;
	if (exposed) {
		json_object_object_foreach (exposed, key, none) {
			(void)none;
			if (tare_port_parse(key, &port, &protocol, NULL) == 0 &&
			        !is_published(row, protocol, port) &&
			        add_port(row, room, protocol, NULL, 0, port) != 0)
				return -1;
		}
	}
	qsort(row->ports, row->n_ports, sizeof *row->ports, by_container_port);
	return 0;
}

static int fill_attachments(const struct network_state *n, struct tare_container *row)
{
	char ip[2][NET_ADDRESS_TEXT], mac[NET_MAC_TEXT];

	if (!n->n_endpoints)
		return 0;
	row->attachments = calloc(n->n_endpoints, sizeof *row->attachments);
	if (!row->attachments)
		return -1;
	for (size_t i = 0; i < n->n_endpoints; i++) {
		const struct endpoint *p = &n->endpoints[i];
		struct tare_attachment *a = &row->attachments[row->n_attachments++];
		a->network = strdup(p->network);
		a->ip = strdup(net_address_text(&p->ip[0], ip[0]));
		a->ip6 = strdup(net_address_text(&p->ip[1], ip[1]));
		a->mac = strdup(net_mac_text(p->mac, mac));
		if (!a->network || !a->ip || !a->ip6 || !a->mac)
			return -1;
	}
	return 0;
}

/* row->pid tells whether it runs. A network.json that can't be read is the matter of `tare system check`. */
int endpoints_fill(
        const struct store *s, const struct container *c, struct tare_container *row, struct err *e)
{
	cleanup_network_state struct network_state n = {0};

	(void)s;
	row->network = network_names(c);
	if (!row->network)
		return err_no_memory(e);
	if (!row->pid || network_mode_is_shared(mode_of(c)) ||
	        network_state_read(c->state_fd, c->id, &n, NULL) != 0)
		return 0;
	return fill_attachments(&n, row) != 0 || fill_ports(c, &n, row) != 0 ? err_no_memory(e) : 0;
}

/* ------------------------------------------------------------------ Docker's NetworkSettings */

static void set_address(json *o, const char *key, const struct net_address *a)
{
	char text[NET_ADDRESS_TEXT];

	json_set_str(o, key, net_address_text(a, text));
}

/* p NULL: not running. */
static void set_addresses(json *o, const struct endpoint *p)
{
	static const struct endpoint none;
	char mac[NET_MAC_TEXT];

	if (!p)
		p = &none;
	set_address(o, "Gateway", &p->gateway[0]);
	set_address(o, "IPAddress", &p->ip[0]);
	json_set_int(o, "IPPrefixLen", p->prefix[0]);
	set_address(o, "IPv6Gateway", &p->gateway[1]);
	set_address(o, "GlobalIPv6Address", &p->ip[1]);
	json_set_int(o, "GlobalIPv6PrefixLen", p->prefix[1]);
	json_set_str(o, "MacAddress", p == &none ? "" : net_mac_text(p->mac, mac));
}

static json *dns_names(const struct container *c, char *const *aliases)
{
	json *a = json_object_new_array();
	char id[13];

	snprintf(id, sizeof id, "%.12s", c->id);
	json_add_str(a, c->record.name);
	strv_foreach (alias, aliases)
		json_add_str(a, *alias);
	json_add_str(a, id);
	return a;
}

static json *network_json(const struct container *c, json *asked, const struct endpoint *p)
{
	json *o = json_object_new_object();
	char id[NETWORK_ID_LEN + 1];
	cleanup_strv char **aliases = json_strv(asked, "Aliases");

	json_set(o, "IPAMConfig", json_object_get(json_get(asked, "IPAMConfig")));
	json_set(o, "Links", NULL);
	json_set_strv(o, "Aliases", aliases);
	json_set(o, "DriverOpts", NULL);
	json_set_str(o, "NetworkID", p ? p->network_id : "");
	json_set_str(o, "EndpointID", p ? network_endpoint_id(c->id, p->network_id, id) : "");
	set_addresses(o, p);
	json_set(o, "DNSNames", dns_names(c, aliases));
	return o;
}

static const struct endpoint *endpoint_in(const struct network_state *n, const char *network)
{
	for (size_t i = 0; i < n->n_endpoints; i++)
		if (strcmp(n->endpoints[i].network, network) == 0)
			return &n->endpoints[i];
	return NULL;
}

static json *networks_json(const struct container *c, const struct network_state *n)
{
	json *o = json_object_new_object(),
	     *config = json_path(c->record.config, "NetworkingConfig.EndpointsConfig");
	const char *mode = mode_of(c);

	if (!network_mode_is_shared(mode) && !config)
		json_set(o, mode, network_json(c, NULL, endpoint_in(n, mode)));
	if (config) {
		json_object_object_foreach (config, name, asked)
			json_set(o, name, network_json(c, asked, endpoint_in(n, name)));
	}
	return o;
}

static json *binding(const struct nft_port *p)
{
	json *o = json_object_new_object();
	char host[NET_ADDRESS_TEXT], number[8];

	snprintf(number, sizeof number, "%u", p->host_port);
	json_set_str(o, "HostIp", net_address_text(&p->host, host));
	json_set_str(o, "HostPort", number);
	return o;
}

/* {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "90/tcp": null}: what is exposed only is null. */
static json *ports_json(const struct container *c, const struct network_state *n)
{
	json *o = json_object_new_object(), *exposed = json_path(c->record.config, "Config.ExposedPorts");
	char key[24];

	for (size_t i = 0; i < n->n_ports; i++) {
		snprintf(key, sizeof key, "%u/%s", n->ports[i].to_port,
		        tare_protocol_name(n->ports[i].protocol));
		if (!json_get(o, key))
			json_set(o, key, json_object_new_array());
		json_object_array_add(json_get(o, key), binding(&n->ports[i]));
	}
	if (exposed && n->n_endpoints) {
		json_object_object_foreach (exposed, name, none) {
			(void)none;
			if (!json_get(o, name))
				json_set(o, name, NULL);
		}
	}
	return o;
}

json *endpoints_inspect(const struct store *s, const struct container *c)
{
	cleanup_network_state struct network_state n = {0};
	json *o = json_object_new_object();
	char sandbox[32] = "";

	(void)s;
	if (container_is_up(c)) {
		network_state_read(c->state_fd, c->id, &n, NULL);
		snprintf(sandbox, sizeof sandbox, "/proc/%d/ns/net", (int)c->state.process.pid);
	}
	json_set_str(o, "Bridge", "");
	json_set_str(o, "SandboxKey", sandbox);
	json_set(o, "Ports", ports_json(c, &n));
	set_addresses(o, n.n_endpoints ? &n.endpoints[0] : NULL); /* what scripts ask for: of the first one */
	json_set(o, "Networks", networks_json(c, &n));
	json_set_str(o, "NetworkMode", mode_of(c));
	return o;
}
