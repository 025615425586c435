/* The networks and ports of a request as Docker's documents: made at creation, kept in the container's
 * record, read at each start. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/rootless.h"
#include "engine/endpoint.h"
#include "engine/oci/image_config.h"
#include "engine/rootless_network.h"
#include "net/port.h"

/* ------------------------------------------------------------------ at creation */

bool network_mode_is_shared(const char *mode)
{
	return strcmp(mode, "none") == 0 || strcmp(mode, "host") == 0 ||
	       strncmp(mode, "container:", strlen("container:")) == 0;
}

int endpoints_resolve(const struct store *s, const struct tare_create *q, char ***names, struct err *e)
{
	*names = NULL;
	if (q->network && network_mode_is_shared(q->network)) {
		if (q->n_publish && strcmp(q->network, "host") == 0)
			log_line(LOG_LEVEL_WARN, "published ports are discarded on the host's network");
		return 0;
	}
	if (rootless())
		return rootless_network_resolve(q, names, e);
	if (!q->n_endpoints) /* the record of the default network is made at the start */
		return strv_add(names, NETWORK_DEFAULT) == 0 ? 0 : err_no_memory(e);
	for (size_t i = 0; i < q->n_endpoints; i++) {
		cleanup_network_record struct network_record r = {0};
		if (network_find(s, q->endpoints[i].network, &r, e) != 0)
			return -1;
		if (strv_has(*names, r.name))
			return err_set(e, ERR_USAGE, "network %s is asked for twice", r.name);
		if (strv_add(names, r.name) != 0)
			return err_no_memory(e);
	}
	return 0;
}

json *endpoint_document(const struct tare_endpoint *p)
{
	json *o = json_object_new_object();

	if (p->ip || p->ip6) {
		json *ipam = json_object_new_object();
		if (p->ip)
			json_set_str(ipam, "IPv4Address", p->ip);
		if (p->ip6)
			json_set_str(ipam, "IPv6Address", p->ip6);
		json_set(o, "IPAMConfig", ipam);
	}
	if (p->aliases)
		json_set_strv(o, "Aliases", p->aliases);
	if (p->mac)
		json_set_str(o, "MacAddress", p->mac);
	return o;
}

json *endpoints_document(const struct tare_create *q, char *const *names)
{
	json *o = json_object_new_object(), *config = json_object_new_object();

	for (size_t i = 0; i < strv_len(names); i++)
		json_set(config, names[i],
		        i < q->n_endpoints ? endpoint_document(&q->endpoints[i]) : json_object_new_object());
	json_set(o, "EndpointsConfig", config);
	return o;
}

static const char *port_key(int protocol, unsigned port, char dst[24])
{
	snprintf(dst, 24, "%u/%s", port, tare_protocol_name(protocol));
	return dst;
}

json *port_bindings_document(const struct tare_create *q)
{
	json *o = json_object_new_object();
	char key[24], range[16];

	for (size_t i = 0; i < q->n_publish; i++) {
		const struct tare_publish *p = &q->publish[i];
		json *binding = json_object_new_object();
		port_key(p->protocol, p->container_port, key);
		if (!json_get(o, key))
			json_set(o, key, json_object_new_array());
		snprintf(range, sizeof range, p->host_port_to > p->host_port ? "%u-%u" : "%u", p->host_port,
		        p->host_port_to);
		json_set_str(binding, "HostIp", p->host_ip ? p->host_ip : "");
		json_set_str(binding, "HostPort", p->host_port ? range : "");
		json_object_array_add(json_get(o, key), binding);
	}
	return o;
}

/* What the image exposes, what the request does, and what is published. */
json *exposed_ports_document(const struct tare_create *q, const struct image_config *image)
{
	json *o = json_object_new_object();
	char key[24];
	uint16_t port;
	int protocol;

	strv_foreach (p, image ? image->exposed_ports : NULL)
		if (tare_port_parse(*p, &port, &protocol, NULL) == 0)
			json_set(o, port_key(protocol, port, key), json_object_new_object());
		else
			json_set(o, *p, json_object_new_object()); /* a range, or foreign: shown as it is */
	strv_foreach (p, q->expose)
		json_set(o, *p, json_object_new_object());
	for (size_t i = 0; i < q->n_publish; i++)
		json_set(o, port_key(q->publish[i].protocol, q->publish[i].container_port, key),
		        json_object_new_object());
	return o;
}

/* ------------------------------------------------------------------ at each start */

void network_request_free(struct network_request *r)
{
	for (size_t i = 0; i < r->n_endpoints; i++) {
		free(r->endpoints[i].network);
		strv_free(r->endpoints[i].aliases);
	}
	for (size_t i = 0; i < r->n_ports; i++)
		free(r->ports[i].host_ip);
	free(r->endpoints);
	free(r->ports);
	free(r->group);
	*r = (struct network_request){0};
}

