/* Several containers behind one published port: 256 slots that the members own. A connection takes a slot at
 * random, so each member gets its share; who comes takes slots from those who have most, who goes leaves them
 * to those who have fewest, and nobody else's move. Established connections stay where they are (conntrack).
 *
 * One file per group, `GROUP` in a directory beneath the state directory, a line per port and member:
 * "PROTOCOL HOST PORT OWNER ADDRESS PORT SLOTS", SLOTS as 64 hex digits (a bit each). Written by rename under
 * the lock of the directory. */
#ifndef TARE_NET_GROUP_H
#define TARE_NET_GROUP_H

#include <stdbool.h>

#include "net/nft.h"

struct err;

#define GROUP_NAME_MAX 64

/* Join with one port (p->owner is the container's full id); the changes of slots go into the batch, the file
 * is written (and written back by group_leave() if the commit fails). `dead`: members that are gone and left
 * by the way. */
int group_join(int groups_fd, const char *group, const struct nft_port *p,
        bool (*dead)(const char *id, void *arg), void *arg, struct nft_batch *b, struct err *e);
/* All ports of that member; success when it has none. */
int group_leave(int groups_fd, const char *group, const char *owner, struct nft_batch *b, struct err *e);
/* Everything that the file says into an empty table, after a flush. */
int group_restore(int groups_fd, const char *group, struct nft_batch *b, struct err *e);
/* CONFLICT when that host port belongs to another group. */
int group_check(int groups_fd, const char *group, const struct nft_port *p, struct err *e);

#endif
