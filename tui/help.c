/* What the keys do where the focus was: the actions of that context and its parents, from the table and the
 * active key map alone. "/" narrows it down by typing. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tui/app.h"
#include "tui/config.h"
#include "tui/dialog_frame.h"
#include "tui/filter.h"
#include "tui/keymap.h"
#include "tui/line_edit.h"
#include "tui/view.h"
#include "tui/views.h"

enum {
	COLUMNS_MAX = 3,
	COLUMN_WIDTH = 75, /* at least: whole sentences rather than more of them beside each other */
	KEYS_WIDTH = 17,
	WIDTH_MOST = 160,
	LINES_MAX = ACTION_N + 2 * CONTEXT_N,
};

/* A heading, or a row of actions beside each other. */
struct help_line {
	const char *heading;
	enum action items[COLUMNS_MAX];
};

struct help {
	struct view v;
	enum context about;
	bool typing;
	struct line_edit filter;
	size_t top, n_lines;
	int rows, columns; /* as last drawn */
	struct help_line lines[LINES_MAX];
};

static const char *const titles[CONTEXT_N] = {
        [CONTEXT_GLOBAL] = "Everywhere",
        [CONTEXT_LIST] = "Any list",
        [CONTEXT_CONTAINERS] = "Containers",
        [CONTEXT_IMAGES] = "Images",
        [CONTEXT_VOLUMES] = "Volumes",
        [CONTEXT_NETWORKS] = "Networks",
        [CONTEXT_EVENTS] = "Events",
        [CONTEXT_SHELLS] = "Shells",
        [CONTEXT_DETAIL] = "Any detail",
        [CONTEXT_LOGS] = "Logs",
        [CONTEXT_STATS] = "Stats",
        [CONTEXT_TEXT] = "Text",
        [CONTEXT_PROCESSES] = "Processes",
        [CONTEXT_MEMBERS] = "Members of a network",
        [CONTEXT_BACKUPS] = "Backups of a volume",
        [CONTEXT_CHANGES] = "What changed",
        [CONTEXT_COMPARISON] = "Files of a backup, or what changed between two",
        [CONTEXT_FILES] = "Files",
        [CONTEXT_SHELL] = "A shell's pane, after its prefix key",
};

/* ---------------------------------------------------------------- lines */

/* Its keys there; where it has none, how the command line calls it. */
static void keys_of(const struct help *h, enum action a, char *dst, size_t size)
{
	keymap_keys_in(app_keymap(h->v.app), h->about, a, dst, size);
	if (!*dst)
		snprintf(dst, size, ":%s", action_table[a].name);
}

static bool is_wanted(const struct help *h, enum action a)
{
	char keys[3 * KEYMAP_TEXT_SIZE];

	if (h->filter.len == 0)
		return true;
	keys_of(h, a, keys, sizeof keys);
	return fuzzy_score(h->filter.text, action_table[a].help, NULL) > 0 ||
	       fuzzy_score(h->filter.text, action_table[a].name, NULL) > 0 || strstr(keys, h->filter.text);
}

/* The actions of one context, down each column in turn. */
static void add_context(struct help *h, enum context c)
{
	enum action found[ACTION_N];
	size_t n = 0, rows, columns = (size_t)h->columns;

	for (int a = ACTION_NONE + 1; a < ACTION_N; a++) {
		if (action_table[a].context == c && is_wanted(h, (enum action)a))
			found[n++] = (enum action)a;
	}
	if (n == 0)
		return;
	if (h->n_lines > 0)
		h->lines[h->n_lines++] = (struct help_line){0};
	h->lines[h->n_lines++] = (struct help_line){.heading = titles[c]};
	rows = (n + columns - 1) / columns;
	for (size_t r = 0; r < rows; r++)
		h->lines[h->n_lines + r] = (struct help_line){0};
	for (size_t i = 0; i < n; i++)
		h->lines[h->n_lines + i % rows].items[i / rows] = found[i];
	h->n_lines += rows;
}

static void fill(struct help *h, int width)
{
	h->columns = width / COLUMN_WIDTH;
	h->columns = h->columns < 1 ? 1 : h->columns > COLUMNS_MAX ? COLUMNS_MAX : h->columns;
	h->n_lines = 0;
	for (enum context c = h->about; c != CONTEXT_NONE; c = context_parent(c))
		add_context(h, c);
}

