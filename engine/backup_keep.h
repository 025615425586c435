/* Which backups the rules of `volume forget` keep, counted as restic counts. */
#ifndef TARE_ENGINE_BACKUP_KEEP_H
#define TARE_ENGINE_BACKUP_KEEP_H

#include <stdbool.h>

#include "engine/backup/repository.h"
#include "engine/tare.h"

bool backup_keep_has_rules(const struct tare_forget *rules);
/* keep[i] for each row of `l` (oldest first). The backups of each volume of each host are counted by
 * themselves, days and weeks (ISO 8601) are those of the local time. With rules at least the newest of each
 * is kept. -1 when memory is short. */
int backup_keep(const struct snapshot_list *l, const struct tare_forget *rules, bool *keep, struct err *e);

#endif
