/* Addresses, subnets and link addresses: parsing, printing, arithmetic. Values in network byte order. */
#ifndef TARE_NET_ADDRESS_H
#define TARE_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define NET_ADDRESS_TEXT 46 /* INET6_ADDRSTRLEN */
#define NET_SUBNET_TEXT  50
#define NET_MAC_LEN      6
#define NET_MAC_TEXT     18

/* family 0: none. Four or sixteen bytes count. */
struct net_address {
	int family; /* AF_INET, AF_INET6 */
	unsigned char bytes[16];
};
/* "10.1.0.0/16": the host bits of base are zero. */
struct net_subnet {
	struct net_address base;
	unsigned prefix;
};

static inline size_t net_address_len(const struct net_address *a)
{
	return a->family == 2 /* AF_INET */ ? 4 : a->family ? 16 : 0;
}
bool net_address_equal(const struct net_address *a, const struct net_address *b);
int net_address_compare(const struct net_address *a, const struct net_address *b);
/* An address alone, no host names, no scope, no leading zeros, no IPv4 address mapped into IPv6. The error
 * quotes it and shows a right one. */
int net_address_parse(const char *text, struct net_address *a, struct err *e);
/* "" for none; returns dst. */
const char *net_address_text(const struct net_address *a, char dst[NET_ADDRESS_TEXT]);

/* "10.1.0.0/16", "fd00::/64". Host bits that are set are an error that shows the right base. */
int net_subnet_parse(const char *text, struct net_subnet *s, struct err *e);
/* The subnet of that length that an address is in. */
struct net_subnet net_subnet_of(const struct net_address *a, unsigned prefix);
const char *net_subnet_text(const struct net_subnet *s, char dst[NET_SUBNET_TEXT]);
bool net_subnet_has(const struct net_subnet *s, const struct net_address *a);
bool net_subnet_overlap(const struct net_subnet *a, const struct net_subnet *b);
/* The n-th address of the subnet (0 is its base); false past its end. n is the offset within the last 64
 * bits. */
bool net_subnet_nth(const struct net_subnet *s, uint64_t n, struct net_address *a);
/* Of an address that the subnet has. */
uint64_t net_subnet_offset(const struct net_subnet *s, const struct net_address *a);
/* How many addresses there are, at most UINT64_MAX. */
uint64_t net_subnet_size(const struct net_subnet *s);
/* May a host have it: within the subnet, neither its base (shorter than /31, /127) nor (IPv4) its broadcast
 * address. */
bool net_subnet_usable(const struct net_subnet *s, const struct net_address *a);

/* "02:42:ac:11:00:02"; one of a group (multicast) or all zeros is an error. */
int net_mac_parse(const char *text, unsigned char mac[NET_MAC_LEN], struct err *e);
const char *net_mac_text(const unsigned char mac[NET_MAC_LEN], char dst[NET_MAC_TEXT]);
/* Locally administered, and always the same for an address within a network: a neighbour's ARP entry stays
 * right when an address is given again. */
void net_mac_of(const char *network_id, const struct net_address *a, unsigned char mac[NET_MAC_LEN]);
/* fe80::/64 with the modified EUI-64 of the link address (RFC 4291, appendix A). */
void net_link_local(const unsigned char mac[NET_MAC_LEN], struct net_address *a);

#endif
