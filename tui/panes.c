/* The detail panes: the tree, its layout, and which views are visible. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "tui/app.h"
#include "tui/panes.h"
#include "tui/view.h"

#define SMALLEST_H 4
#define SMALLEST_W 20

static bool is_leaf(const struct pane *p)
{
	return !p->a;
}

static struct pane *pane_new(struct pane *parent)
{
	struct pane *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->parent = parent;
	for (int kind = 0; kind < (int)(sizeof p->tabs / sizeof *p->tabs); kind++)
		p->tabs[kind] = tab_first((enum object_kind)kind);
	return p;
}

static void show_nothing(struct pane *p)
{
	if (p->shown && p->shown->ops->visible)
		p->shown->ops->visible(p->shown, false);
	p->shown = NULL;
}

static void pane_free(struct pane *p)
{
	if (!p)
		return;
	pane_free(p->a);
	pane_free(p->b);
	show_nothing(p);
	for (int t = 0; t < TAB_N; t++)
		if (p->views[t])
			p->views[t]->ops->free(p->views[t]);
	free(p);
}

int panes_init(struct panes *p, struct app *a)
{
	*p = (struct panes){.app = a, .n = 1};
	p->root = p->focus = pane_new(NULL);
	return p->root ? 0 : -1;
}

void panes_free(struct panes *p)
{
	pane_free(p->root);
	p->root = p->focus = NULL;
}

/* ------------------------------------------------------------------ which view a leaf shows */

const struct object *panes_object(const struct panes *p, const struct pane *leaf)
{
	return leaf->kept.kind != OBJECT_NONE ? &leaf->kept : &p->selected;
}

enum tab panes_tab(const struct panes *p, const struct pane *leaf)
{
	return leaf->tabs[panes_object(p, leaf)->kind];
}

void panes_choose(struct panes *p, struct pane *leaf, enum tab t)
{
	enum object_kind kind = panes_object(p, leaf)->kind;

	if (t != TAB_NONE && tab_is_for(t, kind))
		leaf->tabs[kind] = t;
}

struct view *panes_view(const struct panes *p, const struct pane *leaf)
{
	enum tab t = panes_tab(p, leaf);

	return t == TAB_NONE ? NULL : leaf->views[t];
}

struct view *panes_focused_view(const struct panes *p)
{
	return panes_view(p, p->focus);
}

static struct pane *leaf_of(struct pane *n, const struct view *v)
{
	if (is_leaf(n))
		return n->shown == v ? n : NULL;
	struct pane *found = leaf_of(n->a, v);
	return found ? found : leaf_of(n->b, v);
}

struct pane *panes_leaf_of(const struct panes *p, const struct view *v)
{
	return leaf_of(p->root, v);
}

/* Make the view when it is first needed, and tell it and the one before it. */
static void show_object(struct panes *p, struct pane *leaf)
{
	const struct object *o = panes_object(p, leaf);
	enum tab t = panes_tab(p, leaf);

	if (t != TAB_NONE && !leaf->views[t])
		leaf->views[t] = tab_table[t].make(p->app);
	struct view *v = panes_view(p, leaf);
	bool is_new = v != leaf->shown;
	if (is_new)
		show_nothing(leaf);
	leaf->shown = v;
	if (!v)
		return;
	if (v->ops->show)
		v->ops->show(v, o->kind == OBJECT_NONE ? NULL : o);
	if (is_new && v->ops->visible)
		v->ops->visible(v, true);
}

/* ------------------------------------------------------------------ layout */

static void place(struct panes *p, struct pane *n, struct rect r, bool only_focus)
{
	n->r = r;
	n->is_visible = !rect_is_empty(r) && (!only_focus || !is_leaf(n) || n == p->focus);
	if (is_leaf(n)) {
		if (n->is_visible)
			show_object(p, n);
		else
			show_nothing(n);
		return;
	}
	if (only_focus) {
		place(p, n->a, r, true);
		place(p, n->b, r, true);
		return;
	}
	struct rect first = n->beside ? rect_cut_left(&r, (r.w - 2) * n->percent / 100)
	                              : rect_cut_top(&r, r.h * n->percent / 100);
	if (n->beside)
		rect_cut_left(&r, 2); /* the line between them, and a blank */
	place(p, n->a, first, false);
	place(p, n->b, r, false);
}

