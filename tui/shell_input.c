/* The pane of a shell: what is done there. Every key is the child's, but the prefix and the one after it. */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "tui/app.h"
#include "tui/keymap.h"
#include "tui/shell_view.h"

#define WHEEL_LINES 3

/* ---- scrolling back */

static void go_live(struct shell_view *v)
{
	v->mode = SHELL_LIVE;
	v->has_selection = v->is_selecting = false;
}

static void scroll(struct shell_view *v, struct shell *sh, int64_t lines, enum shell_mode mode)
{
	int64_t first = shell_view_first(v, sh) + lines, top = term_top(sh->term),
	        oldest = term_oldest(sh->term);

	if (first < oldest)
		first = oldest;
	if (first >= top && mode == SHELL_PEEK) {
		v->mode = SHELL_LIVE;
		return;
	}
	v->first = first > top ? top : first;
	v->mode = mode;
}

static void copy_selection(struct shell_view *v, struct shell *sh)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct term_place from, to;

	if (!shell_view_selection(v, &from, &to))
		return;
	term_text(sh->term, from, to, &text);
	if (text.len > 0)
		app_copy(v->view.app, buf_str(&text), text.len);
}

static unsigned browse(struct shell_view *v, struct shell *sh, enum action a)
{
	int page = v->body.h > 1 ? v->body.h - 1 : 1;
	int64_t all = term_top(sh->term) - term_oldest(sh->term);

	switch (a) {
	case ACTION_SCROLL_UP:
		scroll(v, sh, -1, SHELL_BROWSE);
		break;
	case ACTION_SCROLL_DOWN:
		scroll(v, sh, 1, SHELL_BROWSE);
		break;
	case ACTION_SCROLL_HALF_UP:
		scroll(v, sh, -(page + 1) / 2, SHELL_BROWSE);
		break;
	case ACTION_SCROLL_HALF_DOWN:
		scroll(v, sh, (page + 1) / 2, SHELL_BROWSE);
		break;
	case ACTION_SCROLL_PAGE_UP:
		scroll(v, sh, -page, SHELL_BROWSE);
		break;
	case ACTION_SCROLL_PAGE_DOWN:
		scroll(v, sh, page, SHELL_BROWSE);
		break;
	case ACTION_SCROLL_TOP:
		scroll(v, sh, -all, SHELL_BROWSE);
		break;
	case ACTION_SCROLL_BOTTOM:
		scroll(v, sh, all, SHELL_BROWSE);
		break;
	case ACTION_DETAIL_COPY:
		copy_selection(v, sh);
		break;
	case ACTION_BACK:
	case ACTION_LEAVE:
	case ACTION_DETAIL_OPEN:
	case ACTION_INTERRUPT:
		go_live(v);
		break;
	default:
		return VIEW_IGNORED;
	}
	return VIEW_DONE;
}

/* ---- actions */

static void show_shell(struct shell_view *v, const struct shell *sh)
{
	v->shown = shell_object(sh);
	shell_view_switch(v, sh->number);
	app_keep(v->view.app, &v->view, &v->shown);
}

static unsigned next_shell(struct shell_view *v)
{
	struct shells *ss = app_shells(v->view.app);
	size_t next = 0;

	for (size_t i = 0; i < shells_count(ss); i++)
		if (shells_get(ss, i)->number == v->number)
			next = (i + 1) % shells_count(ss);
	if (shells_count(ss) > 0)
		show_shell(v, shells_get(ss, next));
	return VIEW_DONE;
}

static unsigned end_shell(struct shell_view *v, struct shell *sh)
{
	if (!sh->ended && !sh->asked_to_end)
		app_toast(v->view.app, TOAST_INFO, "asked %s to end; the same key again kills it", sh->title);
	shell_end(sh);
	return VIEW_DONE;
}

static unsigned close_shell(struct shell_view *v, struct shell *sh)
{
	shell_close(sh);
	app_keep(v->view.app, &v->view, NULL);
	app_act(v->view.app, ACTION_BACK);
	return VIEW_DONE;
}

