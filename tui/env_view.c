/* The environment a container's command is given: sorted, searched, copied; values that look like secrets
 * stay hidden until they are asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/app.h"
#include "tui/text_view.h"
#include "tui/view.h"
#include "tui/views.h"

#define KEY_COLS_MAX 36

struct env_view {
	struct view view;
	struct object object;
	char **env; /* "K=V", sorted */
	size_t n;
	int key_cols;
	bool is_open; /* secrets are shown */
	struct text_pane pane;
	struct style key, value, muted, secret; /* of this frame */
	char blanks[KEY_COLS_MAX + 3];
	struct err trouble;
};

static size_t key_len(const char *entry)
{
	return strcspn(entry, "=");
}

static const char *value_of(const char *entry)
{
	const char *eq = strchr(entry, '=');

	return eq ? eq + 1 : "";
}

/* Names of things that nobody should read over one's shoulder, and URLs with a password in them. */
static bool is_secret(const char *entry)
{
	static const char *const words[] = {"password", "passwd", "passphrase", "secret", "token", "key",
	        "credential", "auth", "private", "dsn"};
	size_t len = key_len(entry);
	const char *value = value_of(entry), *scheme = strstr(value, "://"), *at;

	if (!*value)
		return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (text_find(entry, len, words[i]))
			return true;
	at = scheme ? strchr(scheme, '@') : NULL;
	return at && memchr(scheme + 3, ':', (size_t)(at - scheme - 3));
}

static bool is_hidden(const struct env_view *v, const char *entry)
{
	return !v->is_open && is_secret(entry);
}

/* ------------------------------------------------------------------ lines */

static size_t env_count(void *arg)
{
	return ((struct env_view *)arg)->n;
}

static void env_line(void *arg, size_t i, struct text_line *out)
{
	static const char hidden[] = "********";
	struct env_view *v = arg;
	const char *entry = v->env[i], *value = value_of(entry);
	int cols = text_columns(entry, key_len(entry)), pad = v->key_cols - cols;

	text_line_add(out, v->blanks, 1, v->muted);
	text_line_add(out, entry, key_len(entry), v->key);
	text_line_add(out, v->blanks, (size_t)(pad > 0 ? pad : 0) + 2, v->muted);
	if (is_hidden(v, entry))
		text_line_add(out, hidden, sizeof hidden - 1, v->secret);
	else
		text_line_add(out, value, strlen(value), v->value);
}

/* ------------------------------------------------------------------ loading */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void load(struct env_view *v)
{
	struct tare_engine *engine = app_engine(v->view.app);
	cleanup_json json *document = NULL;
	json *whole;

	strv_free_ptr(&v->env);
	v->n = 0;
	v->key_cols = 0;
	v->trouble = (struct err)ERR_INIT;
	if (v->object.kind != OBJECT_CONTAINER ||
	        engine->inspect(engine, v->object.id, false, &document, &v->trouble) != 0)
		return;
	whole = json_object_is_type(document, json_type_array) ? json_object_array_get_idx(document, 0)
	                                                       : document;
	v->env = json_strv(json_get(whole, "Config"), "Env");
	v->n = strv_len(v->env);
	if (v->n)
		qsort(v->env, v->n, sizeof *v->env, by_name);
	for (size_t i = 0; i < v->n; i++) {
		int cols = text_columns(v->env[i], key_len(v->env[i]));
		if (cols > v->key_cols && cols <= KEY_COLS_MAX)
			v->key_cols = cols;
	}
}

static void env_show(struct view *view, const struct object *o)
{
	struct env_view *v = (struct env_view *)view;
	static const struct object none = {.kind = OBJECT_NONE};

	if (object_equal(o ? o : &none, &v->object))
		return;
	v->object = o ? *o : none;
	v->is_open = false;
	text_pane_reset(&v->pane);
	load(v);
}

static bool env_changed(struct view *view, unsigned what)
{
	struct env_view *v = (struct env_view *)view;

	if (!(what & MODEL_CONTAINERS))
		return false;
	load(v);
	text_pane_changed(&v->pane);
	return true;
}

/* ------------------------------------------------------------------ the view */

static bool env_copy(struct view *view, struct buf *out)
{
	struct env_view *v = (struct env_view *)view;

	if (text_pane_selection(&v->pane, out))
		return true;
	if (v->pane.cursor >= v->n)
		return false;
	buf_str_add(out, value_of(v->env[v->pane.cursor]));
	return !out->failed && out->len > 0;
}

static unsigned copy_value(struct env_view *v)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (env_copy(&v->view, &text))
		app_copy(v->view.app, text.data, text.len);
	return VIEW_DONE;
}

static unsigned env_act(struct view *view, enum action a)
{
	struct env_view *v = (struct env_view *)view;

	switch ((int)a) {
	case ACTION_TEXT_REVEAL:
		v->is_open = !v->is_open;
		text_pane_changed(&v->pane);
		return VIEW_DONE;
	case ACTION_DETAIL_COPY:
		return copy_value(v);
	default:
		return text_pane_act(&v->pane, a);
	}
}

static unsigned env_mouse(struct view *view, const struct mouse *m)
{
	return text_pane_mouse(&((struct env_view *)view)->pane, m);
}

static void env_draw(struct view *view, const struct canvas *c, bool focused)
{
	struct env_view *v = (struct env_view *)view;
	struct app *a = view->app;

	v->key = app_style(a, LOG_KEY);
	v->value = app_style(a, UI_TEXT);
	v->muted = app_style(a, UI_MUTED);
	v->secret = app_style(a, UI_WARN);
	if (*v->trouble.msg)
		canvas_str(c, 0, 1, c->r.w - 2, v->trouble.msg, app_style(a, UI_ERROR));
	else if (v->n == 0)
		canvas_str(c, 0, 1, c->r.w - 2, "It is given no environment; tare run -e K=V gives one.",
		        app_style(a, UI_MUTED));
	else
		text_pane_draw(&v->pane, c, focused);
}

static void env_status(struct view *view, char *dst, size_t size)
{
	struct env_view *v = (struct env_view *)view;
	size_t hidden = 0;

	for (size_t i = 0; i < v->n; i++)
		hidden += is_hidden(v, v->env[i]);
	if (*v->pane.search)
		text_pane_status(&v->pane, dst, size);
	else if (hidden)
		snprintf(dst, size, "%zu variables  %zu hidden", v->n, hidden);
	else
		snprintf(dst, size, "%zu variables", v->n);
}

static int env_save(struct view *view, int fd, struct err *e)
{
	return text_pane_save(&((struct env_view *)view)->pane, fd, e);
}

static void env_free(struct view *view)
{
	struct env_view *v = (struct env_view *)view;

	strv_free(v->env);
	free(v);
}

struct view *env_view_new(struct app *a)
{
	static const struct view_ops ops = {
	        .title = "Env",
	        .context = CONTEXT_TEXT,
	        .draw = env_draw,
	        .act = env_act,
	        .mouse = env_mouse,
	        .show = env_show,
	        .changed = env_changed,
	        .status = env_status,
	        .copy = env_copy,
	        .save = env_save,
	        .free = env_free,
	};
	struct env_view *v = calloc(1, sizeof *v);
	struct text_source source = {.count = env_count, .line = env_line, .arg = v};

	if (!v)
		return NULL;
	v->view = (struct view){&ops, a};
	memset(v->blanks, ' ', sizeof v->blanks);
	text_pane_init(&v->pane, a, &source, true);
	return &v->view;
}
