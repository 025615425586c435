/* A dashboard without its core, for tests of its parts: a simulated engine, a screen in memory, a real loop,
 * and notes of what was asked of the core. */
#ifndef TARE_TEST_TUI_BOX_H
#define TARE_TEST_TUI_BOX_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/tare.h"
#include "tui/descriptors.h"
#include "tui/actions.h"
#include "tui/alert.h"
#include "tui/app.h"
#include "tui/config.h"
#include "tui/job.h"
#include "tui/keymap.h"
#include "tui/loop.h"
#include "tui/model.h"
#include "tui/screen.h"
#include "tui/shells.h"
#include "tui/theme.h"
#include "tui/toast.h"
#include "tui/view.h"

struct app {
	char dir[64];
	struct tare_engine *engine;
	struct loop *loop;
	struct screen *screen;
	struct model *model;
	struct theme *theme;
	struct keymap *keymap;
	struct config *config;
	struct jobs *jobs;
	struct toasts *toasts;
	struct alerts *alerts;
	struct actions *actions;
	char **tare; /* what a job runs before its words */
	/* what was asked of the core */
	struct view *dialogs[8];
	size_t n_dialogs;
	struct object *targets; /* what an action is for */
	size_t n_targets;
	char toast[512];
	enum toast_kind toast_kind;
	char copied[2048], shell[2048];
	struct object shown;
	enum action acted;
	bool has_quit;
	struct buf text;
	struct loop_timer limit;
};

struct tare_engine *app_engine(struct app *a)
{
	return a->engine;
}
struct loop *app_loop(struct app *a)
{
	return a->loop;
}
struct screen *app_screen(struct app *a)
{
	return a->screen;
}
struct model *app_model(struct app *a)
{
	return a->model;
}
struct theme *app_theme(struct app *a)
{
	return a->theme;
}
struct keymap *app_keymap(struct app *a)
{
	return a->keymap;
}
struct config *app_config(struct app *a)
{
	return a->config;
}
struct workers *app_workers(struct app *a)
{
	(void)a;
	return NULL;
}
struct jobs *app_jobs(struct app *a)
{
	return a->jobs;
}
struct shells *app_shells(struct app *a)
{
	(void)a;
	return NULL;
}
struct alerts *app_alerts(struct app *a)
{
	return a->alerts;
}
struct actions *app_actions(struct app *a)
{
	return a->actions;
}
const struct descriptors *app_descriptors(struct app *a)
{
	static const struct descriptors as_they_are;

	(void)a;
	return &as_they_are;
}
char *const *app_tare_command(struct app *a)
{
	return a->tare;
}
const char *app_tare_text(struct app *a)
{
	(void)a;
	return "tare --demo";
}
bool app_is_demo(struct app *a)
{
	(void)a;
	return true;
}
uint32_t app_glyph(struct app *a, enum glyph g)
{
	return theme_glyph(a->theme, g, false);
}
struct tare_engine *app_open_engine(struct app *a, struct err *e)
{
	(void)a;
	return tare_engine_simulated(NULL, e);
}
int64_t app_now(struct app *a)
{
	return a->engine->now(a->engine);
}
void app_redraw(struct app *a)
{
	(void)a;
}
void app_set_theme(struct app *a, struct theme *t)
{
	theme_free(a->theme);
	a->theme = t;
}
void app_quit(struct app *a)
{
	a->has_quit = true;
}

void app_push(struct app *a, struct view *dialog)
{
	if (dialog && a->n_dialogs < 8)
		a->dialogs[a->n_dialogs++] = dialog;
}

bool app_is_free(struct app *a)
{
	return !a->n_dialogs;
}

void app_act(struct app *a, enum action action)
{
	a->acted = action;
}

size_t app_targets(struct app *a, struct object **objects)
{
	*objects = calloc(a->n_targets + 1, sizeof(**objects));
	if (a->n_targets)
		memcpy(*objects, a->targets, a->n_targets * sizeof(**objects));
	return a->n_targets;
}

size_t app_n_marked(struct app *a, uint64_t *sum)
{
	*sum = 0;
	return a->n_targets > 1 ? a->n_targets : 0;
}

bool app_current(struct app *a, struct object *o)
{
	if (a->n_targets)
		*o = a->targets[0];
	return a->n_targets > 0;
}

void app_show(struct app *a, const struct object *o, const char *tab)
{
	(void)tab;
	a->shown = *o;
}

static void join_words(char *dst, size_t size, char *const *words)
{
	size_t n = 0;

	*dst = '\0';
	strv_foreach (s, words)
		n += (size_t)snprintf(dst + n, n < size ? size - n : 0, "%s%s", n ? " " : "", *s);
}

void app_open_shell(struct app *a, char *const *args, const char *title, const struct object *about)
{
	(void)title;
	(void)about;
	join_words(a->shell, sizeof(a->shell), args);
}

void app_run_outside(struct app *a, char *const *args)
{
	join_words(a->shell, sizeof(a->shell), args);
}

void app_toast(struct app *a, enum toast_kind kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->toast, sizeof(a->toast), fmt, ap);
	va_end(ap);
	a->toast_kind = kind;
}

void app_alert(struct app *a, const struct object *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	alerts_add(a->alerts, o, fmt, ap);
	va_end(ap);
}

void app_copy(struct app *a, const char *text, size_t len)
{
	snprintf(a->copied, sizeof(a->copied), "%.*s", (int)len, text);
}

/* ------------------------------------------------------------------ the box itself */

static inline void box_reap(void *arg)
{
	struct app *a = arg;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		jobs_child_ended(a->jobs, pid, status);
	if (!jobs_running(a->jobs))
		loop_stop(a->loop);
}

