#include "tui/form.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "tui/app.h"
#include "tui/form_draw.h"

/* ------------------------------------------------------------------ what it holds */

const char *form_text(const struct form *f, size_t field)
{
	return f->fields[field].line ? f->fields[field].line->text : "";
}

void form_set_text(struct form *f, size_t field, const char *text)
{
	line_edit_set(f->fields[field].line, text);
}

static void set_string(char **at, char *text)
{
	free(*at);
	*at = text;
}

void form_set_placeholder(struct form *f, size_t field, char *text)
{
	set_string(&f->fields[field].placeholder, text);
}

void form_set_note(struct form *f, size_t field, char *text)
{
	set_string(&f->fields[field].note, text);
}

void form_set_summary(struct form *f, char *text)
{
	set_string(&f->summary, text);
}

static void forget_candidates(struct form *f)
{
	strv_free_ptr(&f->candidates);
	f->chosen = FORM_NONE;
	f->candidates_top = 0;
}

static void find_candidates(struct form *f)
{
	const char *text = f->focus < f->n ? form_text(f, f->focus) : "";

	forget_candidates(f);
	if (f->focus >= f->n || f->fields[f->focus].kind != FIELD_TEXT || !f->ops->complete)
		return;
	f->ops->complete(f, f->focus, text, &f->candidates);
	if (strv_len(f->candidates) == 1 && !strcmp(f->candidates[0], text))
		forget_candidates(f);
}

static void changed(struct form *f)
{
	if (f->focus < f->n)
		f->ops->changed(f, f->focus);
}

/* ------------------------------------------------------------------ moving */

static void go(struct form *f, size_t to)
{
	size_t from = f->focus;

	f->focus = to;
	forget_candidates(f);
	/* a field that is left is checked more strictly than one that is being filled in */
	if (from < f->n)
		f->ops->changed(f, from);
	if (to < f->n && f->fields[to].kind == FIELD_TEXT && !f->fields[to].line->len)
		find_candidates(f);
}

static void step(struct form *f, bool forward)
{
	size_t stops = f->n + 2, to = f->focus;

	do
		to = (to + (forward ? 1 : stops - 1)) % stops;
	while (to < f->n && f->fields[to].is_hidden);
	go(f, to);
}

static unsigned submit(struct form *f)
{
	for (size_t i = 0; i < f->n; i++)
		f->ops->changed(f, i);
	for (size_t i = 0; i < f->n; i++) {
		if (!f->fields[i].error[0] || f->fields[i].is_hidden)
			continue;
		f->focus = i;
		forget_candidates(f);
		return VIEW_DONE;
	}
	return f->ops->submit(f);
}

/* ------------------------------------------------------------------ keys */

static void choose(struct form *f, size_t i)
{
	f->chosen = i;
	dialog_scroll_to(i, strv_len(f->candidates), FORM_CANDIDATES, &f->candidates_top);
}

static void take_candidate(struct form *f, size_t i)
{
	line_edit_set(f->fields[f->focus].line, f->candidates[i]);
	forget_candidates(f);
	changed(f);
}

/* While candidates are shown: true when the key was for them. */
static bool candidate_key(struct form *f, struct key k)
{
	size_t n = strv_len(f->candidates);

	if (!n)
		return false;
	if (k.code == KEYC_DOWN)
		choose(f, f->chosen == FORM_NONE ? 0 : (f->chosen + 1) % n);
	else if (k.code == KEYC_UP && f->chosen != FORM_NONE)
		choose(f, (f->chosen + n - 1) % n);
	else if (k.code == KEYC_ENTER && f->chosen != FORM_NONE)
		take_candidate(f, f->chosen);
	else if (k.code == KEYC_RIGHT && f->fields[f->focus].line->len &&
	         f->fields[f->focus].line->at == f->fields[f->focus].line->len)
		take_candidate(f, f->chosen == FORM_NONE ? 0 : f->chosen);
	else if (k.code == KEYC_ESCAPE)
		forget_candidates(f);
	else
		return false;
	return true;
}

static size_t choices_of(const struct form_field *field)
{
	size_t n = 0;

	while (field->choices && field->choices[n])
		n++;
	return n;
}

static bool value_key(struct form *f, struct key k)
{
	struct form_field *field = &f->fields[f->focus];
	int n = field->kind == FIELD_FLAG ? 2 : (int)choices_of(field);

	if (n == 0)
		return false;
	/* no letters: one that was meant for a text should not change a choice */
	if (k.code == ' ' || k.code == KEYC_RIGHT)
		field->value = (field->value + 1) % n;
	else if (k.code == KEYC_LEFT)
		field->value = (field->value + n - 1) % n;
	else
		return false;
	changed(f);
	return true;
}

static bool move_key(struct form *f, struct key k)
{
	switch (k.code) {
	case KEYC_TAB:
		step(f, !(k.mods & MOD_SHIFT));
		return true;
	case KEYC_DOWN:
		step(f, true);
		return true;
	case KEYC_UP:
		step(f, false);
		return true;
	case KEYC_PAGE_UP:
		go(f, 0);
		return true;
	case KEYC_PAGE_DOWN:
		go(f, f->n);
		return true;
	case KEYC_ENTER:
		step(f, true);
		return true;
	default:
		return k.mods == MOD_CTRL && (k.code == 'n' || k.code == 'p') ? step(f, k.code == 'n'),
		       true                                                   : false;
	}
}

