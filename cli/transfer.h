/* What tare-transfer does: each transfer_NOUN.c has the functions of some commands, whose rows (help,
 * options) are in the table of the same name in a file of their own, so that `tare` knows them, too. */
#ifndef TARE_CLI_TRANSFER_H
#define TARE_CLI_TRANSFER_H

#include "base/json.h"
#include "cli/command.h"

struct err;
struct progress;
struct progress_options;

struct transfer_verb {
	const char *words;
	int (*run)(struct cli *cli, void *options, char **operands, struct err *e);
	const char *interrupted; /* what to say when a signal ended it; NULL: nothing was changed */
};
/* Ended by a row without words. */
extern const struct transfer_verb transfer_archive_verbs[]; /* transfer_archive.c: import, load, save */
extern const struct transfer_verb transfer_pull_verbs[];    /* transfer_pull.c: pull */
extern const struct transfer_verb transfer_push_verbs[];    /* transfer_push.c: push */
extern const struct transfer_verb transfer_commit_verbs[];  /* transfer_commit.c: commit */
extern const struct transfer_verb transfer_copy_verbs[];    /* transfer_copy.c: cp, export */
extern const struct transfer_verb transfer_login_verbs[];   /* transfer_login.c: login, logout, search */
extern const struct transfer_verb transfer_backup_verbs[];  /* transfer_backup.c: volume backup */
extern const struct transfer_verb transfer_restore_verbs[]; /* transfer_restore.c: volume restore */
extern const struct transfer_verb transfer_backups_verbs[]; /* transfer_backups.c: volume backups */
extern const struct transfer_verb
        transfer_repository_verbs[]; /* transfer_repository.c: volume verify, forget, prune */

void transfer_progress(struct progress *p, const struct progress_options *o);
/* Pretty, with a newline. */
int transfer_print_json(json *j);
/* Of the image that was made: as a line, or as JSON where that is wanted. */
int transfer_print_id(const struct cli *cli, const char *id);

#endif
