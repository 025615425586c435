/* What the files of endpoints (endpoint*.c, network_connect.c) share; the rest of the engine uses network.h.
 */
#ifndef TARE_ENGINE_ENDPOINT_H
#define TARE_ENGINE_ENDPOINT_H

#include "engine/network.h"

struct image_config;

/* ---- endpoint_request.c: Docker's documents ---- */

/* "none", "host", "container:ID": no networks of its own. */
bool network_mode_is_shared(const char *mode);
/* The names of the networks that are asked for, in order (strv; none with a shared mode). They exist. */
int endpoints_resolve(const struct store *s, const struct tare_create *q, char ***names, struct err *e);
/* NetworkingConfig, PortBindings, Config.ExposedPorts, one EndpointsConfig; the caller's to put. */
json *endpoints_document(const struct tare_create *q, char *const *names);
json *port_bindings_document(const struct tare_create *q);
json *exposed_ports_document(const struct tare_create *q, const struct image_config *image);
json *endpoint_document(const struct tare_endpoint *p);
int endpoint_request_read(const char *name, json *o, struct endpoint_request *p, struct err *e);

/* ---- endpoint_state.c: network.json ---- */

/* One more, all zero; NULL with e. Pointers to the others are void after it. */
struct endpoint *network_state_add(struct network_state *n, struct err *e);
void network_state_drop(struct network_state *n, size_t i);
void network_state_remove(int state_fd);

/* ---- endpoint_lease.c ---- */

/* Fill in addresses for each endpoint from its request, write network.json, then the leases. */
int endpoints_lease(struct endpoint_start *x, struct err *e);
/* The same for one that is new in a container that runs. */
int endpoint_lease(struct endpoint_start *x, size_t i, struct err *e);
void endpoint_lease_drop(const struct store *s, const char *network_id, const char *id);
/* A running container has another name now, in all its networks. */
void endpoints_rename(const struct store *s, struct container *c);

/* ---- endpoint_port.c ---- */

/* Choose and hold the host's ports: x->state.ports, x->held. CONFLICT names who has one. */
int endpoint_ports_hold(struct endpoint_start *x, struct err *e);
/* Lead them to the addresses of the first endpoint that they can lead to; those that can't lead anywhere are
 * idle until they can: the monitor holds them all along. */
int endpoint_ports_lead_to(struct network_state *n, struct err *e);

/* ---- endpoint_elements.c ---- */

/* Of the endpoints from `first` on, and of the ports when that is all of them. */
int endpoint_elements_add(const struct endpoint_start *x, size_t first, struct err *e);
/* After its ports were published: what UDP clients sent there goes to it from the next packet on. Takes some
 * ms where UDP is published, so it is called when the container runs. socket: -1, or one that is kept
 * (net/nft.h). */
void endpoint_flows_follow(const struct network_state *n, int socket);
/* All that the state says, and what UDP clients send to it by its ports goes elsewhere. Best effort. */
void endpoint_elements_remove(
        const struct store *s, const struct container *c, const struct network_state *n);

/* ---- container_files.c ---- */

/* The container's /etc/hosts while it runs: addresses that come and go; either may be NULL. */
void endpoint_hosts_change(
        const struct container *c, const struct endpoint *add, const struct endpoint *drop);

/* ---- endpoint.c ---- */

/* Docker's event of a network: "connect", "disconnect". */
void endpoint_event(const struct store *s, const struct endpoint *p, const char *id, const char *action);
/* A fresh one of container `id` in this network: all but its name inside and its addresses. */
int endpoint_init(const struct store *s, struct endpoint *p, const struct network_record *r, const char *id,
        char *const *aliases, struct err *e);
/* Its addresses and, by `gateway`, the default routes of these families; what is there already stays. */
int endpoint_set_up(const struct endpoint *p, struct link_handle *inside, int netns_fd, const bool gateway[2],
        struct err *e);
/* The links of endpoint i in the namespace, and that. */
int endpoint_link(struct endpoint_start *x, size_t i, struct link_handle *host, struct link_handle *inside,
        int netns_fd, const bool gateway[2], struct err *e);
/* Wait until the kernel has noticed them (link_settle()): the last thing to do. */
void endpoint_settle(
        const struct endpoint_start *x, size_t i, struct link_handle *host, struct link_handle *inside);

#endif
