/* A pane of text lines: see text_view.h. Positions are kept as lines, not rows, so that they hold when the
 * width or the text changes. */
#include <stdio.h>
#include <string.h>

#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/text_view.h"
#include "tui/view.h"

#define SIDE_STEP 8

static size_t count(const struct text_pane *p)
{
	return p->source.count(p->source.arg);
}

struct text_line text_pane_line(const struct text_pane *p, size_t i)
{
	struct text_line l = {.n = 0};

	p->source.line(p->source.arg, i, &l);
	return l;
}

size_t text_pane_rows(const struct text_pane *p, size_t i)
{
	struct text_line l;

	if (!p->wrap)
		return 1;
	l = text_pane_line(p, i);
	return text_line_rows(&l, p->w);
}

void text_pane_init(struct text_pane *p, struct app *a, const struct text_source *source, bool has_cursor)
{
	*p = (struct text_pane){.app = a, .source = *source, .has_cursor = has_cursor, .h = 1, .w = 80};
}

void text_pane_reset(struct text_pane *p)
{
	text_pane_init(p, p->app, &p->source, p->has_cursor);
}

/* ------------------------------------------------------------------ position */

static void scroll_rows(struct text_pane *p, long rows)
{
	size_t n = count(p);

	for (; rows > 0 && p->top < n; rows--) {
		if (p->top_row + 1 < text_pane_rows(p, p->top)) {
			p->top_row++;
		} else if (p->top + 1 < n) {
			p->top++;
			p->top_row = 0;
		}
	}
	for (; rows < 0 && p->top + p->top_row > 0; rows++) {
		if (p->top_row > 0) {
			p->top_row--;
		} else {
			p->top--;
			p->top_row = text_pane_rows(p, p->top) - 1;
		}
	}
}

/* No blank rows below the last line as long as there are lines above. */
static void clamp(struct text_pane *p)
{
	size_t n = count(p), rows = 0, i = n;

	if (p->cursor >= n)
		p->cursor = n ? n - 1 : 0;
	while (i > 0 && rows < (size_t)p->h)
		rows += text_pane_rows(p, --i);
	size_t spare = rows > (size_t)p->h ? rows - (size_t)p->h : 0;
	if (p->top > i || (p->top == i && p->top_row > spare)) {
		p->top = i;
		p->top_row = spare;
	}
	if (p->top < n && p->top_row >= text_pane_rows(p, p->top))
		p->top_row = 0;
}

void text_pane_scroll(struct text_pane *p, long rows)
{
	scroll_rows(p, rows);
	clamp(p);
}

static void follow_cursor(struct text_pane *p)
{
	size_t rows = 0;

	if (p->cursor < p->top || (p->cursor == p->top && p->top_row > 0)) {
		p->top = p->cursor;
		p->top_row = 0;
		return;
	}
	if (p->cursor - p->top > (size_t)p->h) {
		p->top = p->cursor - (size_t)p->h;
		p->top_row = 0;
	}
	for (size_t i = p->top; i <= p->cursor && i < count(p); i++)
		rows += text_pane_rows(p, i);
	rows -= p->top_row;
	/* a line that is longer than the pane shows its beginning */
	while (rows > (size_t)p->h && p->top < p->cursor) {
		rows -= text_pane_rows(p, p->top) - p->top_row;
		p->top++;
		p->top_row = 0;
	}
}

static void move(struct text_pane *p, long by)
{
	size_t n = count(p);

	p->has_selection = false;
	if (!p->has_cursor) {
		text_pane_scroll(p, by);
		return;
	}
	if (by < 0)
		p->cursor = (size_t)-by < p->cursor ? p->cursor - (size_t)-by : 0;
	else
		p->cursor = n && p->cursor + (size_t)by < n ? p->cursor + (size_t)by : n ? n - 1 : 0;
	follow_cursor(p);
}

void text_pane_go(struct text_pane *p, size_t line)
{
	if (p->has_cursor) {
		p->cursor = line;
		clamp(p);
		follow_cursor(p);
	} else if (line < p->top || line >= p->top + (size_t)p->h) {
		p->top = line > (size_t)p->h / 3 ? line - (size_t)p->h / 3 : 0;
		p->top_row = 0;
		clamp(p);
	}
}

/* ------------------------------------------------------------------ search */

static size_t here(const struct text_pane *p)
{
	return p->has_cursor ? p->cursor : p->top;
}

static bool matches(const struct text_pane *p, size_t i)
{
	struct text_line l = text_pane_line(p, i);

	return text_line_matches(&l, p->search);
}

static void count_matches(struct text_pane *p, size_t at)
{
	p->n_matches = p->match = 0;
	for (size_t i = 0, n = *p->search ? count(p) : 0; i < n; i++) {
		if (!matches(p, i))
			continue;
		p->n_matches++;
		if (i == at)
			p->match = p->n_matches;
	}
}

