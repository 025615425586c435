#include "tui/log_paint.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "tui/expression.h"
#include "tui/log_pattern.h"
#include "tui/log_spans.h"
#include "tui/sgr.h"

#define TAB 8

/* ------------------------------------------------------------------ rules */

void log_rules_set(struct log_rules *r, const struct theme *t)
{
	size_t n;
	char why[80]; /* reading the theme has told it */
	const struct theme_highlight *h = theme_highlights(t, &n);

	log_rules_free(r);
	r->theme = t;
	for (size_t i = 0; i < n && r->n < LOG_RULES_MAX; i++) {
		if (expression_compile(&r->v[r->n].regex, h[i].pattern, REG_NEWLINE, why, sizeof(why)) < 0)
			continue;
		r->v[r->n++].style = h[i].style;
	}
}

void log_rules_free(struct log_rules *r)
{
	while (r->n)
		regfree(&r->v[--r->n].regex);
	r->theme = NULL;
}

/* ------------------------------------------------------------------ the walk */

/* A piece of the text that stands in one row: plain characters, or one other with what combines with it. */
struct piece {
	size_t at, len;
	int row, col, width; /* width 0: nothing to see */
	uint32_t cp;         /* when not plain */
	bool plain, as_is;   /* as_is: the bytes themselves may be drawn */
};
struct walk {
	const struct log_look *look;
	const char *text;
	size_t len, at;
	int width, row, col;
	struct sgr sgr;
};

static void new_row(struct walk *w)
{
	w->row++;
	w->col = 0;
}

/* Marks that combine with the character before belong to its piece. */
static size_t combining(const struct walk *w, size_t at)
{
	size_t from = at;
	uint32_t cp;

	for (int i = 0; i < 4 && at < w->len && (unsigned char)w->text[at] >= 0x80; i++) {
		size_t n = utf8_decode(w->text + at, w->len - at, &cp);
		if (cp_width(cp) != 0)
			break;
		at += n;
	}
	return at - from;
}

static void place(struct walk *w, struct piece *p)
{
	if (w->look->wrap && w->col + p->width > w->width && w->col > 0)
		new_row(w);
	p->row = w->row;
	p->col = w->col;
	w->col += p->width;
}

static void plain_piece(struct walk *w, struct piece *p)
{
	if (w->look->wrap && w->col >= w->width)
		new_row(w);
	size_t room = w->look->wrap && w->width > w->col ? (size_t)(w->width - w->col) : p->len;

	p->plain = p->as_is = true;
	if (p->len > room)
		p->len = room;
	p->width = (int)p->len;
	place(w, p);
}

static void other_piece(struct walk *w, struct piece *p, const struct sgr_part *part)
{
	uint32_t cp;

	p->cp = part->cp;
	if (part->kind == SGR_TAB) {
		p->width = TAB - w->col % TAB;
		if (w->look->wrap && w->col + p->width > w->width)
			p->width = w->width > w->col ? w->width - w->col : 1;
		p->cp = ' ';
	} else {
		p->width = cp_width(part->cp);
		utf8_decode(w->text + p->at, w->len - p->at, &cp);
		p->as_is = cp == part->cp;
		if (p->width)
			p->len += combining(w, p->at + p->len);
	}
	place(w, p);
}

/* No more than a row of plain characters is looked at: a long line is not gone through anew for each row. */
static size_t look_ahead(const struct walk *w)
{
	size_t rest = w->len - w->at;
	bool plain = w->text[w->at] >= 0x20 && w->text[w->at] < 0x7f;

	return w->look->wrap && plain && rest > (size_t)w->width ? (size_t)w->width : rest;
}

static bool walk_next(struct walk *w, struct piece *p)
{
	while (w->at < w->len) {
		if (w->look->lines && w->text[w->at] == '\n') {
			w->at++;
			new_row(w);
			continue;
		}
		/* a terminal's line ends in CR LF */
		if (w->text[w->at] == '\r' && w->at + 1 == w->len)
			return false;
		struct sgr_part part = sgr_next(&w->sgr, w->text + w->at, look_ahead(w));
		*p = (struct piece){.at = w->at, .len = part.len};
		if (part.kind == SGR_NOTHING) {
			w->at += part.len;
			continue;
		}
		if (part.kind == SGR_PLAIN)
			plain_piece(w, p);
		else
			other_piece(w, p, &part);
		w->at += p->len;
		return true;
	}
	return false;
}

int log_paint_height(const struct log_look *look, const char *text, size_t len, int width, int most)
{
	struct walk w = {.look = look, .text = text, .len = len, .width = width > 0 ? width : 1};
	struct piece p;

	if (!look->wrap && !look->lines)
		return 1;
	while (w.row < most && walk_next(&w, &p))
		;
	return w.row + 1 < most ? w.row + 1 : most;
}

/* ------------------------------------------------------------------ drawing */

