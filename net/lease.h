/* Who has which address in a network: one file of lines, `leases`, in the network's own directory beneath the
 * state directory (gone after a reboot). It is also what the name service answers from, so it is read by an
 * unprivileged process: 0644 in a 0755 directory beneath a 0700 one.
 *
 * A line: "ID LINK MAC IP IP6 HOSTNAME NAMES RESOLVERS\n": fields parted by single spaces, "-" for none,
 * NAMES and RESOLVERS comma-separated; every byte of a field is a printable one without space and comma. The
 * first line is "tare-leases 1 NEXT NEXT6", the offsets that are handed out next (round-robin: an address
 * that became free is given again as late as possible, since neighbours remember it). Written whole by
 * rename, under the lock. */
#ifndef TARE_NET_LEASE_H
#define TARE_NET_LEASE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "net/address.h"

struct buf;
struct err;

#define LEASES_FILE    "leases"
#define LEASE_ID_LEN   64
#define LEASE_TEXT_MAX ((size_t)8 << 20) /* of the file */
#define LEASE_NAME_MAX 255

struct lease {
	char id[LEASE_ID_LEN + 1]; /* the container's */
	char link[IFNAMSIZ];       /* the host's end; "" with macvlan */
	unsigned char mac[NET_MAC_LEN];
	struct net_address ip[2]; /* v4, v6; family 0: none */
	char *hostname;           /* NULL: none */
	char **names;             /* container's name, aliases; the id's start is answered by itself */
	char **resolvers;         /* --dns: addresses that this container's other questions go to */
	const char *line; /* in a row of a file: its line, without the newline; nobody else's matter */
	size_t line_len;
};
/* Of one that was made by hand, each text allocated. A row is owned by its leases. */
void lease_free(struct lease *l);

struct leases {
	struct lease *rows;
	size_t n;
	uint64_t next[2];
	int dir_fd, lock_fd; /* -1 when only read */
	char **memory;       /* what the texts of the rows are in */
};
/* clang-format off */
#define LEASES_INIT {.dir_fd = -1, .lock_fd = -1}
/* clang-format on */
void leases_close(struct leases *l);
#define cleanup_leases __attribute__((cleanup(leases_close)))

/* Lock (waiting) and read; dir_fd: the network's directory, borrowed (duplicated). A file that cannot be read
 * as leases is set aside as `leases.damaged` and taken for empty: whoever runs is found again by `system
 * check --repair`. */
int leases_lock(int dir_fd, struct leases *l, struct err *e);
/* Without the lock: what was last written. A missing file is empty. ERR_CORRUPT for what is no lease file. */
int leases_read(int dir_fd, struct leases *l, struct err *e);
int leases_parse(const char *text, size_t len, struct leases *l, struct err *e);
void leases_print(const struct leases *l, struct buf *out);
/* One more row, a copy. USAGE for a text that the file cannot hold. Nobody is asked for the address. */
int leases_add(struct leases *l, const struct lease *row, struct err *e);

struct lease_pool {
	struct net_subnet subnet[2],
	        range[2];              /* range: part of the subnet that is handed out; prefix 0: all of it */
	struct net_address gateway[2]; /* never handed out */
};
/* What is wanted: in `want` id, link, names, resolvers, and ip/mac where asked for (family 0, all zero:
 * choose; wants IPv6 only when the pool has it). Gives all of it in the row that is added (borrowed from l
 * until the next change). CONFLICT names who has an asked address; NO_SPACE an exhausted range. A row of the
 * same id is replaced. `dead` (may be NULL) is asked about the holders before a range is called exhausted or
 * an address taken: those for whom it says true are dropped. */
typedef bool (*lease_dead_fn)(const char *id, void *arg);
int leases_take(struct leases *l, const char *network_id, const struct lease_pool *pool,
        const struct lease *want, lease_dead_fn dead, void *arg, const struct lease **given, struct err *e);
/* true: there was one. */
bool leases_drop(struct leases *l, const char *id);
const struct lease *leases_find(const struct leases *l, const char *id);
int leases_write(struct leases *l, struct err *e);

#endif
