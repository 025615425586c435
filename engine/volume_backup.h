/* A volume's backup under way: what its archive and its repository have in common. */
#ifndef TARE_ENGINE_VOLUME_BACKUP_H
#define TARE_ENGINE_VOLUME_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/tare.h"
#include "engine/volume.h"

struct progress;

struct volume_backup {
	const struct store *store;
	const struct tare_backup *request;
	struct tare_backup_result *result;
	struct progress *progress; /* may be NULL */
	int data_fd;               /* the volume's root */
	_Atomic uint64_t total;    /* bytes to be read, 0: not known (yet) */
};

/* As tree_pack.h and repository.h want them; arg: the backup. */
bool volume_backup_excluded(void *arg, const char *path);
void volume_backup_skipped(void *arg, const char *path, const char *why);
void volume_backup_progress(void *arg, uint64_t bytes);

/* volume_backup_archive.c */
int volume_backup_to_archive(struct volume_backup *b, struct err *e);

#endif
