/* Words that the commands of backups share. */
#ifndef TARE_CLI_TRANSFER_BACKUP_H
#define TARE_CLI_TRANSFER_BACKUP_H

#include <stdint.h>

#include "base/json.h"
#include "cli/backup_options.h"

struct buf;
struct tare_forget;

#define BACKUP_COUNT_SIZE 32
/* "5,003"; returns dst. */
char *backup_count_text(uint64_t n, char dst[BACKUP_COUNT_SIZE]);
/* "5,003 files and directories, 487MB" */
void backup_add_amount(struct buf *b, uint64_t entries, uint64_t bytes);
/* What somebody typed, or a container made up, without what a terminal would obey. */
void backup_add_name(struct buf *b, const char *name);
/* "Seconds", with three digits. */
void backup_set_seconds(json *doc, double seconds);
/* Notices, once the progress is off the screen. */
void backup_warn_each(const char *what, char *const *lines);
void backup_keep_rules(struct tare_forget *q, const struct keep_options *k);

#endif
