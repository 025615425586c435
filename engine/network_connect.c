/* A container comes into another network, or leaves one: on record, and at once where it runs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/endpoint.h"
#include "engine/rootless_network.h"
#include "net/dns.h"

/* ------------------------------------------------------------------ on record */

/* Its networks, made where the record has none so far; NULL for one that stands in another's. */
static json *endpoints_config(struct container *c)
{
	json *config = json_path(c->record.config, "NetworkingConfig.EndpointsConfig");
	const char *mode = json_str(json_get(c->record.config, "HostConfig"), "NetworkMode", "none");

	if (config)
		return config;
	if (network_mode_is_shared(mode) && strcmp(mode, "none") != 0)
		return NULL;
	json *networking = json_object_new_object();
	config = json_object_new_object();
	if (!network_mode_is_shared(mode))
		json_set(config, mode, json_object_new_object());
	json_set(networking, "EndpointsConfig", config);
	json_set(c->record.config, "NetworkingConfig", networking);
	return config;
}

static int write_record(struct container *c, struct err *e)
{
	return container_record_write(c->dir_fd, &c->record, !container_auto_remove(c), e);
}

static int record_connect(struct container *c, const char *network, json *asked, struct err *e)
{
	json *host = json_get(c->record.config, "HostConfig"), *config = endpoints_config(c);

	json_set(config, network, asked);
	if (strcmp(json_str(host, "NetworkMode", "none"), "none") == 0)
		json_set_str(host, "NetworkMode", network);
	return write_record(c, e);
}

/* ------------------------------------------------------------------ in a namespace that lives */

/* The namespace of the container, and sockets on both sides. */
struct place {
	int netns_fd;
	struct link_handle *host, *inside;
};

static void place_close(struct place *p)
{
	link_close(&p->host);
	link_close(&p->inside);
	close_fd(&p->netns_fd);
}
#define cleanup_place __attribute__((cleanup(place_close)))

static int place_open(const struct container *c, struct place *p, struct err *e)
{
	char path[48];

	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)c->state.process.pid);
	p->netns_fd = open(path, O_RDONLY | O_CLOEXEC);
	/* only now is what was opened by its pid sure to be its own */
	if (p->netns_fd < 0 || container_need_up(c, e) != 0)
		return p->netns_fd < 0 ? err_sys(e, "cannot open the network namespace of container %s",
		                                 c->record.name)
		                       : -1;
	p->host = link_open(e);
	p->inside = p->host ? link_open_at(p->netns_fd, e) : NULL;
	return p->inside ? 0 : -1;
}

static void start_free(struct endpoint_start *x)
{
	for (size_t i = 0; i < ENDPOINTS_MAX; i++)
		network_record_free(&x->records[i]);
	network_state_free(&x->state);
}
#define cleanup_start __attribute__((cleanup(start_free)))

/* Is there a default route of this family already? */
static bool leads_out(const struct network_state *n, size_t end, int f)
{
	for (size_t i = 0; i < end; i++)
		if (!n->endpoints[i].internal && n->endpoints[i].gateway[f].family)
			return true;
	return false;
}

static struct endpoint *new_endpoint(
        struct endpoint_start *x, const struct endpoint_request *q, struct place *at, struct err *e)
{
	size_t i = x->state.n_endpoints;
	struct network_record *r = &x->records[i];
	struct endpoint *p;

	if (i == ENDPOINTS_MAX) {
		err_set(e, ERR_USAGE, "container %s is in %d networks already", x->c->record.name,
		        ENDPOINTS_MAX);
		return NULL;
	}
	if (network_up(x->store, r, &x->bridge_index[i], e) != 0 || !(p = network_state_add(&x->state, e)) ||
	        endpoint_init(x->store, p, r, x->c->id, q->aliases, e) != 0 ||
	        link_next_name(at->inside, p->name, e) != 0)
		return NULL;
	memcpy(p->ip, q->ip, sizeof p->ip);
	memcpy(p->mac, q->mac, sizeof p->mac);
	return p;
}

static int connect_live(struct endpoint_start *x, struct place *at, size_t i, struct err *e)
{
	size_t led = x->state.n_ports;
	bool gateway[2];

	for (int f = 0; f < 2; f++)
		gateway[f] = !x->records[i].internal && !leads_out(&x->state, i, f);
	if (endpoint_lease(x, i, e) != 0 ||
	        endpoint_link(x, i, at->host, at->inside, at->netns_fd, gateway, e) != 0 ||
	        endpoint_elements_add(x, x->state.n_ports > led ? 0 : i, e) != 0)
		return -1;
	if (network_state_write(x->c->state_fd, &x->state, e) != 0)
		return -1;
	endpoint_settle(x, i, at->host, at->inside);
	return 0;
}

