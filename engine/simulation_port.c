/* The simulation's published ports: asked for, chosen, and shown. Nobody listens on them. */
#include "engine/simulation.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORTS_MAX    256
#define FREE_PORTS   32768 /* where those are that nobody asked for */
#define FREE_PORTS_N 28000

int sim_port_add(struct sim_container *c, const struct sim_port *port)
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

int sim_ports_ask(const struct simulation *s, json *line, const struct tare_create *q,
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
	return sim_port_add(
	        c, &(struct sim_port){(int)protocol, (char *)ip, (uint16_t)host, (uint16_t)container});
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

/* {"80/tcp": [{"HostIp": …, "HostPort": "8080"}, …]} */
void sim_port_bind(json *all, const struct tare_port *p)
{
	cleanup_free char *key = str_printf("%u/%s", p->container_port, tare_protocol_name(p->protocol));
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

json *sim_ports_bound(const struct sim_container *c)
{
	json *all = json_object_new_object();
	struct tare_container row = {0};

	if (sim_ports_fill(c, &row.ports, &row.n_ports) == 0)
		for (size_t i = 0; i < row.n_ports; i++)
			sim_port_bind(all, &row.ports[i]);
	tare_container_free(&row);
	return all;
}

int sim_ports_made(struct sim_container *c, json *ports)
{
	if (!json_object_is_type(ports, json_type_array))
		return 0;
	for (size_t i = 0; i < json_object_array_length(ports); i++)
		if (port_made(c, json_object_array_get_idx(ports, i)) < 0)
			return -1;
	return 0;
}
