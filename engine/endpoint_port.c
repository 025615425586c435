/* Published ports of a start: which ports of this host they are, and who has one that is taken. Each is held
 * by a bound socket that the container's monitor inherits and keeps until the container's end. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/endpoint.h"
#include "net/group.h"
#include "net/port.h"

#define RANDOM_TRIES 64 /* one free number for both families */

/* ------------------------------------------------------------------ what is in the way */

static bool meets(const struct nft_port *a, const struct nft_port *b)
{
	struct net_address any = {.family = a->host.family};

	return a->protocol == b->protocol && a->host_port == b->host_port &&
	       a->host.family == b->host.family &&
	       (net_address_equal(&a->host, &b->host) || net_address_equal(&a->host, &any) ||
	               net_address_equal(&b->host, &any));
}

static bool has_port(const struct store *s, const char *id, const struct nft_port *p)
{
	cleanup_network_state struct network_state n = {0};
	cleanup_fd int dir = container_state_dir_open(s, id, false);

	if (dir < 0 || network_state_read(dir, id, &n, NULL) != 0)
		return false;
	for (size_t i = 0; i < n.n_ports; i++)
		if (meets(&n.ports[i], p))
			return true;
	for (size_t i = 0; i < n.n_idle; i++)
		if (meets(&n.idle[i], p))
			return true;
	return false;
}

/* Runs, or is being started. */
static char *holder_name(const struct store *s, const struct nft_port *p, const char *but_id)
{
	cleanup_strv char **ids = NULL;

	if (container_ids(s, &ids, NULL) != 0)
		return NULL;
	strv_foreach (id, ids) {
		cleanup_container struct container c = CONTAINER_INIT;
		if (strcmp(*id, but_id) != 0 && has_port(s, *id, p) &&
		        !endpoint_holder_is_dead(*id, (void *)(uintptr_t)s) &&
		        container_open_id(s, *id, &c, NULL) == 0)
			return steal_ptr(&c.record.name);
	}
	return NULL;
}

static int cannot_publish(const struct nft_port *p, uint16_t last, struct err *e)
{
	char address[NET_ADDRESS_TEXT], port[16];
	bool v6 = p->host.family == AF_INET6;

	snprintf(port, sizeof port, last > p->host_port ? "%u-%u" : "%u", p->host_port, last);
	return err_wrap(e, "cannot publish %s%s%s:%s/%s", v6 ? "[" : "", net_address_text(&p->host, address),
	        v6 ? "]" : "", port, tare_protocol_name(p->protocol));
}

static int refuse(const struct endpoint_start *x, const struct nft_port *p, uint16_t last,
        const struct err *why, struct err *e)
{
	cleanup_free char *name = why->kind == ERR_CONFLICT ? holder_name(x->store, p, x->c->id) : NULL;

	err_set(e, why->kind, "%s%s%s%s", name ? "container " : why->msg, name ? name : "",
	        name ? " has it" : "", why->kind == ERR_CONFLICT ? "; choose another port with -p" : "");
	return cannot_publish(p, last, e);
}

/* ------------------------------------------------------------------ holding */

static int keep(struct endpoint_start *x, const struct nft_port *p, int fd, struct err *e)
{
	struct network_state *n = &x->state;
	struct nft_port *ports = realloc(n->ports, (n->n_ports + 1) * sizeof *ports);
	int *held = ports ? realloc(x->held, (x->n_held + 1) * sizeof *held) : NULL;

	if (ports)
		n->ports = ports;
	if (held)
		x->held = held;
	if (!ports || !held) {
		close_fd(&fd);
		return err_no_memory(e);
	}
	n->ports[n->n_ports++] = *p;
	if (fd >= 0) /* -2: the kernel lacks the protocol, so nobody else can have the port */
		x->held[x->n_held++] = fd;
	return 0;
}

/* Of a protocol that the kernel has no sockets for only other containers can have a port. */
static bool is_taken(const struct endpoint_start *x, const struct nft_port *p, struct err *why)
{
	cleanup_free char *name = x->request.group ? NULL : holder_name(x->store, p, x->c->id);

	return name && err_set(why, ERR_CONFLICT, "address in use") < 0;
}

/* The same number for both families: what one of them has already ties the other. */
static int hold_both(
        struct endpoint_start *x, const struct tare_publish *q, struct nft_port p[], size_t n, struct err *e)
{
	uint16_t first = q->host_port, last = q->host_port_to > first ? q->host_port_to : first;
	struct err why = ERR_INIT;

	for (int tries = 0;; tries++) {
		int fds[2] = {-1, -1};
		size_t k = 0;
		uint16_t port = 0;
		for (; k < n; k++) {
			fds[k] = port_hold(p[k].protocol, &p[k].host, k ? port : first, k ? port : last,
			        x->request.group != NULL, &p[k].host_port, &why);
			if (fds[k] == -1 || (fds[k] == -2 && is_taken(x, &p[k], &why)))
				break;
			port = p[k].host_port;
		}
		if (k == n) {
			for (k = 0; k < n; k++)
				if (keep(x, &p[k], fds[k], e) != 0)
					return -1;
			return 0;
		}
		close_fd(&fds[0]);
		bool more = k && why.kind == ERR_CONFLICT && tries < RANDOM_TRIES && (!first || port < last);
		if (!more) {
			p[k].host_port = first ? first : port;
			return refuse(x, &p[k], last, &why, e);
		}
		if (first)
			first = (uint16_t)(port + 1);
	}
}

