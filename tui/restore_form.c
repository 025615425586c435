/* The form that restores a volume: from a repository or a file, in place or as a new volume. In place it asks
 * once more, and says what goes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/tare.h"
#include "tui/actions_state.h"
#include "tui/app.h"
#include "tui/backup.h"
#include "tui/config.h"
#include "tui/figures.h"
#include "tui/form.h"
#include "tui/job.h"
#include "tui/model.h"
#include "tui/prompt_history.h"
#include "tui/request.h"
#include "tui/volume_actions.h"

enum {
	RESTORE_FROM,
	RESTORE_WHERE,
	RESTORE_ID,
	RESTORE_PATH,
	RESTORE_INTO,
	RESTORE_NEW,
	RESTORE_FORCE,
	RESTORE_KEY,
	RESTORE_N
};

static const char *const sources[] = {"repository", "file", NULL};
enum { FROM_REPOSITORY, FROM_FILE };
static const char *const places[] = {"in place", "new volume", NULL};
enum { INTO_PLACE, INTO_NEW };

static const struct form_field fields[RESTORE_N] = {
        [RESTORE_FROM] = {.label = "From a", .kind = FIELD_CHOICE, .choices = sources},
        [RESTORE_WHERE] = {.label = "Where", .kind = FIELD_TEXT},
        [RESTORE_ID] = {.label = "Backup", .kind = FIELD_TEXT},
        [RESTORE_PATH] = {.label = "Only this of it", .kind = FIELD_TEXT},
        [RESTORE_INTO] = {.label = "Restore", .kind = FIELD_CHOICE, .choices = places},
        [RESTORE_NEW] = {.label = "New volume", .kind = FIELD_TEXT},
        [RESTORE_FORCE] = {.label = "Though it is in use", .kind = FIELD_FLAG},
        [RESTORE_KEY] = {.label = "Key file", .kind = FIELD_TEXT},
};

struct restore_form {
	struct form form; /* first */
	char *volume;
	char *repository, *file; /* each source has a path of its own */
	int from;
	char id[80], about[80]; /* the backup that it was opened for, and when that was made */
	bool there;             /* there is such a volume now */
	char **writers;         /* names of those that run and may write to it */
	char title[160];
};

static bool is_new(const struct form *f)
{
	return f->fields[RESTORE_INTO].value == INTO_NEW;
}

static bool is_file(const struct form *f)
{
	return f->fields[RESTORE_FROM].value == FROM_FILE;
}

/* ------------------------------------------------------------------ the command */

/* FILE, DIR, or DIR@ID */
static char *source_text(const struct form *f)
{
	const char *where = form_text(f, RESTORE_WHERE), *id = form_text(f, RESTORE_ID);

	if (!*where)
		return strdup(is_file(f) ? "FILE" : "DIR");
	if (!strcmp(id, "latest")) /* of this volume, not of all */
		id = "";
	return !is_file(f) && *id ? str_printf("%s@%s", where, id) : strdup(where);
}

static char **command_of(const struct form *f)
{
	const struct restore_form *r = (const struct restore_form *)f;
	const char *path = form_text(f, RESTORE_PATH), *key = form_text(f, RESTORE_KEY);
	char **args = NULL;

	strv_add(&args, "volume");
	strv_add(&args, "restore");
	if (is_new(f)) {
		strv_add(&args, "--into");
		strv_add(&args, *form_text(f, RESTORE_NEW) ? form_text(f, RESTORE_NEW) : "NEW");
	}
	if (*path) {
		strv_add(&args, "--path");
		strv_add(&args, path);
	}
	if (f->fields[RESTORE_FORCE].value && !is_new(f))
		strv_add(&args, "--force");
	if (!is_file(f) && *key) {
		strv_add(&args, "--key-file");
		strv_add(&args, key);
	}
	strv_add(&args, r->volume);
	strv_take(&args, source_text(f));
	return args;
}

static void show_command(struct form *f)
{
	cleanup_strv char **args = command_of(f);

	form_set_summary(f, job_command_text(f->v.app, args));
}

/* ------------------------------------------------------------------ what is right */

static void check_new(const struct form *f, char *error)
{
	const char *text = form_text(f, RESTORE_NEW);
	struct err e = ERR_INIT;

	if (!is_new(f) && *text)
		snprintf(error, FORM_ERROR_SIZE, "only for a new volume; choose that, or leave it empty");
	else if (is_new(f) && !*text)
		snprintf(error, FORM_ERROR_SIZE, "what is the new volume to be called?");
	else if (is_new(f) && tare_name_check(text, &e) < 0)
		snprintf(error, FORM_ERROR_SIZE, "%.*s", FORM_ERROR_SIZE - 1, e.msg);
	else if (is_new(f) && model_volume(app_model(f->v.app), text))
		snprintf(error, FORM_ERROR_SIZE, "there is a volume of that name");
}

