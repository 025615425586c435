/* Asking for a line of text, in a box or on a line above the hint bar. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/dialog_frame.h"
#include "tui/line_edit.h"
#include "tui/prompt_history.h"
#include "tui/view.h"

#define CANDIDATES_SHOWN 8
#define NOT_CHOSEN       ((size_t)-1)
#define BOX_WIDTH        64

struct prompt {
	struct view v;
	struct prompt_options o; /* its strings are `label` and `history_name` */
	char *label, *history_name;
	struct line_edit line;
	char error[256];
	char **past;  /* earlier entries, oldest first */
	size_t depth; /* how far back; 0: what is being typed */
	char *typed;  /* what was being typed when going back began */
	char **candidates;
	size_t chosen, top, word; /* word: where the word that is completed begins */
	struct rect field;
};

static size_t candidate_rows(const struct prompt *p)
{
	size_t n = strv_len(p->candidates);

	return n < CANDIDATES_SHOWN ? n : CANDIDATES_SHOWN;
}

/* ------------------------------------------------------------------ what follows from a change */

static void forget_candidates(struct prompt *p)
{
	strv_free_ptr(&p->candidates);
	p->chosen = NOT_CHOSEN;
	p->top = 0;
}

static void find_candidates(struct prompt *p)
{
	cleanup_free char *before = str_printf("%.*s", (int)p->line.at, p->line.text);

	forget_candidates(p);
	if (!before || !p->o.complete)
		return;
	p->word = p->line.at;
	while (p->word && before[p->word - 1] != ' ')
		p->word--;
	p->o.complete(p->v.app, before, &p->candidates, p->o.arg);
	/* the one thing that it can be is there already */
	if (strv_len(p->candidates) == 1 && !strcmp(p->candidates[0], before + p->word))
		forget_candidates(p);
}

static void check(struct prompt *p)
{
	p->error[0] = '\0';
	if (p->o.check && !p->o.check(p->v.app, p->line.text, p->error, sizeof(p->error), p->o.arg) &&
	        !p->error[0])
		strcpy(p->error, "this cannot be");
}

static void text_changed(struct prompt *p)
{
	if (p->line.len)
		check(p);
	else
		p->error[0] = '\0';
	if (p->o.changed)
		p->o.changed(p->v.app, p->line.text, p->o.arg);
}

static void typed(struct prompt *p)
{
	p->depth = 0;
	if (p->o.at_bottom && p->line.len)
		find_candidates(p);
	else
		forget_candidates(p);
	text_changed(p);
}

/* ------------------------------------------------------------------ completion, history */

static size_t common_prefix(char *const *v)
{
	size_t n = strlen(v[0]);

	for (char *const *s = v + 1; *s; s++)
		for (size_t i = 0; i < n; i++)
			if ((*s)[i] != v[0][i])
				n = i;
	while (n && ((unsigned char)v[0][n] & 0xc0) == 0x80)
		n--;
	return n;
}

static void take_candidate(struct prompt *p, size_t i)
{
	p->chosen = i;
	dialog_scroll_to(i, strv_len(p->candidates), candidate_rows(p), &p->top);
	line_edit_replace(&p->line, p->word, p->candidates[i]);
	text_changed(p);
}

/* Tab: first as far as all candidates agree, then one after the other. */
static void complete(struct prompt *p, int step)
{
	size_t n, same;

	if (!p->candidates)
		find_candidates(p);
	n = strv_len(p->candidates);
	if (!n)
		return;
	if (p->chosen != NOT_CHOSEN) {
		take_candidate(p, (p->chosen + n + (size_t)(step + (int)n)) % n);
		return;
	}
	same = common_prefix(p->candidates);
	if (n > 1 && same > p->line.at - p->word) {
		cleanup_free char *prefix = str_printf("%.*s", (int)same, p->candidates[0]);

		if (prefix)
			line_edit_replace(&p->line, p->word, prefix);
		text_changed(p);
		return;
	}
	take_candidate(p, step > 0 ? 0 : n - 1);
	if (n == 1)
		forget_candidates(p);
}

