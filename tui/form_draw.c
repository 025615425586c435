#include "tui/form_draw.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "tui/app.h"
#include "tui/screen.h"

#define WIDTH_MOST   96
#define SUMMARY_ROWS 3

static bool has_second_row(const struct form_field *field)
{
	return field->error[0] || (field->note && *field->note);
}

static int rows_of(const struct form_field *field)
{
	return field->is_hidden ? 0 : 1 + has_second_row(field);
}

static int label_width(const struct form *f, int w)
{
	int widest = 0;

	for (size_t i = 0; i < f->n; i++)
		if ((int)text_width(f->fields[i].label) > widest)
			widest = (int)text_width(f->fields[i].label);
	return widest + 2 < w / 2 ? widest + 2 : w / 2;
}

struct rect form_place(struct view *v, int rows, int cols)
{
	const struct form *f = (struct form *)v;
	int h = 4 + SUMMARY_ROWS + 3; /* room for some errors, so that it does not jump at each */

	for (size_t i = 0; i < f->n; i++)
		h++;
	return dialog_place(rows, cols, h, WIDTH_MOST);
}

/* ------------------------------------------------------------------ one field */

static void draw_value(struct form *f, const struct canvas *c, const struct form_field *field, bool focused)
{
	struct app *a = f->v.app;
	struct style s = app_style(a, focused ? UI_FIELD_FOCUS : UI_FIELD);
	struct rect r = field->r;

	canvas_fill(c, r, s);
	if (field->kind == FIELD_FLAG) {
		canvas_printf(c, r.y, r.x, r.w, s, "[%c]", field->value ? 'x' : ' ');
	} else {
		int n = canvas_str(c, r.y, r.x, r.w, focused ? "< " : "  ", s);

		n += canvas_str(c, r.y, r.x + n, r.w - n, field->choices[field->value], s);
		canvas_str(c, r.y, r.x + n, r.w - n, focused ? " >" : "", s);
	}
	if (focused)
		canvas_cursor(c, r.y, r.x + (field->kind == FIELD_FLAG));
}

static void draw_field(struct form *f, const struct canvas *c, size_t i, struct rect r, int label)
{
	struct app *a = f->v.app;
	struct form_field *field = &f->fields[i];
	struct style text = app_style(a, UI_DIALOG), muted = style_over(text, app_style(a, UI_MUTED));
	bool focused = i == f->focus;
	struct style box = app_style(a, focused ? UI_FIELD_FOCUS : UI_FIELD);

	field->r = (struct rect){r.y, r.x + label, 1, r.w - label};
	if (field->kind == FIELD_FLAG)
		field->r.w = 3;
	canvas_cell(c, r.y, r.x, label - 1, field->label,
	        focused ? style_over(text, app_style(a, UI_ACCENT)) : text);
	if (field->kind == FIELD_TEXT)
		line_edit_draw(field->line, c, r.y, field->r.x, field->r.w, field->placeholder,
		        (struct line_edit_style){box, style_over(box, app_style(a, UI_MUTED))}, focused);
	else
		draw_value(f, c, field, focused);
	if (r.h > 1 && field->error[0])
		canvas_cell(c, r.y + 1, r.x + label, r.w - label, field->error,
		        style_over(text, app_style(a, UI_ERROR)));
	else if (r.h > 1)
		canvas_cell(c, r.y + 1, r.x + label, r.w - label, field->note, muted);
}