static int hold_one(
        struct endpoint_start *x, const struct tare_publish *q, const bool served[2], struct err *e)
{
	struct nft_port p[2];
	size_t n = 0;
	struct net_address host = {0};

	if (q->host_ip && net_address_parse(q->host_ip, &host, e) != 0)
		return -1;
	for (int f = 0; f < 2; f++) {
		int family = f ? AF_INET6 : AF_INET;
		if (!served[f] || (host.family && host.family != family))
			continue;
		p[n] = (struct nft_port){.owner = x->c->id,
		        .protocol = q->protocol,
		        .host = host,
		        .to_port = q->container_port};
		p[n].host.family = family;
		p[n++].to.family = family;
	}
	if (!n)
		return err_set(e, ERR_USAGE, "cannot publish %s:%u: the container has no IPv%c address",
		        q->host_ip ? q->host_ip : "", q->host_port, host.family == AF_INET6 ? '6' : '4');
	return hold_both(x, q, p, n, e);
}

/* ------------------------------------------------------------------ all of them */

/* The monitor has them beside each other, so for a moment there are two of each. */
static int make_room(size_t n_sockets, struct err *e)
{
	struct rlimit r;
	rlim_t need = 2 * n_sockets + 1024;

	if (n_sockets < 64 || getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= need)
		return 0;
	if (r.rlim_max < need)
		return err_set(e, ERR_OTHER,
		        "cannot publish %zu ports: that takes %llu open files, and this process may have "
		        "%llu "
		        "(ulimit -n)",
		        n_sockets, (unsigned long long)need, (unsigned long long)r.rlim_max);
	r.rlim_cur = need;
	return setrlimit(RLIMIT_NOFILE, &r) == 0 ? 0 : err_sys(e, "cannot have %zu open files", (size_t)need);
}

static bool leads_in(const struct endpoint *p, int f, const struct lease_pool *pool)
{
	return p->bridge[0] && !p->internal && pool->subnet[f].base.family;
}

static int check_group(const struct endpoint_start *x, struct err *e)
{
	cleanup_fd int groups = x->request.group ? groups_state_dir(x->store, e) : -1;

	if (x->request.group && groups < 0)
		return -1;
	for (size_t i = 0; x->request.group && i < x->state.n_ports; i++)
		if (group_check(groups, x->request.group, &x->state.ports[i], e) != 0)
			return cannot_publish(&x->state.ports[i], 0, e);
	return 0;
}

/* Docker says nothing of an internal network; where there is no bridge there is no host to publish on. */
static int no_way_in(const struct endpoint_start *x, struct err *e)
{
	const struct network_state *n = &x->state;

	for (size_t i = 0; i < n->n_endpoints; i++)
		if (!n->endpoints[i].bridge[0])
			return err_set(e, ERR_USAGE,
			        "cannot publish ports in network %s, a %s: the container is reached at its "
			        "own "
			        "address",
			        n->endpoints[i].network, n->endpoints[i].driver);
	log_line(LOG_LEVEL_WARN,
	        "container %s: no port is published, since none of its networks has a way in",
	        x->c->record.name);
	return 0;
}

int endpoint_ports_hold(struct endpoint_start *x, struct err *e)
{
	bool served[2] = {false, false};
	struct lease_pool pool;

	if (!x->request.n_ports)
		return 0;
	served[0] = x->by_program;
	for (size_t i = 0; i < x->state.n_endpoints; i++) {
		if (network_pool(&x->records[i], &pool, e) != 0)
			return -1;
		for (int f = 0; f < 2; f++)
			served[f] |= leads_in(&x->state.endpoints[i], f, &pool);
	}
	if (!served[0] && !served[1])
		return no_way_in(x, e);
	if (make_room(2 * x->request.n_ports, e) != 0)
		return -1;
	for (size_t i = 0; i < x->request.n_ports; i++)
		if (hold_one(x, &x->request.ports[i], served, e) != 0)
			return -1;
	if (x->request.group && x->state.n_ports && !(x->state.group = strdup(x->request.group)))
		return err_no_memory(e);
	return check_group(x, e);
}

/* The first endpoint with a way in counts. */
static void ways_in(const struct network_state *n, const struct net_address *to[2])
{
	to[0] = to[1] = NULL;
	for (size_t i = n->n_endpoints; i-- > 0;)
		for (int f = 0; f < 2; f++)
			if (n->endpoints[i].bridge[0] && !n->endpoints[i].internal &&
			        n->endpoints[i].ip[f].family)
				to[f] = &n->endpoints[i].ip[f];
}

int endpoint_ports_lead_to(struct network_state *n, struct err *e)
{
	size_t all = n->n_ports + n->n_idle;
	struct nft_port *ports = calloc(all + 1, sizeof *ports), *idle = calloc(all + 1, sizeof *idle);
	const struct net_address *to[2];
	size_t n_ports = 0, n_idle = 0;

	if (!ports || !idle) {
		free(ports);
		free(idle);
		return err_no_memory(e);
	}
	ways_in(n, to);
	for (size_t i = 0; i < all; i++) {
		const struct nft_port *p = i < n->n_ports ? &n->ports[i] : &n->idle[i - n->n_ports];
		const struct net_address *way = to[p->host.family == AF_INET6];
		struct nft_port *q = way ? &ports[n_ports++] : &idle[n_idle++];
		*q = *p;
		if (way)
			q->to = *way;
	}
	free(n->ports);
	free(n->idle);
	n->ports = ports;
	n->n_ports = n_ports;
	n->idle = idle;
	n->n_idle = n_idle;
	return 0;
}
