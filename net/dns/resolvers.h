/* Where questions go that aren't ours. */
#ifndef TARE_NET_DNS_RESOLVERS_H
#define TARE_NET_DNS_RESOLVERS_H

#include <stddef.h>
#include <sys/stat.h>

#include "net/address.h"

#define RESOLVERS_MAX 4

struct resolvers {
	struct net_address address[RESOLVERS_MAX];
	unsigned scope[RESOLVERS_MAX]; /* of a link-local address: the link's index */
	size_t n;
};
/* Those of a lease: texts; what is no address is passed over. */
void resolvers_parse(struct resolvers *r, char *const *texts);

/* The host's own, from /etc/resolv.conf, read again when it has changed. */
struct host_resolvers {
	struct resolvers list;
	struct stat seen;
};
const struct resolvers *host_resolvers_get(struct host_resolvers *h, const char *path);

#endif