static void draw_candidates(struct form *f, const struct canvas *c)
{
	struct app *a = f->v.app;
	size_t n = strv_len(f->candidates);
	int rows = n < FORM_CANDIDATES ? (int)n : FORM_CANDIDATES, w = 0;
	struct rect at = f->focus < f->n ? f->fields[f->focus].r : (struct rect){0};

	f->list = (struct rect){0};
	if (!n || rect_is_empty(at))
		return;
	if (rows > c->r.h - at.y - 2)
		rows = c->r.h - at.y - 2;
	for (size_t i = 0; i < n; i++) {
		int k = (int)text_width(f->candidates[i]) + 3;

		w = k > w ? k : w;
	}
	f->list = (struct rect){at.y + 1, at.x, rows, w < at.w ? w : at.w};
	canvas_fill(c, f->list, app_style(a, UI_FIELD));
	for (int y = 0; y < rows; y++) {
		size_t i = f->candidates_top + (size_t)y;

		canvas_cell(
		        c, f->list.y + y, at.x + 1, f->list.w - 2, f->candidates[i], app_style(a, UI_FIELD));
		if (i == f->chosen)
			canvas_restyle(c, (struct rect){f->list.y + y, at.x, 1, f->list.w},
			        app_style(a, UI_SELECTION));
	}
	dialog_scrollbar(a, c, f->list, at.x + f->list.w - 1, f->candidates_top, n);
}

/* ------------------------------------------------------------------ all of it */

static void scroll_to_focus(struct form *f, int h)
{
	int y = 0, all = 0;

	for (size_t i = 0; i < f->n; i++) {
		if (i < f->focus)
			y += rows_of(&f->fields[i]);
		all += rows_of(&f->fields[i]);
	}
	if (f->focus < f->n) {
		if (y + rows_of(&f->fields[f->focus]) > f->top + h)
			f->top = y + rows_of(&f->fields[f->focus]) - h;
		if (y < f->top)
			f->top = y;
	}
	if (f->top + h > all)
		f->top = all > h ? all - h : 0;
}

static void draw_fields(struct form *f, const struct canvas *c)
{
	struct canvas part = canvas_part(c, f->area);
	int y = -f->top, all = 0, label = label_width(f, f->area.w);

	for (size_t i = 0; i < f->n; i++) {
		struct form_field *field = &f->fields[i];
		int h = rows_of(field);

		field->r = (struct rect){0};
		if (h && y >= 0 && y < f->area.h) {
			draw_field(f, &part, i,
			        (struct rect){y, 0, y + h > f->area.h ? f->area.h - y : h, f->area.w}, label);
			field->r.y += f->area.y;
			field->r.x += f->area.x;
		}
		y += h;
		all += h;
	}
	dialog_scrollbar(f->v.app, c, f->area, c->r.w - 1, (size_t)f->top, (size_t)all);
}

/* The summary and the buttons, from below. */
static void draw_bottom(struct form *f, const struct canvas *c, struct rect *in)
{
	struct app *a = f->v.app;
	struct style s = style_over(app_style(a, UI_DIALOG), app_style(a, UI_MUTED));
	struct rect buttons = rect_cut_bottom(in, 1), summary;
	int rows = in->h > 14 ? SUMMARY_ROWS : 1;
	const char *text = f->summary ? f->summary : "";

	/* what is wrong, in full: the row beneath the field often has no room for it */
	if (f->focus < f->n && f->fields[f->focus].error[0]) {
		text = f->fields[f->focus].error;
		s = style_over(app_style(a, UI_DIALOG), app_style(a, UI_ERROR));
	}
	dialog_buttons(a, c, buttons, buttons.y, f->buttons, 2, f->focus >= f->n ? f->focus - f->n : 2);
	summary = rect_cut_bottom(in, rows);
	dialog_wrap(c, summary.y, summary.x, summary.w, rows, text, s);
	if (in->h > 6) {
		struct rect line = rect_cut_bottom(in, 1);

		canvas_hline(c, line.y, line.x, line.w, app_style(a, UI_DIALOG_BORDER));
	}
}

void form_draw(struct view *v, const struct canvas *c, bool focused)
{
	struct form *f = (struct form *)v;
	struct rect in = dialog_frame(v->app, c, f->title);

	(void)focused;
	draw_bottom(f, c, &in);
	f->area = in;
	scroll_to_focus(f, in.h);
	draw_fields(f, c);
	draw_candidates(f, c);
	dialog_footer(v->app, c, c->r.w > 60 ? "Tab next  ^S run  Esc close" : "^S run");
}
