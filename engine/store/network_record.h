/* The record of a network: networks/NAME.json in the root directory, lasting. Its leases and its groups live
 * in the state directory (networks/ID/leases, groups/NAME), which is gone after a reboot. */
#ifndef TARE_STORE_NETWORK_RECORD_H
#define TARE_STORE_NETWORK_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "engine/store/store.h"

struct err;

#define NETWORK_ID_LEN   64
#define NETWORK_NAME_MAX 64

struct network_record {
	char id[NETWORK_ID_LEN + 1];
	char *name;
	char *driver; /* "bridge", "macvlan" */
	char *link;   /* name of the bridge, or macvlan's parent */
	int64_t created;
	bool internal, isolated, icc, masquerade, antispoof; /* see README "Networks" */
	char *subnet[2], *gateway[2], *range[2]; /* texts as net/address.h prints them; NULL: none */
	unsigned mtu;
	char *macvlan_mode;
	json *labels, *options; /* objects of strings, or NULL */
};
void network_record_free(struct network_record *r);
#define cleanup_network_record __attribute__((cleanup(network_record_free)))

/* By name, full id, or a unique start of the id. NOT_FOUND names the nearest, or "tare network ls". */
int network_record_find(const struct store *s, const char *ref, struct network_record *r, struct err *e);
/* All, sorted by name. Records that can't be read are passed over with a
 * warning. */
struct network_records {
	struct network_record *rows;
	size_t n;
	char **damaged; /* names of those that can't be read; strv */
};
int network_record_list(const struct store *s, struct network_records *out, struct err *e);
void network_records_free(struct network_records *l);
#define cleanup_network_records __attribute__((cleanup(network_records_free)))
/* CONFLICT when there is a network of that name. */
int network_name_free(const struct store *s, const char *name, struct err *e);
/* New: CONFLICT when the name is taken; the caller holds networks_lock(). Synced. */
int network_record_write(const struct store *s, const struct network_record *r, bool is_new, struct err *e);
int network_record_remove(const struct store *s, const char *name, struct err *e);

/* Locks, always before those of volumes and containers: one for making and removing networks (and for
 * choosing a subnet); a network's own is that of its leases (net/lease.h). */
int networks_lock(const struct store *s, struct err *e);
/* state/networks (0755), state/networks/ID (0755), state/groups (0700), made when missing; -1 with e. */
int networks_state_dir(const struct store *s, struct err *e);
int network_state_dir(const struct store *s, const char *id, struct err *e);
int groups_state_dir(const struct store *s, struct err *e);

#endif
