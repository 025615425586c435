/* The verbs of volumes and of their backups, and those of containers' files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "engine/tare.h"
#include "tui/actions_state.h"
#include "tui/app.h"
#include "tui/backup.h"
#include "tui/config.h"
#include "tui/dialog.h"
#include "tui/job.h"
#include "tui/prompt_history.h"
#include "tui/request.h"
#include "tui/text_view.h"
#include "tui/volume_actions.h"
#include "tui/words.h"

static void push(struct app *a, struct view *v)
{
	if (v)
		app_push(a, v);
	else
		app_toast(a, TOAST_ERROR, "not opened: out of memory");
}

/* The selected one; NULL, and a toast says so. */
static const struct tare_volume *current(struct app *a)
{
	struct object o;
	const struct tare_volume *v =
	        app_current(a, &o) && o.kind == OBJECT_VOLUME ? model_volume(app_model(a), o.id) : NULL;

	if (!v)
		app_toast(a, TOAST_INFO, "no volume is selected; 3 shows them");
	return v;
}

/* ------------------------------------------------------------------ who uses it */

static char **users(struct app *a, const struct tare_volume *v)
{
	char **names = NULL;

	strv_foreach (id, v->used_by) {
		const struct model_container *c = model_container(app_model(a), *id);

		strv_add(&names, c ? container_ref(c) : *id);
	}
	return names;
}

char **volume_running_users(struct app *a, const char *volume, bool writing)
{
	struct tare_engine *engine = app_engine(a);
	cleanup_json json *doc = NULL;
	json *rows;
	char **names = NULL;
	size_t n;

	if (!engine->volume_inspect || engine->volume_inspect(engine, volume, &doc, NULL) != 0)
		return NULL;
	rows = json_get(doc, "UsedBy");
	n = json_object_is_type(rows, json_type_array) ? json_object_array_length(rows) : 0;
	for (size_t i = 0; i < n; i++) {
		json *row = json_object_array_get_idx(rows, i);
		const char *name = json_str(row, "Name", "");

		if (json_bool(row, "Running", false) && (!writing || json_bool(row, "RW", true)))
			strv_add(&names, *name == '/' ? name + 1 : name);
	}
	return names;
}

const char *volume_names_text(char *const *names, char *dst, size_t size)
{
	size_t n = strv_len(names);

	if (n < 2)
		snprintf(dst, size, "%s", n ? names[0] : "");
	else if (n == 2)
		snprintf(dst, size, "%s and %s", names[0], names[1]);
	else
		snprintf(dst, size, "%s and %zu others", names[0], n - 1);
	return dst;
}

/* ------------------------------------------------------------------ remove */

static void refuse(struct app *a, const struct tare_volume *v)
{
	cleanup_strv char **names = users(a, v);
	char text[160];

	app_toast(a, TOAST_INFO, "%s is used by %s; remove %s first", v->name,
	        volume_names_text(names, text, sizeof text), names && names[1] ? "them" : "it");
}

static void remove_volumes(struct app *a)
{
	cleanup_free struct object *objects = NULL;
	cleanup_strv char **lines = NULL;
	struct request *r = request_new("volume rm");
	size_t n = app_targets(a, &objects), k = 0;
	const struct tare_volume *used = NULL;
	char title[160] = "";

	for (size_t i = 0; i < n; i++) {
		const struct tare_volume *v =
		        objects[i].kind == OBJECT_VOLUME ? model_volume(app_model(a), objects[i].id) : NULL;

		if (v && v->used_by)
			used = v;
		if (!v || v->used_by)
			continue;
		k++;
		request_word(r, v->name);
		/* of 64 random digits a few are enough */
		snprintf(title, sizeof title, "volume %.*s", v->anonymous ? 12 : (int)sizeof title, v->name);
		strv_add(&lines, v->name);
	}
	if (k > 1)
		snprintf(title, sizeof title, "%zu volumes", k);
	request_title(r, "remove %s", title);
	request_said(r, "removed %s", title);
	if (r)
		r->refresh = MODEL_VOLUMES;
	if (k) {
		request_confirm(a, r, k > 1 ? lines : NULL, "Remove", true,
		        "Remove %s, with all that is in %s?", title, k > 1 ? "them" : "it");
		return;
	}
	request_free(r);
	if (used)
		refuse(a, used);
	else
		app_toast(a, TOAST_INFO, "no volume is selected; 3 shows them");
}

/* ------------------------------------------------------------------ backups */

void volume_back_up(struct app *a, const char *volume)
{
	push(a, backup_form_new(a, volume));
}

void volume_restore(
        struct app *a, const char *volume, const char *repository, const struct backup *b, const char *path)
{
	push(a, restore_form_new(a, volume, repository, b, path));
}

/* "--key-file FILE", where there is one. */
static void add_key(struct app *a, struct request *r, const char *repository)
{
	const char *key = backup_key_file(a, repository);

	if (!*key)
		return;
	request_word(r, "--key-file");
	request_word(r, key);
}

void verify_repository(struct app *a, const char *repository)
{
	struct request *r = request_new("volume verify");

	add_key(a, r, repository);
	request_word(r, repository);
	request_title(r, "verify %s", repository);
	request_said(r, "all backups in %s are whole", repository);
	request_start(a, r);
}

