/* A volume's restore under way: what archives and repositories have in common. */
#ifndef TARE_ENGINE_VOLUME_RESTORE_H
#define TARE_ENGINE_VOLUME_RESTORE_H

#include <stdint.h>

#include "engine/tare.h"

struct progress;
struct store;

struct volume_restore {
	const struct store *store;
	const struct tare_restore *request;
	struct tare_restore_result *result;
	struct progress *progress; /* may be NULL */
	char *path;                /* of the request, clean: "a/b", or NULL */
	int dir_fd;                /* what is to be filled, an empty directory; -1: a dry run */
	bool rooted;               /* the root's attributes were restored, too */
};

/* As `dropped` of who makes the files; arg is the restore. */
void volume_restore_dropped(void *arg, const char *path, const char *what);

/* volume_restore_archive.c: all of it, checked to the last byte. */
int volume_restore_from_archive(struct volume_restore *r, const char *file, struct err *e);

#endif