/* One endpoint goes, with the ports that lead to it; how many they are. Best effort: what stays dies with the
 * namespace. */
static size_t disconnect_live(
        const struct store *s, struct container *c, struct network_state *n, size_t i, struct place *at)
{
	struct endpoint *p = &n->endpoints[i];
	struct nft_port *ports = calloc(n->n_ports + 1, sizeof *ports);
	struct network_state one = {
	        .endpoints = p, .n_endpoints = 1, .ports = ports, .group = n->group, .nft_fd = n->nft_fd};

	for (size_t k = 0; ports && k < n->n_ports; k++)
		if (net_address_equal(&n->ports[k].to, &p->ip[n->ports[k].to.family == AF_INET6]))
			ports[one.n_ports++] = n->ports[k];
	endpoint_elements_remove(s, c, &one);
	free(ports);
	if (p->link[0] ? at->host != NULL : at->inside != NULL)
		link_remove(p->link[0] ? at->host : at->inside, p->link[0] ? p->link : p->name, NULL);
	endpoint_lease_drop(s, p->network_id, c->id);
	endpoint_hosts_change(c, NULL, p);
	return one.n_ports;
}

/* Ports are held from a start on: by its monitor, which inherited them. */
static void check_published(
        const struct container *c, const struct network_state *n, const struct endpoint *p)
{
	struct network_request q = {0};

	if (!n->n_ports && !n->n_idle && p->bridge[0] && !p->internal &&
	        network_request_read(&c->record, &q, NULL) == 0 && q.n_ports)
		log_line(LOG_LEVEL_WARN, "container %s: its ports are published when it is started again",
		        c->record.name);
	network_request_free(&q);
}

/* The record says that it is not in this network: what its state knows of it is from a connect that was
 * killed before it was done. */
static void forget_unfinished(struct endpoint_start *x, const struct network_record *r, struct place *at)
{
	struct network_state *n = &x->state;

	for (size_t i = n->n_endpoints; i-- > 0;) {
		if (strcmp(n->endpoints[i].network_id, r->id) != 0)
			continue;
		disconnect_live(x->store, x->c, n, i, at);
		network_state_drop(n, i);
		endpoint_ports_lead_to(n, NULL);
	}
}

static int connect_running(const struct store *s, struct container *c, struct network_record *r,
        const struct endpoint_request *q, struct err *e)
{
	cleanup_start struct endpoint_start x = {.store = s, .c = c, .nft_fd = -1};
	cleanup_place struct place at = {.netns_fd = -1};

	if (network_state_read(c->state_fd, c->id, &x.state, e) != 0 || place_open(c, &at, e) != 0)
		return -1;
	forget_unfinished(&x, r, &at);
	size_t i = x.state.n_endpoints;
	if (i < ENDPOINTS_MAX) {
		x.records[i] = *r;
		*r = (struct network_record){0};
	}
	if (!new_endpoint(&x, q, &at, e))
		return -1;
	if (connect_live(&x, &at, i, e) != 0) {
		disconnect_live(s, c, &x.state, i, &at);
		network_state_drop(&x.state, i);
		endpoint_ports_lead_to(&x.state, NULL);
		network_state_write(c->state_fd, &x.state, NULL);
		return -1;
	}
	struct err why = ERR_INIT;
	if (x.state.endpoints[i].bridge[0] && network_dns(s, &x.records[i], &why) != 0)
		log_line(LOG_LEVEL_WARN, "network %s has no name service: %s", x.state.endpoints[i].network,
		        why.msg);
	check_published(c, &x.state, &x.state.endpoints[i]);
	endpoint_hosts_change(c, &x.state.endpoints[i], NULL);
	endpoint_flows_follow(&x.state, -1);
	*r = x.records[i];
	x.records[i] = (struct network_record){0};
	return 0;
}

/* The default route and the published ports go on by another of its networks. */
static void go_on_without(struct endpoint_start *x, const struct endpoint *gone, struct place *at, bool ports)
{
	struct network_state *n = &x->state;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < n->n_endpoints; i++)
		if (network_find(x->store, n->endpoints[i].network_id, &x->records[i], &e) != 0)
			return;
	if (endpoint_ports_lead_to(n, &e) == 0 &&
	        (!ports || !n->n_ports || endpoint_elements_add(x, 0, &e) == 0))
		endpoint_flows_follow(n, -1);
	else
		log_line(LOG_LEVEL_WARN, "container %s: its ports are not published any more: %s",
		        x->c->record.name, e.msg);
	for (int f = 0; f < 2; f++) {
		if (gone->internal || !gone->gateway[f].family)
			continue;
		for (size_t i = 0; i < n->n_endpoints; i++) {
			const struct endpoint *p = &n->endpoints[i];
			if (p->internal || !p->gateway[f].family)
				continue;
			/* It may have had the route all the time. */
			if (endpoint_set_up(p, at->inside, at->netns_fd, (bool[2]){f == 0, f == 1}, &e) !=
			                0 &&
			        e.sys != EEXIST)
				log_line(LOG_LEVEL_WARN, "container %s has no way out any more: %s",
				        x->c->record.name, e.msg);
			break;
		}
	}
}

