/* The commands of backups: their rows are part of `tare`'s table (help, completion), their functions live in
 * tare-transfer. */
#ifndef TARE_CLI_BACKUP_OPTIONS_H
#define TARE_CLI_BACKUP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress_options.h"

/* How many backups to keep of each kind, 0: none because of it. */
struct keep_options {
	int64_t last, hourly, daily, weekly, monthly, yearly;
};

/* volume backup VOLUME FILE|-, or VOLUME --to DIR */
struct volume_backup_options {
	struct progress_options progress;
	const char *to, *format, *key_file;
	const char *schedule; /* NULL: back up now */
	int64_t level, threads;
	char **excludes;
	bool pause;
	struct keep_options keep; /* with schedule */
};

/* volume restore VOLUME FILE|-|DIR|DIR@ID */
struct volume_restore_options {
	struct progress_options progress;
	const char *into, *path, *key_file;
	bool dry_run, force;
};

/* volume backups DIR [ID [ID]] */
struct volume_backups_options {
	struct list_format list;
	const char *volume, *key_file;
};

/* volume verify FILE|DIR|DIR@ID */
struct volume_verify_options {
	struct progress_options progress;
	const char *key_file;
};

/* volume forget DIR [ID...] */
struct volume_forget_options {
	struct progress_options progress;
	const char *volume, *key_file;
	struct keep_options keep;
	bool prune, dry_run;
};

/* volume prune [DIR]: without DIR it is about volumes (prune.c), with it about a backup repository. */
struct volume_prune_options {
	struct progress_options progress;
	bool force, all, dry_run;
	char **filters;
	const char *key_file;
};
extern const struct option volume_prune_options[];
void volume_prune_init(void *options);

extern const struct command backup_commands[];
/* What tare-transfer knows as `volume prune`; in `tare` the row is prune.c's. */
extern const struct command repository_prune_commands[];

#endif