unsigned shell_view_act(struct view *view, enum action a)
{
	struct shell_view *v = (struct shell_view *)view;
	struct shell *sh = shell_view_shell(v);

	if (a == ACTION_SHELL_NEXT)
		return next_shell(v);
	if (!sh && a != ACTION_SHELL_LEAVE && a != ACTION_SHELL_PANE && a != ACTION_SHELL_ZOOM)
		return VIEW_IGNORED;
	switch (a) {
	case ACTION_SHELL_LEAVE:
		go_live(v);
		app_act(view->app, ACTION_BACK);
		return VIEW_DONE;
	case ACTION_SHELL_SCROLL:
		scroll(v, sh, -v->body.h / 2, SHELL_BROWSE);
		return VIEW_DONE;
	case ACTION_SHELL_RECORD:
		if (!sh->ended)
			shell_record(sh);
		return VIEW_DONE;
	case ACTION_SHELL_KILL:
		return sh->ended ? close_shell(v, sh) : end_shell(v, sh);
	case ACTION_SHELL_PANE:
		app_act(view->app, ACTION_PANE_NEXT);
		return VIEW_DONE;
	case ACTION_SHELL_ZOOM:
		app_act(view->app, ACTION_ZOOM);
		return VIEW_DONE;
	default:
		return v->mode == SHELL_BROWSE ? browse(v, sh, a) : VIEW_IGNORED;
	}
}

/* ---- keys */

/* VIEW_REDRAW only where something of ours changes by it. */
static unsigned send_key(struct shell_view *v, struct shell *sh, struct key k)
{
	unsigned result = VIEW_HANDLED;

	if (v->mode == SHELL_PEEK || v->has_selection) {
		go_live(v);
		result |= VIEW_REDRAW;
	}
	if (!term_key(sh->term, k))
		app_toast(v->view.app, TOAST_WARN, "%s takes no more keys", sh->title);
	shell_flush(sh);
	return result;
}

/* What the key means when it is not the child's: here, or (help, panels, the command line) everywhere. */
static unsigned do_own(struct shell_view *v, struct key k)
{
	const struct keymap *keys = app_keymap(v->view.app);
	bool more;
	enum action a = keymap_look(keys, CONTEXT_SHELL, &k, 1, &more);

	if (a == ACTION_NONE)
		a = keymap_look(keys, CONTEXT_GLOBAL, &k, 1, &more);
	if (a != ACTION_NONE)
		app_act(v->view.app, a);
	return VIEW_DONE;
}

static unsigned after_prefix(struct shell_view *v, struct shell *sh, struct key k)
{
	v->prefixed = false;
	if (!key_equal(k, shell_view_prefix(v)))
		return do_own(v, k);
	if (!sh->ended)
		send_key(v, sh, k);
	return VIEW_DONE;
}

static unsigned key_when_ended(struct shell_view *v, struct shell *sh, struct key k)
{
	struct err e = ERR_INIT;

	if (k.code == KEYC_ENTER)
		return close_shell(v, sh);
	if (k.code != 'r' || k.mods)
		return do_own(v, k);
	v->mode = SHELL_LIVE;
	if (shell_restart(sh, &e) != 0)
		app_toast(v->view.app, TOAST_ERROR, "%s", e.msg);
	return VIEW_DONE;
}

unsigned shell_view_key(struct view *view, struct key k)
{
	struct shell_view *v = (struct shell_view *)view;
	struct shell *sh = shell_view_shell(v);

	if (!sh)
		return do_own(v, k);
	if (v->prefixed)
		return after_prefix(v, sh, k);
	if (key_equal(k, shell_view_prefix(v))) {
		v->prefixed = true;
		return VIEW_DONE;
	}
	if (v->mode == SHELL_BROWSE) {
		bool more;
		enum action a = keymap_look(app_keymap(view->app), CONTEXT_DETAIL, &k, 1, &more);

		/* Nothing is typed into the child by mistake. */
		browse(v, sh, a);
		return VIEW_DONE;
	}
	if (sh->ended)
		return key_when_ended(v, sh, k);
	return send_key(v, sh, k);
}

