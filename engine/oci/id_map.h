/* Which ids outside a user namespace its ids are: the lines of /proc/PID/uid_map, linux.uidMappings. */
#ifndef TARE_OCI_ID_MAP_H
#define TARE_OCI_ID_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

struct buf;
struct err;

struct id_range {
	uint32_t inside, outside, size;
};

#define ID_NOBODY     65534 /* of /proc/sys/kernel/overflowuid */
#define ID_RANGES_MAX 340   /* of the kernel since 4.15, user_namespaces(7) */

/* Empty: every id is itself. Ranges overlap on neither side. */
struct id_map {
	struct id_range v[ID_RANGES_MAX];
	size_t n;
};

/* User and group ids of one container. */
struct id_maps {
	struct id_map uid, gid;
};

int id_map_add(struct id_map *m, struct id_range r, struct err *e);
/* The same but for those ids inside that `others` has. */
int id_map_add_around(struct id_map *m, struct id_range r, const struct id_map *others, struct err *e);
/* "CONTAINER:HOST:SIZE", several with commas. */
int id_map_parse(struct id_map *m, const char *text, struct err *e);
/* What an id inside is outside, and the reverse; false when it is nothing there. */
bool id_map_out(const struct id_map *m, uint32_t inside, uint32_t *outside);
bool id_map_in(const struct id_map *m, uint32_t outside, uint32_t *inside);
/* Inside and outside change places. */
void id_map_invert(const struct id_map *m, struct id_map *inverse);
uint64_t id_map_count(const struct id_map *m);
/* How many ids there are from 0 on without a gap. */
uint64_t id_map_run(const struct id_map *m);
/* The lines that the kernel wants: "0 100000 65536\n". */
void id_map_print(struct buf *b, const struct id_map *m);
/* OCI's array of {containerID, hostID, size}, and Docker's of "0:100000:65536". */
json *id_map_to_json(const struct id_map *m);
int id_map_from_json(struct id_map *m, json *list, struct err *e);
json *id_map_texts(const struct id_map *m);

#endif
