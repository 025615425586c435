/* What the dashboard itself does: panels, panes, tabs, dialogs, saving and
 * leaving. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "tui/actions.h"
#include "tui/alert.h"
#include "tui/app_core.h"
#include "tui/config.h"
#include "tui/dialog.h"
#include "tui/job.h"
#include "tui/shells.h"
#include "tui/view.h"
#include "tui/views.h"

/* ------------------------------------------------------------------ focus,
 * panels, tabs */

void app_focus_detail(struct app *a, bool on)
{
	if (on == a->on_detail || (on && !panes_focused_view(&a->panes) && a->selected.kind == OBJECT_NONE))
		return;
	a->on_detail = on;
	a->laid_out = false;
	app_redraw(a);
}

void app_set_panel(struct app *a, enum panel p)
{
	if (!a->panels[p])
		return;
	if (p != a->panel) {
		struct view *old = app_panel_view(a);
		if (old->ops->visible)
			old->ops->visible(old, false);
		a->panel = p;
		if (app_panel_view(a)->ops->visible)
			app_panel_view(a)->ops->visible(app_panel_view(a), true);
	}
	/* The list takes over from the pane: the shell that was kept there is the selected one. */
	struct pane *leaf = a->panes.focus;
	if (p == PANEL_SHELLS && leaf->kept.kind == OBJECT_SHELL) {
		panel_select(a->panels[p], &leaf->kept);
		leaf->kept = (struct object){.kind = OBJECT_NONE};
	}
	if (p == PANEL_EVENTS)
		alerts_mark_read(a->alerts);
	a->on_detail = false;
	a->zoomed = false;
	a->laid_out = false;
	app_redraw(a);
}

/* The panes show the tab, focused. */
static unsigned show_tab(struct app *a, enum tab t)
{
	struct pane *leaf = a->panes.focus;

	if (!tab_is_for(t, a->selected.kind))
		return VIEW_IGNORED;
	leaf->kept = (struct object){.kind = OBJECT_NONE};
	panes_choose(&a->panes, leaf, t);
	a->on_detail = true;
	a->laid_out = false;
	return VIEW_DONE;
}

static unsigned step_tab(struct app *a, int step)
{
	struct pane *leaf = a->panes.focus;
	enum tab t = panes_tab(&a->panes, leaf);

	if (t == TAB_NONE)
		return VIEW_IGNORED;
	panes_choose(&a->panes, leaf, tab_step(t, panes_object(&a->panes, leaf)->kind, step));
	a->laid_out = false;
	return VIEW_DONE;
}

/* Round through the list and the panes. */
static unsigned step_pane(struct app *a, int step)
{
	if (!a->on_detail) {
		a->panes.focus = panes_end(&a->panes, step < 0);
		app_focus_detail(a, true);
	} else if (!panes_step(&a->panes, step)) {
		app_focus_detail(a, false);
	}
	a->laid_out = false;
	return VIEW_DONE;
}

static unsigned go(struct app *a, int dy, int dx)
{
	if (!a->on_detail) {
		if (dx > 0 || dy > 0)
			app_focus_detail(a, true);
	} else if (!panes_go(&a->panes, dy, dx) && (dx < 0 || dy < 0)) {
		app_focus_detail(a, false);
	}
	a->laid_out = false;
	return VIEW_DONE;
}

static void remember_panes(struct app *a)
{
	cleanup_buf struct buf text = BUF_INIT;

	panes_print(&a->panes, &text);
	config_remember(a->config, "panes", buf_str(&text));
}

static unsigned split(struct app *a, bool beside)
{
	app_focus_detail(a, true);
	if (!a->laid_out)
		app_layout(a);
	a->laid_out = false;
	if (!panes_split(&a->panes, beside))
		app_toast(a, TOAST_WARN, "no room for another pane; z gives this one the whole screen");
	remember_panes(a);
	return VIEW_DONE;
}

static unsigned close_pane(struct app *a)
{
	a->pressed = NULL; /* may be what is closed */
	if (!panes_close(&a->panes))
		app_focus_detail(a, false);
	remember_panes(a);
	a->laid_out = false;
	return VIEW_DONE;
}

static unsigned resize(struct app *a, int dy, int dx)
{
	if (a->on_detail && a->panes.focus->parent) {
		panes_resize(&a->panes, dy, dx);
		remember_panes(a);
	} else if (dx) {
		char text[16];
		long percent = config_int(a->config, "sidebar", 46) + (a->on_detail ? -dx : dx) * 4;
		snprintf(text, sizeof text, "%ld", percent < 20 ? 20 : percent > 80 ? 80 : percent);
		config_remember(a->config, "sidebar", text);
	}
	a->laid_out = false;
	return VIEW_DONE;
}

