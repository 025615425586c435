/* The form that backs a volume up: into a repository, or to a file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "tui/actions_state.h"
#include "tui/app.h"
#include "tui/backup.h"
#include "tui/config.h"
#include "tui/form.h"
#include "tui/job.h"
#include "tui/model.h"
#include "tui/prompt_history.h"
#include "tui/request.h"
#include "tui/volume_actions.h"
#include "tui/words.h"

enum { BACKUP_INTO, BACKUP_WHERE, BACKUP_FORMAT, BACKUP_PAUSE, BACKUP_EXCLUDE, BACKUP_KEY, BACKUP_N };

static const char *const targets[] = {"repository", "file", NULL};
enum { INTO_REPOSITORY, INTO_FILE };
static const char *const formats[] = {"by its name", "tar", "tar.gz", "tar.zst", NULL};

static const struct form_field fields[BACKUP_N] = {
        [BACKUP_INTO] = {.label = "To a", .kind = FIELD_CHOICE, .choices = targets},
        [BACKUP_WHERE] = {.label = "Where", .kind = FIELD_TEXT},
        [BACKUP_FORMAT] = {.label = "Format", .kind = FIELD_CHOICE, .choices = formats},
        [BACKUP_PAUSE] = {.label = "Freeze its users", .kind = FIELD_FLAG},
        [BACKUP_EXCLUDE] = {.label = "Leave out", .kind = FIELD_TEXT},
        [BACKUP_KEY] = {.label = "Key file", .kind = FIELD_TEXT},
};

struct backup_form {
	struct form form; /* first */
	char *volume;
	char *repository; /* what was there before a file was chosen */
	char *file;
	int into;       /* what `where` is about now */
	char **users;   /* names of those that run */
	char key[4096]; /* the key file that the form put in */
	char title[160];
};

/* ------------------------------------------------------------------ the command */

static char **command_of(const struct form *f)
{
	const struct backup_form *b = (const struct backup_form *)f;
	bool is_file = f->fields[BACKUP_INTO].value == INTO_FILE;
	cleanup_strv char **excludes = words_split(form_text(f, BACKUP_EXCLUDE), NULL);
	const char *where = form_text(f, BACKUP_WHERE);
	char **args = NULL;

	strv_add(&args, "volume");
	strv_add(&args, "backup");
	if (f->fields[BACKUP_PAUSE].value)
		strv_add(&args, "--pause");
	strv_foreach (s, excludes) {
		strv_add(&args, "--exclude");
		strv_add(&args, *s);
	}
	if (is_file && f->fields[BACKUP_FORMAT].value) {
		strv_add(&args, "--format");
		strv_add(&args, formats[f->fields[BACKUP_FORMAT].value]);
	}
	if (!is_file && *form_text(f, BACKUP_KEY)) {
		strv_add(&args, "--key-file");
		strv_add(&args, form_text(f, BACKUP_KEY));
	}
	if (!is_file) {
		strv_add(&args, "--to");
		strv_add(&args, *where ? where : "DIR");
	}
	strv_add(&args, b->volume);
	if (is_file)
		strv_add(&args, *where ? where : "FILE");
	return args;
}

static void show_command(struct form *f)
{
	cleanup_strv char **args = command_of(f);

	form_set_summary(f, job_command_text(f->v.app, args));
}

/* ------------------------------------------------------------------ what is right */

static const char *wrong_where(const struct form *f)
{
	const char *where = form_text(f, BACKUP_WHERE);
	bool is_file = f->fields[BACKUP_INTO].value == INTO_FILE;
	size_t n = strlen(where);
	struct stat st;

	if (!n)
		return is_file ? "which file?" : "which directory? It is made when it is missing";
	if (is_file && where[n - 1] == '/')
		return "a name is missing behind the directory";
	if (*where == '-' && !where[1])
		return "a file, not standard output: nobody would read it here";
	if (is_file && stat(where, &st) == 0 && S_ISDIR(st.st_mode))
		return "this is a directory; add a name, or choose a repository";
	return "";
}

static void check_field(struct form *f, size_t field)
{
	snprintf(f->fields[field].error, FORM_ERROR_SIZE, "%s", field == BACKUP_WHERE ? wrong_where(f) : "");
}

/* ------------------------------------------------------------------ the form's questions */

static void set_notes(struct form *f)
{
	const struct backup_form *b = (const struct backup_form *)f;
	bool is_file = f->fields[BACKUP_INTO].value == INTO_FILE;
	const char *where = form_text(f, BACKUP_WHERE);
	struct stat st;
	char names[128];

	form_set_note(f, BACKUP_INTO,
	        strdup(is_file ? "an archive that tar can read"
	                       : "keeps many backups, and what is the same only once"));
	form_set_note(f, BACKUP_WHERE,
	        is_file && *where && stat(where, &st) == 0
	                ? strdup("it is there already and will be replaced")
	                : NULL);
	form_set_note(f, BACKUP_PAUSE,
	        b->users ? str_printf("so that all is of one moment: %s",
	                           volume_names_text(b->users, names, sizeof(names)))
	                 : strdup("nothing that runs uses it"));
	form_set_placeholder(f, BACKUP_WHERE,
	        strdup(is_file ? "a file, such as /srv/data.tar.zst"
	                       : "a directory, such as /var/backups/tare"));
	f->fields[BACKUP_FORMAT].is_hidden = !is_file;
	f->fields[BACKUP_KEY].is_hidden = is_file;
}

