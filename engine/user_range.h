/* The ids of the host that containers with a user namespace have: for --userns auto a slot of a pool each.
 *
 * A container's ranges stand in its directory (containers/ID/ids) from before its record until it is removed;
 * these files together are what is taken. The pool is that of "tare" in /etc/subuid and /etc/subgid; without
 * such lines a part of the numbers that distributions leave to containers, less what others have there. */
#ifndef TARE_ENGINE_USER_RANGE_H
#define TARE_ENGINE_USER_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/oci/id_map.h"

struct err;
struct store;

#define USER_RANGE_SIZE 65536u

struct user_pool {
	uint32_t uid, gid; /* of the first slot */
	uint32_t slots;    /* of USER_RANGE_SIZE */
};
/* `subuid`, `subgid`: the texts of these files. *others: what in them is not ours to give, when the pool is
 * not named there. */
void user_pool_of(const char *subuid, const char *subgid, struct user_pool *pool, struct id_map *others);

/* For a container whose directory is there and locked: `size` ids that no other has, from a free slot on;
 * CONFLICT when there is none. *m has on entry what is not to be chosen. */
int user_range_take(
        const struct store *s, const char *id, bool lasting, uint32_t size, struct id_maps *m, struct err *e);
/* The same for ranges that the user named: they are kept from the pool. */
int user_range_note(
        const struct store *s, const char *id, bool lasting, const struct id_maps *m, struct err *e);

/* Whether this host can do it: Linux 5.19, user namespaces allowed, and a store whose file system maps ids.
 */
bool user_range_possible(const struct store *s);

#endif
