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

#define LIST_MOST ((size_t)4 << 20) /* bytes of a list of backups */

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
	char *id_in;            /* the repository that has it */
	char key[4096];         /* the key file that the form put in */
	/* what there is in the repository, as a child told */
	struct list_ticket *ticket; /* of that child, or NULL */
	char *listed;               /* the repository and key that `list` or `trouble` is about; NULL: none */
	struct backup_list list;
	char trouble[160];
	bool there;     /* there is such a volume now */
	char **writers; /* names of those that run and may write to it */
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

/* ------------------------------------------------------------------ what there is */

/* Is it the one that it was opened for? Of that all is known. */
static bool is_given(const struct form *f)
{
	const struct restore_form *r = (const struct restore_form *)f;

	return *r->id && !strcmp(form_text(f, RESTORE_ID), r->id) &&
	       !strcmp(form_text(f, RESTORE_WHERE), r->id_in);
}

/* Only what is known of the repository that the fields name now. */
static bool is_listed(const struct form *f)
{
	const struct restore_form *r = (const struct restore_form *)f;
	cleanup_free char *now = str_printf("%s\n%s", form_text(f, RESTORE_WHERE), form_text(f, RESTORE_KEY));

	return r->listed && now && !r->ticket && !strcmp(r->listed, now);
}

/* What a command would ask for by an option is a field here. */
static bool wants_key(const struct form *f)
{
	const struct restore_form *r = (const struct restore_form *)f;

	return !is_file(f) && !is_given(f) && is_listed(f) && strstr(r->trouble, "--key-file");
}

/* The backup that will be restored, so that its time can be told and no newer one slips in. */
static const struct backup *meant(const struct form *f)
{
	const struct restore_form *r = (const struct restore_form *)f;

	return is_file(f) || !is_listed(f) ? NULL
	                                   : backup_meant(&r->list, r->volume, form_text(f, RESTORE_ID));
}

static const char *about_backup(const struct backup *b, char dst[80])
{
	char size[FIGURE_SIZE];
	const char *bytes = figure_bytes(b->bytes, size);

	snprintf(dst, 80, "%s, %s in %llu files", b->when, bytes + strspn(bytes, " "),
	        (unsigned long long)b->files);
	return dst;
}

/* ------------------------------------------------------------------ the command */

