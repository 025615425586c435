/* The pane of a shell: what is seen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "tui/app.h"
#include "tui/config.h"
#include "tui/keymap.h"
#include "tui/shell_view.h"
#include "tui/views.h"

#define TAB_WIDTH 20

struct shell *shell_view_shell(const struct shell_view *v)
{
	return v->number ? shells_find(app_shells(v->view.app), v->number) : NULL;
}

struct key shell_view_prefix(const struct shell_view *v)
{
	const char *name = config_get(app_config(v->view.app), "prefix", "ctrl-]");
	struct key k;

	if (!key_parse(name, strlen(name), &k))
		k = (struct key){']', MOD_CTRL};
	return k;
}

int64_t shell_view_first(const struct shell_view *v, const struct shell *sh)
{
	int64_t first = v->mode == SHELL_LIVE ? term_top(sh->term) : v->first, oldest = term_oldest(sh->term);

	return first < oldest ? oldest : first > term_top(sh->term) ? term_top(sh->term) : first;
}

bool shell_view_selection(const struct shell_view *v, struct term_place *from, struct term_place *to)
{
	bool forward = v->anchor.line < v->head.line ||
	               (v->anchor.line == v->head.line && v->anchor.col <= v->head.col);

	*from = forward ? v->anchor : v->head;
	*to = forward ? v->head : v->anchor;
	return v->has_selection;
}

/* ---- which shell */

static void watch(struct shell_view *v, bool on)
{
	struct shell *sh = shell_view_shell(v);

	if (!sh)
		return;
	shell_watch(sh, on);
	if (!on && sh->sized_by == v)
		sh->sized_by = NULL;
	if (!on && v->had_focus) {
		term_focus(sh->term, false);
		shell_flush(sh);
		v->had_focus = false;
	}
}

void shell_view_switch(struct shell_view *v, unsigned number)
{
	if (number == v->number)
		return;
	if (v->is_visible)
		watch(v, false);
	v->number = number;
	v->mode = SHELL_LIVE;
	v->prefixed = v->has_selection = v->is_selecting = v->forwarding = false;
	if (v->is_visible)
		watch(v, true);
	app_redraw(v->view.app);
}

static void shell_view_show(struct view *view, const struct object *o)
{
	struct shell_view *v = (struct shell_view *)view;

	/* It is told often; only another object takes the user from the tab that was chosen here. */
	if (!o || object_equal(o, &v->shown))
		return;
	v->shown = *o;
	shell_view_switch(v, (unsigned)strtoul(o->id, NULL, 10));
}

static void shell_view_visible(struct view *view, bool on)
{
	struct shell_view *v = (struct shell_view *)view;

	if (on == v->is_visible)
		return;
	watch(v, on);
	v->is_visible = on;
}

/* ---- drawing */

static int tab_width(const struct shell *sh)
{
	int w = (int)text_width(sh->title) + 4;

	return w > TAB_WIDTH ? TAB_WIDTH : w;
}

/* The leftmost tab, so that the one of this view is among those that fit. */
static size_t first_tab(const struct shell_view *v, int width)
{
	const struct shells *ss = app_shells(v->view.app);
	size_t first = 0;
	int used = 0;

	for (size_t i = 0; i < shells_count(ss); i++) {
		used += tab_width(shells_get(ss, i));
		while (used > width && first < i)
			used -= tab_width(shells_get(ss, first++));
		if (shells_get(ss, i)->number == v->number)
			return first;
	}
	return 0;
}

unsigned shell_view_tab_at(const struct shell_view *v, int x)
{
	const struct shells *ss = app_shells(v->view.app);
	int at = 0;

	for (size_t i = first_tab(v, v->body.w); i < shells_count(ss); i++) {
		const struct shell *sh = shells_get(ss, i);

		if (x >= at && x < at + tab_width(sh))
			return sh->number;
		at += tab_width(sh);
	}
	return 0;
}

