/* What a schedule of backups is written as: a service and a timer of systemd, or a table of cron. Text only;
 * backup_schedule.c puts it where it belongs.
 *
 * Every value of it was chosen by somebody: names of volumes and directories, patterns. None may become
 * another directive, another command or another line; what cannot be written such that it is read back as it
 * was is refused (tests/unit/test_backup_schedule.c). */
#ifndef TARE_ENGINE_BACKUP_SCHEDULE_TEXT_H
#define TARE_ENGINE_BACKUP_SCHEDULE_TEXT_H

#include "engine/tare.h"
#include "engine/volume_schedule.h"

struct buf;
struct err;

/* All paths of the request are absolute and without "..". */
int schedule_service(const struct tare_backup_schedule *s, struct buf *out, struct err *e);
int schedule_timer(const struct tare_backup_schedule *s, struct buf *out, struct err *e);
int schedule_cron(const struct tare_backup_schedule *s, struct buf *out, struct err *e);

#endif
