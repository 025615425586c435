/* The dashboard's inside: what app*.c share. Not for views, which see app.h. */
#ifndef TARE_TUI_APP_CORE_H
#define TARE_TUI_APP_CORE_H

#include "tui/app.h"
#include "tui/app_run.h"
#include "tui/input.h"
#include "tui/layout.h"
#include "tui/loop.h"
#include "tui/panes.h"

struct actions;
struct alerts;
struct shells;
struct toasts;

enum panel {
	PANEL_CONTAINERS,
	PANEL_IMAGES,
	PANEL_VOLUMES,
	PANEL_NETWORKS,
	PANEL_EVENTS,
	PANEL_SHELLS,
	PANEL_N
};

#define DIALOGS_MAX 8

/* A drag over a view that does not care: it selects text. Screen coordinates. */
struct drag {
	int y, x, to_y, to_x;
	bool selects;
};

struct app {
	struct app_options options;
	struct loop *loop;
	struct screen *screen;
	struct input *input;
	struct model *model;
	struct theme *theme;
	struct keymap *keymap;
	struct config *config;
	struct workers *workers;
	struct jobs *jobs;
	struct shells *shells;
	struct toasts *toasts;
	struct alerts *alerts;
	struct actions *actions;

	struct view *panels[PANEL_N]; /* NULL: this panel does not exist (yet) */
	enum panel panel;
	struct panes panes;
	bool on_detail, zoomed, frozen, mouse_on;
	struct view *dialogs[DIALOGS_MAX];
	struct rect dialog_rects[DIALOGS_MAX];
	size_t n_dialogs;
	struct layout layout;
	struct object selected; /* what the panes show */

	struct key chord; /* the first key of a chord, or KEYC_NONE */
	enum action last_action;
	struct view *pressed; /* has the mouse until the button is released */
	struct rect pressed_rect;
	struct drag drag;

	bool dirty, urgent, laid_out;
	int64_t last_frame;
	int64_t frame_interval;
	struct loop_timer frame_timer, escape_timer, load_timer;
	char *register_text; /* what was copied last */
};

/* app_frame.c */
void app_frame_init(struct app *a);
void app_layout(struct app *a);
/* The view that has the keys, and where it is. */
struct view *app_focused(struct app *a);
enum context app_hint_context(struct app *a); /* of the hint bar: CONTEXT_GLOBAL in a dialog */
struct view *app_panel_view(struct app *a);
void app_selection_moved(struct app *a); /* look whether it did, and tell the panes */

/* app_input.c */
int app_input_init(struct app *a, struct err *e);
/* What a view's handler has said; v is the one that was asked. */
void app_take_result(struct app *a, struct view *v, unsigned result);

/* app_mouse.c */
void app_mouse(struct app *a, const struct mouse *m);
void app_draw_selection(struct app *a, const struct canvas *screen);

/* app_actions.c */
/* The dashboard's own actions: those that no view took. VIEW_ bits. */
unsigned app_own_action(struct app *a, enum action action);
void app_set_panel(struct app *a, enum panel p);
void app_focus_detail(struct app *a, bool on);
void app_pop(struct app *a); /* the topmost dialog */
/* A dialog, which may have put another one above itself; nothing when it is gone already. */
void app_close(struct app *a, struct view *v);

#endif
