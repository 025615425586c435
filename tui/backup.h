/* Backups of a volume as `tare volume backups --json` tells them, and what differs between two, which has the
 * same form as what `tare diff` tells of a container. Pure: text in, rows out. */
#ifndef TARE_TUI_BACKUP_H
#define TARE_TUI_BACKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

struct app;
struct err;

#define BACKUP_TIME_SIZE 20
struct backup {
	char *id, *volume, *host;
	int64_t time;                /* ns since the epoch */
	char when[BACKUP_TIME_SIZE]; /* "2026-01-05 02:03:04", in the local time */
	uint64_t bytes, files, added, stored;
};
struct backup_list {
	struct backup *rows; /* newest first */
	size_t n;
};
int backup_list_parse(const char *text, size_t len, struct backup_list *out, struct err *e);
void backup_list_free(struct backup_list *l);
const struct backup *backup_find(const struct backup_list *l, const char *id);
/* The one that is meant: the newest of the volume for "" and "latest", else that whose id begins so. NULL:
 * there is none. */
const struct backup *backup_meant(const struct backup_list *l, const char *volume, const char *id);
/* "2026-01-05 02:03:04" in the local time; dst holds 20 bytes. */
char *backup_time(int64_t ns, char dst[BACKUP_TIME_SIZE]);

/* What a file is compared with before: 'A' came, 'D' went, 'C' has other content, 'M' has other attributes;
 * ' ': there is nothing to compare with. */
struct change {
	char *path;
	char kind;
	unsigned mode; /* 0: not known */
	uint64_t size;
	int64_t time;
};
struct change_list {
	struct change *rows; /* by path */
	size_t n;
	size_t added, removed, changed, touched;
	bool cut; /* there were more */
};
#define CHANGES_MAX 100000
/* An array of {"Path", "Change" or "Kind", "Mode", "Size", "Time"}; its end may be cut off. */
int change_list_parse(const char *text, size_t len, struct change_list *out, struct err *e);
int change_list_take(json *rows, struct change_list *out, struct err *e);
void change_list_free(struct change_list *l);

/* Where the backups of a volume are, as settings say and as was told before: "" when nobody said. volume
 * NULL: of all. The demo has a memory of its own: what it shows are no files of this machine. */
const char *backup_repository(struct app *a, const char *volume);
/* Its key file, "" for none: each repository has its own. That of the settings is for the repository of the
 * settings, or, where they name none, for those of which nothing was said. */
const char *backup_key_file(struct app *a, const char *repository);
/* For this volume, and for those of which nothing was said. */
void backup_remember(struct app *a, const char *volume, const char *repository);
void backup_remember_key(struct app *a, const char *repository, const char *key_file);
/* The words of `tare --json volume backups`, for the caller to strv_free: the list of all backups, or of one
 * volume's, or the files of `from`, or what changed from it to `to`. */
char **backup_words(
        const char *repository, const char *key_file, const char *volume, const char *from, const char *to);
/* Of what was typed for a repository and for an archive: a name for prompt_history. */
const char *backup_history(struct app *a, bool is_file);

#endif
