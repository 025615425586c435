/* The dashboard: what its views share, put together and taken apart. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "tui/actions.h"
#include "tui/alert.h"
#include "tui/app_core.h"
#include "tui/app_run.h"
#include "tui/config.h"
#include "tui/dialog.h"
#include "tui/job.h"
#include "tui/keymap.h"
#include "tui/shells.h"
#include "tui/toast.h"
#include "tui/view.h"
#include "tui/views.h"
#include "tui/worker.h"

/* ------------------------------------------------------------------ what is
 * shared */

struct tare_engine *app_engine(struct app *a)
{
	return a->options.engine;
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
	return a->workers;
}

struct jobs *app_jobs(struct app *a)
{
	return a->jobs;
}

struct shells *app_shells(struct app *a)
{
	return a->shells;
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
	return &a->options.descriptors;
}

char *const *app_tare_command(struct app *a)
{
	return a->options.tare;
}

const char *app_tare_text(struct app *a)
{
	return a->options.tare_text;
}

bool app_is_demo(struct app *a)
{
	return a->options.demo;
}

struct tare_engine *app_open_engine(struct app *a, struct err *e)
{
	return a->options.open_engine(a->options.open_arg, e);
}

uint32_t app_glyph(struct app *a, enum glyph g)
{
	return theme_glyph(a->theme, g, screen_is_ascii(a->screen));
}

int64_t app_now(struct app *a)
{
	return a->options.engine->now(a->options.engine);
}

void app_set_theme(struct app *a, struct theme *t)
{
	if (!t)
		return;
	theme_free(a->theme);
	a->theme = t;
	app_redraw(a);
}

void app_quit(struct app *a)
{
	loop_stop(a->loop);
}

/* ------------------------------------------------------------------ dialogs
 * and messages */

void app_push(struct app *a, struct view *dialog)
{
	if (!dialog)
		return;
	if (a->n_dialogs == DIALOGS_MAX) {
		dialog->ops->free(dialog);
		return;
	}
	a->dialogs[a->n_dialogs++] = dialog;
	a->laid_out = false;
	app_redraw(a);
}

void app_pop(struct app *a)
{
	app_close(a, a->dialogs[a->n_dialogs - 1]);
}

void app_close(struct app *a, struct view *v)
{
	size_t i = 0;

	while (i < a->n_dialogs && a->dialogs[i] != v)
		i++;
	if (i == a->n_dialogs)
		return;
	memmove(&a->dialogs[i], &a->dialogs[i + 1], (a->n_dialogs - i - 1) * sizeof(a->dialogs[0]));
	a->n_dialogs--;
	if (a->pressed == v)
		a->pressed = NULL;
	v->ops->free(v);
	a->laid_out = false;
	app_redraw(a);
}

void app_toast(struct app *a, enum toast_kind kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	toasts_add(a->toasts, kind, fmt, ap);
	va_end(ap);
	app_redraw(a);
}

void app_alert(struct app *a, const struct object *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	alerts_add(a->alerts, o, fmt, ap);
	va_end(ap);
	app_redraw(a);
}

void app_copy(struct app *a, const char *text, size_t len)
{
	free(a->register_text);
	a->register_text = strndup(text, len);
	if (screen_copy(a->screen, text, len))
		app_toast(a, TOAST_OK, "copied %zu bytes", len);
	else
		app_toast(a, TOAST_WARN, "too long for the terminal's clipboard; ^S saves it to a file");
}

/* ------------------------------------------------------------------ objects */

size_t app_targets(struct app *a, struct object **objects)
{
	struct view *panel = app_panel_view(a);
	size_t n = panel_marked(panel, objects);

	if (n)
		return n;
	struct object one;
	*objects = NULL;
	if (!app_current(a, &one) || !(*objects = malloc(sizeof one)))
		return 0;
	**objects = one;
	return 1;
}

size_t app_n_marked(struct app *a, uint64_t *sum)
{
	return panel_n_marked(app_panel_view(a), sum);
}

bool app_current(struct app *a, struct object *o)
{
	struct view *panel = app_panel_view(a);

	return panel->ops->selected && panel->ops->selected(panel, o);
}

static enum panel panel_of(enum object_kind kind)
{
	static const enum panel panels[] = {
	        [OBJECT_CONTAINER] = PANEL_CONTAINERS,
	        [OBJECT_IMAGE] = PANEL_IMAGES,
	        [OBJECT_VOLUME] = PANEL_VOLUMES,
	        [OBJECT_NETWORK] = PANEL_NETWORKS,
	        [OBJECT_EVENT] = PANEL_EVENTS,
	        [OBJECT_SHELL] = PANEL_SHELLS,
	};

	return panels[kind];
}

bool app_is_free(struct app *a)
{
	struct view *v = app_focused(a);

	return !a->n_dialogs && a->chord.code == KEYC_NONE && v->ops->context != CONTEXT_SHELL &&
	       !(v->ops->typing && v->ops->typing(v));
}