void panes_layout(struct panes *p, struct rect r, const struct object *selected, bool only_focus)
{
	p->selected = *selected;
	place(p, p->root, r, only_focus);
}

static bool changed(struct panes *p, struct pane *n, unsigned what)
{
	if (!is_leaf(n)) {
		bool a = changed(p, n->a, what), b = changed(p, n->b, what);
		return a || b;
	}
	return n->shown && n->shown->ops->changed && n->shown->ops->changed(n->shown, what);
}

bool panes_changed(struct panes *p, unsigned what)
{
	return changed(p, p->root, what);
}

/* ------------------------------------------------------------------ drawing */

/* Does it stand in the title line? What is seldom asked for gives way to what a view says of itself. */
static bool is_told(const struct panes *p, const struct pane *leaf, enum tab t, enum object_kind kind)
{
	return tab_is_for(t, kind) && (leaf->r.w >= tab_table[t].room || t == panes_tab(p, leaf));
}

/* Where the first tab begins: left of the pane when the chosen one would not fit otherwise. */
static int tabs_start(const struct panes *p, const struct pane *leaf, enum object_kind kind)
{
	int end = 0;

	for (int t = 0; t <= (int)panes_tab(p, leaf) && t < TAB_N; t++)
		if (is_told(p, leaf, (enum tab)t, kind))
			end += (int)strlen(tab_table[t].title) + 2;
	return end > leaf->r.w ? leaf->r.w - end : 0;
}

/* Calls fn for each tab that the leaf's title line has room for; stops when it returns true. */
static enum tab each_tab(const struct panes *p, const struct pane *leaf,
        bool (*fn)(void *arg, enum tab t, int x, int w), void *arg)
{
	enum object_kind kind = panes_object(p, leaf)->kind;
	int x = tabs_start(p, leaf, kind);

	for (int t = 0; t < TAB_N; t++) {
		if (!is_told(p, leaf, (enum tab)t, kind))
			continue;
		int w = (int)strlen(tab_table[t].title) + 2;
		bool fits = x >= 0 && x + w <= leaf->r.w + 1; /* but for its last blank */
		if (fits && fn(arg, (enum tab)t, x, w))
			return (enum tab)t;
		x += w;
	}
	return TAB_NONE;
}

struct tab_drawing {
	const struct canvas *c;
	struct app *app;
	enum tab chosen;
	bool has_focus;
	int end;
};

static bool draw_tab(void *arg, enum tab t, int x, int w)
{
	struct tab_drawing *d = arg;
	enum theme_element el = t != d->chosen ? UI_TAB : d->has_focus ? UI_TITLE_FOCUS : UI_TAB_ACTIVE;

	canvas_printf(d->c, 0, x, w, app_style(d->app, el), " %s ", tab_table[t].title);
	d->end = x + w;
	return false;
}

#define NAME_LEAST 9

static void draw_title(struct panes *p, const struct pane *leaf, const struct canvas *c, bool has_focus)
{
	struct view *v = panes_view(p, leaf);
	struct tab_drawing d = {c, p->app, panes_tab(p, leaf), has_focus, 0};
	struct object o = *panes_object(p, leaf);
	char status[128] = "", name[160];

	canvas_fill(c, (struct rect){0, 0, 1, c->r.w}, app_style(p->app, UI_BAR));
	each_tab(p, leaf, draw_tab, &d);
	if (v && v->ops->status)
		v->ops->status(v, status, sizeof status);
	snprintf(name, sizeof name, "%.150s ", model_object_name(app_model(p->app), &o));
	/* the name of what is shown stays; what the view says of itself is cut */
	int room = c->r.w - d.end - 1, named = (int)text_width(name);
	if (room < (named < NAME_LEAST ? named : NAME_LEAST))
		return; /* the list says which one it is */
	named = named < room ? named : room;
	canvas_cell_right(c, 0, c->r.w - named, named, name, app_style(p->app, UI_TEXT));
	if (*status && room - named > 6)
		canvas_cell_right(c, 0, d.end + 1, room - named - 2, status, app_style(p->app, UI_MUTED));
}

