/* The detail panes: a tree of splits whose leaves each show one tab of the selected object, or one shell that
 * is kept there. */
#ifndef TARE_TUI_PANES_H
#define TARE_TUI_PANES_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/canvas.h"
#include "tui/tabs.h"

struct buf;

#define PANES_MAX 16 /* leaves */

struct pane {
	struct rect r; /* of the last layout; title line and body */
	bool is_visible;
	/* a leaf */
	enum tab tabs[8];          /* chosen per enum object_kind */
	struct view *views[TAB_N]; /* made when first shown */
	struct view *shown;        /* the one that was told it is visible, or NULL */
	struct object kept;        /* not OBJECT_NONE: shows this whatever is selected (a shell) */
	/* a split: both set */
	struct pane *a, *b, *parent;
	bool beside; /* b is to the right of a, else below */
	int percent; /* a's share */
};

struct panes {
	struct app *app;
	struct pane *root, *focus; /* focus: always a leaf */
	size_t n;                  /* leaves */
	struct object selected;    /* of the last layout */
};

int panes_init(struct panes *p, struct app *a);
void panes_free(struct panes *p);

/* Which object the leaves show; makes and tells the views that are visible. `r` empty: none is. */
void panes_layout(struct panes *p, struct rect r, const struct object *selected, bool only_focus);
void panes_draw(struct panes *p, const struct canvas *screen, bool has_focus);
/* The leaf's view, or NULL where the object has none. */
struct view *panes_view(const struct panes *p, const struct pane *leaf);
struct view *panes_focused_view(const struct panes *p);
/* The leaf that shows this view now, or NULL. */
struct pane *panes_leaf_of(const struct panes *p, const struct view *v);
/* Each visible leaf's view gets what changed; true when one wants to be drawn. */
bool panes_changed(struct panes *p, unsigned what);

bool panes_split(struct panes *p, bool beside); /* false: too many, or too small */
bool panes_close(struct panes *p);              /* the focused one; false: it is the last */
/* The next leaf in reading order; false when it was the last (first, backwards). */
bool panes_step(struct panes *p, int step);
struct pane *panes_end(const struct panes *p, bool last); /* the first leaf, or the last */
/* The leaf in a direction; false: none. */
bool panes_go(struct panes *p, int dy, int dx);
void panes_resize(struct panes *p, int dy, int dx);
struct pane *panes_at(const struct panes *p, int y, int x);
/* The tab under a column of the leaf's title line, or TAB_NONE. */
enum tab panes_tab_at(const struct panes *p, const struct pane *leaf, int x);
void panes_choose(struct panes *p, struct pane *leaf, enum tab t);
enum tab panes_tab(const struct panes *p, const struct pane *leaf);
/* The object a leaf shows. */
const struct object *panes_object(const struct panes *p, const struct pane *leaf);

/* "h50(logs,v30(stats,env))", what is remembered. */
void panes_print(const struct panes *p, struct buf *out);
void panes_parse(struct panes *p, const char *text); /* nonsense is ignored */

#endif