void app_show(struct app *a, const struct object *o, const char *tab)
{
	while (a->n_dialogs > 1)
		app_pop(a);
	app_set_panel(a, panel_of(o->kind));
	if (a->panels[a->panel])
		panel_select(app_panel_view(a), o);
	app_selection_moved(a);
	if (tab && tab_find(tab) != TAB_NONE) {
		panes_choose(&a->panes, a->panes.focus, tab_find(tab));
		app_focus_detail(a, true);
	}
	a->laid_out = false;
	app_redraw(a);
}

/* ------------------------------------------------------------------ shells */

void app_open_shell(struct app *a, char *const *args, const char *title, const struct object *about)
{
	struct err e = ERR_INIT;
	struct shell *shell = shells_start(a->shells, args, title, about, &e);

	if (!shell) {
		app_toast(a, TOAST_ERROR, "%s", e.msg);
		return;
	}
	a->panes.focus->kept = shell_object(shell);
	a->on_detail = true;
	a->laid_out = false;
	app_redraw(a);
}

void app_keep(struct app *a, const struct view *v, const struct object *o)
{
	struct pane *leaf = panes_leaf_of(&a->panes, v);

	if (!leaf)
		return;
	if (!o)
		leaf->kept = (struct object){.kind = OBJECT_NONE};
	else if (leaf->kept.kind != OBJECT_NONE || panel_of(o->kind) != a->panel ||
	         !panel_select(app_panel_view(a), o))
		leaf->kept = *o;
	app_selection_moved(a);
	a->laid_out = false;
	app_redraw(a);
}