static void draw_strip(struct shell_view *v, const struct canvas *c)
{
	struct app *a = v->view.app;
	const struct shells *ss = app_shells(a);
	int x = 0;

	canvas_fill(c, (struct rect){0, 0, 1, c->r.w}, app_style(a, UI_TEXT));
	for (size_t i = first_tab(v, c->r.w); i < shells_count(ss) && x < c->r.w; i++) {
		const struct shell *sh = shells_get(ss, i);
		enum theme_element el = sh->number == v->number ? UI_TAB_ACTIVE : UI_TAB;
		int w = tab_width(sh);

		canvas_fill(c, (struct rect){0, x, 1, w}, app_style(a, el));
		canvas_cell(c, 0, x + 1, w - 3, sh->title, app_style(a, el));
		if (sh->rang)
			canvas_char(c, 0, x + w - 2, app_glyph(a, GLYPH_BELL), app_style(a, UI_WARN));
		else if (sh->ended)
			canvas_char(c, 0, x + w - 2, app_glyph(a, GLYPH_EXITED), app_style(a, STATE_EXITED));
		else if (sh->active)
			canvas_char(c, 0, x + w - 2, '*', app_style(a, UI_ACCENT));
		x += w;
	}
}

static void draw_nothing(struct shell_view *v, const struct canvas *c)
{
	struct app *a = v->view.app;
	const char *line = v->number ? "This shell is closed." : "No shell is open here.";
	const char *hint = "e on a container opens one; it stays alive while you look at something else.";
	int y = c->r.h / 2 - 1;

	canvas_clear(c, app_style(a, UI_TEXT));
	canvas_str(c, y < 0 ? 0 : y, 2, c->r.w - 3, line, app_style(a, UI_TEXT));
	canvas_str(c, y < 0 ? 1 : y + 1, 2, c->r.w - 3, hint, app_style(a, UI_MUTED));
}

static void draw_selection(const struct shell_view *v, const struct canvas *c, int64_t first)
{
	struct term_place from, to;

	if (!shell_view_selection(v, &from, &to))
		return;
	for (int y = 0; y < c->r.h; y++) {
		int64_t n = first + y;
		int x = n == from.line ? from.col : 0, end = n == to.line ? to.col + 1 : c->r.w;

		if (n >= from.line && n <= to.line && end > x)
			canvas_restyle(
			        c, (struct rect){y, x, 1, end - x}, app_style(v->view.app, UI_SELECTION));
	}
}

/* Over the terminal, where it hides little: how far back, or that it has ended. */
static void draw_note(
        const struct shell_view *v, const struct canvas *c, const struct shell *sh, int64_t first)
{
	struct app *a = v->view.app;
	char note[96];
	int w;

	if (v->mode != SHELL_LIVE) {
		snprintf(note, sizeof note, " %lld/%lld ", (long long)(term_top(sh->term) - first),
		        (long long)(term_top(sh->term) - term_oldest(sh->term)));
		w = (int)strlen(note);
		canvas_str(c, 0, w < c->r.w ? c->r.w - w : 0, -1, note, app_style(a, UI_KEY));
	}
	if (!sh->ended)
		return;
	snprintf(note, sizeof note, "[ended, exit code %d: Enter closes it, r starts it again]",
	        sh->exit_code);
	if ((int)strlen(note) > c->r.w)
		snprintf(note, sizeof note, "[exit code %d: Enter, or r again]", sh->exit_code);
	canvas_fill(c, (struct rect){c->r.h - 1, 0, 1, c->r.w}, app_style(a, UI_BAR));
	canvas_str(c, c->r.h - 1, 0, -1, note, app_style(a, UI_BAR));
}

static void tell_focus(struct shell_view *v, struct shell *sh, bool focused)
{
	if (focused == v->had_focus)
		return;
	v->had_focus = focused;
	term_focus(sh->term, focused);
	shell_flush(sh);
}

