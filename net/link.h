/* Links of the kernel: bridges, veth pairs, macvlan, addresses, routes, traffic counters. Over libnl-3 and
 * libnl-route-3 (rtnetlink(7)); no program is started. A handle is a netlink socket into one network
 * namespace. */
#ifndef TARE_NET_LINK_H
#define TARE_NET_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

struct err;
struct link_handle; /* opaque */

/* Into the caller's own network namespace; NULL with e. */
struct link_handle *link_open(struct err *e);
/* Into that of `netns_fd` (a descriptor of /proc/PID/ns/net, or a pidfd): the calling thread visits it for
 * the moment in which the socket is made. The caller must be single-threaded or not mind. */
struct link_handle *link_open_at(int netns_fd, struct err *e);
void link_close(struct link_handle **h);
#define cleanup_link __attribute__((cleanup(link_close)))

/* The index, 0 when there is none (ioctl, no dump). */
unsigned link_index(struct link_handle *h, const char *name);
/* Its MTU, 0 when there is none (ioctl). */
unsigned link_mtu(struct link_handle *h, const char *name);
/* Of the link by which the default route leads out, IPv4's before IPv6's; 0: there is none (a dump of all
 * routes). */
unsigned link_default_mtu(struct link_handle *h);

struct link_bridge {
	const char *name;
	unsigned char
	        mac[NET_MAC_LEN]; /* fixed: a bridge otherwise takes its ports' and changes it as they come */
	struct net_address address[2]; /* v4 and v6 gateway; family 0: none */
	unsigned prefix[2];
	unsigned mtu;        /* 0: the kernel's */
	bool route_localnet; /* published ports are reached from 127.0.0.1 */
};
/* Made when missing, up, no spanning tree, accept_ra 0, no duplicate address detection; what is there already
 * is completed. *index is set. A link of that name that is no bridge: CONFLICT. */
int link_bridge_ensure(struct link_handle *h, const struct link_bridge *b, unsigned *index, struct err *e);
/* Missing is success. */
int link_remove(struct link_handle *h, const char *name, struct err *e);

struct link_pair {
	char host_name[IFNAMSIZ]; /* the end that is a port of the bridge */
	unsigned bridge;          /* its index */
	bool isolated;            /* a port that reaches no other isolated port (icc=false) */
	char name[IFNAMSIZ];      /* the end in the container: "eth0" */
	int netns_fd;             /* the container's */
	unsigned char mac[NET_MAC_LEN];
	unsigned mtu;
};
/* One RTM_NEWLINK makes both ends, the far one inside netns_fd and down, ours up and a port of the bridge:
 * moving a device between namespaces would wait for a grace period (15 to 30 ms). EEXIST: CONFLICT. */
int link_pair_create(struct link_handle *h, const struct link_pair *p, unsigned *host_index, struct err *e);
/* The host's end of a pair becomes the bridge's port again: somebody removed that, and it was made anew. A
 * link that is gone is NOT_FOUND. */
int link_port_join(
        struct link_handle *h, const char *host_name, unsigned bridge, bool isolated, struct err *e);

struct link_macvlan {
	char parent[IFNAMSIZ], name[IFNAMSIZ];
	int netns_fd;
	unsigned char mac[NET_MAC_LEN];
	unsigned mtu;
	const char *mode; /* "bridge" (NULL), "private", "vepa", "passthru" */
};
int link_macvlan_create(struct link_handle *h, const struct link_macvlan *m, struct err *e);

/* Inside a container's namespace: router advertisements are not listened to (accept_ra 0, CVE-2020-13401),
 * the addresses are given, the link and lo go up, and with `gateway` the default routes are set. Writes
 * /proc/sys/net of that namespace: h must come from link_open_at(netns_fd). */
struct link_interface {
	char name[IFNAMSIZ];
	struct net_address address[2];
	unsigned prefix[2];
	struct net_address gateway[2]; /* family 0: no default route by this link */
	unsigned metric;               /* of the default routes, 0: the kernel's */
};
int link_interface_setup(struct link_handle *h, int netns_fd, const struct link_interface *i, struct err *e);
/* Wait, a tenth of a second at most, until the kernel has noticed all of that: what is sent before is lost,
 * and who then asks for a neighbour's link address asks again only after a second. To be called as late as a
 * start allows. host_index 0: a macvlan, which has no host's end. address6: the interface's, family 0 if it
 * has none. */
void link_settle(struct link_handle *host, unsigned host_index, unsigned bridge, struct link_handle *inside,
        const struct net_address *address6);
/* The first free "ethN" there. */
int link_next_name(struct link_handle *h, char name[IFNAMSIZ], struct err *e);

/* All subnets that routes and addresses of this namespace name (of every routing table, without default
 * routes and host routes of lo); *list is malloc'ed. `but`: a link whose own are left out, or NULL. */
int link_routes(struct link_handle *h, const char *but, struct net_subnet **list, size_t *n, struct err *e);
/* Names of all links but lo; strv. */
int link_names(struct link_handle *h, char ***names, struct err *e);
/* Those that are ports of that bridge. */
int link_ports(struct link_handle *h, unsigned bridge, char ***names, struct err *e);

struct link_stats {
	unsigned index;
	uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets, rx_dropped,
	        tx_dropped; /* as this end sees them */
};
/* One dump for all (RTM_GETSTATS, IFLA_STATS_LINK_64). Grown as needed and kept by the caller between calls:
 * no allocation in a steady state. Sorted by index. */
struct link_stats_list {
	struct link_stats *rows;
	size_t n, room;
};
int link_stats_read(struct link_handle *h, struct link_stats_list *l, struct err *e);
void link_stats_free(struct link_stats_list *l);

#endif
