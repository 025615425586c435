/* Pipeline: chunks that one thread gives become blobs in packs: several threads hash them, look whether the
 * repository has them already, compress and seal what is new, and append it to the one pack that is open.
 * What is under way is bounded by bytes; whoever gives waits. */
#ifndef TARE_BACKUP_PIPELINE_H
#define TARE_BACKUP_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/backup/chunk.h"

struct err;
struct pipeline;
struct repository;

/* A chunk whose id is not known yet. Held by the giver and by the pipeline. */
struct ticket;

struct pipeline_sums {
	uint64_t added, stored; /* bytes of new chunks; of packs, as long as pipeline_finish() was called */
};

/* threads 0: as many as there are processors, at most 8. The repository's index must be loaded. */
struct pipeline *pipeline_new(struct repository *r, unsigned threads, struct err *e);
/* Memory to fill, of the size asked for (at most CHUNK_MAX). */
void *pipeline_room(struct pipeline *p, size_t size, struct err *e);
void pipeline_room_back(struct pipeline *p, void *room, size_t size);
struct ticket *ticket_new(struct err *e);
struct ticket *ticket_hold(struct ticket *t);
void ticket_drop(struct ticket *t); /* NULL allowed */
/* Takes the room, filled with len bytes. The ticket stays the caller's. */
int pipeline_give(struct pipeline *p, struct ticket *t, void *room, size_t size, size_t len, struct err *e);
/* Its id, once it is known: 1; 0 not yet; -1 with e when the pipeline failed. */
int pipeline_ask(struct pipeline *p, const struct ticket *t, struct chunk_id *id, struct err *e);
int pipeline_wait(struct pipeline *p, const struct ticket *t, struct chunk_id *id, struct err *e);
/* All that was given is on the disk, in packs with a name. */
int pipeline_finish(struct pipeline *p, struct pipeline_sums *sums, struct err *e);
void pipeline_free(struct pipeline *p); /* what is not finished goes; NULL allowed */
void pipeline_free_ptr(struct pipeline **p);
#define cleanup_pipeline __attribute__((cleanup(pipeline_free_ptr)))

#endif