static unsigned zoom(struct app *a, bool on)
{
	a->zoomed = on;
	a->laid_out = false;
	return VIEW_DONE;
}

/* ------------------------------------------------------------------ leaving */

static void leave(struct app *a, void *arg)
{
	(void)arg;
	app_quit(a);
}

/* What still runs in a pane ends with the dashboard: say so first. */
static unsigned ask_to_leave(struct app *a)
{
	size_t running = jobs_running(a->jobs), shells = shells_count(a->shells);
	char jobs_line[64], shells_line[64];
	char *lines[3] = {NULL};
	int n = 0;

	snprintf(jobs_line, sizeof jobs_line, "jobs that would be cut short: %zu", running);
	snprintf(shells_line, sizeof shells_line, "shells that would end: %zu", shells);
	if (running)
		lines[n++] = jobs_line;
	if (shells)
		lines[n++] = shells_line;
	app_push(a, confirm_new(a, "Leave Tare? Containers go on running.", lines, "Leave", false, leave,
	                    NULL, NULL));
	return VIEW_DONE;
}

static unsigned quit(struct app *a)
{
	if (jobs_running(a->jobs) || shells_count(a->shells))
		return ask_to_leave(a);
	app_quit(a);
	return VIEW_DONE;
}

/* One step back; only `q` at the top leaves. */
static unsigned back(struct app *a, bool leaves)
{
	if (a->zoomed)
		return zoom(a, false);
	if (a->on_detail) {
		a->panes.focus->kept = (struct object){.kind = OBJECT_NONE};
		app_focus_detail(a, false);
		return VIEW_DONE;
	}
	return leaves ? quit(a) : VIEW_HANDLED;
}

/* ------------------------------------------------------------------ saving */

/* What the view could show, to NAME in the current directory; "-2" and so on
 * where that is taken. */
static int save_file(struct view *v, char name[64], struct err *e)
{
	struct app *a = v->app;

	for (int i = 1; i < 1000; i++) {
		snprintf(name, 64, i == 1 ? "tare-%s.txt" : "tare-%s-%d.txt",
		        v->ops->title ? v->ops->title : "view", i);
		for (char *c = name; *c; c++)
			if (*c >= 'A' && *c <= 'Z')
				*c += 'a' - 'A';
		cleanup_fd int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 && errno == EEXIST)
			continue;
		if (fd < 0)
			return err_sys(e, "cannot write %s", name);
		if (v->ops->save)
			return v->ops->save(v, fd, e);
		cleanup_buf struct buf text = BUF_INIT;
		screen_text(a->screen, (struct rect){0, 0, screen_rows(a->screen), screen_cols(a->screen)},
		        &text);
		return write_all(fd, buf_str(&text), text.len) != 0 ? err_sys(e, "cannot write %s", name) : 0;
	}
	return err_set(e, ERR_CONFLICT, "too many saved views here; remove some tare-*.txt");
}

static unsigned save_view(struct app *a)
{
	struct err e = ERR_INIT;
	char name[64];

	if (save_file(app_focused(a), name, &e) == 0)
		app_toast(a, TOAST_OK, "saved as %s", name);
	else
		app_toast(a, TOAST_ERROR, "%s", e.msg);
	return VIEW_DONE;
}

/* ------------------------------------------------------------------ the table
 */

static unsigned freeze(struct app *a)
{
	a->frozen = !a->frozen;
	model_freeze(a->model, a->frozen);
	app_toast(a, TOAST_INFO, a->frozen ? "frozen; Z goes on" : "live again");
	return VIEW_DONE;
}

static unsigned toggle_mouse(struct app *a)
{
	a->mouse_on = !a->mouse_on;
	screen_mouse(a->screen, a->mouse_on);
	app_toast(a, TOAST_INFO,
	        a->mouse_on ? "the mouse is Tare's" : "the mouse is the terminal's; M takes it back");
	return VIEW_DONE;
}

static unsigned push(struct app *a, struct view *v)
{
	app_push(a, v);
	return VIEW_DONE;
}

static unsigned open_detail(struct app *a)
{
	app_focus_detail(a, true);
	return VIEW_DONE;
}

