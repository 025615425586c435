/* A container's place in its networks: what a start takes, and what the end of the run gives back.
 *
 * Before anything is asked of the kernel it stands in network.json in the container's state directory, so
 * that whoever cleans up after a start or a run that was killed knows what there may be. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/endpoint.h"
#include "engine/events.h"
#include "engine/rootless_network.h"
#include "net/dns.h"

void endpoint_event(const struct store *s, const struct endpoint *p, const char *id, const char *action)
{
	json *attributes = json_object_new_object();

	json_set_str(attributes, "container", id);
	json_set_str(attributes, "name", p->network);
	json_set_str(attributes, "type", p->driver);
	event_emit(s, "network", action, p->network_id, attributes);
}

static bool is_bridge(const struct endpoint *p)
{
	return p->bridge[0] != '\0';
}

/* ------------------------------------------------------------------ before the fork */

int endpoint_init(const struct store *s, struct endpoint *p, const struct network_record *r, const char *id,
        char *const *aliases, struct err *e)
{
	p->network = strdup(r->name);
	p->driver = strdup(r->driver);
	p->aliases = strv_copy(aliases);
	if (!p->network || !p->driver || (aliases && !p->aliases))
		return err_no_memory(e);
	memcpy(p->network_id, r->id, sizeof p->network_id);
	p->internal = r->internal;
	p->trusted = !r->antispoof;
	if (strcmp(r->driver, "bridge") == 0) {
		snprintf(p->bridge, sizeof p->bridge, "%s", r->link);
		network_port_name(s, id, p->link);
	}
	return 0;
}

/* It was there when the container was made. */
static int find_network(
        const struct endpoint_start *x, const char *name, struct network_record *r, struct err *e)
{
	struct err why = ERR_INIT;
	const char *container = x->c->record.name;

	if (network_find(x->store, name, r, &why) == 0)
		return 0;
	if (why.kind == ERR_NOT_FOUND)
		return err_set(e, ERR_NOT_FOUND,
		        "container %s is in network %s, which was removed; make it again: tare network "
		        "create %s, or take the container out: tare network disconnect %s %s",
		        container, name, name, name, container);
	if (e)
		*e = why;
	return -1;
}

/* An endpoint without addresses, in a network that is up. */
static int place(struct endpoint_start *x, size_t i, struct err *e)
{
	struct network_record *r = &x->records[i];
	struct endpoint *p;

	if (find_network(x, x->request.endpoints[i].network, r, e) != 0 ||
	        network_up(x->store, r, &x->bridge_index[i], e) != 0 ||
	        !(p = network_state_add(&x->state, e)))
		return -1;
	snprintf(p->name, sizeof p->name, "eth%u", (unsigned)i % ENDPOINTS_MAX);
	return endpoint_init(x->store, p, r, x->c->id, x->request.endpoints[i].aliases, e);
}

int endpoints_prepare(const struct store *s, struct container *c, struct endpoint_start *x, struct err *e)
{
	*x = (struct endpoint_start){.store = s, .c = c, .nft_fd = -1, .state.nft_fd = -1};
	if (network_request_read(&c->record, &x->request, e) != 0)
		return -1;
	const char *mode = json_str(json_get(c->record.config, "HostConfig"), "NetworkMode", "none");
	if (network_mode_is_shared(mode))
		return 0;
	if (rootless_network_is(mode))
		return rootless_network_prepare(x, e);
	for (size_t i = 0; i < x->request.n_endpoints; i++)
		if (place(x, i, e) != 0)
			return -1;
	if (endpoint_ports_hold(x, e) != 0 || endpoints_lease(x, e) != 0)
		return -1;
	return endpoints_write_files(x, e);
}

/* ------------------------------------------------------------------ in the starter */

static int make_link(const struct endpoint_start *x, size_t i, struct link_handle *host, int netns_fd,
        unsigned *index, struct err *e)
{
	const struct endpoint *p = &x->state.endpoints[i];
	const struct network_record *r = &x->records[i];
	struct link_pair pair = {.bridge = x->bridge_index[i],
	        .isolated = !r->icc,
	        .netns_fd = netns_fd,
	        .mtu = r->mtu ? r->mtu : link_mtu(host, p->bridge)};
	struct link_macvlan macvlan = {.netns_fd = netns_fd, .mtu = r->mtu, .mode = r->macvlan_mode};

	*index = 0;
	if (is_bridge(p)) {
		memcpy(pair.host_name, p->link, sizeof pair.host_name);
		memcpy(pair.name, p->name, sizeof pair.name);
		memcpy(pair.mac, p->mac, sizeof pair.mac);
		return link_pair_create(host, &pair, index, e);
	}
	snprintf(macvlan.parent, sizeof macvlan.parent, "%s", r->link);
	memcpy(macvlan.name, p->name, sizeof macvlan.name);
	memcpy(macvlan.mac, p->mac, sizeof macvlan.mac);
	return link_macvlan_create(host, &macvlan, e);
}

int endpoint_set_up(const struct endpoint *p, struct link_handle *inside, int netns_fd, const bool gateway[2],
        struct err *e)
{
	struct link_interface in = {0};

