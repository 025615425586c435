/* Views: what fills a pane, a panel or a dialog. A view draws itself on a canvas, takes actions, keys and
 * mouse, and says by its result what must happen next; it never draws outside draw() and never waits. */
#ifndef TARE_TUI_VIEW_H
#define TARE_TUI_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/action.h"
#include "tui/canvas.h"
#include "tui/input.h"
#include "tui/model.h"

struct app;
struct buf;
struct err;
struct view;

/* Results of the handlers, a bit set. Without VIEW_HANDLED the next in line is asked (pane, panel, app). */
enum {
	VIEW_IGNORED = 0,
	VIEW_HANDLED = 1,
	VIEW_REDRAW = 2,
	VIEW_CLOSE = 4, /* a dialog: take me off the stack and free me */
};
#define VIEW_DONE (VIEW_HANDLED | VIEW_REDRAW)

struct view_ops {
	const char *title; /* of its tab: "Logs" */
	enum context context;
	void (*draw)(struct view *v, const struct canvas *c, bool focused);
	/* A bound action. */
	unsigned (*act)(struct view *v, enum action a);
	/* A key, before it is looked up in the key map: text fields and shells. Optional. */
	unsigned (*key)(struct view *v, struct key k);
	/* Is a line being typed in, so that letters are not actions? Optional. */
	bool (*typing)(struct view *v);
	/* Raw text: a paste. Optional. */
	unsigned (*paste)(struct view *v, const char *text, size_t len);
	/* In the coordinates of the canvas it was last drawn on. Optional. */
	unsigned (*mouse)(struct view *v, const struct mouse *m);
	/* Another object is shown now (the selection moved; called only for visible views, and again when it
	 * becomes visible). NULL: none. Optional. */
	void (*show)(struct view *v, const struct object *o);
	/* What changed in the model, MODEL_… bits; only while visible. True: draw me. Optional. */
	bool (*changed)(struct view *v, unsigned what);
	/* Visible or not, from now on: stop timers and watches when not. Optional. */
	void (*visible)(struct view *v, bool on);
	/* What the pane's title line says beside the tab, e.g. "1,204 lines  following". Optional. */
	void (*status)(struct view *v, char *dst, size_t size);
	/* The text under "copy what is selected"; false: nothing. Optional. */
	bool (*copy)(struct view *v, struct buf *out);
	/* The object under the cursor, for actions and for the detail panes. False: none. Optional. */
	bool (*selected)(struct view *v, struct object *o);
	/* All the text it could show, for ^S. Optional; otherwise what is on screen is saved. */
	int (*save)(struct view *v, int fd, struct err *e);
	/* Dialogs: how large it wants to be on a screen of rows x cols. Optional for others. */
	struct rect (*place)(struct view *v, int rows, int cols);
	/* Dialogs: what lies beneath is what one looks at, so it is not shaded. Optional. */
	bool (*is_preview)(struct view *v);
	void (*free)(struct view *v);
};

/* Each view's struct begins with this. */
struct view {
	const struct view_ops *ops;
	struct app *app;
};

#endif