/* Panes and panels; VIEW_IGNORED: something else. */
static unsigned pane_action(struct app *a, enum action action)
{
	switch (action) {
	case ACTION_PANEL_1:
	case ACTION_PANEL_2:
	case ACTION_PANEL_3:
	case ACTION_PANEL_4:
	case ACTION_PANEL_5:
	case ACTION_PANEL_6:
		app_set_panel(a, (enum panel)(action - ACTION_PANEL_1));
		return VIEW_DONE;
	case ACTION_PANE_NEXT:
		return step_pane(a, 1);
	case ACTION_PANE_PREVIOUS:
		return step_pane(a, -1);
	case ACTION_PANE_LEFT:
		return go(a, 0, -1);
	case ACTION_PANE_RIGHT:
		return go(a, 0, 1);
	case ACTION_PANE_UP:
		return go(a, -1, 0);
	case ACTION_PANE_DOWN:
		return go(a, 1, 0);
	case ACTION_PANE_NARROWER:
		return resize(a, 0, -1);
	case ACTION_PANE_WIDER:
		return resize(a, 0, 1);
	case ACTION_PANE_TALLER:
		return resize(a, 1, 0);
	case ACTION_PANE_SHORTER:
		return resize(a, -1, 0);
	case ACTION_PANE_CLOSE:
		return close_pane(a);
	case ACTION_SPLIT_RIGHT:
		return split(a, true);
	case ACTION_SPLIT_BELOW:
		return split(a, false);
	case ACTION_ZOOM:
		return zoom(a, !a->zoomed);
	case ACTION_UNZOOM:
		return zoom(a, false);
	case ACTION_TAB_NEXT:
		return step_tab(a, 1);
	case ACTION_TAB_PREVIOUS:
		return step_tab(a, -1);
	default:
		return VIEW_IGNORED;
	}
}

/* The verbs that only look: the tab that shows it. */
static unsigned look_action(struct app *a, enum action action)
{
	switch (action) {
	case ACTION_OPEN:
		return open_detail(a);
	case ACTION_CTR_LOGS:
		return show_tab(a, TAB_LOGS);
	case ACTION_CTR_STATS:
		return show_tab(a, TAB_STATS);
	case ACTION_CTR_HEALTH:
		return show_tab(a, TAB_HEALTH);
	case ACTION_CTR_LIMITS:
		return show_tab(a, TAB_LIMITS);
	case ACTION_CTR_INSPECT:
	case ACTION_IMG_INSPECT:
	case ACTION_NET_INSPECT:
	case ACTION_VOL_INSPECT:
		return show_tab(a, TAB_INSPECT);
	case ACTION_VOL_BACKUPS:
		return show_tab(a, TAB_BACKUPS);
	case ACTION_CTR_CHANGES:
		return show_tab(a, TAB_CHANGES);
	case ACTION_NET_MEMBERS:
		return show_tab(a, TAB_MEMBERS);
	case ACTION_CTR_ENV:
		return show_tab(a, TAB_ENV);
	case ACTION_CTR_PROCESSES:
		return show_tab(a, TAB_PROCESSES);
	case ACTION_CTR_FILES:
	case ACTION_VOL_FILES:
		return show_tab(a, TAB_FILES);
	case ACTION_IMG_LAYERS:
		return show_tab(a, TAB_LAYERS);
	default:
		return VIEW_IGNORED;
	}
}

static unsigned house_action(struct app *a, enum action action)
{
	switch (action) {
	case ACTION_QUIT:
		return quit(a);
	case ACTION_LEAVE:
		return back(a, true);
	case ACTION_BACK:
		return back(a, false);
	case ACTION_INTERRUPT:
		return ask_to_leave(a);
	case ACTION_SUSPEND:
		screen_stop(a->screen);
		a->laid_out = false;
		return VIEW_DONE;
	case ACTION_ALERTS:
		return push(a, alerts_dialog_new(a));
	case ACTION_THEMES:
		return push(a, theme_picker_new(a));
	case ACTION_HELP:
		return push(a, help_view_new(a, (int)app_focused(a)->ops->context));
	case ACTION_REDRAW:
		screen_redraw_all(a->screen);
		return VIEW_DONE;
	case ACTION_FREEZE:
		return freeze(a);
	case ACTION_MOUSE:
		return toggle_mouse(a);
	case ACTION_SAVE_VIEW:
		return save_view(a);
	default:
		return VIEW_IGNORED;
	}
}

unsigned app_own_action(struct app *a, enum action action)
{
	unsigned result = pane_action(a, action);

	if (!(result & VIEW_HANDLED))
		result = look_action(a, action);
	if (!(result & VIEW_HANDLED))
		result = actions_perform(a, action);
	if (!(result & VIEW_HANDLED))
		result = house_action(a, action);
	app_redraw(a);
	return result;
}