/* To the nearest match from line `from` on, round the end; dir 1 or -1. */
static void go_match(struct text_pane *p, size_t from, int dir)
{
	size_t n = count(p), i = n ? from % n : 0;

	for (size_t k = 0; k < n; k++) {
		if (matches(p, i)) {
			text_pane_go(p, i);
			count_matches(p, i);
			return;
		}
		i = dir > 0 ? (i + 1) % n : (i + n - 1) % n;
	}
	p->n_matches = p->match = 0;
}

void text_pane_search(struct text_pane *p, const char *needle)
{
	snprintf(p->search, sizeof p->search, "%s", needle);
	if (p->source.searched)
		p->source.searched(p->source.arg, p->search);
	if (*p->search)
		go_match(p, here(p), 1);
	else
		p->n_matches = p->match = 0;
}

/* The line that n and N go on from: without a cursor, that of the match one was at. */
static void next_match(struct text_pane *p, int dir)
{
	size_t n = count(p), at = here(p), seen = 0;

	if (!*p->search || n == 0)
		return;
	for (size_t i = 0; !p->has_cursor && p->match && i < n; i++) {
		if (matches(p, i) && ++seen == p->match) {
			at = i;
			break;
		}
	}
	go_match(p, dir > 0 ? at + 1 : at + n - 1, dir);
}

static void search_typed(struct app *a, const char *text, void *arg)
{
	text_pane_search(arg, text);
	app_redraw(a);
}

static void search_entered(struct app *a, const char *text, void *arg)
{
	struct text_pane *p = arg;

	if (!text)
		text_pane_search(p, "");
	else if (strcmp(text, p->search) != 0)
		text_pane_search(p, text);
	if (text && *text && p->n_matches == 0)
		app_toast(a, TOAST_WARN, "%s is not in this text", p->search);
	app_redraw(a);
}

static unsigned ask_search(struct text_pane *p)
{
	struct prompt_options o = {.label = "Search",
	        .text = p->search,
	        .history = "search",
	        .changed = search_typed,
	        .ok = search_entered,
	        .arg = p,
	        .at_bottom = true};
	struct view *v = prompt_new(p->app, &o);

	if (v)
		app_push(p->app, v);
	return VIEW_DONE;
}

void text_pane_changed(struct text_pane *p)
{
	p->has_selection = p->is_selecting = false;
	clamp(p);
	if (*p->search)
		count_matches(p, here(p));
}

/* ------------------------------------------------------------------ actions */

static unsigned scroll_side(struct text_pane *p, int by)
{
	if (p->wrap)
		return VIEW_HANDLED;
	p->left = p->left + by < 0 ? 0 : p->left + by < (int)TEXT_LINE_MAX ? p->left + by : p->left;
	return VIEW_DONE;
}

static bool scroll_action(struct text_pane *p, enum action a)
{
	long page = p->h > 2 ? p->h - 1 : 1;

	switch (a) {
	case ACTION_SCROLL_DOWN:
		move(p, 1);
		break;
	case ACTION_SCROLL_UP:
		move(p, -1);
		break;
	case ACTION_SCROLL_HALF_DOWN:
		move(p, page / 2 + 1);
		break;
	case ACTION_SCROLL_HALF_UP:
		move(p, -(page / 2 + 1));
		break;
	case ACTION_SCROLL_PAGE_DOWN:
		move(p, page);
		break;
	case ACTION_SCROLL_PAGE_UP:
		move(p, -page);
		break;
	case ACTION_SCROLL_TOP:
		p->top = p->top_row = 0;
		p->left = 0;
		text_pane_go(p, 0);
		break;
	case ACTION_SCROLL_BOTTOM:
		text_pane_go(p, count(p) ? count(p) - 1 : 0);
		break;
	default:
		return false;
	}
	return true;
}

unsigned text_pane_act(struct text_pane *p, enum action a)
{
	if (scroll_action(p, a))
		return VIEW_DONE;
	switch (a) {
	case ACTION_SCROLL_LEFT:
		return scroll_side(p, -SIDE_STEP);
	case ACTION_SCROLL_RIGHT:
		return scroll_side(p, SIDE_STEP);
	case ACTION_FILTER:
		return ask_search(p);
	case ACTION_MATCH_NEXT:
		next_match(p, 1);
		return VIEW_DONE;
	case ACTION_MATCH_PREVIOUS:
		next_match(p, -1);
		return VIEW_DONE;
	case ACTION_TEXT_WRAP:
		p->wrap = !p->wrap;
		p->left = 0;
		p->top_row = 0;
		clamp(p);
		return VIEW_DONE;
	case ACTION_BACK:
		if (!*p->search && !p->has_selection)
			return VIEW_IGNORED;
		p->has_selection = false;
		text_pane_search(p, "");
		return VIEW_DONE;
	default:
		return VIEW_IGNORED;
	}
}

