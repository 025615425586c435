/* Drawing a list: only the rows that are seen are formatted, and nothing is allocated. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tui/dialog_frame.h"
#include "tui/keymap.h"
#include "tui/list_view.h"

#define WIDE      70 /* columns from which cells stand two apart */
#define HEAD_ROWS 4  /* rows from which there is one for headings */
#define SPANS_MAX 32
#define ROOMY     50 /* columns from which marks stand apart from what they mark */
#define INDENT    2  /* of rows beneath a heading */

/* ------------------------------------------------------------------ cells */

struct style cell_style(const struct cell *at, enum theme_element el)
{
	return app_style(at->list->v.app, el);
}

void cell_text(const struct cell *at, const char *text, struct style s)
{
	canvas_cell(at->c, at->y, at->x, at->w, text ? text : "", s);
}

void cell_right(const struct cell *at, const char *text, struct style s)
{
	canvas_cell_right(at->c, at->y, at->x, at->w, text, s);
}

/* Columns that the first n bytes take as canvas_text() draws them. */
static int columns_of(const char *text, size_t n)
{
	int columns = 0;

	for (size_t i = 0, used; i < n && text[i]; i += used) {
		uint32_t cp;
		int w;

		used = utf8_decode(text + i, strlen(text + i), &cp);
		w = cp_width(cp);
		columns += w < 0 ? 1 : w;
	}
	return columns;
}

void cell_name(const struct cell *at, const char *text, struct style s)
{
	struct filter_span spans[SPANS_MAX];
	struct style match = cell_style(at, UI_MATCH);
	size_t n;

	cell_text(at, text, s);
	n = at->list->filter.n ? filter_spans(&at->list->filter, text, spans, SPANS_MAX) : 0;
	for (size_t i = 0; i < n; i++) {
		int from = columns_of(text, spans[i].from);
		int to = columns_of(text, spans[i].from + spans[i].len);

		to = to < at->w ? to : at->w;
		if (to > from)
			canvas_restyle(at->c, (struct rect){at->y, at->x + from, 1, to - from}, match);
	}
}

/* ------------------------------------------------------------------ one row */

static void draw_cells(struct list_view *l, const struct canvas *c, int y, const void *row, struct style base)
{
	for (size_t i = 0; i < l->choice.n; i++) {
		const struct column *col = &l->ops->columns[l->choice.at[i]];
		struct cell at = {l, c, y, l->heads_x[i], l->heads_w[i], base};

		if (i == 0)
			at.x += l->indent;
		if (at.w > 0)
			col->draw(&at, row);
	}
}

static void draw_heading(struct list_view *l, const struct canvas *c, int y, const struct list_row *r)
{
	struct app *a = l->v.app;
	struct style s = app_style(a, UI_TITLE);
	struct cell at = {l, c, y, l->left + INDENT, l->body.w - l->left - INDENT, s};
	int used;

	canvas_char(
	        c, y, l->left, app_glyph(a, r->closed ? GLYPH_CLOSED : GLYPH_OPEN), app_style(a, UI_MUTED));
	used = canvas_str(c, y, at.x, at.w, r->group, s) + 2;
	at.x += used;
	at.w -= used;
	if (l->ops->totals)
		l->ops->totals(l, &at, l->found + r->first, r->n);
}

bool list_column_cell(const struct list_view *l, const char *id, struct cell *at)
{
	for (size_t i = 0; i < l->choice.n; i++) {
		if (strcmp(l->ops->columns[l->choice.at[i]].id, id) != 0 || l->heads_w[i] <= 0)
			continue;
		at->x = l->heads_x[i];
		at->w = l->heads_w[i];
		return true;
	}
	return false;
}

static void draw_sign(struct list_view *l, const struct canvas *c, int y, const void *row, bool marked)
{
	struct style s = app_style(l->v.app, UI_MARK);
	uint32_t sign = 0;

	if (marked)
		sign = app_glyph(l->v.app, GLYPH_MARK);
	else if (l->ops->sign)
		sign = l->ops->sign(l, row, &s);
	if (sign)
		canvas_char(c, y, 0, sign, s);
}

static void draw_row(struct list_view *l, const struct canvas *c, size_t i, bool focused)
{
	const struct list_row *r = &l->rows[i];
	int y = l->body.y + (int)(i - l->top);
	bool marked = r->row && l->marks.n && marks_has(&l->marks, l->ops->id(r->row));

	if (r->row) {
		draw_cells(l, c, y, r->row, app_style(l->v.app, marked ? UI_MARK : UI_TEXT));
		draw_sign(l, c, y, r->row, marked);
	} else {
		draw_heading(l, c, y, r);
	}
	if (i != l->selected)
		return;
	canvas_restyle(c, (struct rect){y, 0, 1, c->r.w},
	        app_style(l->v.app, focused ? UI_SELECTION : UI_SELECTION_IDLE));
	if (focused && !l->filtering)
		canvas_point(c, y, 0);
}

/* ------------------------------------------------------------------ headings */

static void place_columns(struct list_view *l, int width)
{
	int gap = width >= WIDE ? 2 : 1, widths[COLUMNS_MAX], x;

	l->indent = l->grouped && l->n_rows > 0 && l->rows[0].group ? INDENT : 0;
	x = l->left = width >= ROOMY ? 2 : 1;
	gap = columns_fit_closer(
	        l->ops->columns, &l->choice, l->needs, width - l->left - l->indent, gap, widths);
	for (size_t i = 0; i < l->choice.n; i++) {
		l->heads_x[i] = x;
		l->heads_w[i] = widths[i];
		if (widths[i])
			x += widths[i] + gap;
		if (i == 0)
			x += l->indent;
	}
}

