/* The schedule of a volume's backups, as the files of systemd or cron that say it: what they are called,
 * whose they are, and what is in them. backup_schedule.c writes them. */
#ifndef TARE_ENGINE_VOLUME_SCHEDULE_H
#define TARE_ENGINE_VOLUME_SCHEDULE_H

#include "engine/tare.h"

struct buf;
struct err;

#define SCHEDULE_NAME_SIZE (TARE_VOLUME_NAME_SIZE * 3 + 16)
#define SCHEDULE_UNIT_DIR  "/etc/systemd/system"
#define SCHEDULE_CRON_DIR  "/etc/cron.d"
#define SCHEDULE_FILE_MAX  (64 << 10)

/* "tare-backup-VOLUME", what the units and the table are called. cron reads no file that has a dot in its
 * name, so there it is "_2e". ERR_USAGE for what is no name of a volume. */
int schedule_unit_name(const char *volume, char dst[SCHEDULE_NAME_SIZE], struct err *e);
int schedule_cron_name(const char *volume, char dst[SCHEDULE_NAME_SIZE], struct err *e);

/* A newline ends a directive of a unit and a line of cron, whatever quotes are around it, and neither reads
 * what is not UTF-8: no escape is understood by both, and no such name is worth one. ERR_USAGE. */
int schedule_check_value(const char *value, struct err *e);

/* The first line of each file: who wrote it, and for which volume of which store. `root` is absolute. */
int schedule_mark(const char *volume, const char *root, struct buf *out, struct err *e);
/* The second one: what was asked for, as JSON behind a #, for volume_schedule.c to read. */
int schedule_note(const struct tare_backup_schedule *s, struct buf *out, struct err *e);

#endif