unsigned shell_view_paste(struct view *view, const char *text, size_t len)
{
	struct shell_view *v = (struct shell_view *)view;
	struct shell *sh = shell_view_shell(v);

	if (!sh || sh->ended)
		return VIEW_IGNORED;
	go_live(v);
	if (!term_paste(sh->term, text, len))
		app_toast(view->app, TOAST_ERROR,
		        "too much to paste: copy it to a file and into the container");
	shell_flush(sh);
	return VIEW_DONE;
}

/* ---- mouse */

static struct term_place place_of(const struct shell_view *v, const struct shell *sh, const struct mouse *m)
{
	int y = m->y - v->body.y, x = m->x;

	y = y < 0 ? 0 : y >= v->body.h ? v->body.h - 1 : y;
	x = x < 0 ? 0 : x >= v->body.w ? v->body.w - 1 : x;
	return (struct term_place){shell_view_first(v, sh) + y, x};
}

static unsigned select_text(struct shell_view *v, struct shell *sh, const struct mouse *m)
{
	struct term_place at = place_of(v, sh, m);

	switch (m->kind) {
	case MOUSE_PRESS:
		if (m->button != 1)
			return VIEW_IGNORED;
		v->anchor = v->head = at;
		v->has_selection = m->twice;
		v->is_selecting = !m->twice;
		if (m->twice) {
			term_word(sh->term, at, &v->anchor.col, &v->head.col);
			copy_selection(v, sh);
		}
		return VIEW_DONE;
	case MOUSE_DRAG:
		if (!v->is_selecting)
			return VIEW_IGNORED;
		/* Past an edge it scrolls. */
		if (m->y < v->body.y || m->y >= v->body.y + v->body.h)
			scroll(v, sh, m->y < v->body.y ? -1 : 1, SHELL_PEEK);
		v->head = place_of(v, sh, m);
		v->has_selection = true;
		return VIEW_DONE;
	case MOUSE_RELEASE:
		if (v->is_selecting && v->has_selection)
			copy_selection(v, sh);
		v->is_selecting = false;
		return VIEW_DONE;
	default:
		return VIEW_IGNORED;
	}
}

/* True: it went to the child. A button is let go where it was pressed, wherever the mouse is by then. */
static bool forward(struct shell_view *v, struct shell *sh, const struct mouse *m)
{
	struct mouse in = *m;

	if (v->mode != SHELL_LIVE || sh->ended || (m->mods & MOD_SHIFT && !v->forwarding) || v->is_selecting)
		return false;
	in.y -= v->body.y;
	if (v->forwarding) {
		in.y = in.y < 0 ? 0 : in.y >= term_rows(sh->term) ? term_rows(sh->term) - 1 : in.y;
		in.x = in.x < 0 ? 0 : in.x >= term_cols(sh->term) ? term_cols(sh->term) - 1 : in.x;
	}
	if (!term_mouse(sh->term, &in))
		return false;
	v->forwarding = m->kind == MOUSE_PRESS || (v->forwarding && m->kind != MOUSE_RELEASE);
	shell_flush(sh);
	return true;
}

unsigned shell_view_mouse(struct view *view, const struct mouse *m)
{
	struct shell_view *v = (struct shell_view *)view;
	struct shell *sh = shell_view_shell(v);

	if (v->strip && m->y == 0 && m->kind == MOUSE_PRESS && !v->forwarding) {
		const struct shell *there = shells_find(app_shells(view->app), shell_view_tab_at(v, m->x));

		if (there)
			show_shell(v, there);
		return VIEW_DONE;
	}
	if (!sh)
		return VIEW_IGNORED;
	if (forward(v, sh, m))
		return VIEW_DONE;
	if (m->kind == MOUSE_WHEEL_UP || m->kind == MOUSE_WHEEL_DOWN) {
		scroll(v, sh, m->kind == MOUSE_WHEEL_UP ? -WHEEL_LINES : WHEEL_LINES,
		        v->mode == SHELL_BROWSE ? SHELL_BROWSE : SHELL_PEEK);
		return VIEW_DONE;
	}
	return select_text(v, sh, m);
}
