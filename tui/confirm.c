/* Asking before something happens: what it is, what it does it to, and two buttons. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/dialog_frame.h"
#include "tui/view.h"

#define LINES_SHOWN   14
#define WIDTH_MOST    76
#define QUESTION_ROWS 6

enum { BUTTON_YES, BUTTON_NO, BUTTON_N };

struct confirm {
	struct view v;
	char *question, *verb;
	char **lines;
	struct dialog_button buttons[BUTTON_N];
	size_t focus, top, rows; /* rows: of lines, when last drawn */
	void (*yes)(struct app *a, void *arg);
	void *arg;
	void (*free_arg)(void *arg);
};

static int width_of(const struct confirm *d)
{
	size_t w = text_width(d->question);

	strv_foreach (s, d->lines)
		if (text_width(*s) > w)
			w = text_width(*s);
	if (w < 34)
		w = 34;
	return (int)(w < WIDTH_MOST - 6 ? w : WIDTH_MOST - 6) + 6;
}

static struct rect confirm_place(struct view *v, int rows, int cols)
{
	const struct confirm *d = (struct confirm *)v;
	int w = width_of(d) < cols ? width_of(d) : cols;
	int n = (int)strv_len(d->lines), h;

	if (n > LINES_SHOWN)
		n = LINES_SHOWN;
	h = dialog_wrap(NULL, 0, 0, w - 4, QUESTION_ROWS, d->question, (struct style){0}) + (n ? n + 1 : 0) +
	    4;
	return dialog_place(rows, cols, h, w);
}

static void confirm_draw(struct view *v, const struct canvas *c, bool focused)
{
	struct confirm *d = (struct confirm *)v;
	struct app *a = v->app;
	struct rect in = dialog_frame(a, c, d->verb);
	struct style text = app_style(a, UI_DIALOG);
	size_t n = strv_len(d->lines);
	struct rect head, list;

	(void)focused;
	rect_cut_bottom(&in, 1);
	head = rect_cut_top(&in, dialog_wrap(NULL, 0, 0, in.w, QUESTION_ROWS, d->question, text));
	dialog_wrap(c, head.y, head.x, head.w, QUESTION_ROWS, d->question,
	        style_over(text, (struct style){COLOUR_KEEP, COLOUR_KEEP, ATTR_BOLD}));
	if (n && in.h > 1)
		rect_cut_top(&in, 1);
	list = in;
	if (list.h > (int)n)
		list.h = (int)n;
	d->rows = list.h > 0 ? (size_t)list.h : 0;
	dialog_scroll_to(d->top, n, d->rows, &d->top);
	for (size_t i = 0; i < d->rows && d->top + i < n; i++)
		canvas_cell(c, list.y + (int)i, list.x + 1, list.w - 1, d->lines[d->top + i], text);
	dialog_scrollbar(a, c, list, c->r.w - 2, d->top, n);
	dialog_buttons(
	        a, c, (struct rect){0, 2, c->r.h, c->r.w - 4}, c->r.h - 2, d->buttons, BUTTON_N, d->focus);
}

static unsigned answer(struct confirm *d, bool yes)
{
	if (yes && d->yes)
		d->yes(d->v.app, d->arg);
	return VIEW_DONE | VIEW_CLOSE;
}

static void scroll(struct confirm *d, int by)
{
	size_t n = strv_len(d->lines), last = n > d->rows ? n - d->rows : 0;

	if (by < 0)
		d->top -= d->top ? 1 : 0;
	else if (d->top < last)
		d->top++;
}

static unsigned confirm_key(struct view *v, struct key k)
{
	struct confirm *d = (struct confirm *)v;

	switch (k.code) {
	case KEYC_ESCAPE:
	case 'n':
	case 'N':
	case 'q':
		return answer(d, false);
	case 'c':
		if (k.mods & MOD_CTRL)
			return answer(d, false);
		break;
	case 'y':
	case 'Y':
		if (!k.mods)
			return answer(d, true);
		break;
	case KEYC_ENTER:
	case ' ':
		return answer(d, d->focus == BUTTON_YES);
	case KEYC_TAB:
	case KEYC_LEFT:
	case KEYC_RIGHT:
	case 'h':
	case 'l':
		d->focus = d->focus == BUTTON_YES ? BUTTON_NO : BUTTON_YES;
		break;
	case KEYC_UP:
	case 'k':
		scroll(d, -1);
		break;
	case KEYC_DOWN:
	case 'j':
		scroll(d, 1);
		break;
	default:
		break;
	}
	return VIEW_DONE;
}

static unsigned confirm_mouse(struct view *v, const struct mouse *m)
{
	struct confirm *d = (struct confirm *)v;
	size_t b = dialog_button_at(d->buttons, BUTTON_N, m);

	if (b < BUTTON_N)
		return answer(d, b == BUTTON_YES);
	if (m->kind == MOUSE_WHEEL_UP || m->kind == MOUSE_WHEEL_DOWN)
		scroll(d, m->kind == MOUSE_WHEEL_UP ? -1 : 1);
	return VIEW_DONE;
}

/* The keys of the map mean nothing here, but back. */
static unsigned confirm_act(struct view *v, enum action action)
{
	(void)v;
	return action == ACTION_BACK || action == ACTION_LEAVE ? VIEW_DONE | VIEW_CLOSE : VIEW_HANDLED;
}

static void confirm_free(struct view *v)
{
	struct confirm *d = (struct confirm *)v;

	if (d->free_arg)
		d->free_arg(d->arg);
	strv_free(d->lines);
	free(d->question);
	free(d->verb);
	free(d);
}

static const struct view_ops confirm_ops = {
        .title = "Confirm",
        .context = CONTEXT_GLOBAL,
        .draw = confirm_draw,
        .act = confirm_act,
        .key = confirm_key,
        .mouse = confirm_mouse,
        .place = confirm_place,
        .free = confirm_free,
};

/* Names are foreign bytes: harmless before their width is reckoned with. */
static char *harmless(const char *text)
{
	struct buf b = BUF_INIT;

	text_harmless(&b, text, strlen(text));
	buf_str_add(&b, "");
	return buf_take(&b);
}

struct view *confirm_new(struct app *a, const char *question, char *const *lines, const char *verb,
        bool destructive, void (*yes)(struct app *a, void *arg), void *arg, void (*free_arg)(void *arg))
{
	struct confirm *d = calloc(1, sizeof(*d));

	if (!d) {
		if (free_arg)
			free_arg(arg);
		return NULL;
	}
	d->v = (struct view){&confirm_ops, a};
	d->yes = yes;
	d->arg = arg;
	d->free_arg = free_arg;
	d->question = harmless(question);
	d->verb = harmless(verb);
	strv_foreach (s, lines)
		strv_take(&d->lines, harmless(*s));
	d->buttons[BUTTON_YES].label = d->verb;
	d->buttons[BUTTON_NO].label = "Cancel";
	d->focus = destructive ? BUTTON_NO : BUTTON_YES;
	if (!d->question || !d->verb) {
		confirm_free(&d->v);
		return NULL;
	}
	return &d->v;
}