/* ---------------------------------------------------------------- drawing */

static struct rect place(struct view *v, int rows, int cols)
{
	struct help *h = (struct help *)v;
	int w = cols - 4 > WIDTH_MOST ? WIDTH_MOST : cols - 4;

	if (w < 40)
		w = cols;
	fill(h, w - 4);
	/* while it is filtered it keeps its height: what is looked at should not jump */
	if (h->filter.len || h->typing)
		return dialog_place(rows, cols, h->rows + 4, w);
	int tall = (int)h->n_lines + 4;
	return dialog_place(rows, cols, tall > rows - 2 && rows > 14 ? rows - 2 : tall, w);
}

static void draw_item(struct help *h, const struct canvas *c, int y, int x, int w, enum action a)
{
	struct style text = app_style(h->v.app, UI_DIALOG);
	int keys_w = w < 40 ? w / 3 : KEYS_WIDTH;
	char keys[3 * KEYMAP_TEXT_SIZE];

	keys_of(h, a, keys, sizeof keys);
	canvas_cell(c, y, x, keys_w, keys,
	        style_over(text, app_style(h->v.app, keys[0] == ':' && keys[1] ? UI_MUTED : UI_KEY)));
	canvas_cell(c, y, x + keys_w + 1, w - keys_w - 2, action_table[a].help, text);
}

/* At the foot: what is being typed, or where keys are changed. */
static void draw_foot(struct help *h, const struct canvas *c, struct rect r, bool focused)
{
	struct app *a = h->v.app;
	struct style muted = style_over(app_style(a, UI_DIALOG), app_style(a, UI_MUTED));
	char path[PATH_MAX], slash[KEYMAP_TEXT_SIZE];

	if (h->typing || h->filter.len) {
		struct line_edit_style s = {
		        app_style(a, UI_FIELD_FOCUS), style_over(app_style(a, UI_FIELD_FOCUS), muted)};
		canvas_str(c, r.y, r.x, 2, "/ ", style_over(app_style(a, UI_DIALOG), app_style(a, UI_KEY)));
		line_edit_draw(&h->filter, c, r.y, r.x + 2, r.w - 2, "letters of what you look for", s,
		        focused && h->typing);
		return;
	}
	keymap_key_in(app_keymap(a), CONTEXT_DETAIL, ACTION_FILTER, slash);
	const char *home = getenv("HOME"), *file = config_path("keys", path, sizeof path);
	size_t len = home ? strlen(home) : 0;
	bool is_home = len && strncmp(file, home, len) == 0 && file[len] == '/';

	canvas_printf(c, r.y, r.x, r.w, muted, "%s searches.  Keys are changed in %s%.300s; now: %s", slash,
	        is_home ? "~" : "", is_home ? file + len : file,
	        config_get(app_config(a), "keys", "default"));
}

static void draw(struct view *v, const struct canvas *c, bool focused)
{
	struct help *h = (struct help *)v;
	struct app *a = v->app;
	struct rect in = dialog_frame(a, c, "Help"), foot;
	struct style heading = style_over(app_style(a, UI_DIALOG), app_style(a, UI_TITLE_FOCUS));
	char seen[32];

	foot = rect_cut_bottom(&in, 1);
	if (in.h > 6)
		rect_cut_bottom(&in, 1);
	fill(h, in.w);
	h->rows = in.h;
	if (h->top + (size_t)in.h > h->n_lines)
		h->top = h->n_lines > (size_t)in.h ? h->n_lines - (size_t)in.h : 0;
	for (int y = 0; y < in.h && h->top + (size_t)y < h->n_lines; y++) {
		const struct help_line *l = &h->lines[h->top + (size_t)y];
		int w = in.w / h->columns;
		if (l->heading)
			canvas_str(c, in.y + y, in.x, in.w, l->heading, heading);
		for (int k = 0; k < h->columns; k++) {
			if (l->items[k])
				draw_item(h, c, in.y + y, in.x + k * w, w, l->items[k]);
		}
	}
	if (h->n_lines == 0)
		canvas_str(c, in.y, in.x, in.w, "Nothing here is called so; Backspace takes a letter back",
		        app_style(a, UI_DIALOG));
	draw_foot(h, c, foot, focused);
	dialog_scrollbar(a, c, in, c->r.w - 1, h->top, h->n_lines);
	if (h->n_lines > (size_t)in.h) {
		snprintf(seen, sizeof seen, "%zu/%zu", h->top + (size_t)in.h, h->n_lines);
		dialog_footer(a, c, seen);
	}
}