static void draw_heads(struct list_view *l, const struct canvas *c)
{
	struct app *a = l->v.app;

	for (size_t i = 0; i < l->choice.n; i++) {
		size_t column = l->choice.at[i];
		const struct column *col = &l->ops->columns[column];
		bool is_sorted = column == l->sort, right = col->flags & COLUMN_RIGHT;
		struct style s = app_style(a, is_sorted ? UI_ACCENT : UI_HEADING);
		int x = l->heads_x[i] + (i == 0 ? l->indent : 0), w = l->heads_w[i];
		int len = (int)strlen(col->heading);

		if (w <= 0 || (w < 2 && len > w))
			continue;
		if (right && len < w)
			x += w - len;
		canvas_str(c, 0, x, w < len ? w : len, col->heading, s);
		if (is_sorted && len < w)
			canvas_char(c, 0, right ? x - 1 : x + len,
			        app_glyph(a, l->reverse ? GLYPH_DOWN : GLYPH_UP), s);
	}
}

/* ------------------------------------------------------------------ the filter's line */

static bool has_filter_line(const struct list_view *l)
{
	return l->filtering || l->line.len > 0;
}

static void draw_filter(struct list_view *l, const struct canvas *c, int y, bool focused)
{
	struct app *a = l->v.app;
	struct line_edit_style styles = {app_style(a, UI_TEXT), app_style(a, UI_MUTED)};
	char text[128];
	int w;

	if (*l->filter.error)
		snprintf(text, sizeof text, "%s", l->filter.error);
	else
		snprintf(text, sizeof text, "%zu of %zu", l->n_found, l->n_all);
	w = (int)text_width(text);
	w = w < c->r.w / 2 ? w : c->r.w / 2;
	canvas_cell_right(
	        c, y, c->r.w - w - 1, w, text, app_style(a, *l->filter.error ? UI_ERROR : UI_MUTED));
	canvas_str(c, y, 0, 1, "/", app_style(a, UI_KEY));
	line_edit_draw(&l->line, c, y, 2, c->r.w - w - 4, "name, ~regex, !not, key:value", styles,
	        focused && l->filtering);
}

/* ------------------------------------------------------------------ empty */

const char *list_key(struct list_view *l, enum action a, char dst[64])
{
	char key[KEYMAP_TEXT_SIZE];

	keymap_key_text(app_keymap(l->v.app), a, key);
	snprintf(dst, 64, "%.63s", *key ? key : ":");
	return dst;
}

#define LINES_EACH 3 /* of what is said in an empty list, where it is narrow */

void list_say(struct list_view *l, const struct canvas *c, const char *const *lines)
{
	int n = 0, y;

	while (lines[n])
		n++;
	y = c->r.h > n ? (c->r.h - n) / 2 : 0;
	for (int i = 0; i < n; i++) {
		int w = columns_of(lines[i], strlen(lines[i])), room = c->r.w - 2;
		int x = w < room ? (c->r.w - w) / 2 : 1;

		y += dialog_wrap(c, y, x, w < room ? w : room, LINES_EACH, lines[i],
		        app_style(l->v.app, i ? UI_MUTED : UI_TITLE));
	}
}

static void draw_empty(struct list_view *l, const struct canvas *c)
{
	char key[64], second[128];

	if (l->filter.n == 0) {
		l->ops->empty(l, c);
		return;
	}
	snprintf(second, sizeof second, "%s or an empty filter shows all %zu again",
	        list_key(l, ACTION_BACK, key), l->n_all);
	list_say(l, c, (const char *const[]){"Nothing matches this filter", second, NULL});
}

/* ------------------------------------------------------------------ the whole */

/* The selected row is seen, and no room is wasted at the end. */
static void scroll(struct list_view *l)
{
	size_t h = l->body.h > 0 ? (size_t)l->body.h : 0;

	if (l->selected < l->top)
		l->top = l->selected;
	if (h && l->selected >= l->top + h)
		l->top = l->selected - h + 1;
	if (l->top + h > l->n_rows)
		l->top = l->n_rows > h ? l->n_rows - h : 0;
}

void list_draw(struct view *v, const struct canvas *c, bool focused)
{
	struct list_view *l = (struct list_view *)v;
	struct rect r = {0, 0, c->r.h, c->r.w};
	struct canvas body;

	list_sync(l);
	if (has_filter_line(l) && r.h > 1) {
		rect_cut_bottom(&r, 1);
		draw_filter(l, c, r.h, focused);
	}
	if (l->n_rows == 0) {
		l->body = (struct rect){0};
		body = canvas_part(c, r);
		draw_empty(l, &body);
		return;
	}
	rect_cut_right(&r, 1); /* the scroll sign */
	place_columns(l, r.w);
	if (r.h >= HEAD_ROWS) {
		draw_heads(l, c);
		rect_cut_top(&r, 1);
	}
	l->body = r;
	scroll(l);
	for (size_t i = l->top; i < l->n_rows && i < l->top + (size_t)r.h; i++)
		draw_row(l, c, i, focused);
	if (l->n_rows > (size_t)r.h)
		dialog_scrollbar(l->v.app, c, r, r.w, l->top, l->n_rows);
}