static void draw_nothing(struct panes *p, const struct canvas *c)
{
	static const char text[] = "Select something on the left to see it here.";

	canvas_str(c, c->r.h / 3, 2, c->r.w - 4, text, app_style(p->app, UI_MUTED));
}

static void draw_leaf(struct panes *p, struct pane *leaf, const struct canvas *screen, bool has_focus)
{
	struct canvas whole = canvas_part(screen, leaf->r);
	struct canvas body = canvas_part(&whole, (struct rect){1, 0, leaf->r.h - 1, leaf->r.w});
	struct view *v = panes_view(p, leaf);

	draw_title(p, leaf, &whole, has_focus);
	if (v)
		v->ops->draw(v, &body, has_focus);
	else
		draw_nothing(p, &body);
}

static void draw(struct panes *p, struct pane *n, const struct canvas *screen, bool has_focus)
{
	if (is_leaf(n)) {
		if (n->is_visible)
			draw_leaf(p, n, screen, has_focus && n == p->focus);
		return;
	}
	draw(p, n->a, screen, has_focus);
	draw(p, n->b, screen, has_focus);
	if (n->beside && n->a->is_visible && n->b->is_visible && n->b->r.x > n->a->r.x)
		canvas_vline(screen, n->r.y, n->b->r.x - 2, n->r.h, app_style(p->app, UI_BORDER));
}

void panes_draw(struct panes *p, const struct canvas *screen, bool has_focus)
{
	draw(p, p->root, screen, has_focus);
}

struct tab_search {
	int x;
};

static bool tab_is_at(void *arg, enum tab t, int x, int w)
{
	const struct tab_search *s = arg;

	(void)t;
	return s->x >= x && s->x < x + w;
}

enum tab panes_tab_at(const struct panes *p, const struct pane *leaf, int x)
{
	struct tab_search s = {x};

	return each_tab(p, leaf, tab_is_at, &s);
}

/* ------------------------------------------------------------------ changing the tree */

bool panes_split(struct panes *p, bool beside)
{
	struct pane *old = p->focus;

	if (p->n >= PANES_MAX || (beside ? old->r.w < 2 * SMALLEST_W + 2 : old->r.h < 2 * SMALLEST_H))
		return false;
	struct pane *split = calloc(1, sizeof *split), *fresh = pane_new(split);
	if (!split || !fresh) {
		free(split);
		free(fresh);
		return false;
	}
	*split = (struct pane){.parent = old->parent, .a = old, .b = fresh, .beside = beside, .percent = 50};
	if (!old->parent)
		p->root = split;
	else if (old->parent->a == old)
		old->parent->a = split;
	else
		old->parent->b = split;
	old->parent = split;
	/* the same tab twice is of no use: begin with the next */
	for (int kind = 0; kind < (int)(sizeof fresh->tabs / sizeof *fresh->tabs); kind++)
		if (old->tabs[kind] != TAB_NONE)
			fresh->tabs[kind] = tab_step(old->tabs[kind], (enum object_kind)kind, 1);
	p->focus = fresh;
	p->n++;
	return true;
}

static struct pane *first_leaf(struct pane *n)
{
	while (!is_leaf(n))
		n = n->a;
	return n;
}

static struct pane *last_leaf(struct pane *n)
{
	while (!is_leaf(n))
		n = n->b;
	return n;
}

struct pane *panes_end(const struct panes *p, bool last)
{
	return last ? last_leaf(p->root) : first_leaf(p->root);
}

bool panes_close(struct panes *p)
{
	struct pane *leaf = p->focus, *split = leaf->parent;

	if (!split)
		return false;
	struct pane *other = split->a == leaf ? split->b : split->a;
	other->parent = split->parent;
	if (!split->parent)
		p->root = other;
	else if (split->parent->a == split)
		split->parent->a = other;
	else
		split->parent->b = other;
	pane_free(leaf);
	free(split);
	p->focus = first_leaf(other);
	p->n--;
	return true;
}