/* ---------------------------------------------------------------- keys */

static unsigned scroll(struct help *h, long by)
{
	long top = (long)h->top + by, most = (long)h->n_lines - h->rows;

	top = top > most ? most : top;
	h->top = top < 0 ? 0 : (size_t)top;
	return VIEW_DONE;
}

static unsigned act(struct view *v, enum action action)
{
	struct help *h = (struct help *)v;
	long page = h->rows > 1 ? h->rows - 1 : 1;

	switch (action) {
	case ACTION_SCROLL_DOWN:
		return scroll(h, 1);
	case ACTION_SCROLL_UP:
		return scroll(h, -1);
	case ACTION_SCROLL_HALF_DOWN:
		return scroll(h, page / 2);
	case ACTION_SCROLL_HALF_UP:
		return scroll(h, -page / 2);
	case ACTION_SCROLL_PAGE_DOWN:
		return scroll(h, page);
	case ACTION_SCROLL_PAGE_UP:
		return scroll(h, -page);
	case ACTION_SCROLL_TOP:
		return scroll(h, -(long)h->n_lines);
	case ACTION_SCROLL_BOTTOM:
		return scroll(h, (long)h->n_lines);
	case ACTION_FILTER:
		h->typing = true;
		return VIEW_DONE;
	case ACTION_BACK:
		if (h->filter.len) {
			line_edit_set(&h->filter, "");
			return VIEW_DONE;
		}
		return VIEW_DONE | VIEW_CLOSE;
	case ACTION_LEAVE:
	case ACTION_HELP:
	case ACTION_INTERRUPT:
		return VIEW_DONE | VIEW_CLOSE;
	case ACTION_QUIT:
	case ACTION_SUSPEND:
	case ACTION_REDRAW:
		return VIEW_IGNORED;
	default:
		return VIEW_HANDLED; /* a key is read about here, not pressed */
	}
}

static unsigned key(struct view *v, struct key k)
{
	struct help *h = (struct help *)v;

	if (!h->typing)
		return VIEW_IGNORED;
	if (k.code == KEYC_ENTER || k.code == KEYC_ESCAPE || k.code == KEYC_TAB) {
		h->typing = false;
		if (k.code == KEYC_ESCAPE)
			line_edit_set(&h->filter, "");
		return VIEW_DONE;
	}
	if (k.code == KEYC_BACKSPACE && h->filter.len == 0) {
		h->typing = false;
		return VIEW_DONE;
	}
	if (!line_edit_key(&h->filter, k))
		return VIEW_IGNORED;
	h->top = 0;
	return VIEW_DONE;
}

static unsigned paste(struct view *v, const char *text, size_t len)
{
	struct help *h = (struct help *)v;

	if (h->typing)
		line_edit_insert(&h->filter, text, len);
	return VIEW_DONE;
}

static unsigned mouse(struct view *v, const struct mouse *m)
{
	struct help *h = (struct help *)v;

	if (m->kind == MOUSE_WHEEL_UP || m->kind == MOUSE_WHEEL_DOWN)
		return scroll(h, m->kind == MOUSE_WHEEL_UP ? -3 : 3);
	return VIEW_HANDLED;
}

static void help_free(struct view *v)
{
	free(v);
}

static const struct view_ops ops = {
        .title = "Help",
        .context = CONTEXT_DETAIL,
        .draw = draw,
        .act = act,
        .key = key,
        .paste = paste,
        .mouse = mouse,
        .place = place,
        .free = help_free,
};

struct view *help_view_new(struct app *a, int context)
{
	struct help *h = calloc(1, sizeof *h);

	if (!h)
		return NULL;
	h->v = (struct view){.ops = &ops, .app = a};
	h->about = context >= 0 && context < CONTEXT_N ? (enum context)context : CONTEXT_GLOBAL;
	return &h->v;
}
