#include "tui/commit_form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "engine/tare.h"
#include "tui/actions_state.h"
#include "tui/app.h"
#include "tui/form.h"
#include "tui/image_name.h"
#include "tui/job.h"
#include "tui/model.h"
#include "tui/request.h"
#include "tui/words.h"

enum { COMMIT_NAME, COMMIT_MESSAGE, COMMIT_CHANGES, COMMIT_PAUSE, COMMIT_N };

static const struct form_field fields[COMMIT_N] = {
        [COMMIT_NAME] = {.label = "Image", .kind = FIELD_TEXT},
        [COMMIT_MESSAGE] = {.label = "Message", .kind = FIELD_TEXT},
        [COMMIT_CHANGES] = {.label = "Changes", .kind = FIELD_TEXT},
        [COMMIT_PAUSE] = {.label = "Freeze it meanwhile", .kind = FIELD_FLAG},
};

struct commit_form {
	struct form form; /* first */
	char *container;  /* as a command calls it */
	bool is_active;   /* there is something to freeze */
};

/* ------------------------------------------------------------------ the command */

static char **command_of(const struct form *f)
{
	const struct commit_form *cf = (const struct commit_form *)f;
	cleanup_strv char **changes = words_split(form_text(f, COMMIT_CHANGES), NULL);
	char **args = NULL;

	strv_add(&args, "commit");
	if (*form_text(f, COMMIT_MESSAGE)) {
		strv_add(&args, "--message");
		strv_add(&args, form_text(f, COMMIT_MESSAGE));
	}
	strv_foreach (s, changes) {
		strv_add(&args, "--change");
		strv_add(&args, *s);
	}
	if (cf->is_active && !f->fields[COMMIT_PAUSE].value)
		strv_add(&args, "--pause=false");
	strv_add(&args, cf->container);
	if (*form_text(f, COMMIT_NAME))
		strv_add(&args, form_text(f, COMMIT_NAME));
	return args;
}

static void show_command(struct form *f)
{
	cleanup_strv char **args = command_of(f);

	form_set_summary(f, job_command_text(f->v.app, args));
}

/* ------------------------------------------------------------------ the form's questions */

static void check_changes(struct form *f)
{
	struct err e = ERR_INIT;
	cleanup_strv char **words = words_split(form_text(f, COMMIT_CHANGES), &e);
	char *error = f->fields[COMMIT_CHANGES].error;

	*error = '\0';
	if (!words && e.msg[0])
		snprintf(error, FORM_ERROR_SIZE, "%.*s", FORM_ERROR_SIZE - 1, e.msg);
	strv_foreach (s, words)
		if (!strchr(*s, ' '))
			snprintf(error, FORM_ERROR_SIZE, "each in quotes, as in 'ENV A=b' 'USER web'");
}

static void changed(struct form *f, size_t field)
{
	if (field == COMMIT_NAME)
		image_name_check(form_text(f, field), f->fields[field].error, FORM_ERROR_SIZE);
	else if (field == COMMIT_CHANGES)
		check_changes(f);
	show_command(f);
}

static unsigned submit(struct form *f)
{
	const struct commit_form *cf = (struct commit_form *)f;
	cleanup_strv char **args = command_of(f);
	const char *name = form_text(f, COMMIT_NAME);
	struct request *r = request_new("");

	strv_foreach (s, args)
		request_word(r, *s);
	request_title(r, "commit %s", cf->container);
	request_said(r, "made %s of %s", *name ? name : "an image without a name", cf->container);
	if (r)
		r->refresh = MODEL_IMAGES;
	request_start(f->v.app, r);
	return VIEW_DONE | VIEW_CLOSE;
}

static void commit_form_free(struct form *f)
{
	free(((struct commit_form *)f)->container);
}

static const struct form_ops ops = {changed, NULL, submit, commit_form_free};

struct view *commit_form_new(struct app *a, const struct model_container *c)
{
	struct commit_form *cf = calloc(1, sizeof(*cf));
	struct form *f = &cf->form;
	char placeholder[128];

	if (!cf || form_init(f, a, &ops, "Make an image of a container", "Commit", fields, COMMIT_N) < 0)
		return NULL;
	cf->container = strdup(container_ref(c));
	cf->is_active = container_is_active(c);
	f->fields[COMMIT_PAUSE].value = 1;
	snprintf(placeholder, sizeof(placeholder), "of %.60s: NAME[:TAG]; empty: without a name",
	        container_ref(c));
	form_set_placeholder(f, COMMIT_NAME, strdup(placeholder));
	form_set_placeholder(f, COMMIT_MESSAGE, strdup("why it was made"));
	form_set_placeholder(f, COMMIT_CHANGES, strdup("none; 'ENV KEY=value' 'CMD [\"/bin/sh\"]'"));
	form_set_note(f, COMMIT_PAUSE,
	        strdup(cf->is_active ? "so that all its files are of one moment" : "it does not run"));
	show_command(f);
	if (cf->container)
		return &f->v;
	f->v.ops->free(&f->v);
	return NULL;
}