static unsigned form_key(struct view *v, struct key k)
{
	struct form *f = (struct form *)v;

	if (k.mods == MOD_CTRL && k.code == 's')
		return submit(f);
	if (candidate_key(f, k))
		return VIEW_DONE;
	if (k.code == KEYC_ESCAPE || (k.mods == MOD_CTRL && (k.code == 'c' || k.code == 'g')))
		return VIEW_DONE | VIEW_CLOSE;
	if (f->focus >= f->n && (k.code == KEYC_ENTER || k.code == ' '))
		return f->focus == f->n ? submit(f) : VIEW_DONE | VIEW_CLOSE;
	if (f->focus >= f->n && (k.code == KEYC_LEFT || k.code == KEYC_RIGHT)) {
		f->focus = f->focus == f->n ? f->n + 1 : f->n;
		return VIEW_DONE;
	}
	if (f->focus < f->n && k.code == KEYC_ENTER && f->fields[f->focus].line &&
	        f->fields[f->focus].line->is_secret)
		return submit(f);
	if (move_key(f, k) || f->focus >= f->n)
		return VIEW_DONE;
	if (f->fields[f->focus].kind != FIELD_TEXT) {
		value_key(f, k);
	} else if (line_edit_key(f->fields[f->focus].line, k)) {
		find_candidates(f);
		changed(f);
	}
	return VIEW_DONE;
}

static unsigned form_paste(struct view *v, const char *text, size_t len)
{
	struct form *f = (struct form *)v;

	if (f->focus < f->n && f->fields[f->focus].kind == FIELD_TEXT) {
		line_edit_insert(f->fields[f->focus].line, text, len);
		find_candidates(f);
		changed(f);
	}
	return VIEW_DONE;
}

static unsigned press(struct form *f, const struct mouse *m)
{
	for (size_t i = 0; i < f->n; i++) {
		struct form_field *field = &f->fields[i];

		if (!rect_has(field->r, m->y, m->x))
			continue;
		if (i != f->focus)
			go(f, i);
		if (field->kind == FIELD_TEXT)
			line_edit_click(field->line, m->x - field->r.x);
		else
			value_key(f, (struct key){.code = ' '});
		break;
	}
	return VIEW_DONE;
}

static unsigned form_mouse(struct view *v, const struct mouse *m)
{
	struct form *f = (struct form *)v;
	size_t b = dialog_button_at(f->buttons, 2, m);

	if (m->kind == MOUSE_WHEEL_DOWN || m->kind == MOUSE_WHEEL_UP)
		step(f, m->kind == MOUSE_WHEEL_DOWN);
	if (m->kind != MOUSE_PRESS)
		return VIEW_DONE;
	if (f->candidates && rect_has(f->list, m->y, m->x)) {
		size_t at = f->candidates_top + (size_t)(m->y - f->list.y);

		if (at < strv_len(f->candidates))
			take_candidate(f, at);
		return VIEW_DONE;
	}
	if (b < 2)
		return b == 0 ? submit(f) : VIEW_DONE | VIEW_CLOSE;
	return press(f, m);
}

static unsigned form_act(struct view *v, enum action action)
{
	(void)v;
	return action == ACTION_BACK ? VIEW_DONE | VIEW_CLOSE : VIEW_HANDLED;
}

/* ------------------------------------------------------------------ its life */

static void form_free(struct view *v)
{
	struct form *f = (struct form *)v;

	if (f->ops->free)
		f->ops->free(f);
	for (size_t i = 0; f->fields && i < f->n; i++) {
		if (f->fields[i].line)
			line_edit_wipe(f->fields[i].line);
		free(f->fields[i].line);
		free(f->fields[i].placeholder);
		free(f->fields[i].note);
	}
	free(f->fields);
	free(f->summary);
	strv_free(f->candidates);
	free(f);
}

static const struct view_ops form_view_ops = {
        .title = "Form",
        .context = CONTEXT_GLOBAL,
        .draw = form_draw,
        .act = form_act,
        .key = form_key,
        .paste = form_paste,
        .mouse = form_mouse,
        .place = form_place,
        .free = form_free,
};

int form_init(struct form *f, struct app *a, const struct form_ops *ops, const char *title, const char *verb,
        const struct form_field *fields, size_t n)
{
	f->v = (struct view){&form_view_ops, a};
	f->ops = ops;
	f->title = title;
	f->verb = verb;
	f->chosen = FORM_NONE;
	f->buttons[0].label = verb;
	f->buttons[1].label = "Cancel";
	f->fields = calloc(n, sizeof(*fields));
	f->n = f->fields ? n : 0;
	for (size_t i = 0; i < f->n; i++) {
		f->fields[i].label = fields[i].label;
		f->fields[i].kind = fields[i].kind;
		f->fields[i].choices = fields[i].choices;
		if (fields[i].kind != FIELD_TEXT)
			continue;
		f->fields[i].line = calloc(1, sizeof(struct line_edit));
		if (!f->fields[i].line)
			f->n = 0;
		else
			f->fields[i].line->is_secret = fields[i].is_secret;
	}
	if (f->n)
		return 0;
	f->n = n;
	form_free(&f->v);
	return -1;
}
