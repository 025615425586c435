/* Messages of the name service on the wire (RFC 1035, RFC 6891): what a question asks, and answers to it. No
 * byte of a message is believed before it is counted. */
#ifndef TARE_NET_DNS_PACKET_H
#define TARE_NET_DNS_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

#define PACKET_HEADER    12
#define PACKET_NAME_MAX  255 /* RFC 1035, 2.3.4 */
#define PACKET_MAX       65535
#define PACKET_UDP_MIN   512  /* what everybody can take by UDP */
#define PACKET_UDP_OWN   1232 /* what we say we take: no fragments on any path */
#define PACKET_QUERY_MAX 1024 /* of a question: name, options of EDNS */

enum packet_type {
	PACKET_A = 1,
	PACKET_PTR = 12,
	PACKET_AAAA = 28,
	PACKET_OPT = 41,
	PACKET_IXFR = 251,
	PACKET_AXFR = 252,
	PACKET_ANY = 255,
};
#define PACKET_IN 1

enum packet_rcode {
	PACKET_NOERROR,
	PACKET_FORMERR,
	PACKET_SERVFAIL,
	PACKET_NXDOMAIN,
	PACKET_NOTIMP,
	PACKET_REFUSED,
	PACKET_BADVERS = 16, /* needs EDNS to be said */
};

struct packet_query {
	uint16_t id, flags;
	const unsigned char *question;  /* borrowed from the message */
	size_t question_len;            /* 0: could not be read */
	char name[PACKET_NAME_MAX + 1]; /* lower case, without the last dot; "" is the root */
	bool printable; /* `name` is all there is: no label has a dot or an unprintable byte in it */
	uint16_t type, class;
	bool edns;
	uint16_t udp_size; /* that the asker can take */
	size_t len;        /* of the message, without what follows it */
};
/* -1: no question, not to be answered at all; otherwise the rcode that it deserves, PACKET_NOERROR when it
 * can be answered. */
int packet_parse(const unsigned char *data, size_t len, struct packet_query *q);
/* "4.3.2.1.in-addr.arpa" and the like: the address. */
bool packet_reverse(const char *name, struct net_address *a);

/* An answer being written; it never passes `max`: what has no place sets `truncated`. */
struct packet_answer {
	unsigned char *data;
	size_t len, max;
	const struct packet_query *query;
	unsigned count;
	bool truncated;
};
void packet_begin(struct packet_answer *a, const struct packet_query *q, unsigned char *data, size_t max);
void packet_add_address(struct packet_answer *a, const struct net_address *address, uint32_t ttl);
void packet_add_name(struct packet_answer *a, const char *name, uint32_t ttl); /* a PTR */
/* Its length. */
size_t packet_end(struct packet_answer *a, enum packet_rcode rcode);

/* Is it an answer to the question `q` that was asked with `id`? Case doesn't count, all else does. */
bool packet_answers(const unsigned char *data, size_t len, const struct packet_query *q, uint16_t id);
enum packet_rcode packet_rcode(const unsigned char *data);
void packet_set_id(unsigned char *data, uint16_t id);
/* An answer of another server made the asker's: his id, his spelling; cut to header and question when it is
 * longer than `max`. Its new length. */
size_t packet_pass_on(unsigned char *data, size_t len, const struct packet_query *q, size_t max);

#endif