static int read_address(json *ipam, const char *key, struct net_address *a, struct err *e)
{
	const char *text = json_str(ipam, key, "");

	return *text ? net_address_parse(text, a, e) : 0;
}

int endpoint_request_read(const char *name, json *o, struct endpoint_request *p, struct err *e)
{
	json *ipam = json_get(o, "IPAMConfig");
	const char *mac = json_str(o, "MacAddress", "");

	*p = (struct endpoint_request){.network = strdup(name), .aliases = json_strv(o, "Aliases")};
	if (!p->network)
		return err_no_memory(e);
	if (read_address(ipam, "IPv4Address", &p->ip[0], e) != 0 ||
	        read_address(ipam, "IPv6Address", &p->ip[1], e) != 0)
		return -1;
	return *mac ? net_mac_parse(mac, p->mac, e) : 0;
}

static int read_endpoints(
        const struct container_record *r, const char *mode, struct network_request *out, struct err *e)
{
	json *config = json_path(r->config, "NetworkingConfig.EndpointsConfig");
	int n = config ? json_object_object_length(config) : 1;

	if (n > ENDPOINTS_MAX)
		return err_set(e, ERR_CORRUPT, "more than %d networks", ENDPOINTS_MAX);
	out->endpoints = calloc((size_t)n + 1, sizeof *out->endpoints);
	if (!out->endpoints)
		return err_no_memory(e);
	if (!config)
		return endpoint_request_read(mode, NULL, &out->endpoints[out->n_endpoints++], e);
	json_object_object_foreach (config, name, value)
		if (endpoint_request_read(name, value, &out->endpoints[out->n_endpoints++], e) != 0)
			return -1;
	return 0;
}

static int add_port(struct network_request *out, const struct tare_publish *p, struct err *e)
{
	if ((out->n_ports & (out->n_ports - 1)) == 0) { /* grows at each power of two */
		size_t room = out->n_ports ? out->n_ports * 2 : 1;
		struct tare_publish *ports = realloc(out->ports, room * sizeof *ports);
		if (!ports)
			return err_no_memory(e);
		out->ports = ports;
	}
	out->ports[out->n_ports++] = *p;
	return 0;
}

static int read_binding(const char *key, json *binding, struct network_request *out, struct err *e)
{
	const char *ip = json_str(binding, "HostIp", ""), *range = json_str(binding, "HostPort", "");
	struct tare_publish p = {0};
	unsigned first = 0, last = 0;

	if (tare_port_parse(key, &p.container_port, &p.protocol, e) != 0)
		return -1;
	int n = *range ? sscanf(range, "%u-%u", &first, &last) : 0;
	p.host_port = (uint16_t)first;
	p.host_port_to = (uint16_t)(n == 2 ? last : first);
	if (first > UINT16_MAX || last > UINT16_MAX)
		return err_set(e, ERR_CORRUPT, "HostPort \"%s\"", range);
	p.host_ip = *ip ? strdup(ip) : NULL;
	return add_port(out, &p, e);
}

static int read_ports(
        const struct container_record *r, json *host, struct network_request *out, struct err *e)
{
	json *bindings = json_get(host, "PortBindings"),
	     *exposed = json_path(r->config, "Config.ExposedPorts");

	if (bindings) {
		json_object_object_foreach (bindings, key, list)
			for (size_t i = 0; list && i < json_object_array_length(list); i++)
				if (read_binding(key, json_object_array_get_idx(list, i), out, e) != 0)
					return -1;
	}
	if (!json_bool(host, "PublishAllPorts", false) || !exposed)
		return 0;
	json_object_object_foreach (exposed, key, none) {
		struct tare_publish p = {0};
		(void)none;
		if (!json_get(bindings, key) &&
		        tare_port_parse(key, &p.container_port, &p.protocol, NULL) == 0 &&
		        add_port(out, &p, e) != 0)
			return -1;
	}
	return 0;
}

int network_request_read(const struct container_record *r, struct network_request *out, struct err *e)
{
	json *host = json_get(r->config, "HostConfig");
	const char *mode = json_str(host, "NetworkMode", "none");

	*out = (struct network_request){0};
	if (network_mode_is_shared(mode))
		return 0;
	const char *group = json_str(host, "PublishGroup", "");
	if (*group && !(out->group = strdup(group)))
		return err_no_memory(e);
	if (read_endpoints(r, mode, out, e) == 0 && read_ports(r, host, out, e) == 0)
		return 0;
	network_request_free(out);
	return err_wrap(e, "container %s: its record", r->name);
}
