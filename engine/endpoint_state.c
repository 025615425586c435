/* network.json in a container's state directory: what a start takes and an end gives back. */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/endpoint.h"

#define STATE_FILE "network.json"
#define STATE_MAX  ((size_t)4 << 20)

static void endpoint_clear(struct endpoint *p)
{
	free(p->network);
	free(p->driver);
	strv_free(p->aliases);
	*p = (struct endpoint){0};
}

void network_state_free(struct network_state *n)
{
	for (size_t i = 0; i < n->n_endpoints; i++)
		endpoint_clear(&n->endpoints[i]);
	free(n->endpoints);
	free(n->ports);
	free(n->idle);
	free(n->group);
	*n = (struct network_state){.nft_fd = -1};
}

void network_state_drop(struct network_state *n, size_t i)
{
	endpoint_clear(&n->endpoints[i]);
	memmove(&n->endpoints[i], &n->endpoints[i + 1], (--n->n_endpoints - i) * sizeof *n->endpoints);
}

struct endpoint *network_state_add(struct network_state *n, struct err *e)
{
	struct endpoint *p = realloc(n->endpoints, (n->n_endpoints + 1) * sizeof *p);

	if (!p) {
		err_no_memory(e);
		return NULL;
	}
	n->endpoints = p;
	p[n->n_endpoints] = (struct endpoint){0};
	return &p[n->n_endpoints++];
}

/* ------------------------------------------------------------------ writing */

static void set_address(json *o, const char *key, const struct net_address *a)
{
	char text[NET_ADDRESS_TEXT];

	if (a->family)
		json_set_str(o, key, net_address_text(a, text));
}

static json *endpoint_json(const struct endpoint *p)
{
	json *o = json_object_new_object();
	char mac[NET_MAC_TEXT];

	json_set_str(o, "networkId", p->network_id);
	json_set_str(o, "network", p->network);
	json_set_str(o, "driver", p->driver);
	json_set_str(o, "link", p->link);
	json_set_str(o, "bridge", p->bridge);
	json_set_str(o, "name", p->name);
	json_set_int(o, "index", p->link_index);
	json_set_str(o, "mac", net_mac_text(p->mac, mac));
	set_address(o, "ip", &p->ip[0]);
	set_address(o, "ip6", &p->ip[1]);
	set_address(o, "gateway", &p->gateway[0]);
	set_address(o, "gateway6", &p->gateway[1]);
	json_set_int(o, "prefix", p->prefix[0]);
	json_set_int(o, "prefix6", p->prefix[1]);
	if (p->internal)
		json_set_bool(o, "internal", true);
	if (p->trusted)
		json_set_bool(o, "trusted", true);
	if (p->aliases)
		json_set_strv(o, "aliases", p->aliases);
	return o;
}

/* "tcp 0.0.0.0 8080 10.209.0.2 80": a container may have thousands. */
static void add_port(json *array, const struct nft_port *p)
{
	char host[NET_ADDRESS_TEXT], to[NET_ADDRESS_TEXT], text[2 * NET_ADDRESS_TEXT + 32];

	snprintf(text, sizeof text, "%s %s %u %s %u", tare_protocol_name(p->protocol),
	        net_address_text(&p->host, host), p->host_port, net_address_text(&p->to, to), p->to_port);
	json_add_str(array, text);
}

int network_state_write(int state_fd, const struct network_state *n, struct err *e)
{
	cleanup_json json *o = json_object_new_object();
	cleanup_buf struct buf text = BUF_INIT_MAX(STATE_MAX);
	json *endpoints = json_object_new_array(), *ports = json_object_new_array();

	for (size_t i = 0; i < n->n_endpoints; i++)
		json_object_array_add(endpoints, endpoint_json(&n->endpoints[i]));
	for (size_t i = 0; i < n->n_ports; i++)
		add_port(ports, &n->ports[i]);
	json_set(o, "endpoints", endpoints);
	json_set(o, "ports", ports);
	if (n->n_idle) {
		json *idle = json_object_new_array();
		for (size_t i = 0; i < n->n_idle; i++)
			add_port(idle, &n->idle[i]);
		json_set(o, "idle", idle);
	}
	if (n->group)
		json_set_str(o, "group", n->group);
	json_set_int(o, "socket", n->nft_fd);
	json_print(&text, o, JSON_COMPACT);
	if (text.failed)
		return err_no_memory(e);
	return file_write_at(state_fd, STATE_FILE, text.data, text.len, 0600, FILE_NO_SYNC, e);
}

/* ------------------------------------------------------------------ reading */

