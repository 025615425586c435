/* The form that makes a volume. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/units.h"
#include "engine/tare.h"
#include "tui/actions_state.h"
#include "tui/app.h"
#include "tui/form.h"
#include "tui/job.h"
#include "tui/model.h"
#include "tui/request.h"
#include "tui/volume_actions.h"
#include "tui/words.h"

enum { VOL_NAME, VOL_KIND, VOL_SIZE, VOL_DIRECTORY, VOL_LABELS, VOL_N };

static const char *const kinds[] = {"directory", "tmpfs", "bind", NULL};
enum { KIND_DIRECTORY, KIND_TMPFS, KIND_BIND };

static const struct form_field fields[VOL_N] = {
        [VOL_NAME] = {.label = "Name", .kind = FIELD_TEXT},
        [VOL_KIND] = {.label = "Kind", .kind = FIELD_CHOICE, .choices = kinds},
        [VOL_SIZE] = {.label = "Size limit", .kind = FIELD_TEXT},
        [VOL_DIRECTORY] = {.label = "Directory", .kind = FIELD_TEXT},
        [VOL_LABELS] = {.label = "Labels", .kind = FIELD_TEXT},
};

/* ------------------------------------------------------------------ the command */

static void add(char ***args, const char *flag, char *value)
{
	strv_add(args, flag);
	strv_take(args, value);
}

static char **command_of(const struct form *f)
{
	cleanup_strv char **labels = words_split(form_text(f, VOL_LABELS), NULL);
	const char *size = form_text(f, VOL_SIZE);
	int kind = f->fields[VOL_KIND].value;
	char **args = NULL;

	strv_add(&args, "volume");
	strv_add(&args, "create");
	strv_foreach (s, labels)
		add(&args, "--label", strdup(*s));
	if (kind == KIND_TMPFS) {
		add(&args, "--opt", strdup("type=tmpfs"));
		add(&args, "--opt", strdup("device=tmpfs"));
		if (*size)
			add(&args, "--opt", str_printf("o=size=%s", size));
	} else if (kind == KIND_BIND) {
		add(&args, "--opt", strdup("type=none"));
		add(&args, "--opt", strdup("o=bind"));
		add(&args, "--opt", str_printf("device=%s", form_text(f, VOL_DIRECTORY)));
	} else if (*size) {
		add(&args, "--opt", str_printf("size=%s", size));
	}
	if (*form_text(f, VOL_NAME))
		strv_add(&args, form_text(f, VOL_NAME));
	return args;
}

static void show_command(struct form *f)
{
	cleanup_strv char **args = command_of(f);
	cleanup_free char *text = job_command_text(f->v.app, args);

	form_set_summary(f, str_printf("%s%s", text ? text : "", *form_text(f, VOL_NAME) ? "" : " NAME"));
}

/* ------------------------------------------------------------------ what is right */

static int check_name(const struct form *f, const char *text, struct err *e)
{
	if (!*text)
		return err_set(e, ERR_USAGE, "a volume needs a name");
	if (tare_name_check(text, e) < 0)
		return -1;
	if (model_volume(app_model(f->v.app), text))
		return err_set(e, ERR_CONFLICT, "another volume is called so");
	return 0;
}

static int check_directory(int kind, const char *text, struct err *e)
{
	if (kind == KIND_BIND && *text != '/')
		return err_set(e, ERR_USAGE, "a bind needs a directory of this machine, as in /srv/data");
	if (kind != KIND_BIND && *text)
		return err_set(e, ERR_USAGE, "only a bind has one; choose that kind, or leave it empty");
	return 0;
}

static int check_labels(const char *text, struct err *e)
{
	cleanup_strv char **words = words_split(text, e);

	if (!words && e->msg[0])
		return -1;
	strv_foreach (s, words)
		if (**s == '=')
			return err_set(e, ERR_USAGE, "\"%.60s\": write NAME=VALUE, as in team=shop", *s);
	return 0;
}

static int check(const struct form *f, size_t field, struct err *e)
{
	const char *text = form_text(f, field);
	int kind = f->fields[VOL_KIND].value;
	uint64_t bytes;

	switch (field) {
	case VOL_NAME:
		return check_name(f, text, e);
	case VOL_SIZE:
		if (kind == KIND_BIND && *text)
			return err_set(e, ERR_USAGE, "a bind has the size of its directory; leave it empty");
		return *text ? size_parse(text, &bytes, e) : 0;
	case VOL_DIRECTORY:
		return check_directory(kind, text, e);
	case VOL_LABELS:
		return check_labels(text, e);
	default:
		return 0;
	}
}

static void check_field(struct form *f, size_t field)
{
	struct err e = ERR_INIT;

	snprintf(f->fields[field].error, FORM_ERROR_SIZE, "%.*s", FORM_ERROR_SIZE - 1,
	        check(f, field, &e) < 0 ? e.msg : "");
}

/* ------------------------------------------------------------------ the form's questions */

static void set_note(struct form *f)
{
	static const char *const notes[] = {"files on the disk, which stay until the volume is removed",
	        "files in memory, which are gone when nothing uses it any more",
	        "a directory of this machine, which is left as it is when the volume is removed"};

	form_set_note(f, VOL_KIND, strdup(notes[f->fields[VOL_KIND].value]));
}

static void changed(struct form *f, size_t field)
{
	check_field(f, field);
	if (field == VOL_KIND) {
		set_note(f);
		check_field(f, VOL_SIZE);
		check_field(f, VOL_DIRECTORY);
	}
	show_command(f);
}

static void complete(struct form *f, size_t field, const char *text, char ***candidates)
{
	(void)f;
	if (field == VOL_DIRECTORY)
		complete_host_path(text, candidates);
}

/* The name is what is printed. */
static void created(struct app *a, const struct job *j, int value)
{
	struct object o = {.kind = OBJECT_VOLUME};
	size_t n = j->output ? strcspn(j->output, "\n") : 0;

	(void)value;
	if (n < sizeof o.id)
		memcpy(o.id, j->output ? j->output : "", n);
	actions_await(app_actions(a), &o);
	app_toast(a, TOAST_OK, "%s", j->title);
}

static unsigned submit(struct form *f)
{
	cleanup_strv char **args = command_of(f);
	struct request *r = request_new("");

	strv_foreach (s, args)
		request_word(r, *s);
	request_title(r, "create volume %s", form_text(f, VOL_NAME));
	if (r) {
		r->done = created;
		r->refresh = MODEL_VOLUMES;
	}
	request_start(f->v.app, r);
	return VIEW_DONE | VIEW_CLOSE;
}

static void nothing_added(struct form *f)
{
	(void)f;
}

static const struct form_ops ops = {changed, complete, submit, nothing_added};

struct view *volume_form_new(struct app *a)
{
	struct form *f = calloc(1, sizeof *f);

	if (!f || form_init(f, a, &ops, "Make a volume", "Create", fields, VOL_N) < 0)
		return NULL;
	form_set_placeholder(f, VOL_NAME, strdup("letters, digits, and _ . -"));
	form_set_placeholder(f, VOL_SIZE, strdup("none; 10g, 512m"));
	form_set_placeholder(f, VOL_DIRECTORY, strdup("of a bind: /srv/data"));
	form_set_placeholder(f, VOL_LABELS, strdup("none; team=shop tier=data"));
	set_note(f);
	show_command(f);
	return &f->v;
}
