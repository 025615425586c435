/* Tare's own nftables tables, `inet NAME` and `bridge NAME`, and the elements of their sets and maps.
 *
 * The rules never change: they stand in net/table.nft and are laid down by one run of nft(8). Whatever comes
 * and goes (a network, a container's port on a bridge, a published port) is an element, added and removed in
 * one transaction over nfnetlink (NFNL_SUBSYS_NFTABLES, linux/netfilter/nf_tables.h). Every element of a
 * container bears a comment with the first twelve digits of its id, as nft writes comments, so that what was
 * left behind can be found. */
#ifndef TARE_NET_NFT_H
#define TARE_NET_NFT_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

struct err;

#define NFT_TABLE_MAX   24
#define NFT_OWNER_LEN   12
#define NFT_GROUP_SLOTS 256

/* Lay the tables down if they are missing: 1 laid, 0 were there, -1. `again`: remove and lay them even if
 * they are there. Errors: no nft program ("install nftables"), a kernel without nftables. Where the kernel
 * has no bridge family the inet table alone is laid and *no_bridge set: containers are not kept from lying
 * about their addresses. */
int nft_lay(const char *table, bool again, bool *no_bridge, struct err *e);
bool nft_is_laid(const char *table);
int nft_remove(const char *table, struct err *e);

/* A transaction. Failures of memory are remembered and reported by the commit. */
struct nft_batch;
struct nft_batch *nft_batch_open(const char *table, struct err *e);
/* The same over a socket that the caller keeps: whoever closes the last descriptor of one waits until the
 * kernel has freed what anybody removed before (a grace period, 5 to 15 ms), so where time counts another
 * process has to have it, too. Negative: one of its own. */
struct nft_batch *nft_batch_open_on(const char *table, int socket, struct err *e);
int nft_socket(struct err *e);
bool nft_is_socket(int fd);
/* All or nothing. NOT_FOUND with errno ENOENT in e->sys: a table, set or element isn't there; CONFLICT
 * (EEXIST): an element of another value is. An empty batch is success. After success the batch is empty;
 * after a failure it is what it was, so that it can be committed again. */
int nft_batch_commit(struct nft_batch *b, struct err *e);
/* Removals only: what is there no more is passed over (one by one after a first refusal). */
int nft_batch_commit_removal(struct nft_batch *b, struct err *e);
void nft_batch_close(struct nft_batch **b);
#define cleanup_nft_batch __attribute__((cleanup(nft_batch_close)))

/* ADD: the same is there already is success; ADD_NEW: that is a CONFLICT, too, since it may be another's that
 * is about to go. REMOVE, of a container's addresses and ports: only what is its own. */
enum nft_change { NFT_ADD, NFT_ADD_NEW, NFT_REMOVE };

/* A network's bridge. */
struct nft_network {
	const char *bridge;
	struct net_address gateway[2];
	bool internal;   /* no way out, none in */
	bool open;       /* traffic from and to other open networks (isolate=false) */
	bool masquerade; /* leaves with the host's address */
	bool apart;      /* members don't reach each other (icc=false): not by way of the host either */
};
void nft_network(struct nft_batch *b, enum nft_change c, const struct nft_network *n);

/* Name service of a bridge: what goes to the gateway's port 53 is redirected to these ports of it. */
struct nft_dns {
	const char *bridge;
	struct net_address gateway;
	uint16_t udp_port, tcp_port;
};
void nft_dns(struct nft_batch *b, enum nft_change c, const struct nft_dns *d);

/* How the names of a table's ports begin, the host's ends of containers' links: "tv", or "t" and what follows
 * the dash of the table's name. What comes from one whose container isn't a member is dropped. */
const char *nft_port_prefix(const char *table, char dst[IFNAMSIZ]);
/* A container's port on a bridge: only its own addresses may come out of it, unless it is trusted. */
struct nft_member {
	const char *link;  /* the host's end */
	const char *owner; /* the container's id */
	unsigned char mac[NET_MAC_LEN];
	struct net_address address[2];
	bool trusted; /* antispoof=false: whose addresses come out of it isn't looked at */
};
void nft_member(struct nft_batch *b, enum nft_change c, const struct nft_member *m);

/* A published port. */
struct nft_port {
	const char *owner;
	int protocol;            /* IPPROTO_TCP, _UDP, _SCTP */
	struct net_address host; /* family 0 isn't allowed; all zero: every address of this family */
	uint16_t host_port;      /* host byte order */
	struct net_address to;   /* the container's, of the same family */
	uint16_t to_port;
};
void nft_port(struct nft_batch *b, enum nft_change c, const struct nft_port *p);
/* Flows of UDP that began with a packet to one of these ports of the host are forgotten, so that the next
 * packet of each meets the rules; other protocols need nothing. After the commit that published it: those
 * that lead elsewhere, or, when it is a group's, to the host (the other members keep theirs); after the one
 * that took a group's member away: those that lead to it. Walks once through all that conntrack knows of each
 * family (1 to 5 ms). `socket`: of nft_socket(). */
enum nft_flows { NFT_FLOWS_ELSEWHERE, NFT_FLOWS_TO_HOST, NFT_FLOWS_TO_IT };
int nft_forget_flows(int socket, const struct nft_port *ports, size_t n, enum nft_flows which, struct err *e);
/* One slot of a group's port: of 256, chosen per connection at random. `p->owner` is the member. A slot
 * changes hands by a removal of the old and an addition of the new in one batch. */
void nft_group_slot(struct nft_batch *b, enum nft_change c, const struct nft_port *p, unsigned slot);

/* Links that didn't forward to each other before Tare turned forwarding of that family on: they still don't.
 */
void nft_guarded(struct nft_batch *b, enum nft_change c, int family, const char *link);

/* Every element of the tables that names an owner, for those who look for what was left behind. `kind` is the
 * set's name. Removing what it is called with goes into `removal` (may be NULL) when fn returns 1; fn < 0
 * ends it. */
typedef int (*nft_owned_fn)(const char *kind, const char owner[NFT_OWNER_LEN + 1], void *arg);
int nft_each_owned(const char *table, struct nft_batch *removal, nft_owned_fn fn, void *arg, struct err *e);
/* Who has published this port already: the owner (12 digits) or "" . A group's port counts. */
int nft_port_owner(const char *table, const struct nft_port *p, char owner[NFT_OWNER_LEN + 1], struct err *e);

/* Base chains of others at the forward and input hooks that drop what no rule of theirs accepts (by their
 * policy or their last rule), those of iptables-legacy too: what they are called ("ip filter FORWARD"), and
 * after ": " the command that lets `bridge` through, one line each. None where a rule is about that bridge
 * already. *advice is set to a strv, empty when there are none. */
int nft_foreign_drops(const char *table, const char *bridge, char ***advice, struct err *e);

#endif