static int read_address(json *o, const char *key, struct net_address *a, struct err *e)
{
	const char *text = json_str(o, key, "");

	*a = (struct net_address){0};
	return *text ? net_address_parse(text, a, e) : 0;
}

static int read_endpoint(json *o, struct endpoint *p, struct err *e)
{
	const char *network = json_str(o, "network", NULL), *driver = json_str(o, "driver", NULL);

	if (!network || !driver)
		return err_set(e, ERR_CORRUPT, "an endpoint without a network");
	p->network = strdup(network);
	p->driver = strdup(driver);
	if (!p->network || !p->driver)
		return err_no_memory(e);
	snprintf(p->network_id, sizeof p->network_id, "%s", json_str(o, "networkId", ""));
	snprintf(p->link, sizeof p->link, "%s", json_str(o, "link", ""));
	snprintf(p->bridge, sizeof p->bridge, "%s", json_str(o, "bridge", ""));
	snprintf(p->name, sizeof p->name, "%s", json_str(o, "name", ""));
	p->link_index = (unsigned)json_int(o, "index", 0);
	p->prefix[0] = (unsigned)json_int(o, "prefix", 0);
	p->prefix[1] = (unsigned)json_int(o, "prefix6", 0);
	p->internal = json_bool(o, "internal", false);
	p->trusted = json_bool(o, "trusted", false);
	p->aliases = json_strv(o, "aliases");
	return net_mac_parse(json_str(o, "mac", ""), p->mac, e) || read_address(o, "ip", &p->ip[0], e) ||
	                       read_address(o, "ip6", &p->ip[1], e) ||
	                       read_address(o, "gateway", &p->gateway[0], e) ||
	                       read_address(o, "gateway6", &p->gateway[1], e)
	               ? -1
	               : 0;
}

static int read_port(const char *text, const char *owner, struct nft_port *p, struct err *e)
{
	char protocol[8], host[NET_ADDRESS_TEXT], to[NET_ADDRESS_TEXT];
	unsigned host_port, to_port;

	if (sscanf(text, "%7s %45s %u %45s %u", protocol, host, &host_port, to, &to_port) != 5)
		return err_set(e, ERR_CORRUPT, "a port \"%s\"", text);
	*p = (struct nft_port){.owner = owner,
	        .protocol = strcmp(protocol, "udp") == 0    ? IPPROTO_UDP
	                    : strcmp(protocol, "sctp") == 0 ? IPPROTO_SCTP
	                                                    : IPPROTO_TCP,
	        .host_port = (uint16_t)host_port,
	        .to_port = (uint16_t)to_port};
	return net_address_parse(host, &p->host, e) || net_address_parse(to, &p->to, e) ? -1 : 0;
}

static int read_ports(json *array, const char *owner, struct nft_port **out, size_t *n, struct err *e)
{
	size_t length = array ? json_object_array_length(array) : 0;

	if (!(*out = calloc(length + 1, sizeof **out)))
		return err_no_memory(e);
	while (*n < length) {
		const char *text = json_object_get_string(json_object_array_get_idx(array, *n));
		if (read_port(text ? text : "", owner, &(*out)[(*n)++], e) != 0)
			return -1;
	}
	return 0;
}

static int read_state(json *o, const char *id, struct network_state *out, struct err *e)
{
	json *endpoints = json_get(o, "endpoints");
	const char *group = json_str(o, "group", NULL);

	for (size_t i = 0; endpoints && i < json_object_array_length(endpoints); i++) {
		struct endpoint *p = network_state_add(out, e);
		if (!p || read_endpoint(json_object_array_get_idx(endpoints, i), p, e) != 0)
			return -1;
	}
	out->nft_fd = (int)json_int(o, "socket", -1);
	if (group && !(out->group = strdup(group)))
		return err_no_memory(e);
	return read_ports(json_get(o, "ports"), id, &out->ports, &out->n_ports, e) ||
	                       read_ports(json_get(o, "idle"), id, &out->idle, &out->n_idle, e)
	               ? -1
	               : 0;
}

int network_state_read(int state_fd, const char *id, struct network_state *out, struct err *e)
{
	*out = (struct network_state){.nft_fd = -1};
	if (state_fd < 0 || faccessat(state_fd, STATE_FILE, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	cleanup_json json *o = json_read_at(state_fd, STATE_FILE, STATE_MAX, e);
	if (o && read_state(o, id, out, e) == 0)
		return 0;
	network_state_free(out);
	return err_wrap(e, "container %.12s: " STATE_FILE, id);
}

void network_state_remove(int state_fd)
{
	unlinkat(state_fd, STATE_FILE, 0);
}
