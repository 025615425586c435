/* Networks inside the engine: what the verbs (network*.c) and a container's start and end share. Not for
 * other rooms.
 *
 * network.c: which there are, found by name or id, the default one. network_create.c, network_remove.c: the
 * verbs. network_look.c: lists and inspection. network_members.c: who is in one. network_name.c: what their
 * objects are called in the kernel. network_subnet.c: a subnet that is free. network_up.c: a network becomes
 * real: bridge, tables, forwarding, name service. network_reload.c: all of that again. network_check.c: what
 * a crash left, found and removed: _kernel.c there, _state.c in files.
 *
 * endpoint.c: a container's place in its networks, given at start, taken at the end; its parts, and what they
 * share, in endpoint.h: _request.c (what is asked), _state.c (what it has), _lease.c, _port.c, _elements.c,
 * _look.c. network_connect.c: connect and disconnect while it runs. */
#ifndef TARE_ENGINE_NETWORK_H
#define TARE_ENGINE_NETWORK_H

#include "engine/engine.h"
#include "engine/store/network_record.h"
#include "net/address.h"
#include "net/lease.h"
#include "net/link.h"
#include "net/nft.h"

#define NETWORK_DEFAULT "tare0"
#define ENDPOINTS_MAX   TARE_ENDPOINTS_MAX

/* What a container is to have, read from its record: HostConfig.NetworkMode, NetworkingConfig, PortBindings.
 */
struct endpoint_request {
	char *network; /* name or id */
	struct net_address ip[2];
	unsigned char mac[NET_MAC_LEN]; /* all zero: choose */
	char **aliases;
};
struct network_request {
	struct endpoint_request *endpoints;
	size_t n_endpoints;
	struct tare_publish *ports;
	size_t n_ports;
	char *group; /* --publish-group or NULL */
};

/* What it has: `network.json` in its state directory, written before the kernel is asked for anything, so
 * that whoever cleans up knows what there may be. */
struct endpoint {
	char network_id[NETWORK_ID_LEN + 1];
	char *network; /* name */
	char *driver;
	char link[IFNAMSIZ]; /* the host's end; "" with macvlan */
	char bridge[IFNAMSIZ];
	char name[IFNAMSIZ]; /* inside: "eth0" */
	unsigned link_index; /* of the host's end, 0: not known */
	unsigned char mac[NET_MAC_LEN];
	struct net_address ip[2], gateway[2];
	unsigned prefix[2];
	bool internal;
	bool trusted; /* antispoof=false, when it was connected */
	char **aliases;
};
struct network_state {
	struct endpoint *endpoints;
	size_t n_endpoints;
	struct nft_port
	        *ports; /* one per family and port; owner is the container's id, owned by the container */
	size_t n_ports;
	struct nft_port
	        *idle; /* held, but none of its networks has a way in: they lead nowhere, `to` is void */
	size_t n_idle;
	char *group;
	int nft_fd; /* the monitor's descriptor of a socket for the removal (net/nft.h); -1 */
};
void network_request_free(struct network_request *r);
void network_state_free(struct network_state *n);
#define cleanup_network_state __attribute__((cleanup(network_state_free)))
int network_request_read(const struct container_record *r, struct network_request *out, struct err *e);
/* Missing: success and no endpoints. */
int network_state_read(int state_fd, const char *id, struct network_state *out, struct err *e);
int network_state_write(int state_fd, const struct network_state *n, struct err *e);

/* ---- network_name.c ---- */

/* The names that this state directory's objects have in the kernel: table "tare" and bridge "tare0" for
 * /run/tare, others with a hash of the path, so that two installations don't meet. */
const char *network_table(const struct store *s, char dst[NFT_TABLE_MAX]);
const char *network_default_bridge(const struct store *s, char dst[IFNAMSIZ]);
/* The host's end of a link of container `id`: unique for each start, as the pair of the one before dies some
 * ms after its namespace. The state directory is in how it begins (nft_port_prefix()). */
void network_port_name(const struct store *s, const char *id, char dst[IFNAMSIZ]);
bool network_port_is_ours(const struct store *s, const char *link);
/* Of the bridge: says which state directory made it, since the names of two installations look alike. */
void network_bridge_mac(const struct store *s, const char *network_id, unsigned char mac[NET_MAC_LEN]);
bool network_bridge_is_ours(const struct store *s, const char *link);
/* Of this host and state directory, for unique local addresses. */
uint64_t network_host_hash(const struct store *s);
/* Made by this program, whichever directories it was given: a bridge, the host's end of a pair. */
bool network_made_link(const char *name);
/* Docker's EndpointID: of a container in a network, and always the same. */
const char *network_endpoint_id(
        const char *container_id, const char *network_id, char dst[NETWORK_ID_LEN + 1]);

/* ---- network_subnet.c ---- */

/* What a new subnet must not touch: the networks, and what the host's routes name. */
struct subnet_claims {
	struct network_records networks;
	struct net_subnet *routes;
	size_t n_routes;
};
/* but_link: a link whose routes don't count, or NULL. */
int subnet_claims_read(const struct store *s, const char *but_link, struct subnet_claims *c, struct err *e);
void subnet_claims_free(struct subnet_claims *c);
#define cleanup_subnet_claims __attribute__((cleanup(subnet_claims_free)))
/* CONFLICT names the network (other than `but_name`) or the route that it overlaps. */
int subnet_check(
        const struct subnet_claims *c, const struct net_subnet *want, const char *but_name, struct err *e);
/* A free one. The first candidates are the default network's. */
int subnet_choose(const struct store *s, const struct subnet_claims *c, int family, bool for_default,
        struct net_subnet *out, struct err *e);