static void check_force(const struct form *f, char *error)
{
	const struct restore_form *r = (const struct restore_form *)f;
	char *const *users = r->writers;
	char names[100];

	if (users && !is_new(f) && !f->fields[RESTORE_FORCE].value)
		snprintf(error, FORM_ERROR_SIZE, "%s: stop %s first, or say yes here",
		        volume_names_text(users, names, sizeof(names)), users[1] ? "them" : "it");
}

static void check_field(struct form *f, size_t field)
{
	char *error = f->fields[field].error;
	const char *text = form_text(f, field);

	*error = '\0';
	if (field == RESTORE_WHERE && !*text)
		snprintf(error, FORM_ERROR_SIZE, "%s",
		        is_file(f) ? "which archive?" : "which directory has its backups?");
	else if (field == RESTORE_ID && is_file(f) && *text)
		snprintf(error, FORM_ERROR_SIZE, "only a repository has several; leave it empty");
	else if (field == RESTORE_PATH && (*text == '/' || strstr(text, "..")))
		snprintf(error, FORM_ERROR_SIZE, "a path within the volume, as in base/16384");
	else if (field == RESTORE_KEY && is_file(f) && *text)
		snprintf(error, FORM_ERROR_SIZE, "only a repository is encrypted; leave it empty");
	else if (field == RESTORE_NEW)
		check_new(f, error);
	else if (field == RESTORE_FORCE)
		check_force(f, error);
}

/* ------------------------------------------------------------------ the form's questions */

static void set_notes(struct form *f)
{
	const struct restore_form *r = (const struct restore_form *)f;
	char *const *users = r->writers;
	const char *id = form_text(f, RESTORE_ID);
	char names[100];

	form_set_note(f, RESTORE_ID,
	        is_file(f)                     ? NULL
	        : *r->id && !strcmp(id, r->id) ? str_printf("made on %s", r->about)
	        : *id                          ? NULL
	              : strdup("the newest of this volume; its tab Backups lists them"));
	form_set_note(f, RESTORE_INTO,
	        is_new(f) ? str_printf("%s stays as it is", r->volume)
	                  : str_printf("what is in %s now goes", r->volume));
	form_set_note(f, RESTORE_FORCE,
	        users && f->fields[RESTORE_FORCE].value
	                ? str_printf("until it is restarted it sees the old files: %s",
	                          volume_names_text(users, names, sizeof(names)))
	        : users ? NULL
	                : strdup("nothing that runs writes to it"));
	form_set_placeholder(
	        f, RESTORE_WHERE, strdup(is_file(f) ? "/srv/data.tar.zst" : "/var/backups/tare"));
}

static void source_changed(struct form *f)
{
	struct restore_form *r = (struct restore_form *)f;
	int from = f->fields[RESTORE_FROM].value;
	char **kept = r->from == FROM_FILE ? &r->file : &r->repository;
	const char *next;

	if (from == r->from)
		return;
	free(*kept);
	*kept = strdup(form_text(f, RESTORE_WHERE));
	r->from = from;
	next = from == FROM_FILE ? r->file : r->repository;
	form_set_text(f, RESTORE_WHERE, next ? next : "");
	form_set_text(f, RESTORE_ID, from == FROM_FILE ? "" : r->id);
	form_set_text(f, RESTORE_KEY, from == FROM_FILE ? "" : backup_key_file(f->v.app));
}

static void changed(struct form *f, size_t field)
{
	if (field == RESTORE_FROM)
		source_changed(f);
	check_field(f, field);
	if (field == RESTORE_INTO) {
		check_field(f, RESTORE_NEW);
		check_field(f, RESTORE_FORCE);
	}
	if (field == RESTORE_FROM)
		for (size_t i = RESTORE_WHERE; i <= RESTORE_PATH; i++)
			check_field(f, i);
	set_notes(f);
	show_command(f);
}

static void complete(struct form *f, size_t field, const char *text, char ***candidates)
{
	cleanup_strv char **past = NULL;

	if (field == RESTORE_KEY)
		complete_host_path(text, candidates);
	if (field != RESTORE_WHERE)
		return;
	past = prompt_history(app_config(f->v.app), is_file(f) ? "backup-file" : "backup-repository");
	for (size_t i = strv_len(past); i > 0; i--)
		if (strstr(past[i - 1], text) && !strv_has(*candidates, past[i - 1]))
			strv_add(candidates, past[i - 1]);
	complete_host_path(text, candidates);
}

