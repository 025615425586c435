/* Prefetch: chunks are read, decoded and checked by several threads a little before they are needed. Those
 * that were just used stay for a while: files in one bundle lie side by side. */
#ifndef TARE_BACKUP_PREFETCH_H
#define TARE_BACKUP_PREFETCH_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/backup/chunk.h"

struct err;
struct prefetch;
struct repository;

struct prefetch *prefetch_new(struct repository *r, struct err *e);
/* Ask for the next chunk; false: not now, too many wait to be fetched. Never false when none does. */
bool prefetch_want(struct prefetch *p, const struct chunk_id *id);
/* The chunks asked for, in that order; the data stays until the next call. -1 with e when it cannot be had.
 */
int prefetch_next(struct prefetch *p, const struct chunk_id *id, const unsigned char **data, size_t *len,
        struct err *e);
void prefetch_free(struct prefetch *p); /* NULL allowed */
void prefetch_free_ptr(struct prefetch **p);
#define cleanup_prefetch __attribute__((cleanup(prefetch_free_ptr)))

#endif