/* No backup goes, so it is not asked. */
void prune_repository(struct app *a, const char *repository)
{
	struct request *r = request_new("volume prune");

	add_key(a, r, repository);
	request_word(r, repository);
	request_title(r, "prune %s", repository);
	request_said(r, "what no backup in %s needs is gone", repository);
	request_start(a, r);
}

void backup_verify(struct app *a, const char *repository, const struct backup *b)
{
	struct request *r = request_new("volume verify");
	cleanup_free char *source = str_printf("%s@%s", repository, b->id);

	add_key(a, r, repository);
	request_word(r, source ? source : "");
	request_title(r, "verify the backup of %s", b->when);
	request_said(r, "the backup of %s is whole", b->when);
	request_start(a, r);
}

void backups_forget(struct app *a, const char *repository, const struct backup *const *some, size_t n)
{
	struct request *r = request_new("volume forget --prune");
	cleanup_strv char **lines = NULL;
	char title[120];

	add_key(a, r, repository);
	request_word(r, repository);
	for (size_t i = 0; i < n; i++) {
		request_word(r, some[i]->id);
		strv_take(&lines, str_printf("%s  %s", some[i]->when, some[i]->id));
	}
	if (!n) {
		request_free(r);
		return;
	}
	if (n == 1)
		snprintf(title, sizeof title, "the backup of %s", some[0]->when);
	else
		snprintf(title, sizeof title, "%zu backups", n);
	request_title(r, "forget %s", title);
	request_said(r, "forgot %s", title);
	if (r)
		r->refresh = MODEL_FILES;
	request_confirm(a, r, n > 1 ? lines : NULL, "Forget", true,
	        "Forget %s of %s? What only %s needs is freed.", title, some[0]->volume,
	        n > 1 ? "they" : "it");
}

static void complete_where(struct app *a, const char *text, char ***candidates, void *arg)
{
	(void)a;
	(void)arg;
	complete_host_path(text, candidates);
}

void backup_ask_where(struct app *a, const char *volume)
{
	push(a, repository_form_new(a, volume));
}

/* ------------------------------------------------------------------ files of containers */

static const struct model_container *container(struct app *a)
{
	struct object o;
	const struct model_container *c =
	        app_current(a, &o) && o.kind == OBJECT_CONTAINER ? model_container(app_model(a), o.id) : NULL;

	if (!c)
		app_toast(a, TOAST_INFO, "no container is selected; 1 shows them");
	return c;
}

static bool check_inside(struct app *a, const char *text, char *error, size_t size, void *arg)
{
	(void)a;
	(void)arg;
	if (*text == '/')
		return true;
	snprintf(error, size, "an absolute path in the container, as in /etc/hosts");
	return false;
}

static void path_out(struct app *a, const char *text, void *arg)
{
	if (text && *text)
		file_copy_out(a, TARE_TREE_CONTAINER, arg, text);
}

static void path_in(struct app *a, const char *text, void *arg)
{
	if (text && *text)
		file_copy_in(a, TARE_TREE_CONTAINER, arg, text);
}

/* First what is meant in the container, then what on this machine. */
static void copy_prompt(struct app *a, bool out)
{
	const struct model_container *c = container(a);
	char label[160];

	if (!c)
		return;
	snprintf(label, sizeof label,
	        out ? "Copy what out of %.80s: a path in it" : "Copy into which directory of %.80s",
	        container_ref(c));
	push(a, prompt_new(a, &(struct prompt_options){.label = label,
	                              .text = "/",
	                              .history = "copy-inside",
	                              .check = check_inside,
	                              .ok = out ? path_out : path_in,
	                              .arg = strdup(container_ref(c)),
	                              .free_arg = free}));
}

static void export_to(struct app *a, const char *text, void *arg)
{
	struct request *r;

	if (!text || !*text)
		return;
	r = request_new("export --output");
	request_word(r, text);
	request_word(r, arg);
	request_title(r, "export %s", (const char *)arg);
	request_said(r, "the root of %s is in %s", (const char *)arg, text);
	request_start(a, r);
}

static void export_prompt(struct app *a)
{
	const struct model_container *c = container(a);
	char label[160], text[160];

	if (!c)
		return;
	snprintf(label, sizeof label, "Save the root of %.80s as a tar archive", container_ref(c));
	snprintf(text, sizeof text, "./%.120s.tar", container_ref(c));
	push(a, prompt_new(a, &(struct prompt_options){.label = label,
	                              .text = text,
	                              .history = "export",
	                              .complete = complete_where,
	                              .ok = export_to,
	                              .arg = strdup(container_ref(c)),
	                              .free_arg = free}));
}

/* ------------------------------------------------------------------ which one */

bool volume_action(struct app *a, enum action action)
{
	const struct tare_volume *v;

	switch (action) {
	case ACTION_VOL_REMOVE:
		remove_volumes(a);
		return true;
	case ACTION_VOL_BACKUP:
		v = current(a);
		if (v)
			volume_back_up(a, v->name);
		return true;
	case ACTION_VOL_RESTORE:
		v = current(a);
		if (v)
			volume_restore(a, v->name, NULL, NULL, NULL);
		return true;
	case ACTION_CTR_COPY_OUT:
	case ACTION_CTR_COPY_IN:
		copy_prompt(a, action == ACTION_CTR_COPY_OUT);
		return true;
	case ACTION_CTR_EXPORT:
		export_prompt(a);
		return true;
	default:
		return false;
	}
}
