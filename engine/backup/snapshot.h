/* Snapshot: the record of one backup as it stands in snapshots/ID, and where its list of files is. */
#ifndef TARE_BACKUP_SNAPSHOT_H
#define TARE_BACKUP_SNAPSHOT_H

#include "base/json.h"
#include "engine/backup/chunk.h"
#include "engine/backup/repository.h"

struct seal;

struct snapshot_record {
	struct snapshot about;
	struct chunk_id *listing; /* of the chunks that make up the list of files */
	size_t n;
};
void snapshot_record_free(struct snapshot_record *r);
#define cleanup_snapshot_record __attribute__((cleanup(snapshot_record_free)))

/* Gives it its id. */
int snapshot_write(int dirfd, const struct seal *s, struct snapshot_record *r, struct err *e);
int snapshot_read(int dirfd, const struct seal *s, const char *id, struct snapshot_record *r, struct err *e);
/* From the document, without the id. */
int snapshot_from_json(json *j, struct snapshot_record *r, struct err *e);
/* Whether a file of that name may be a snapshot. */
bool snapshot_id_is(const char *name);

#endif