struct area {
	const struct canvas *c;
	int y, skip, left;
};

static void draw_plain(
        const struct area *a, const struct walk *w, const struct piece *p, const struct log_spans *spans)
{
	size_t i = p->at, end = p->at + p->len;
	int y = a->y + p->row - a->skip;

	/* what is scrolled off is never looked at */
	if (p->col < a->left)
		i += (size_t)(a->left - p->col) < p->len ? (size_t)(a->left - p->col) : p->len;
	if ((size_t)(a->left + a->c->r.w) < (size_t)p->col + p->len)
		end = p->at + (size_t)(a->left + a->c->r.w - p->col);
	while (i < end) {
		size_t until = end;
		struct style st = log_spans_at(spans, w->sgr.style, i, &until);

		canvas_text(a->c, y, p->col + (int)(i - p->at) - a->left, -1, w->text + i, until - i, st);
		i = until;
	}
}

static void draw_piece(
        const struct area *a, const struct walk *w, const struct piece *p, const struct log_spans *spans)
{
	int y = a->y + p->row - a->skip, x = p->col - a->left;
	size_t until = p->at + p->len;

	if (p->row < a->skip || y >= a->c->r.h)
		return;
	if (p->plain) {
		draw_plain(a, w, p, spans);
		return;
	}
	if (x + p->width <= 0 || !p->width)
		return;
	struct style st = log_spans_at(spans, w->sgr.style, p->at, &until);
	if (x < 0 || p->cp == ' ')
		canvas_fill(a->c, (struct rect){y, x < 0 ? 0 : x, 1, x < 0 ? x + p->width : p->width}, st);
	else if (p->as_is)
		canvas_text(a->c, y, x, p->width, w->text + p->at, p->len, st);
	else
		canvas_char(a->c, y, x, p->cp, st);
}

/* Which bytes can be seen, roughly: where matches have to be looked for in a long line. */
static void visible_bytes(
        const struct log_look *look, const struct area *a, const struct walk *start, size_t *from, size_t *to)
{
	struct walk w = *start;
	struct piece p;

	*from = w.len;
	*to = 0;
	while (walk_next(&w, &p)) {
		if (p.row - a->skip + a->y >= a->c->r.h ||
		        (!look->wrap && !look->lines && p.col >= a->left + a->c->r.w))
			break;
		if (p.row < a->skip || p.col + p.width <= a->left)
			continue;
		size_t first = p.at, end = p.at + p.len;
		if (p.plain && p.col < a->left)
			first += (size_t)(a->left - p.col);
		if (p.plain && end > first + (size_t)a->c->r.w)
			end = first + (size_t)a->c->r.w;
		*from = first < *from ? first : *from;
		*to = end > *to ? end : *to;
	}
	if (*from > *to)
		*from = *to;
}

void log_paint(
        const struct log_look *look, const struct canvas *c, int y, int skip, const char *text, size_t len)
{
	struct area a = {c, y, skip, look->wrap ? 0 : look->left};
	struct walk w = {.look = look, .text = text, .len = len, .width = c->r.w > 0 ? c->r.w : 1};
	struct log_spans spans;
	struct piece p;
	size_t from, to;

	visible_bytes(look, &a, &w, &from, &to);
	log_spans_find(&spans, look, text, len, from, to);
	while (walk_next(&w, &p)) {
		if (p.row - skip + y >= c->r.h)
			return;
		if (!look->wrap && !look->lines && p.col >= a.left + c->r.w)
			return;
		draw_piece(&a, &w, &p, &spans);
	}
}

/* ------------------------------------------------------------------ copying */

static bool is_before(int row, int col, int to_row, int to_col)
{
	return row < to_row || (row == to_row && col < to_col);
}

void log_paint_copy(const struct log_look *look, int width, const struct log_cells *cells, const char *text,
        size_t len, struct buf *out)
{
	struct walk w = {.look = look, .text = text, .len = len, .width = width > 0 ? width : 1};
	struct piece p;
	int last = 0, left = look->wrap ? 0 : look->left;

	while (walk_next(&w, &p)) {
		if (look->lines && p.row > last && p.row > cells->row && out->len &&
		        is_before(p.row, 0, cells->to_row, cells->to_col))
			buf_char(out, '\n');
		last = p.row;
		for (size_t i = 0; p.plain && i < p.len; i++) {
			int col = p.col + (int)i - left;
			if (!is_before(p.row, col, cells->row, cells->col) &&
			        is_before(p.row, col, cells->to_row, cells->to_col))
				buf_char(out, text[p.at + i]);
		}
		if (p.plain || is_before(p.row, p.col - left, cells->row, cells->col) ||
		        !is_before(p.row, p.col - left, cells->to_row, cells->to_col))
			continue;
		if (p.as_is)
			buf_add(out, text + p.at, p.len);
		else if (p.cp == ' ')
			buf_char(out, '\t');
	}
}