static void go_back(struct prompt *p, bool older)
{
	size_t n = strv_len(p->past);

	if (older ? p->depth >= n : !p->depth)
		return;
	if (older && !p->depth) {
		free(p->typed);
		p->typed = strdup(p->line.text);
	}
	p->depth += older ? 1 : (size_t)-1;
	forget_candidates(p);
	line_edit_set(&p->line, p->depth ? p->past[n - p->depth] : p->typed ? p->typed : "");
	text_changed(p);
}

/* ------------------------------------------------------------------ drawing */

static struct rect prompt_place(struct view *v, int rows, int cols)
{
	const struct prompt *p = (struct prompt *)v;
	int n = (int)candidate_rows(p);

	if (p->o.at_bottom) {
		struct rect r = dialog_place_at_bottom(rows, cols);

		if (n > r.y)
			n = r.y;
		return (struct rect){r.y - n, 0, n + 1, cols};
	}
	return dialog_place(rows, cols, 6 + n, BOX_WIDTH); /* two rows for what is wrong */
}

static void draw_candidates(struct prompt *p, const struct canvas *c, struct rect r)
{
	struct app *a = p->v.app;
	size_t n = strv_len(p->candidates);
	int w = 0;

	for (size_t i = 0; i < n; i++) {
		int len = (int)text_width(p->candidates[i]) + 3;

		w = len > w ? len : w;
	}
	if (w < r.w)
		r.w = w;
	canvas_fill(c, r, app_style(a, UI_DIALOG));
	for (int i = 0; i < r.h && p->top + (size_t)i < n; i++) {
		canvas_cell(c, r.y + i, r.x + 1, r.w - 2, p->candidates[p->top + (size_t)i],
		        app_style(a, UI_DIALOG));
		if (p->top + (size_t)i == p->chosen)
			canvas_restyle(c, (struct rect){r.y + i, r.x, 1, r.w}, app_style(a, UI_SELECTION));
	}
	dialog_scrollbar(a, c, r, r.x + r.w - 1, p->top, n);
}

static void draw_field(struct prompt *p, const struct canvas *c, bool focused)
{
	struct app *a = p->v.app;
	struct line_edit_style s = {app_style(a, UI_FIELD_FOCUS), app_style(a, UI_MUTED)};

	if (p->o.at_bottom)
		s.text = app_style(a, UI_BAR);
	line_edit_draw(&p->line, c, p->field.y, p->field.x, p->field.w, NULL, s, focused);
}

static void draw_bottom(struct prompt *p, const struct canvas *c, bool focused)
{
	struct app *a = p->v.app;
	int y = c->r.h - 1, x;
	int error_width = p->error[0] ? (int)text_width(p->error) + 2 : 0;

	canvas_fill(c, (struct rect){y, 0, 1, c->r.w}, app_style(a, UI_BAR));
	x = canvas_str(c, y, 0, c->r.w, p->label, style_over(app_style(a, UI_BAR), app_style(a, UI_ACCENT)));
	if (p->label[0] && strcmp(p->label, ":") && strcmp(p->label, "/"))
		x++;
	if (error_width > (c->r.w - x) / 2)
		error_width = (c->r.w - x) / 2;
	p->field = (struct rect){y, x, 1, c->r.w - x - error_width};
	if (error_width)
		canvas_cell(c, y, c->r.w - error_width + 1, error_width - 1, p->error,
		        style_over(app_style(a, UI_BAR), app_style(a, UI_ERROR)));
	draw_candidates(p, c, (struct rect){0, x > 1 ? x - 1 : 0, c->r.h - 1, c->r.w - x});
	draw_field(p, c, focused);
}

static void prompt_draw(struct view *v, const struct canvas *c, bool focused)
{
	struct prompt *p = (struct prompt *)v;
	struct rect in;

	if (p->o.at_bottom) {
		draw_bottom(p, c, focused);
		return;
	}
	in = dialog_frame(v->app, c, p->label);
	rect_cut_top(&in, in.h > 2 ? 1 : 0);
	p->field = rect_cut_top(&in, 1);
	draw_candidates(p, c, rect_cut_top(&in, (int)candidate_rows(p)));
	if (p->error[0])
		dialog_wrap(c, in.y, in.x, in.w, in.h, p->error,
		        style_over(app_style(v->app, UI_DIALOG), app_style(v->app, UI_ERROR)));
	draw_field(p, c, focused);
	dialog_footer(v->app, c, "Enter accept  Esc cancel");
}