static void shell_view_draw(struct view *view, const struct canvas *c, bool focused)
{
	struct shell_view *v = (struct shell_view *)view;
	struct app *a = view->app;
	struct shell *sh = shell_view_shell(v);
	struct rect r = {0, 0, c->r.h, c->r.w};
	struct canvas body;
	int64_t first, line;
	int col;

	v->strip = shells_count(app_shells(a)) > 1 && r.h > TERM_MIN_ROWS;
	if (v->strip) {
		draw_strip(v, c);
		rect_cut_top(&r, 1);
	}
	v->body = r;
	body = canvas_part(c, r);
	if (!sh) {
		draw_nothing(v, &body);
		return;
	}
	/* In two panes at once it has the size of the one that has, or last had, the focus. */
	if (focused || !sh->sized_by)
		sh->sized_by = v;
	if (sh->sized_by == v)
		shell_resize(sh, r.h, r.w);
	tell_focus(v, sh, focused);
	first = shell_view_first(v, sh);
	term_draw(sh->term, &body, first, app_style(a, UI_TEXT));
	draw_selection(v, &body, first);
	draw_note(v, &body, sh, first);
	if (focused && !sh->ended && term_cursor(sh->term, &line, &col) && line - first < r.h && col < r.w)
		canvas_cursor(&body, (int)(line - first), col);
}

static void shell_view_status(struct view *view, char *dst, size_t size)
{
	struct shell_view *v = (struct shell_view *)view;
	const struct shell *sh = shell_view_shell(v);
	char prefix[KEY_TEXT_SIZE];

	*dst = '\0';
	if (!sh)
		return;
	key_format(shell_view_prefix(v), prefix);
	if (v->prefixed)
		snprintf(dst, size, "%s ...", prefix);
	else if (sh->ended)
		snprintf(dst, size, "%s  ended", sh->title);
	else if (v->mode != SHELL_LIVE)
		snprintf(dst, size, "%s  scrolled back, q to return", sh->title);
	else
		snprintf(dst, size, "%s%s  %s to leave", sh->recording ? "recording  " : "",
		        *term_title(sh->term) ? term_title(sh->term) : sh->title, prefix);
}

/* ---- text */

static bool shell_view_copy(struct view *view, struct buf *out)
{
	struct shell_view *v = (struct shell_view *)view;
	struct shell *sh = shell_view_shell(v);
	struct term_place from, to;

	if (!sh || !shell_view_selection(v, &from, &to))
		return false;
	term_text(sh->term, from, to, out);
	return out->len > 0;
}

static int shell_view_save(struct view *view, int fd, struct err *e)
{
	struct shell *sh = shell_view_shell((struct shell_view *)view);
	cleanup_buf struct buf text = BUF_INIT;

	if (!sh)
		return 0;
	for (int64_t n = term_oldest(sh->term), end = term_top(sh->term) + term_rows(sh->term); n < end;
	        n++) {
		term_text(sh->term, (struct term_place){n, 0}, (struct term_place){n, TERM_MAX_COLS}, &text);
		buf_char(&text, '\n');
	}
	if (text.failed)
		return err_no_memory(e);
	if (write_all(fd, buf_str(&text), text.len) != 0)
		return err_sys(e, "cannot write the shell's text");
	return 0;
}

static bool shell_view_selected(struct view *view, struct object *o)
{
	struct shell_view *v = (struct shell_view *)view;
	const struct shell *sh = shell_view_shell(v);

	if (!sh)
		return false;
	*o = shell_object(sh);
	return true;
}

static void shell_view_free(struct view *view)
{
	shell_view_visible(view, false);
	free(view);
}

static const struct view_ops shell_view_ops = {
        .title = "Shell",
        .context = CONTEXT_SHELL,
        .draw = shell_view_draw,
        .act = shell_view_act,
        .key = shell_view_key,
        .paste = shell_view_paste,
        .mouse = shell_view_mouse,
        .show = shell_view_show,
        .visible = shell_view_visible,
        .status = shell_view_status,
        .copy = shell_view_copy,
        .save = shell_view_save,
        .selected = shell_view_selected,
        .free = shell_view_free,
};

struct view *shell_view_new(struct app *a)
{
	struct shell_view *v = calloc(1, sizeof *v);

	if (!v)
		return NULL;
	v->view = (struct view){.ops = &shell_view_ops, .app = a};
	return &v->view;
}
