/* What is done with volumes and their backups, from wherever it is asked for. Each asks or shows a form first
 * and comes down to a request. */
#ifndef TARE_TUI_VOLUME_ACTIONS_H
#define TARE_TUI_VOLUME_ACTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/tare.h"

struct app;
struct backup;

void volume_back_up(struct app *a, const char *volume);
/* b NULL: the form begins with the newest; path NULL: with all of it. */
void volume_restore(
        struct app *a, const char *volume, const char *repository, const struct backup *b, const char *path);
/* All backups of all volumes in it. */
void verify_repository(struct app *a, const char *repository);
void prune_repository(struct app *a, const char *repository);
void backup_verify(struct app *a, const char *repository, const struct backup *b);
void backups_forget(struct app *a, const char *repository, const struct backup *const *some, size_t n);
/* A form for the repository of a volume's backups, and its key file. */
void backup_ask_where(struct app *a, const char *volume);

/* Names of the containers that run and have the volume mounted, with `writing` those that may write; the
 * caller's to strv_free. Asks the engine: once for a form, not for each key. */
char **volume_running_users(struct app *a, const char *volume, bool writing);
/* "shop-db", "shop-db and web", "shop-db and 3 others". */
const char *volume_names_text(char *const *names, char *dst, size_t size);

/* forms */
struct view *volume_form_new(struct app *a);
struct view *backup_form_new(struct app *a, const char *volume);
struct view *restore_form_new(
        struct app *a, const char *volume, const char *repository, const struct backup *b, const char *path);
struct view *repository_form_new(struct app *a, const char *volume);

/* file_copy.c: files out of a container (by its name) or a volume, and into it. `path` is absolute in it. */
void file_copy_out(struct app *a, enum tare_tree tree, const char *name, const char *path);
void file_copy_in(struct app *a, enum tare_tree tree, const char *name, const char *directory);
/* Candidates for the last word of a text that is a path on this machine. */
void complete_host_path(const char *text, char ***candidates);

#endif