	memcpy(in.name, p->name, sizeof in.name);
	for (int f = 0; f < 2; f++) {
		in.address[f] = p->ip[f];
		in.prefix[f] = p->prefix[f];
		if (gateway[f])
			in.gateway[f] = p->gateway[f];
	}
	if (link_interface_setup(inside, netns_fd, &in, e) != 0)
		return err_wrap(e, "cannot set up %s of the container", p->name);
	return 0;
}

int endpoint_link(struct endpoint_start *x, size_t i, struct link_handle *host, struct link_handle *inside,
        int netns_fd, const bool gateway[2], struct err *e)
{
	struct endpoint *p = &x->state.endpoints[i];

	if (make_link(x, i, host, netns_fd, &p->link_index, e) != 0)
		return err_wrap(e, "cannot connect the container to network %s", p->network);
	return endpoint_set_up(p, inside, netns_fd, gateway, e);
}

/* The default route of each family is by the first network that leads out. */
static int make_links(struct endpoint_start *x, struct link_handle *host, struct link_handle *inside,
        int netns_fd, struct err *e)
{
	bool routed[2] = {false, false};

	for (size_t i = 0; i < x->state.n_endpoints; i++) {
		bool gateway[2];
		for (int f = 0; f < 2; f++) {
			gateway[f] = !routed[f] && !x->records[i].internal &&
			             x->state.endpoints[i].gateway[f].family;
			routed[f] |= gateway[f];
		}
		if (endpoint_link(x, i, host, inside, netns_fd, gateway, e) != 0)
			return -1;
	}
	return 0;
}

void endpoint_settle(
        const struct endpoint_start *x, size_t i, struct link_handle *host, struct link_handle *inside)
{
	const struct endpoint *p = &x->state.endpoints[i];

	link_settle(host, p->link_index, x->bridge_index[i], inside, &p->ip[1]);
}

/* A container without its names is better than none: it can still be reached by its address. */
static void serve_names(struct endpoint_start *x)
{
	for (size_t i = 0; i < x->state.n_endpoints; i++)
		if (is_bridge(&x->state.endpoints[i]) &&
		        network_dns(x->store, &x->records[i], &x->warning) != 0)
			err_wrap(
			        &x->warning, "network %s has no name service", x->state.endpoints[i].network);
}

int endpoints_attach(struct endpoint_start *x, pid_t pid, struct err *e)
{
	char path[32];

	if (x->by_program)
		return rootless_network_attach(x, pid, e);
	if (!x->state.n_endpoints)
		return 0;
	/* our child, not waited for yet: the pid is its own */
	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
	cleanup_fd int netns = open(path, O_RDONLY | O_CLOEXEC);
	cleanup_link struct link_handle *host = link_open(e);
	if (netns < 0)
		return err_sys(e, "cannot open the container's network namespace");
	cleanup_link struct link_handle *inside = host ? link_open_at(netns, e) : NULL;
	if (!inside || make_links(x, host, inside, netns, e) != 0)
		return -1;
	x->nft_fd = x->state.nft_fd = nft_socket(e);
	if (x->nft_fd < 0 || endpoint_elements_add(x, 0, e) != 0)
		return -1;
	serve_names(x);
	if (network_state_write(x->c->state_fd, &x->state, e) != 0) /* with what it did not know before */
		return -1;
	for (size_t i = 0; i < x->state.n_endpoints; i++)
		endpoint_settle(x, i, host, inside);
	return 0;
}

/* ------------------------------------------------------------------ giving back */

/* The name service ends by itself some seconds after the last lease. */
static void tell_name_service(const struct store *s, const struct network_state *n)
{
	bool any = false;

	for (size_t i = 0; i < n->n_endpoints; i++)
		any |= is_bridge(&n->endpoints[i]);
	cleanup_fd int dir = any ? networks_state_dir(s, NULL) : -1;
	if (dir >= 0)
		dns_idle(dir);
}

static void give_back(const struct store *s, const struct container *c, const struct network_state *n)
{
	if (!n->n_endpoints)
		return;
	endpoint_elements_remove(s, c, n);
	for (size_t i = 0; i < n->n_endpoints; i++)
		endpoint_lease_drop(s, n->endpoints[i].network_id, c->id);
	tell_name_service(s, n);
}

static void done(struct endpoint_start *x)
{
	for (size_t i = 0; i < ENDPOINTS_MAX; i++)
		network_record_free(&x->records[i]);
	for (size_t i = 0; i < x->n_held; i++)
		close_fd(&x->held[i]);
	free(x->held);
	network_request_free(&x->request);
	network_state_free(&x->state);
}

void endpoints_ended(struct endpoint_start *x, bool started)
{
	for (size_t i = 0; started && i < x->state.n_endpoints; i++)
		endpoint_event(x->store, &x->state.endpoints[i], x->c->id, "connect");
	if (!started && x->c) {
		rootless_network_end(x->c->state_fd);
		give_back(x->store, x->c, &x->state);
		network_state_remove(x->c->state_fd);
	}
	done(x);
}

void endpoints_release(const struct store *s, struct container *c)
{
	cleanup_network_state struct network_state n = {0};

	rootless_network_end(c->state_fd);
	if (c->state_fd < 0 || network_state_read(c->state_fd, c->id, &n, NULL) != 0)
		return;
	give_back(s, c, &n);
	for (size_t i = 0; i < n.n_endpoints; i++)
		endpoint_event(s, &n.endpoints[i], c->id, "disconnect");
}
