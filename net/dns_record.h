/* What tare-dns serves: `dns-networks` beside its socket, a line a network, so that who starts a new one
 * after a crash can give it all of them again. Read and written under the lock of net/dns.c.
 *
 * A line: "ID BRIDGE SUBNET4 SUBNET6 GATEWAY4 GATEWAY6 INTERNAL UDP4 TCP4 UDP6 TCP6\n", "-" for none. */
#ifndef TARE_NET_DNS_RECORD_H
#define TARE_NET_DNS_RECORD_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

struct dns_network;
struct err;

#define DNS_NETWORK_ID_MAX 64

struct dns_served {
	char id[DNS_NETWORK_ID_MAX + 1], bridge[IFNAMSIZ];
	struct net_subnet subnet[2];
	struct net_address gateway[2];
	bool internal;
	uint16_t port[2][2]; /* of IPv4 and IPv6: UDP, TCP; 0: none yet */
};
struct dns_record {
	struct dns_served *rows;
	size_t n;
};
void dns_record_free(struct dns_record *r);
#define cleanup_dns_record __attribute__((cleanup(dns_record_free)))

/* Missing: empty. A line that can't be read is passed over. */
int dns_record_read(int networks_fd, struct dns_record *r, struct err *e);
int dns_record_write(int networks_fd, const struct dns_record *r, struct err *e);
struct dns_served *dns_record_find(const struct dns_record *r, const char *id);
/* Its row as it is wanted now, with the ports that it had; borrowed until the next change. */
struct dns_served *dns_record_put(struct dns_record *r, const struct dns_network *n, struct err *e);
void dns_record_remove(struct dns_record *r, const char *id);

#endif
