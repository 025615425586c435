/* A list as a view: the parts of view_ops that are neither drawing nor input, and what the app asks of
 * panels. */
#include "tui/list_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tui/views.h"

void list_init(struct list_view *l, struct app *a, const struct view_ops *view, const struct list_ops *ops)
{
	l->v = (struct view){.ops = view, .app = a};
	l->ops = ops;
	l->stale = true;
	list_recall(l);
}

void list_end(struct list_view *l)
{
	free(l->found);
	free(l->scratch);
	free(l->rows);
	marks_clear(&l->marks);
	filter_free(&l->filter);
	strv_free(l->closed);
}

bool list_changed(struct view *v, unsigned what)
{
	struct list_view *l = (struct list_view *)v;

	if (what & l->ops->figures_from && l->sort < l->ops->n_columns &&
	        l->ops->columns[l->sort].flags & COLUMN_MOVING)
		l->unsorted = true;
	return what & (l->ops->rows_from | l->ops->figures_from);
}

void list_visible(struct view *v, bool on)
{
	struct list_view *l = (struct list_view *)v;

	/* nothing was heard of figures in the meantime */
	if (on)
		l->unsorted = true;
	else
		l->filtering = false;
}

void list_status(struct view *v, char *dst, size_t size)
{
	struct list_view *l = (struct list_view *)v;
	bool is_sorted = l->sort < l->ops->n_columns;

	snprintf(dst, size, "%s%s%s", is_sorted ? "by " : "", is_sorted ? l->ops->columns[l->sort].id : "",
	        l->reverse ? ", reversed" : "");
	if (l->marks.n)
		snprintf(dst, size, "%zu marked", l->marks.n);
}

bool list_copy(struct view *v, struct buf *out)
{
	struct list_view *l = (struct list_view *)v;
	const struct list_row *r = list_selected(l);
	struct filter_row texts = {.row = NULL};

	if (!r)
		return false;
	if (r->row)
		l->ops->describe(l, r->row, &texts);
	buf_str_add(out, r->row ? texts.texts[0] : r->group);
	return true;
}

bool list_selected_object(struct view *v, struct object *o)
{
	struct list_view *l = (struct list_view *)v;
	const struct list_row *r = list_selected(l);

	if (!r || !r->row)
		return false;
	memset(o, 0, sizeof *o);
	l->ops->object(l, r->row, o);
	return true;
}

/* ------------------------------------------------------------------ what the app asks of any panel */

/* A panel may be another kind of view; a list may draw more than its rows. */
static bool is_list(const struct view *v)
{
	return v->ops->selected == list_selected_object;
}

void panel_count(struct view *panel, size_t *shown, size_t *all)
{
	struct list_view *l = (struct list_view *)panel;

	*shown = *all = 0;
	if (!is_list(panel))
		return;
	list_sync(l);
	*shown = l->n_found;
	*all = l->n_all;
}

size_t panel_marked(struct view *panel, struct object **objects)
{
	struct list_view *l = (struct list_view *)panel;
	size_t n = 0;

	*objects = NULL;
	if (!is_list(panel))
		return 0;
	list_sync(l);
	*objects = l->marks.n ? calloc(l->marks.n, sizeof **objects) : NULL;
	for (size_t i = 0; *objects && i < l->marks.n; i++) {
		struct object *o = &(*objects)[n++];

		o->kind = l->ops->kind;
		snprintf(o->id, sizeof o->id, "%s", l->marks.ids[i]);
	}
	return n;
}

size_t panel_n_marked(struct view *panel, uint64_t *sum)
{
	struct list_view *l = (struct list_view *)panel;

	*sum = 0xcbf29ce484222325; /* FNV-1a */
	if (!is_list(panel))
		return 0;
	list_sync(l);
	for (size_t i = 0; i < l->marks.n; i++)
		for (const char *c = l->marks.ids[i]; *c; c++)
			*sum = (*sum ^ (unsigned char)*c) * 0x100000001b3;
	return l->marks.n;
}

static bool select_id(struct list_view *l, const char *id)
{
	for (size_t i = 0; i < l->n_rows; i++) {
		if (!l->rows[i].row || strcmp(l->ops->id(l->rows[i].row), id) != 0)
			continue;
		list_select(l, i);
		return true;
	}
	return false;
}

/* In a closed group, or kept away by a filter: the way is cleared. */
bool panel_select(struct view *panel, const struct object *o)
{
	struct list_view *l = (struct list_view *)panel;

	if (!is_list(panel) || o->kind != l->ops->kind)
		return false;
	list_sync(l);
	if (select_id(l, o->id))
		return true;
	if (!l->ops->exists(l, o->id))
		return false;
	strv_free(l->closed);
	l->closed = NULL;
	if (l->ops->reveal)
		l->ops->reveal(l);
	line_edit_set(&l->line, "");
	list_filter(l, "");
	list_sync(l);
	return select_id(l, o->id);
}