/* ------------------------------------------------------------------ its end */

/* What a person should read before the old files go. */
static char **warnings(const struct form *f)
{
	const struct restore_form *r = (const struct restore_form *)f;
	cleanup_strv char **users = volume_running_users(f->v.app, r->volume, false);
	const char *path = form_text(f, RESTORE_PATH);
	cleanup_free char *source = source_text(f);
	char **lines = NULL;

	if (*r->id && !strcmp(form_text(f, RESTORE_ID), r->id))
		strv_take(&lines, str_printf("by the backup of %s", r->about));
	strv_take(&lines, str_printf("from %s", source ? source : ""));
	if (*path)
		strv_take(&lines, str_printf("all else in the volume stays as it is"));
	strv_take(&lines, strdup("everything is checked first: a failure leaves the old files"));
	strv_foreach (s, users)
		strv_take(&lines, str_printf("! %s runs and sees the old files until it is restarted", *s));
	return lines;
}

static unsigned submit(struct form *f)
{
	const struct restore_form *rf = (struct restore_form *)f;
	cleanup_strv char **args = command_of(f), **lines = warnings(f);
	const char *path = form_text(f, RESTORE_PATH), *new = form_text(f, RESTORE_NEW);
	struct request *r = request_new("");
	bool replaces = rf->there && !is_new(f);
	char names[100];
	struct app *a = f->v.app;

	strv_foreach (s, args)
		request_word(r, *s);
	request_title(r, "restore %s", is_new(f) ? new : rf->volume);
	if (is_new(f))
		request_said(r, "restored %s as %s", rf->volume, new);
	else if (rf->writers)
		request_said(r, "restored %s; restart %s: until then the old files are seen", rf->volume,
		        volume_names_text(rf->writers, names, sizeof(names)));
	else
		request_said(r, "restored %s%s%s", *path ? path : "", *path ? " of " : "", rf->volume);
	if (r)
		r->refresh = MODEL_VOLUMES | MODEL_FILES;
	if (is_file(f))
		prompt_history_add(app_config(a), "backup-file", form_text(f, RESTORE_WHERE));
	if (replaces)
		request_confirm(a, r, lines, "Replace", true, "Replace %s%s in %s?",
		        *path ? path : "all files", "", rf->volume);
	else
		request_start(a, r);
	return VIEW_DONE | VIEW_CLOSE;
}

static void restore_form_free(struct form *f)
{
	struct restore_form *r = (struct restore_form *)f;

	free(r->volume);
	free(r->repository);
	free(r->file);
	strv_free(r->writers);
}

static const struct form_ops ops = {changed, complete, submit, restore_form_free};

struct view *restore_form_new(
        struct app *a, const char *volume, const char *repository, const struct backup *b)
{
	struct restore_form *r = calloc(1, sizeof *r);
	struct form *f = &r->form;
	const char *where = repository ? repository : backup_repository(a, volume);
	char size[FIGURE_SIZE];

	if (!r || form_init(f, a, &ops, "Restore a volume", "Restore", fields, RESTORE_N) < 0)
		return NULL;
	r->volume = strdup(volume);
	r->there = model_volume(app_model(a), volume) != NULL;
	if (!r->volume) {
		f->v.ops->free(&f->v);
		return NULL;
	}
	r->writers = volume_running_users(a, volume, true);
	snprintf(r->title, sizeof r->title, "Restore volume %.120s", volume);
	f->title = r->title;
	if (b) {
		const char *bytes = figure_bytes(b->bytes, size);

		snprintf(r->id, sizeof r->id, "%s", b->id);
		snprintf(r->about, sizeof r->about, "%s, %s in %llu files", b->when,
		        bytes + strspn(bytes, " "), (unsigned long long)b->files);
		form_set_text(f, RESTORE_ID, b->id);
	}
	form_set_text(f, RESTORE_WHERE, where);
	form_set_text(f, RESTORE_KEY, backup_key_file(a));
	form_set_placeholder(f, RESTORE_ID, strdup("latest"));
	form_set_placeholder(f, RESTORE_PATH, strdup("everything; or a file or directory in it"));
	form_set_placeholder(f, RESTORE_NEW, strdup("of a new volume: its name"));
	form_set_placeholder(f, RESTORE_KEY, strdup("not encrypted"));
	f->focus = *where ? RESTORE_INTO : RESTORE_WHERE;
	set_notes(f);
	show_command(f);
	return &f->v;
}