/* Each repository has a key of its own, unless another is typed. */
static void where_changed(struct form *f)
{
	struct backup_form *b = (struct backup_form *)f;
	const char *key = backup_key_file(f->v.app, form_text(f, BACKUP_WHERE));

	if (f->fields[BACKUP_INTO].value == INTO_FILE || strcmp(form_text(f, BACKUP_KEY), b->key) != 0)
		return;
	snprintf(b->key, sizeof b->key, "%s", key);
	form_set_text(f, BACKUP_KEY, b->key);
}

/* Each target has a path of its own. */
static void target_changed(struct form *f)
{
	struct backup_form *b = (struct backup_form *)f;
	int into = f->fields[BACKUP_INTO].value;
	char **kept = b->into == INTO_FILE ? &b->file : &b->repository;

	if (into == b->into)
		return;
	free(*kept);
	*kept = strdup(form_text(f, BACKUP_WHERE));
	b->into = into;
	form_set_text(f, BACKUP_WHERE,
	        (into == INTO_FILE ? b->file : b->repository) ? (into == INTO_FILE ? b->file : b->repository)
	                                                      : "");
}

static void changed(struct form *f, size_t field)
{
	if (field == BACKUP_INTO)
		target_changed(f);
	if (field == BACKUP_INTO || field == BACKUP_WHERE)
		where_changed(f);
	for (size_t i = 0; i < BACKUP_N; i++)
		if (i == field || field == BACKUP_INTO)
			check_field(f, i);
	set_notes(f);
	show_command(f);
}

static void complete(struct form *f, size_t field, const char *text, char ***candidates)
{
	cleanup_strv char **past = NULL;

	if (field == BACKUP_KEY)
		complete_host_path(text, candidates);
	if (field != BACKUP_WHERE)
		return;
	past = prompt_history(
	        app_config(f->v.app), backup_history(f->v.app, f->fields[BACKUP_INTO].value == INTO_FILE));
	for (size_t i = strv_len(past); i > 0; i--)
		if (strstr(past[i - 1], text) && !strv_has(*candidates, past[i - 1]))
			strv_add(candidates, past[i - 1]);
	complete_host_path(text, candidates);
}

static void remember(const struct form *f)
{
	const struct backup_form *b = (const struct backup_form *)f;
	struct app *a = f->v.app;
	bool is_file = f->fields[BACKUP_INTO].value == INTO_FILE;
	const char *where = form_text(f, BACKUP_WHERE);

	prompt_history_add(app_config(a), backup_history(a, is_file), where);
	if (is_file)
		return;
	/* the key first: what the general one is for depends on where the first repository is */
	backup_remember_key(a, where, form_text(f, BACKUP_KEY));
	backup_remember(a, b->volume, where);
}

static unsigned submit(struct form *f)
{
	const struct backup_form *b = (struct backup_form *)f;
	cleanup_strv char **args = command_of(f);
	const char *where = form_text(f, BACKUP_WHERE);
	struct request *r = request_new("");

	strv_foreach (s, args)
		request_word(r, *s);
	request_title(r, "back up %s", b->volume);
	request_said(r, "%s is backed up %s %s", b->volume,
	        f->fields[BACKUP_INTO].value == INTO_FILE ? "to" : "in", where);
	if (r)
		r->refresh = MODEL_FILES;
	remember(f);
	request_start(f->v.app, r);
	return VIEW_DONE | VIEW_CLOSE;
}

static void backup_form_free(struct form *f)
{
	struct backup_form *b = (struct backup_form *)f;

	free(b->volume);
	free(b->repository);
	free(b->file);
	strv_free(b->users);
}

static const struct form_ops ops = {changed, complete, submit, backup_form_free};

struct view *backup_form_new(struct app *a, const char *volume)
{
	struct backup_form *b = calloc(1, sizeof *b);
	struct form *f = &b->form;
	const char *repository = backup_repository(a, volume);

	if (!b || form_init(f, a, &ops, "Back up a volume", "Back up", fields, BACKUP_N) < 0)
		return NULL;
	b->volume = strdup(volume);
	b->file = str_printf("%.40s.tar.zst", volume);
	if (!b->volume || !b->file) {
		f->v.ops->free(&f->v);
		return NULL;
	}
	b->users = volume_running_users(a, volume, false);
	snprintf(b->title, sizeof b->title, "Back up volume %.120s", volume);
	f->title = b->title;
	form_set_text(f, BACKUP_WHERE, repository);
	snprintf(b->key, sizeof b->key, "%s", backup_key_file(a, repository));
	form_set_text(f, BACKUP_KEY, b->key);
	form_set_placeholder(f, BACKUP_EXCLUDE, strdup("nothing; *.tmp cache/*"));
	form_set_placeholder(f, BACKUP_KEY, strdup("not encrypted"));
	f->focus = BACKUP_WHERE; /* always: what is typed blindly should go to the same place */
	set_notes(f);
	show_command(f);
	return &f->v;
}
