/* The names of one network: its leases, read again when they have changed, and an index of them by name and
 * by address. */
#ifndef TARE_NET_DNS_ZONE_H
#define TARE_NET_DNS_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "net/lease.h"

#define ZONE_SHORT_ID 12

struct zone {
	struct leases leases;
	int fd;              /* of the file that was read: while it is open its inode is nobody else's */
	struct timespec age; /* st_mtim of it */
	off_t size;
	struct zone_entry *entries;
	uint32_t *heads; /* n_heads of them, a power of two; an entry's number + 1, 0: none */
	size_t n_entries, n_heads;
};
/* clang-format off */
#define ZONE_INIT {.leases = LEASES_INIT, .fd = -1}
/* clang-format on */
void zone_close(struct zone *z);
/* The leases as they are now in `ID/leases`. What can't be read or is damaged leaves the zone as it was. */
void zone_refresh(struct zone *z, int networks_fd, const char *network_id);

/* Whose address it is; NULL: nobody's. */
const struct lease *zone_by_address(const struct zone *z, const struct net_address *a);
const struct lease *zone_by_id(const struct zone *z, const char *id);
/* All that are called so, one after the other: NULL ends it. *place starts as 0. */
const struct lease *zone_by_name(const struct zone *z, const char *name, uint32_t *place);

#endif
