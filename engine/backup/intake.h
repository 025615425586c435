/* Intake: the content of files becomes chunks: short ones together in bundles, long ones cut by content. */
#ifndef TARE_BACKUP_INTAKE_H
#define TARE_BACKUP_INTAKE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/backup/backlog.h"

struct err;

struct intake {
	struct pipeline *pipeline; /* the first three are given */
	const struct chunker *chunker;
	struct backlog *backlog;
	struct ticket *bundle; /* the open one */
	unsigned char *room;   /* its content, CHUNK_MAX */
	size_t len, counted;
	void (*took)(void *arg, uint64_t bytes); /* of content, as it is read */
	void *arg;
};

/* `len` bytes of a file from `at` become pieces of the entry at hand; what is missing when it is read becomes
 * a hole. */
int intake_range(struct intake *in, int fd, uint64_t at, uint64_t len, struct err *e);
int intake_hole(struct intake *in, uint64_t at, uint64_t len, struct err *e);
/* Closes the open bundle: at the end, or when too much waits for it. */
int intake_close_bundle(struct intake *in, struct err *e);
void intake_end(struct intake *in);

#endif