/* FILE, DIR, or DIR@ID */
static char *source_text(const struct form *f)
{
	const char *where = form_text(f, RESTORE_WHERE), *id = form_text(f, RESTORE_ID);
	const struct backup *b = meant(f);

	if (!*where)
		return strdup(is_file(f) ? "FILE" : "DIR");
	if (!strcmp(id, "latest")) /* of this volume, not of all */
		id = "";
	if (b)
		id = b->id;
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

	if (is_new(f) && !*text)
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

/* Nothing is replaced by what nobody has seen: first it must be known which backup that is. */
static void check_id(const struct form *f, char *error)
{
	const struct restore_form *r = (const struct restore_form *)f;
	const char *id = form_text(f, RESTORE_ID);

	if (is_file(f) || is_given(f) || !*form_text(f, RESTORE_WHERE) || meant(f) || wants_key(f))
		return;
	if (!is_listed(f))
		snprintf(error, FORM_ERROR_SIZE, "the backups in it are being read");
	else if (*r->trouble)
		snprintf(error, FORM_ERROR_SIZE, "%s", r->trouble);
	else if (*id && strcmp(id, "latest") != 0)
		snprintf(error, FORM_ERROR_SIZE, "no backup in it is called %.40s", id);
	else
		snprintf(error, FORM_ERROR_SIZE, "there is no backup of %.60s in it", r->volume);
}

/* As in "a/..": a name such as "v1..v2" is one. */
static bool goes_up(const char *path)
{
	for (const char *at = path; (at = strstr(at, "..")); at += 2)
		if ((at == path || at[-1] == '/') && (!at[2] || at[2] == '/'))
			return true;
	return false;
}

static void check_field(struct form *f, size_t field)
{
	char *error = f->fields[field].error;
	const char *text = form_text(f, field);

	*error = '\0';
	if (field == RESTORE_WHERE && !*text)
		snprintf(error, FORM_ERROR_SIZE, "%s",
		        is_file(f) ? "which archive?" : "which directory has its backups?");
	else if (field == RESTORE_ID)
		check_id(f, error);
	else if (field == RESTORE_PATH && (*text == '/' || goes_up(text)))
		snprintf(error, FORM_ERROR_SIZE, "a path within the volume, as in base/16384");
	else if (field == RESTORE_KEY && wants_key(f))
		snprintf(error, FORM_ERROR_SIZE, "the repository is encrypted: which is its key file?");
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
	const struct backup *b = meant(f);
	char names[100], about[80];

	form_set_note(f, RESTORE_ID,
	        is_given(f) ? str_printf("made on %s", r->about)
	        : b         ? str_printf("%s%s%smade on %s", strcmp(b->volume, r->volume) ? "of volume " : "",
                              strcmp(b->volume, r->volume) ? b->volume : "",
                              strcmp(b->volume, r->volume) ? "! " : "", about_backup(b, about))
	        : r->ticket ? strdup("reading the list of backups …")
	                    : strdup("the newest of this volume; its tab Backups lists them"));
	f->fields[RESTORE_ID].is_hidden = f->fields[RESTORE_KEY].is_hidden = is_file(f);
	f->fields[RESTORE_NEW].is_hidden = !is_new(f);
	f->fields[RESTORE_FORCE].is_hidden = is_new(f);
	form_set_note(f, RESTORE_INTO,
	        is_new(f) ? str_printf("%s stays as it is", r->volume)
	        : *form_text(f, RESTORE_PATH)
	                ? str_printf("%s in %s is replaced", form_text(f, RESTORE_PATH), r->volume)
	                : str_printf("what is in %s now goes", r->volume));
	form_set_note(f, RESTORE_FORCE,
	        users && f->fields[RESTORE_FORCE].value
	                ? str_printf("until it is restarted it sees the old files: %s",
	                          volume_names_text(users, names, sizeof(names)))
	        : users ? NULL
	                : strdup("nothing that runs writes to it"));
	form_set_placeholder(f, RESTORE_WHERE,
	        strdup(is_file(f) ? "a file, such as /srv/data.tar.zst"
	                          : "a directory, such as /var/backups/tare"));
}

/* ------------------------------------------------------------------ the list, read by a child */

/* Goes with the child; the form may be gone before it. */
struct list_ticket {
	struct restore_form *owner;
};

static void has_listed(struct app *a, const struct job *j, void *arg)
{
	struct list_ticket *t = arg;
	struct restore_form *r = t->owner;
	const char *text = j->output ? j->output : "";
	struct err e = ERR_INIT;

	free(t);
	if (!r)
		return;
	r->ticket = NULL;
	backup_list_free(&r->list);
	*r->trouble = '\0';
	if (j->state != JOB_OK)
		snprintf(r->trouble, sizeof r->trouble, "%s", j->error ? j->error : "cancelled");
	else if (backup_list_parse(text, strlen(text), &r->list, &e) < 0)
		snprintf(r->trouble, sizeof r->trouble, "%.150s", e.msg);
	check_field(&r->form, RESTORE_ID);
	check_field(&r->form, RESTORE_KEY);
	set_notes(&r->form);
	show_command(&r->form);
	app_redraw(a);
}

static void forget_list(struct restore_form *r)
{
	if (r->ticket)
		r->ticket->owner = NULL;
	r->ticket = NULL;
	free(r->listed);
	r->listed = NULL;
	backup_list_free(&r->list);
}

static void read_list(struct form *f)
{
	struct restore_form *r = (struct restore_form *)f;
	struct app *a = f->v.app;
	const char *where = form_text(f, RESTORE_WHERE), *key = form_text(f, RESTORE_KEY);
	cleanup_free char *now = str_printf("%s\n%s", where, key), *said = NULL;
	cleanup_strv char **args = NULL;
	struct list_ticket *t;
	struct err e = ERR_INIT;

	if (is_file(f) || !*where || is_given(f) || (now && r->listed && !strcmp(r->listed, now)))
		return;
	forget_list(r);
	/* of all volumes: an id may be of another one, and that must be said */
	args = backup_words(where, key, NULL, NULL, NULL);
	said = str_printf("list the backups in %s", where);
	t = calloc(1, sizeof *t);
	if (!t || !now || !said ||
	        !job_start_reading(app_jobs(a), args, LIST_MOST, said, has_listed, t, &e)) {
		snprintf(r->trouble, sizeof r->trouble, "%.150s", *e.msg ? e.msg : "out of memory");
		free(t);
	} else {
		t->owner = r;
		r->ticket = t;
	}
	r->listed = steal_ptr(&now);
}

/* Each repository has a key of its own, unless another is typed. */
static void where_changed(struct form *f)
{
	struct restore_form *r = (struct restore_form *)f;

	if (is_file(f) || strcmp(form_text(f, RESTORE_KEY), r->key) != 0)
		return;
	snprintf(r->key, sizeof r->key, "%s", backup_key_file(f->v.app, form_text(f, RESTORE_WHERE)));
	form_set_text(f, RESTORE_KEY, r->key);
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
}

static void changed(struct form *f, size_t field)
{
	if (field == RESTORE_FROM)
		source_changed(f);
	if (field == RESTORE_FROM || field == RESTORE_WHERE)
		where_changed(f);
	/* where it is still being typed nothing is read yet */
	if (field == RESTORE_ID || f->focus != field)
		read_list(f);
	check_field(f, field);
	if (f->focus == field && (field == RESTORE_WHERE || field == RESTORE_KEY))
		f->fields[RESTORE_ID].error[0] = '\0';
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
	const struct restore_form *r = (const struct restore_form *)f;
	cleanup_strv char **past = NULL;

	if (field == RESTORE_KEY)
		complete_host_path(text, candidates);
	if (field == RESTORE_ID && is_listed(f))
		for (size_t i = 0; i < r->list.n; i++)
			if (!strcmp(r->list.rows[i].volume, r->volume) &&
			        !strncmp(r->list.rows[i].id, text, strlen(text)))
				strv_add(candidates, r->list.rows[i].id);
	if (field != RESTORE_WHERE)
		return;
	past = prompt_history(app_config(f->v.app), backup_history(f->v.app, is_file(f)));
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

	const struct backup *b = meant(f);
	char about[80];

	if (!is_file(f) && is_given(f))
		strv_take(&lines, str_printf("by the backup of %s", r->about));
	else if (b)
		strv_take(&lines, str_printf("by the backup of %s", about_backup(b, about)));
	if (b && strcmp(b->volume, r->volume) != 0)
		strv_take(&lines, str_printf("! which is a backup of another volume, %s", b->volume));
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

	/* typed last was where or the key: what is there is read only now */
	check_field(f, RESTORE_ID);
	if (f->fields[RESTORE_ID].error[0]) {
		request_free(r);
		f->focus = RESTORE_ID;
		return VIEW_DONE;
	}
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
		prompt_history_add(app_config(a), backup_history(a, true), form_text(f, RESTORE_WHERE));
	else if (is_listed(f)) /* it opened it */
		backup_remember_key(a, form_text(f, RESTORE_WHERE), form_text(f, RESTORE_KEY));
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
	free(r->id_in);
	forget_list(r);
	strv_free(r->writers);
}

static const struct form_ops ops = {changed, complete, submit, restore_form_free};

struct view *restore_form_new(
        struct app *a, const char *volume, const char *repository, const struct backup *b, const char *path)
{
	struct restore_form *r = calloc(1, sizeof *r);
	struct form *f = &r->form;
	const char *where = repository ? repository : backup_repository(a, volume);

	if (!r || form_init(f, a, &ops, "Restore a volume", "Restore", fields, RESTORE_N) < 0)
		return NULL;
	r->volume = strdup(volume);
	r->there = model_volume(app_model(a), volume) != NULL;
	r->id_in = strdup(where);
	if (!r->volume || !r->id_in) {
		f->v.ops->free(&f->v);
		return NULL;
	}
	r->writers = volume_running_users(a, volume, true);
	snprintf(r->title, sizeof r->title, "Restore volume %.120s", volume);
	f->title = r->title;
	if (b) {
		snprintf(r->id, sizeof r->id, "%s", b->id);
		about_backup(b, r->about);
		form_set_text(f, RESTORE_ID, b->id);
	}
	form_set_text(f, RESTORE_WHERE, where);
	snprintf(r->key, sizeof r->key, "%s", backup_key_file(a, where));
	form_set_text(f, RESTORE_KEY, r->key);
	while (path && (*path == '/' || !strncmp(path, "./", 2)))
		path++;
	form_set_text(f, RESTORE_PATH, path && strcmp(path, ".") != 0 ? path : "");
	form_set_placeholder(f, RESTORE_ID, strdup("latest"));
	form_set_placeholder(f, RESTORE_PATH, strdup("everything; or a file or directory in it"));
	form_set_placeholder(f, RESTORE_NEW, strdup("of a new volume: its name"));
	form_set_placeholder(f, RESTORE_KEY, strdup("not encrypted"));
	f->focus = *where ? RESTORE_INTO : RESTORE_WHERE;
	read_list(f);
	set_notes(f);
	show_command(f);
	return &f->v;
}
