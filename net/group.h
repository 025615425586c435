/* Several containers behind one published port: 256 slots that the members own. A connection takes a slot at
 * random, so each member gets its share; who comes takes slots from those who have most, who goes leaves them
 * to those who have fewest, and nobody else's move. Established connections stay where they are (conntrack).
 *
 * One file per group, `GROUP` in a directory beneath the state directory, a line per port and member:
 * "PROTOCOL HOST PORT OWNER ADDRESS PORT SLOTS", SLOTS as 64 hex digits (a bit each, the first slot first).
 * Written by rename. */
#ifndef TARE_NET_GROUP_H
#define TARE_NET_GROUP_H

#include <stdbool.h>

#include "net/nft.h"

struct err;

#define GROUP_NAME_MAX    64
#define GROUP_TEXT_MAX    ((size_t)4 << 20) /* of a file */
#define GROUP_MEMBERS_MAX NFT_GROUP_SLOTS

/* A group, locked. It stays open until the batch with its changes is committed, so that the table sees them
 * in the order in which the file does: open, join or leave, save, commit, and undo if the commit failed. A
 * file that cannot be read is set aside as `.damaged-GROUP` and taken for empty. */
struct group;
struct group *group_open(int groups_fd, const char *name, struct err *e);
void group_close(struct group **g);
#define cleanup_group __attribute__((cleanup(group_close)))

/* Join with one port (p->owner is the container's full id); the changes of slots go into the batch. `dead`
 * (may be NULL): members that are gone leave by the way. NO_SPACE when every slot has a member. */
int group_join(struct group *g, const struct nft_port *p, bool (*dead)(const char *id, void *arg), void *arg,
        struct nft_batch *b, struct err *e);
/* All ports of that member; success when it has none. b may be NULL. */
int group_leave(struct group *g, const char *owner, struct nft_batch *b, struct err *e);
/* Write what is true now; a group without members has no file. */
int group_save(struct group *g, struct err *e);
/* Put back what was there at the opening. */
int group_undo(struct group *g, struct err *e);

/* Everything that the file says into an empty table, after a flush. Nothing is locked. */
int group_restore(int groups_fd, const char *name, struct nft_batch *b, struct err *e);
/* CONFLICT when that host port belongs to another group: "it belongs to group …". */
int group_check(int groups_fd, const char *name, const struct nft_port *p, struct err *e);
/* Who is in it: a call per port and member; fn < 0 ends it. */
int group_each(int groups_fd, const char *name, int (*fn)(const struct nft_port *p, void *arg), void *arg,
        struct err *e);

#endif
