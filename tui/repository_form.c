/* The form that says where the backups of a volume are, and which key file opens them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tui/app.h"
#include "tui/backup.h"
#include "tui/form.h"
#include "tui/model.h"
#include "tui/prompt_history.h"
#include "tui/volume_actions.h"

enum { REPOSITORY_WHERE, REPOSITORY_KEY, REPOSITORY_N };

static const struct form_field fields[REPOSITORY_N] = {
        [REPOSITORY_WHERE] = {.label = "Where", .kind = FIELD_TEXT},
        [REPOSITORY_KEY] = {.label = "Key file", .kind = FIELD_TEXT},
};

struct repository_form {
	struct form form; /* first */
	char *volume;
	char key[4096]; /* the key file that the form put in */
	char title[160];
};

static void changed(struct form *f, size_t field)
{
	struct repository_form *r = (struct repository_form *)f;
	const char *where = form_text(f, REPOSITORY_WHERE);

	if (field != REPOSITORY_WHERE)
		return;
	snprintf(f->fields[field].error, FORM_ERROR_SIZE, "%s", *where ? "" : "which directory?");
	if (strcmp(form_text(f, REPOSITORY_KEY), r->key) != 0)
		return; /* it was typed */
	snprintf(r->key, sizeof r->key, "%s", backup_key_file(f->v.app, where));
	form_set_text(f, REPOSITORY_KEY, r->key);
}

static void complete(struct form *f, size_t field, const char *text, char ***candidates)
{
	cleanup_strv char **past = NULL;

	if (field == REPOSITORY_WHERE)
		past = prompt_history(app_config(f->v.app), backup_history(f->v.app, false));
	for (size_t i = past ? strv_len(past) : 0; i > 0; i--)
		if (strstr(past[i - 1], text) && !strv_has(*candidates, past[i - 1]))
			strv_add(candidates, past[i - 1]);
	complete_host_path(text, candidates);
}

static unsigned submit(struct form *f)
{
	struct app *a = f->v.app;
	const char *where = form_text(f, REPOSITORY_WHERE);

	prompt_history_add(app_config(a), backup_history(a, false), where);
	/* the key first: what the general one is for depends on where the first repository is */
	backup_remember_key(a, where, form_text(f, REPOSITORY_KEY));
	backup_remember(a, ((struct repository_form *)f)->volume, where);
	model_refresh(app_model(a), MODEL_FILES);
	return VIEW_DONE | VIEW_CLOSE;
}

static void repository_form_free(struct form *f)
{
	free(((struct repository_form *)f)->volume);
}

static const struct form_ops ops = {changed, complete, submit, repository_form_free};

struct view *repository_form_new(struct app *a, const char *volume)
{
	struct repository_form *r = calloc(1, sizeof *r);
	struct form *f = &r->form;
	const char *where = backup_repository(a, volume);

	if (!r || form_init(f, a, &ops, "Backups", "Look there", fields, REPOSITORY_N) < 0)
		return NULL;
	r->volume = strdup(volume);
	if (!r->volume) {
		f->v.ops->free(&f->v);
		return NULL;
	}
	snprintf(r->title, sizeof r->title, "Where the backups of %.100s are", volume);
	f->title = r->title;
	snprintf(r->key, sizeof r->key, "%s", backup_key_file(a, where));
	form_set_text(f, REPOSITORY_WHERE, where);
	form_set_text(f, REPOSITORY_KEY, r->key);
	form_set_placeholder(f, REPOSITORY_WHERE, strdup("a directory, such as /var/backups/tare"));
	form_set_placeholder(f, REPOSITORY_KEY, strdup("not encrypted"));
	form_set_note(f, REPOSITORY_WHERE,
	        strdup("a repository: keeps many backups, and what is the same only once"));
	form_set_note(f, REPOSITORY_KEY, strdup("of this repository alone"));
	return &f->v;
}
