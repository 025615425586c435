/* Lists: what all panels are made of. A panel says which rows there are, what names them and how a cell
 * looks; the list sorts, filters, groups, marks, scrolls and remembers.
 *
 * Rows are borrowed from the model and fetched again whenever its version changed; between two changes
 * nothing is copied, sorted or allocated. A panel's struct begins with its struct list_view. */
#ifndef TARE_TUI_LIST_VIEW_H
#define TARE_TUI_LIST_VIEW_H

#include "tui/app.h"
#include "tui/columns.h"
#include "tui/filter.h"
#include "tui/line_edit.h"
#include "tui/list_marks.h"
#include "tui/view.h"

struct list_view;

struct list_ops {
	const char *name; /* in settings: "containers" */
	enum object_kind kind;
	const struct column *columns;
	size_t n_columns;
	const char *sort; /* the id of the column it is sorted by at first; NULL: as collected */
	const char *const *filter_keys;   /* of "key:value", NULL-terminated */
	unsigned rows_from, figures_from; /* MODEL_ bits: rows come from these, moving columns from those */

	void (*collect)(struct list_view *l); /* list_add() for each row */
	/* What names a row; unique, stays valid as long as the row. */
	const char *(*id)(const void *row);
	/* Ties, and rows whose column says the same. */
	int (*compare)(const void *a, const void *b);
	/* Texts, has and row of the struct. */
	void (*describe)(struct list_view *l, const void *row, struct filter_row *out);
	bool (*exists)(struct list_view *l, const char *id);
	void (*object)(struct list_view *l, const void *row, struct object *o);
	/* In lines: what this panel is for, and which keys fill it. */
	void (*empty)(struct list_view *l, const struct canvas *c);
	/* The group of a row, NULL: none. Optional. */
	const char *(*group)(const void *row);
	/* What stands right of a group's name, from at->x on: totals of its rows. */
	void (*totals)(struct list_view *l, const struct cell *at, const void *const *rows, size_t n);
	/* Show rows that the panel itself keeps away. Optional. */
	void (*reveal)(struct list_view *l);
	/* It has been looked at. Optional. */
	void (*seen)(struct list_view *l, const void *row);
	/* A sign in front of it, 0: none. Optional. */
	uint32_t (*sign)(struct list_view *l, const void *row, struct style *s);
};

struct list_row {
	const void *row;   /* NULL: a heading */
	const char *group; /* of a heading or its rows, or NULL */
	size_t n;          /* of a heading: its rows, in l->found from `first` on */
	size_t first;
	bool closed;
};

struct list_view {
	struct view v;
	const struct list_ops *ops;

	/* list_rows.c */
	const void **found; /* that pass the filter, sorted */
	size_t n_found, found_cap, n_all;
	const void **scratch;  /* for sorting */
	struct list_row *rows; /* as drawn: `found` with headings, without closed groups */
	size_t n_rows, rows_cap;
	uint64_t version; /* of the model when they were fetched */
	bool stale;       /* fetch anew; */
	bool unsorted;    /* figures moved */
	uint16_t needs[COLUMNS_MAX];

	size_t selected, top;
	char key[OBJECT_ID_SIZE]; /* of the selected row: its id, or its group's name */
	bool on_heading;
	bool follows_end; /* new rows at the end are shown, unless one scrolled up */
	bool follow;      /* a list that follows its end at all */
	struct list_marks marks;
	char range_from[OBJECT_ID_SIZE]; /* the last one marked */

	struct column_choice choice;
	size_t sort; /* column, or n_columns: as collected */
	bool reverse;
	bool grouped;
	char **closed; /* names of groups */

	struct filter filter;
	struct line_edit line;
	bool filtering; /* the line is being typed in */

	/* where things were drawn */
	struct rect body;
	int heads_x[COLUMNS_MAX], heads_w[COLUMNS_MAX], indent, left;
};

/* Fills in what a panel's list needs; `l` zeroed. */
void list_init(struct list_view *l, struct app *a, const struct view_ops *view, const struct list_ops *ops);
void list_end(struct list_view *l); /* frees what is in it */

/* list_rows.c */
void list_add(struct list_view *l, const void *row); /* from collect() */
void list_sync(struct list_view *l);                 /* rows are up to date after this */
void list_stale(struct list_view *l);
void list_select(struct list_view *l, size_t at); /* and scroll there */
const struct list_row *list_selected(struct list_view *l);
void list_toggle_group(struct list_view *l, const struct list_row *heading);
void list_filter(struct list_view *l, const char *text);
void list_sort_by(struct list_view *l, size_t column, bool reverse);

/* list_settings.c: "containers.columns", "containers.sort", … */
void list_recall(struct list_view *l);
void list_remember(struct list_view *l);
bool list_recall_flag(struct list_view *l, const char *what, bool dflt);
void list_remember_flag(struct list_view *l, const char *what, bool on);

/* list_draw.c */
void list_draw(struct view *v, const struct canvas *c, bool focused);
/* Lines in the middle of an empty list; the first is its heading. NULL-terminated. */
void list_say(struct list_view *l, const struct canvas *c, const char *const *lines);
/* The key of an action, for such lines. */
const char *list_key(struct list_view *l, enum action a, char dst[64]);

/* list_input.c; a panel's own act() asks list_act() last */
unsigned list_act(struct view *v, enum action a);
unsigned list_keys(struct view *v, struct key k);
bool list_typing(struct view *v);
unsigned list_paste(struct view *v, const char *text, size_t len);
unsigned list_mouse(struct view *v, const struct mouse *m);

/* the rest of view_ops */
bool list_changed(struct view *v, unsigned what);
void list_visible(struct view *v, bool on);
void list_status(struct view *v, char *dst, size_t size);
bool list_copy(struct view *v, struct buf *out);
bool list_selected_object(struct view *v, struct object *o);

/* What every panel's view_ops have in common; title, context, act, changed, visible and free are its own. */
#define LIST_VIEW_OPS                                                                                        \
	.draw = list_draw, .key = list_keys, .typing = list_typing, .paste = list_paste,                     \
	.mouse = list_mouse, .status = list_status, .copy = list_copy, .selected = list_selected_object

/* list_dialog.c: choice of columns */
struct view *column_dialog_new(struct app *a, struct list_view *l);

/* Where column `id` stands now; false: it doesn't. For totals. */
bool list_column_cell(const struct list_view *l, const char *id, struct cell *at);

/* cells: a style of the theme; text as it is, at the left or the right edge */
struct style cell_style(const struct cell *at, enum theme_element el);
void cell_text(const struct cell *at, const char *text, struct style s);
/* The name that a filter looks at: what matched stands out. */
void cell_name(const struct cell *at, const char *text, struct style s);
void cell_right(const struct cell *at, const char *text, struct style s);
int compare_texts(const char *a, const char *b); /* numbers in them by value: web-2 before web-10 */
int compare_doubles(double a, double b);         /* NAN is the smallest */
int compare_numbers(uint64_t a, uint64_t b);     /* UINT64_MAX, "not known", is the smallest */

#endif