bool host_has_ipv6(void);

/* ---- network.c ---- */

bool network_is_default(const struct network_record *r);
/* The default network's record, made when missing. */
int network_default(const struct store *s, struct network_record *r, struct err *e);
/* By name or id; "bridge" and "default" are the default one, which is made when missing. */
int network_find(const struct store *s, const char *ref, struct network_record *r, struct err *e);
/* The record's addresses as values; without IPv6 on a host that has none. */
int network_pool(const struct network_record *r, struct lease_pool *pool, struct err *e);

/* For the files of networks: a subnet with its first address as gateway; subnets for the default one; an
 * event. */
int network_set_subnet(struct network_record *r, const struct net_subnet *s);
int network_default_choose(const struct store *s, struct network_record *r, struct err *e);
void network_event(const struct store *s, const struct network_record *r, const char *action, json *more);

/* ---- network_members.c ---- */

/* Is this container's run over (for leases whose holder may be gone). arg: const struct store *. */
bool endpoint_holder_is_dead(const char *id, void *arg);
/* For each container that has or is just taking a place in a network; -1 from fn (no memory) ends it. */
typedef int (*network_holder_fn)(const struct container *c, const struct network_state *n, void *arg);
int network_each_holder(const struct store *s, network_holder_fn fn, void *arg, struct err *e);
/* All places of containers that run, by name. */
struct network_members {
	struct network_member {
		char network_id[NETWORK_ID_LEN + 1];
		unsigned prefix[2];
		struct tare_member member;
	} * rows;
	size_t n;
};
int network_members_read(const struct store *s, struct network_members *out, struct err *e);
void network_members_free(struct network_members *m);
#define cleanup_network_members __attribute__((cleanup(network_members_free)))
/* Names of those who have a lease and whose run is not over; strv. */
char **network_holders(const struct store *s, const struct leases *l);
/* Whether a container's record asks for it. */
bool network_is_wanted(const struct store *s, const struct network_record *r, bool by_running_only);

/* ---- network_remove.c ---- */
int networks_prune(const struct store *s, unsigned flags, struct tare_prune_result *out, struct err *e);

/* ---- network_up.c ---- */

/* Its parts, for those who do it again: links that don't forward to each other, forwarding, elements, bridge.
 */
void network_guards(const struct store *s, struct nft_batch *b);
int network_forward(
        const struct store *s, const struct network_record *r, struct link_handle *h, struct err *e);
void network_elements(struct nft_batch *b, enum nft_change c, const struct network_record *r,
        const struct lease_pool *pool);
int network_bridge(const struct store *s, const struct network_record *r, const struct lease_pool *pool,
        struct link_handle *h, unsigned *index, struct err *e);
/* The containers that were on the bridge before somebody removed it. */
int network_rejoin(const struct store *s, const struct network_record *r, struct link_handle *h,
        unsigned bridge, struct err *e);
/* Tables, forwarding (said once on standard error when it was off), bridge with addresses, elements. Cheap
 * when all is there. The default network may get another subnet by the way, when a route of the host has come
 * in its way: r is what it is then. *bridge_index: 0 with macvlan. */
int network_up(const struct store *s, struct network_record *r, unsigned *bridge_index, struct err *e);
/* The name service serves it. */
int network_dns(const struct store *s, const struct network_record *r, struct err *e);
/* Takes down bridge, elements, leases, name service's part; success when nothing is there. The caller holds
 * networks_lock(). */
int network_down(const struct store *s, const struct network_record *r, struct err *e);

/* ---- network_reload.c ---- */

/* Lay tables anew and put in all that the records, leases and states say. */
int network_reload(const struct store *s, struct err *e);

/* ---- endpoint.c ---- */

/* A start, step by step. prepare (in the caller): networks are up, ports held, addresses leased, network.json
 * and the files of /etc written. attach (in the starter, once the container's namespaces exist and while it
 * mounts): links with addresses, elements, name service. */
struct endpoint_start {
	const struct store *store;
	struct container *c;
	struct network_request request;
	struct network_record records[ENDPOINTS_MAX]; /* by endpoint, as are the next two */
	unsigned bridge_index[ENDPOINTS_MAX];
	struct network_state state;
	bool by_program; /* no networks of ours: rootless_network.h */
	int *held;       /* sockets of published ports: the monitor inherits them */
	size_t n_held;
	int nft_fd; /* in the starter: it adds the elements; the monitor inherits it for their removal */
	struct err warning; /* of attach, which has no standard error: what is amiss but no failure, or "" */
};
int endpoints_prepare(const struct store *s, struct container *c, struct endpoint_start *x, struct err *e);
int endpoints_attach(struct endpoint_start *x, pid_t pid, struct err *e);
/* How it ended: events, or what was taken is given back. Frees and closes what this process holds. */
void endpoints_ended(struct endpoint_start *x, bool started);
/* After the end of a run: elements, leases, group slots go; the links go with the namespace. Never waits for
 * the kernel. */
void endpoints_release(const struct store *s, struct container *c);
/* For lists and inspection: of a running container; the ports also of a stopped one that publishes fixed
 * ones. */
int endpoints_fill(
        const struct store *s, const struct container *c, struct tare_container *row, struct err *e);
json *endpoints_inspect(const struct store *s, const struct container *c); /* Docker's NetworkSettings */
/* hosts and resolv.conf of its directory, for the addresses of this start. */
int endpoints_write_files(const struct endpoint_start *x, struct err *e);

/* ---- network_check.c ---- */
int network_check(const struct store *s, bool repair, struct tare_check_result *out, struct err *e);

#endif
