/* What a schedule of backups is written as: a service and a timer of systemd, or a table of cron. Text only;
 * backup_schedule.c puts it where it belongs.
 *
 * Every value of it was chosen by somebody: names of volumes and directories, patterns. None may become
 * another directive, another command or another line; what cannot be written such that it is read back as it
 * was is refused (tests/unit/test_backup_schedule.c). */
#ifndef TARE_ENGINE_BACKUP_SCHEDULE_TEXT_H
#define TARE_ENGINE_BACKUP_SCHEDULE_TEXT_H

#include "engine/tare.h"

struct buf;
struct err;

#define SCHEDULE_NAME_SIZE (TARE_VOLUME_NAME_SIZE * 3 + 16)

/* "tare-backup-VOLUME", what the units and the table are called. cron reads no file that has a dot in its
 * name, so there it is "_2e". ERR_USAGE for what is no name of a volume. */
int schedule_unit_name(const char *volume, char dst[SCHEDULE_NAME_SIZE], struct err *e);
int schedule_cron_name(const char *volume, char dst[SCHEDULE_NAME_SIZE], struct err *e);

/* The first line of each file: who wrote it, and for which volume of which store. `root` is absolute. */
int schedule_mark(const char *volume, const char *root, struct buf *out, struct err *e);

/* All paths of the request are absolute and without "..". */
int schedule_service(const struct tare_backup_schedule *s, struct buf *out, struct err *e);
int schedule_timer(const struct tare_backup_schedule *s, struct buf *out, struct err *e);
int schedule_cron(const struct tare_backup_schedule *s, struct buf *out, struct err *e);

#endif