static inline void box_too_long(void *arg)
{
	loop_stop(((struct app *)arg)->loop);
}

/* Until all jobs have ended, or so many milliseconds. */
static inline void box_run_jobs_for(struct app *a, int ms)
{
	a->limit.fn = box_too_long;
	a->limit.arg = a;
	loop_arm(a->loop, &a->limit, now_monotonic() + (int64_t)ms * 1000000);
	loop_run(a->loop, NULL);
	loop_disarm(a->loop, &a->limit);
}

/* No longer than ten seconds, which only a mistake takes. */
static inline void box_run_jobs(struct app *a)
{
	if (jobs_running(a->jobs))
		box_run_jobs_for(a, 10000);
}

static inline struct app *box_open(int rows, int cols)
{
	struct app *a = calloc(1, sizeof(*a));
	struct err e = ERR_INIT;

	strcpy(a->dir, "/tmp/tare-tui-XXXXXX");
	if (!mkdtemp(a->dir))
		abort();
	setenv("XDG_CONFIG_HOME", a->dir, 1);
	setenv("XDG_STATE_HOME", a->dir, 1);
	setenv("TARE_DEMO_CLOCK", "60", 1);
	a->loop = loop_new(&e);
	a->engine = tare_engine_simulated(a->dir, &e);
	a->screen = screen_open_memory(rows, cols, false, &e);
	a->theme = theme_builtin(DEPTH_TRUE);
	a->keymap = keymap_new();
	a->config = config_load(&e);
	if (!a->loop || !a->engine || !a->screen)
		abort();
	a->model = model_new(a->engine, a->loop, &e);
	if (!a->model || model_load(a->model, &e) < 0)
		abort();
	a->jobs = jobs_new(a);
	a->toasts = toasts_new(a);
	a->alerts = alerts_new(a);
	a->actions = actions_new(a);
	strv_add(&a->tare, "/bin/echo");
	loop_signal(a->loop, SIGCHLD, box_reap, a, &e);
	return a;
}

static inline void box_pop(struct app *a)
{
	struct view *v = a->dialogs[--a->n_dialogs];

	v->ops->free(v);
}

static inline void box_close(struct app *a)
{
	while (a->n_dialogs)
		box_pop(a);
	actions_free(a->actions);
	alerts_free(a->alerts);
	toasts_free(a->toasts);
	jobs_free(a->jobs);
	model_free(a->model);
	config_free(a->config);
	keymap_free(a->keymap);
	theme_free(a->theme);
	screen_close(a->screen);
	a->engine->close(a->engine);
	loop_free(a->loop);
	strv_free(a->tare);
	free(a->targets);
	buf_free(&a->text);
	remove_tree_at(AT_FDCWD, a->dir);
	free(a);
}

static inline struct view *box_dialog(struct app *a)
{
	return a->n_dialogs ? a->dialogs[a->n_dialogs - 1] : NULL;
}

/* A key for the topmost dialog, which goes when it says so, whatever it has put above itself. */
static inline void box_key(struct app *a, uint32_t code, unsigned mods)
{
	struct view *v = box_dialog(a);

	if (!v || !(v->ops->key(v, (struct key){code, mods}) & VIEW_CLOSE))
		return;
	for (size_t i = 0; i < a->n_dialogs; i++) {
		if (a->dialogs[i] != v)
			continue;
		memmove(&a->dialogs[i], &a->dialogs[i + 1], (a->n_dialogs - i - 1) * sizeof(a->dialogs[0]));
		a->n_dialogs--;
		v->ops->free(v);
		return;
	}
}

static inline void box_type(struct app *a, const char *text)
{
	for (; *text; text++)
		box_key(a, (unsigned char)*text, 0);
}

/* What the topmost dialog shows. */
static inline const char *box_text(struct app *a)
{
	struct view *v = box_dialog(a);
	struct canvas c = screen_begin(a->screen);

	if (v) {
		struct canvas part =
		        canvas_part(&c, v->ops->place(v, screen_rows(a->screen), screen_cols(a->screen)));

		v->ops->draw(v, &part, true);
	}
	screen_flush(a->screen);
	buf_reset(&a->text);
	screen_text(a->screen, (struct rect){0, 0, screen_rows(a->screen), screen_cols(a->screen)}, &a->text);
	return buf_str(&a->text);
}

/* Targets by the names of the simulated containers; NULL ends. */
static inline void box_target(struct app *a, const char *const *names)
{
	struct model_container *const *rows;
	size_t n = model_containers(a->model, &rows);

	free(a->targets);
	a->targets = calloc(64, sizeof(*a->targets));
	a->n_targets = 0;
	for (; *names; names++)
		for (size_t i = 0; i < n; i++)
			if (!strcmp(rows[i]->row.name, *names)) {
				struct object *o = &a->targets[a->n_targets++];

				o->kind = OBJECT_CONTAINER;
				snprintf(o->id, sizeof(o->id), "%s", rows[i]->row.id);
			}
}

static inline const struct job *box_last_job(struct app *a)
{
	const struct job *const *jobs;
	size_t n = jobs_list(a->jobs, &jobs);

	return n ? jobs[n - 1] : NULL;
}

/* The command of the job that it came to; "" when it came to none. */
static inline const char *box_command(struct app *a)
{
	box_run_jobs(a);
	return box_last_job(a) ? box_last_job(a)->command : "";
}

static inline void box_target_one(struct app *a, const char *name)
{
	box_target(a, (const char *const[]){name, NULL});
	assert_int_equal(a->n_targets, 1);
}

#endif