bool panes_step(struct panes *p, int step)
{
	struct pane *n = p->focus;

	while (n->parent && n == (step > 0 ? n->parent->b : n->parent->a))
		n = n->parent;
	if (!n->parent) {
		p->focus = step > 0 ? first_leaf(p->root) : last_leaf(p->root);
		return false;
	}
	p->focus = step > 0 ? first_leaf(n->parent->b) : last_leaf(n->parent->a);
	return true;
}

static struct pane *leaf_at(struct pane *n, int y, int x)
{
	if (is_leaf(n))
		return n->is_visible && rect_has(n->r, y, x) ? n : NULL;
	struct pane *found = leaf_at(n->a, y, x);
	return found ? found : leaf_at(n->b, y, x);
}

struct pane *panes_at(const struct panes *p, int y, int x)
{
	return leaf_at(p->root, y, x);
}

/* One cell beyond the edge, over the line between two panes. */
bool panes_go(struct panes *p, int dy, int dx)
{
	struct rect r = p->focus->r;
	int y = dy < 0 ? r.y - 1 : dy > 0 ? r.y + r.h : r.y + r.h / 2;
	int x = dx < 0 ? r.x - 3 : dx > 0 ? r.x + r.w + 2 : r.x + r.w / 2;
	struct pane *to = panes_at(p, y, x);

	if (to)
		p->focus = to;
	return to;
}

void panes_resize(struct panes *p, int dy, int dx)
{
	for (struct pane *n = p->focus; n->parent; n = n->parent) {
		struct pane *s = n->parent;
		int d = s->beside ? dx : dy;
		if (d == 0)
			continue;
		int percent = s->percent + (n == s->a ? d : -d) * 5;
		s->percent = percent < 10 ? 10 : percent > 90 ? 90 : percent;
		return;
	}
}

/* ------------------------------------------------------------------ as text */

static void print(const struct pane *n, struct buf *out)
{
	if (is_leaf(n)) {
		buf_str_add(out, tab_table[n->tabs[OBJECT_CONTAINER]].name);
		return;
	}
	buf_printf(out, "%c%d(", n->beside ? 'h' : 'v', n->percent);
	print(n->a, out);
	buf_char(out, ',');
	print(n->b, out);
	buf_char(out, ')');
}

void panes_print(const struct panes *p, struct buf *out)
{
	print(p->root, out);
}

/* The subtree at *text; NULL for nonsense, or for more than there may be. */
static struct pane *parse(const char **text, struct pane *parent, size_t *nodes)
{
	struct pane *n = ++*nodes < 2 * PANES_MAX ? pane_new(parent) : NULL;
	int percent, used = 0;
	char kind, word[16];

	if (!n)
		return NULL;
	if (sscanf(*text, "%c%2d(%n", &kind, &percent, &used) == 2 && used && (kind == 'h' || kind == 'v')) {
		n->beside = kind == 'h';
		n->percent = percent < 10 ? 10 : percent > 90 ? 90 : percent;
		*text += used;
		n->a = parse(text, n, nodes);
		bool ok = n->a && *(*text)++ == ',' && (n->b = parse(text, n, nodes)) && *(*text)++ == ')';
		if (ok)
			return n;
	} else if (sscanf(*text, "%15[a-z]%n", word, &used) == 1 && tab_find(word) != TAB_NONE &&
	           tab_is_for(tab_find(word), OBJECT_CONTAINER)) {
		n->tabs[OBJECT_CONTAINER] = tab_find(word);
		*text += used;
		return n;
	}
	pane_free(n);
	return NULL;
}

void panes_parse(struct panes *p, const char *text)
{
	size_t nodes = 0;
	struct pane *root = parse(&text, NULL, &nodes);

	if (!root || *text) {
		pane_free(root);
		return;
	}
	pane_free(p->root);
	p->root = root;
	p->focus = first_leaf(root);
	p->n = (nodes + 1) / 2; /* each split has two beneath */
}