/* ------------------------------------------------------------------ keys */

static unsigned finish(struct prompt *p, bool ok)
{
	if (ok) {
		check(p);
		if (p->error[0])
			return VIEW_DONE;
		if (p->history_name)
			prompt_history_add(app_config(p->v.app), p->history_name, p->line.text);
	}
	if (p->o.ok)
		p->o.ok(p->v.app, ok ? p->line.text : NULL, p->o.arg);
	return VIEW_DONE | VIEW_CLOSE;
}

static unsigned prompt_key(struct view *v, struct key k)
{
	struct prompt *p = (struct prompt *)v;

	switch (k.code) {
	case KEYC_ENTER:
		return finish(p, true);
	case KEYC_ESCAPE:
		return finish(p, false);
	case KEYC_TAB:
		complete(p, k.mods & MOD_SHIFT ? -1 : 1);
		return VIEW_DONE;
	case KEYC_UP:
	case KEYC_DOWN:
		go_back(p, k.code == KEYC_UP);
		return VIEW_DONE;
	default:
		break;
	}
	if (k.mods == MOD_CTRL && (k.code == 'p' || k.code == 'n')) {
		go_back(p, k.code == 'p');
		return VIEW_DONE;
	}
	if (k.mods == MOD_CTRL && (k.code == 'c' || k.code == 'g'))
		return finish(p, false);
	/* as in less and vim: rubbing out the empty line leaves it */
	if (k.code == KEYC_BACKSPACE && !p->line.len && p->o.at_bottom)
		return finish(p, false);
	if (line_edit_key(&p->line, k))
		typed(p);
	return VIEW_DONE;
}

static unsigned prompt_paste(struct view *v, const char *text, size_t len)
{
	struct prompt *p = (struct prompt *)v;

	line_edit_insert(&p->line, text, len);
	typed(p);
	return VIEW_DONE;
}

static unsigned prompt_mouse(struct view *v, const struct mouse *m)
{
	struct prompt *p = (struct prompt *)v;

	if (m->kind == MOUSE_PRESS && rect_has(p->field, m->y, m->x))
		line_edit_click(&p->line, m->x - p->field.x);
	return VIEW_DONE;
}

static unsigned prompt_act(struct view *v, enum action action)
{
	return action == ACTION_BACK ? finish((struct prompt *)v, false) : VIEW_HANDLED;
}

static void prompt_free(struct view *v)
{
	struct prompt *p = (struct prompt *)v;

	if (p->o.free_arg)
		p->o.free_arg(p->o.arg);
	strv_free(p->past);
	strv_free(p->candidates);
	free(p->typed);
	free(p->label);
	free(p->history_name);
	free(p);
}

static const struct view_ops prompt_ops = {
        .title = "Prompt",
        .context = CONTEXT_GLOBAL,
        .draw = prompt_draw,
        .act = prompt_act,
        .key = prompt_key,
        .paste = prompt_paste,
        .mouse = prompt_mouse,
        .place = prompt_place,
        .free = prompt_free,
};

struct view *prompt_new(struct app *a, const struct prompt_options *o)
{
	struct prompt *p = calloc(1, sizeof(*p));

	if (!p) {
		if (o->free_arg)
			o->free_arg(o->arg);
		return NULL;
	}
	p->v = (struct view){&prompt_ops, a};
	p->o = *o;
	p->chosen = NOT_CHOSEN;
	p->label = strdup(o->label ? o->label : "");
	p->history_name = o->history ? strdup(o->history) : NULL;
	if (!p->label || (o->history && !p->history_name)) {
		prompt_free(&p->v);
		return NULL;
	}
	if (p->history_name)
		p->past = prompt_history(app_config(a), p->history_name);
	line_edit_set(&p->line, o->text ? o->text : "");
	return &p->v;
}