static int disconnect_running(const struct store *s, struct container *c, const char *network, struct err *e)
{
	cleanup_start struct endpoint_start x = {.store = s, .c = c, .nft_fd = -1};
	cleanup_network_state struct network_state gone = {0};
	cleanup_place struct place at = {.netns_fd = -1};
	struct network_state *n = &x.state;
	size_t i = 0;

	if (network_state_read(c->state_fd, c->id, n, e) != 0 || place_open(c, &at, e) != 0)
		return -1;
	while (i < n->n_endpoints && strcmp(n->endpoints[i].network, network) != 0)
		i++;
	if (i == n->n_endpoints)
		return 0;
	struct endpoint *p = network_state_add(&gone, e);
	if (!p)
		return -1;
	bool ports = disconnect_live(s, c, n, i, &at) > 0;
	*p = n->endpoints[i];
	n->endpoints[i] = (struct endpoint){0};
	network_state_drop(n, i);
	go_on_without(&x, p, &at, ports);
	cleanup_fd int dir = networks_state_dir(s, NULL);
	if (dir >= 0)
		dns_idle(dir);
	return network_state_write(c->state_fd, n, e);
}

/* ------------------------------------------------------------------ connect */

static void tell(
        const struct store *s, const struct network_record *r, const struct container *c, const char *action)
{
	json *attributes = json_object_new_object();

	json_set_str(attributes, "container", c->id);
	network_event(s, r, action, attributes);
}

static int connect_locked(const struct store *s, struct container *c, const char *net,
        const struct tare_endpoint *asked, struct err *e)
{
	cleanup_network_record struct network_record r = {0};
	cleanup_free char *name = NULL;
	struct endpoint_request q = {0};
	json *config = endpoints_config(c);

	if (!config)
		return err_set(e, ERR_CONFLICT,
		        "container %s stands in the network of the host or of another container, so it can "
		        "be "
		        "in no other",
		        c->record.name);
	if (network_find(s, net, &r, e) != 0)
		return -1;
	if (!(name = strdup(r.name)))
		return err_no_memory(e);
	if (json_object_object_get_ex(config, name, NULL))
		return err_set(
		        e, ERR_CONFLICT, "container %s is in network %s already", c->record.name, name);
	json *document = endpoint_document(asked);
	int rc = endpoint_request_read(name, document, &q, e);
	if (rc == 0 && container_is_up(c))
		rc = connect_running(s, c, &r, &q, e);
	free(q.network);
	strv_free(q.aliases);
	if (rc != 0) {
		json_object_put(document);
		return -1;
	}
	if (record_connect(c, name, document, e) == 0) {
		tell(s, &r, c, "connect");
		return 0;
	}
	if (container_is_up(c))
		disconnect_running(s, c, name, NULL);
	return -1;
}

int engine_network_connect(struct tare_engine *t, const char *net, const char *ref,
        const struct tare_endpoint *asked, struct err *e)
{
	static const struct tare_endpoint nothing;
	const struct store *s = engine_store(t);
	cleanup_container struct container c = CONTAINER_INIT;

	if (rootless_network_refuse("connect a container to a network", e) != 0)
		return -1;
	if (container_open(s, ref, &c, e) != 0 || container_lock(s, &c, e) != 0)
		return -1;
	return connect_locked(s, &c, net, asked ? asked : &nothing, e);
}

/* ------------------------------------------------------------------ disconnect */

int engine_network_disconnect(
        struct tare_engine *t, const char *net, const char *ref, bool force, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_container struct container c = CONTAINER_INIT;
	cleanup_network_record struct network_record r = {0};

	if (container_open(s, ref, &c, e) != 0 || container_lock(s, &c, e) != 0)
		return -1;
	json *config = endpoints_config(&c);
	if (network_find(s, net, &r, e) != 0) {
		if (!config || container_is_up(&c) || !json_object_object_get_ex(config, net, NULL))
			return -1;
		/* a network that was removed: what is left of it is the container's wish */
		json_object_object_del(config, net);
		return write_record(&c, e);
	}
	if (!config || !json_object_object_get_ex(config, r.name, NULL))
		return err_set(e, ERR_CONFLICT, "container %s is not in network %s", c.record.name, r.name);
	if (container_is_up(&c) && disconnect_running(s, &c, r.name, e) != 0 && !force)
		return -1;
	json_object_object_del(config, r.name);
	if (write_record(&c, e) != 0)
		return -1;
	tell(s, &r, &c, "disconnect");
	return 0;
}
