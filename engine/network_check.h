/* The search for what a crash left of networks (network_check*.c). */
#ifndef TARE_ENGINE_NETWORK_CHECK_H
#define TARE_ENGINE_NETWORK_CHECK_H

#include "engine/network.h"

struct network_check {
	const struct store *s;
	bool repair;
	struct tare_check_result *out;
	struct network_records records;
	struct link_handle *h;
	char table[NFT_TABLE_MAX];
	/* Who has a place in a network, read at the beginning: */
	char **holders; /* ids */
	bool *held;     /* by record */
	bool *served;   /* by record: of those, some that run already, and so ask for names */
	bool reload;    /* what is missing comes back by a reload, once for all */
};
/* One finding, and whether it was mended. */
int network_check_tell(
        struct network_check *x, bool repaired, const char *problem, const char *remedy, char *what);
const struct network_record *network_check_record(const struct network_check *x, const char *network_id);

/* network_check_state.c: leases, groups, directories. network_check_kernel.c: links, rules, forwarding. */
int network_check_states(struct network_check *x, struct err *e);
int network_check_groups(struct network_check *x, struct err *e);
int network_check_rules(struct network_check *x, struct err *e);
int network_check_links(struct network_check *x, struct err *e);
int network_check_host(struct network_check *x, struct err *e);

#endif