/* As system() does it: what is typed to stop or to end is the child's; both stop together by ^Z. */
static pid_t run_in_front(struct app *a, char *const *argv, int *status)
{
	static const struct {
		int sig;
		void (*handler)(int);
	} meanwhile[] = {{SIGINT, SIG_IGN}, {SIGQUIT, SIG_IGN}, {SIGTSTP, SIG_DFL}};
	enum { N = sizeof meanwhile / sizeof *meanwhile };
	struct sigaction before[N];

	for (int i = 0; i < N; i++) {
		struct sigaction sa = {.sa_handler = meanwhile[i].handler};
		sigaction(meanwhile[i].sig, &sa, &before[i]);
	}
	pid_t pid = fork();
	if (pid == 0) {
		descriptors_use(a->options.descriptors.children);
		signal(SIGINT, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
		dup2(STDOUT_FILENO, STDERR_FILENO); /* ours is caught */
		execv(argv[0], argv);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
	for (int i = 0; i < N; i++)
		sigaction(meanwhile[i].sig, &before[i], NULL);
	return pid;
}

void app_run_outside(struct app *a, char *const *args)
{
	char *const *tare = a->options.tare;
	cleanup_strv char **argv = strv_copy(tare);
	int status = 0;

	strv_foreach (s, args)
		if (strv_add(&argv, *s) != 0)
			return;
	screen_suspend(a->screen);
	pid_t pid = run_in_front(a, argv, &status);
	screen_resume(a->screen);
	a->laid_out = false;
	app_redraw(a);
	if (pid < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 127))
		app_toast(a, TOAST_ERROR, "cannot run it there; press ! to see what was tried");
}

/* ------------------------------------------------------------------ news from
 * the model */

static void model_changed(void *arg, unsigned what)
{
	struct app *a = arg;
	struct view *panel = app_panel_view(a);
	bool redraw = what & (MODEL_CONTAINERS | MODEL_IMAGES | MODEL_VOLUMES | MODEL_NETWORKS |
	                             MODEL_HOST); /* the top bar's */

	if (panel->ops->changed && panel->ops->changed(panel, what))
		redraw = true;
	if (panes_changed(&a->panes, what))
		redraw = true;
	for (size_t i = 0; i < a->n_dialogs; i++)
		if (a->dialogs[i]->ops->changed && a->dialogs[i]->ops->changed(a->dialogs[i], what))
			redraw = true;
	if (redraw)
		app_redraw(a);
}

static void event_happened(void *arg, const struct model_event *ev)
{
	struct app *a = arg;

	alerts_event(a->alerts, ev);
}

static void trouble(void *arg, const char *text)
{
	app_toast(arg, TOAST_ERROR, "%s", text);
}

/* ------------------------------------------------------------------ start and
 * end */

static int make_parts(struct app *a, struct err *e)
{
	struct app_options *o = &a->options;
	cleanup_strv char **warnings = NULL;

	a->theme = theme_choose(
	        a->config, o->theme, screen_depth(a->screen), screen_is_ascii(a->screen), &warnings);
	a->toasts = toasts_new(a);
	a->alerts = alerts_new(a);
	a->actions = actions_new(a);
	a->jobs = jobs_new(a);
	a->shells = shells_new(a);
	a->workers = workers_new(a->loop, e);
	a->model = model_new(o->engine, a->loop, e);
	if (!a->workers || !a->model)
		return -1;
	if (!a->theme || !a->toasts || !a->alerts || !a->actions || !a->jobs || !a->shells ||
	        panes_init(&a->panes, a) != 0)
		return err_no_memory(e);
	strv_foreach (w, warnings)
		app_toast(a, TOAST_WARN, "%s", *w);
	strv_foreach (w, config_warnings(a->config))
		app_toast(a, TOAST_WARN, "%s", *w);
	return 0;
}

static int make_keymap(struct app *a, struct err *e)
{
	const char *preset = a->options.keys ? a->options.keys : config_get(a->config, "keys", "default");
	cleanup_strv char **warnings = NULL;
	struct err local = ERR_INIT;

	a->keymap = keymap_new();
	if (!a->keymap)
		return err_no_memory(e);
	if (keymap_load_preset(a->keymap, preset, &warnings, &local) != 0)
		app_toast(a, TOAST_WARN, "%s", local.msg);
	keymap_load_user(a->keymap, &warnings);
	strv_foreach (w, warnings)
		app_toast(a, TOAST_WARN, "%s", *w);
	return 0;
}

static int make_panels(struct app *a, struct err *e)
{
	a->panels[PANEL_CONTAINERS] = containers_panel_new(a);
	a->panels[PANEL_IMAGES] = images_panel_new(a);
	a->panels[PANEL_VOLUMES] = volumes_panel_new(a);
	a->panels[PANEL_NETWORKS] = networks_panel_new(a);
	a->panels[PANEL_EVENTS] = events_panel_new(a);
	a->panels[PANEL_SHELLS] = shells_panel_new(a);
	for (int p = 0; p < PANEL_N; p++)
		if (!a->panels[p])
			return err_no_memory(e);
	panes_parse(&a->panes, config_get(a->config, "panes", "logs"));
	return 0;
}

static void welcome(struct app *a)
{
	if (!config_bool(a->config, "welcomed", false))
		app_push(a, welcome_new(a));
}

/* The first frame is drawn before the lists are read: whoever waits sees at
 * once that it has started. */
static void load(void *arg)
{
	struct app *a = arg;
	struct err e = ERR_INIT;

	if (model_load(a->model, &e) != 0)
		app_toast(a, TOAST_ERROR, "%s", e.msg);
	model_sampling(a->model, true); /* the first line has the host's figures in every panel */
	app_redraw(a);
}

static int start(struct app *a, struct err *e)
{
	struct app_options *o = &a->options;
	struct screen_options so = {
	        .depth = o->depth != DEPTH_AUTO ? o->depth : theme_depth(a->config),
	        .ascii = o->ascii || config_bool(a->config, "ascii", false),
	        .mouse = !o->no_mouse && config_bool(a->config, "mouse", true),
	        .screen_reader = o->screen_reader || config_bool(a->config, "screen_reader", false),
	};

	a->mouse_on = so.mouse;
	a->screen = screen_open(o->tty, &so, e);
	a->loop = a->screen ? loop_new(e) : NULL;
	if (!a->loop || make_parts(a, e) != 0 || make_keymap(a, e) != 0 || make_panels(a, e) != 0)
		return -1;
	model_listen(a->model, model_changed, a);
	model_listen_events(a->model, event_happened, a);
	model_listen_trouble(a->model, trouble, a);
	if (app_input_init(a, e) != 0)
		return -1;
	app_frame_init(a);
	welcome(a);
	a->load_timer = (struct loop_timer){.fn = load, .arg = a};
	loop_arm(a->loop, &a->load_timer, now_monotonic());
	return 0;
}

static void end(struct app *a)
{
	struct err e = ERR_INIT;

	while (a->n_dialogs)
		app_pop(a);
	panes_free(&a->panes);
	for (int p = 0; p < PANEL_N; p++)
		if (a->panels[p])
			a->panels[p]->ops->free(a->panels[p]);
	screen_close(a->screen);
	shells_free(a->shells);
	jobs_free(a->jobs);
	workers_free(a->workers);
	actions_free(a->actions);
	alerts_free(a->alerts);
	toasts_free(a->toasts);
	model_free(a->model);
	keymap_free(a->keymap);
	theme_free(a->theme);
	input_free(a->input);
	if (a->config && config_save(a->config, &e) != 0)
		log_line(LOG_LEVEL_WARN, "%s", e.msg);
	config_free(a->config);
	loop_free(a->loop);
	free(a->register_text);
}

int app_run(const struct app_options *options, struct err *e)
{
	struct app a = {.options = *options};
	int r = -1;

	a.config = config_load(e);
	if (a.config && start(&a, e) == 0)
		r = loop_run(a.loop, e);
	end(&a);
	return r;
}