void text_pane_status(const struct text_pane *p, char *dst, size_t size)
{
	size_t used = strlen(dst), n = count(p);

	if (used >= size)
		return;
	if (*p->search)
		snprintf(dst + used, size - used, "%zu/%zu matches", p->match, p->n_matches);
	else if (n > (size_t)p->h)
		snprintf(dst + used, size - used, "%zu/%zu", (p->has_cursor ? p->cursor : p->top) + 1, n);
}

/* ------------------------------------------------------------------ drawing */

/* A display row that is being drawn, from left to right. */
struct row {
	const struct text_pane *p;
	const struct canvas *c;
	int y, x;
	size_t line;
	size_t flat; /* of the span's beginning */
	struct style match;
	bool is_marking; /* the second pass, above the cursor's style */
};

/* Bytes [from, to) of a text that begins at the row's column stand out. */
static void mark_part(const struct row *r, const char *text, size_t from, size_t to, struct style over)
{
	int left = r->x + text_columns(text, from), right = r->x + text_columns(text, to);

	if (right > left)
		canvas_restyle(r->c, (struct rect){r->y, left, 1, right - left}, over);
}

static void mark_matches(const struct row *r, const struct text_span *s, size_t from, size_t to)
{
	size_t n = strlen(r->p->search), at = from > n ? from - n : 0;

	while (n > 0 && at < to) {
		const char *hit = text_find(s->text + at, s->len - at, r->p->search);
		if (!hit || (size_t)(hit - s->text) >= to)
			return;
		size_t a = (size_t)(hit - s->text), b = a + n;
		at = b;
		if (b > from)
			mark_part(r, s->text + from, a > from ? a - from : 0, (b < to ? b : to) - from,
			        r->match);
	}
}

static void mark_selected(const struct row *r, const struct text_span *s, size_t from, size_t to)
{
	size_t a, b;

	if (!text_pane_selected(r->p, r->line, &a, &b))
		return;
	a = a > r->flat + from ? a - r->flat - from : 0;
	b = b > r->flat + from ? b - r->flat - from : 0;
	if (b > to - from)
		b = to - from;
	if (b > a)
		mark_part(r, s->text + from, a, b, app_style(r->p->app, UI_SELECTION));
}

static void draw_row(const struct row *start, const struct text_line *l, struct text_place at)
{
	struct row r = *start;
	int room = r.c->r.w;

	for (; at.span < l->n && room > 0; at.span++, at.byte = 0) {
		const struct text_span *s = &l->spans[at.span];
		struct text_place end = at;
		const struct text_line alone = {.spans = {*s}, .n = 1};
		end.span = 0;
		if (at.byte >= s->len)
			continue;
		r.flat = at.flat - at.byte;
		int cols = text_line_advance(&alone, &end, room);
		size_t to = end.span ? s->len : end.byte;
		if (r.is_marking) {
			mark_matches(&r, s, at.byte, to);
			mark_selected(&r, s, at.byte, to);
		} else {
			canvas_text(r.c, r.y, r.x, room, s->text + at.byte, to - at.byte, s->style);
		}
		r.x += cols;
		room -= cols;
		at.flat += s->len - at.byte;
		if (to < s->len)
			return;
	}
}

/* One line from its display row `row` on; the rows used. */
static int draw_line(
        const struct text_pane *p, const struct canvas *c, int y, size_t i, size_t row, bool focused)
{
	struct text_line l = text_pane_line(p, i);
	struct text_place at = text_line_row(&l, p->wrap ? row : 0, p->w);
	bool is_cursor = p->has_cursor && i == p->cursor;
	enum theme_element match = is_cursor && p->match ? LOG_MATCH_CURRENT : LOG_MATCH;
	int used = 0;

	if (p->left > 0)
		text_line_advance(&l, &at, p->left);
	do {
		struct row r = {.p = p, .c = c, .y = y + used, .line = i, .match = app_style(p->app, match)};
		draw_row(&r, &l, at);
		if (is_cursor)
			canvas_restyle(c, (struct rect){r.y, 0, 1, c->r.w},
			        app_style(p->app, focused ? UI_SELECTION : UI_SELECTION_IDLE));
		if (is_cursor && focused)
			canvas_point(c, r.y, 0);
		r.is_marking = true;
		draw_row(&r, &l, at);
		used++;
		if (p->wrap)
			text_line_advance(&l, &at, p->w);
	} while (p->wrap && !text_line_ended(&l, &at) && y + used < c->r.h);
	return used;
}

void text_pane_draw(struct text_pane *p, const struct canvas *c, bool focused)
{
	bool resized = p->h != c->r.h || p->w != c->r.w;
	size_t n = count(p), row;
	int y = 0;

	p->h = c->r.h > 0 ? c->r.h : 1;
	p->w = c->r.w > 0 ? c->r.w : 1;
	if (resized) {
		clamp(p);
		if (p->has_cursor)
			follow_cursor(p);
	}
	row = p->top_row;
	for (size_t i = p->top; i < n && y < c->r.h; i++, row = 0)
		y += draw_line(p, c, y, i, row, focused);
}
