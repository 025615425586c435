/* Drawing into the cells of a frame. Every text is foreign until it has been through next_glyph(). */
#include "tui/canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/defence.h"
#include "base/text.h"
#include "tui/screen_cells.h"

#define REPLACEMENT 0xfffdu
#define ELLIPSIS    0x2026u
#define PRINTF_MAX  512

/* A row of a canvas that is drawn on: columns from `x` to before `end`, in screen coordinates. */
struct span {
	struct cells *cells;
	struct cell *row;
	int x, end, col;
	struct style style;
};

static bool span_open(struct span *sp, const struct canvas *c, int y, int x, int w, struct style s)
{
	int right = c->r.x + c->r.w;

	if (y < 0 || y >= c->r.h || x >= c->r.w)
		return false;
	sp->cells = screen_cells(c->screen);
	sp->row = sp->cells->now + (size_t)(c->r.y + y) * (size_t)sp->cells->cols;
	sp->x = c->r.x;
	sp->col = c->r.x + x;
	sp->end = w < 0 || w > right - sp->col ? right : sp->col + w;
	sp->style = s;
	return true;
}

/* A wide character of which one half is written over leaves a blank in the other. */
static void part_wide(struct cells *cells, struct cell *row, int x)
{
	if (row[x].width == 0 && x > 0) {
		row[x - 1].cp = ' ';
		row[x - 1].width = 1;
		row[x - 1].marks = 0;
	} else if (row[x].width == 2 && x + 1 < cells->cols) {
		row[x + 1].cp = ' ';
		row[x + 1].width = 1;
	}
}

static void put(struct span *sp, int x, uint32_t cp, int width, uint16_t marks)
{
	struct cell *cell = &sp->row[x];
	struct style s = sp->style;

	if (cell->width != 1)
		part_wide(sp->cells, sp->row, x);
	if (s.fg == COLOUR_KEEP)
		s.fg = cell->fg;
	if (s.bg == COLOUR_KEEP)
		s.bg = cell->bg;
	*cell = (struct cell){cp, s.fg, s.bg, (uint8_t)s.attr, (uint8_t)width, marks};
}

/* The glyph goes to the span's column, which moves on; what doesn't fit whole becomes blanks. */
static void span_glyph(struct span *sp, uint32_t cp, int width, uint16_t marks)
{
	int x = sp->col;

	sp->col += width;
	if (x >= sp->x && sp->col <= sp->end) {
		put(sp, x, cp, width, marks);
		if (width == 2)
			put(sp, x + 1, ' ', 0, 0);
		return;
	}
	for (; x < sp->col && x < sp->end; x++)
		if (x >= sp->x)
			put(sp, x, ' ', 1, 0);
}

static void span_blank(struct span *sp, int until)
{
	while (sp->col < until && sp->col < sp->end)
		span_glyph(sp, ' ', 1, 0);
}

/* ---------------------------------------------------------------- foreign text */

struct glyph_text {
	uint32_t cp, marks[CELL_MARKS];
	size_t n_marks;
	int width;
};

/* Joiners, variation selectors and skin tones: terminals do not agree on what these do to the width of what
 * they follow, so what they follow stands alone. */
static bool is_dropped(uint32_t cp)
{
	return cp == 0x200d || (cp >= 0xfe00 && cp <= 0xfe0f) || (cp >= 0xe0000 && cp <= 0xe0fff) ||
	       (cp >= 0x1f3fb && cp <= 0x1f3ff);
}

/* Terminal escapes in what containers, images and registries say (rule R5; test: test_tui_canvas.c,
 * foreign_text_is_harmless). The code point at s, harmless; its width, -1: not shown at all. Returns the
 * bytes. */
static size_t next_cp(const char *s, size_t len, uint32_t *cp, int *width)
{
	size_t n = utf8_decode(s, len, cp);

	*width = cp_width(*cp);
	if (*cp == '\t' || *cp == '\n') {
		*cp = ' ';
		*width = 1;
	} else if (is_dropped(*cp)) {
		*width = -1;
	} else if (DEFENCE("harmless-cells") && (*width < 0 || cp_is_reordering(*cp))) {
		*cp = REPLACEMENT;
		*width = 1;
	}
	return n;
}

/* One base character with the marks that follow it. Returns the bytes; g->width is 0 when nothing is shown.
 */
static size_t next_glyph(const char *s, size_t len, struct glyph_text *g)
{
	size_t i = next_cp(s, len, &g->cp, &g->width);
	uint32_t mark;
	int width;

	g->n_marks = 0;
	if (g->width <= 0) {
		g->width = 0; /* a mark without a base */
		return i;
	}
	while (i < len && (unsigned char)s[i] >= 0x80) {
		size_t n = next_cp(s + i, len - i, &mark, &width);

		if (width > 0)
			break;
		if (width == 0 && g->n_marks < CELL_MARKS)
			g->marks[g->n_marks++] = mark;
		i += n;
	}
	return i;
}

static size_t ascii_run(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] >= 0x20 && s[n] < 0x7f)
		n++;
	return n;
}

/* The last of a run of ASCII may be the base of a mark, so it is left to next_glyph(). */
static size_t plain_run(const char *s, size_t len)
{
	size_t n = ascii_run(s, len);

	return n > 0 && n < len && (unsigned char)s[n] >= 0x80 ? n - 1 : n;
}

static void span_ascii(struct span *sp, const char *s, size_t n)
{
	for (size_t i = 0; i < n && sp->col < sp->end; i++, sp->col++)
		if (sp->col >= sp->x)
			put(sp, sp->col, (unsigned char)s[i], 1, 0);
}

static void span_text(struct span *sp, const char *text, size_t len)
{
	struct glyph_text g;

	for (size_t i = 0; i < len && sp->col < sp->end;) {
		size_t run = plain_run(text + i, len - i);

		span_ascii(sp, text + i, run);
		i += run;
		if (i >= len || sp->col >= sp->end)
			break;
		i += next_glyph(text + i, len - i, &g);
		if (!g.width)
			continue;
		if (sp->col + g.width > sp->end)
			break;
		if (sp->cells->ascii && g.cp >= 0x80)
			span_ascii(sp, "? ", (size_t)g.width);
		else
			span_glyph(sp, g.cp, g.width,
			        cells_marks(sp->cells, g.marks, sp->cells->ascii ? 0 : g.n_marks));
	}
}

/* The columns of the text, counted no further than `max` + 1. */
static int columns_of(const char *text, size_t len, int max)
{
	struct glyph_text g;
	int cols = 0;

	for (size_t i = 0; i < len && cols <= max;) {
		size_t run = plain_run(text + i, len - i);

		cols += run > (size_t)max ? max + 1 : (int)run;
		i += run;
		if (i < len) {
			i += next_glyph(text + i, len - i, &g);
			cols += g.width;
		}
	}
	return cols;
}

/* ---------------------------------------------------------------- the interface */

struct canvas canvas_part(const struct canvas *c, struct rect r)
{
	struct canvas part = {.screen = c->screen};
	int bottom = r.y + r.h < c->r.h ? r.y + r.h : c->r.h;
	int right = r.x + r.w < c->r.w ? r.x + r.w : c->r.w;
	int y = r.y > 0 ? r.y : 0, x = r.x > 0 ? r.x : 0;

	if (y < bottom && x < right)
		part.r = (struct rect){c->r.y + y, c->r.x + x, bottom - y, right - x};
	return part;
}

void canvas_fill(const struct canvas *c, struct rect r, struct style s)
{
	struct span sp;

	for (int y = r.y > 0 ? r.y : 0; y < r.y + r.h && y < c->r.h; y++)
		if (span_open(&sp, c, y, r.x, r.w > 0 ? r.w : 0, s))
			span_blank(&sp, sp.end);
}

void canvas_clear(const struct canvas *c, struct style s)
{
	canvas_fill(c, (struct rect){0, 0, c->r.h, c->r.w}, s);
}

int canvas_text(const struct canvas *c, int y, int x, int w, const char *text, size_t len, struct style s)
{
	struct span sp;
	int start;

	if (!span_open(&sp, c, y, x, w, s))
		return 0;
	start = sp.col;
	span_text(&sp, text, len);
	return sp.col - start;
}

int canvas_str(const struct canvas *c, int y, int x, int w, const char *text, struct style s)
{
	return canvas_text(c, y, x, w, text, strlen(text), s);
}

static void cell(const struct canvas *c, int y, int x, int w, const char *text, struct style s, bool right)
{
	size_t len = strlen(text);
	struct span sp;
	int cols, until;

	if (w <= 0 || !span_open(&sp, c, y, x, w, s))
		return;
	until = sp.col + w;
	cols = columns_of(text, len, w);
	if (cols <= w) {
		if (right)
			span_blank(&sp, sp.col + w - cols);
		span_text(&sp, text, len);
	} else {
		int end = sp.end;

		sp.end = until - 1 < end ? until - 1 : end;
		span_text(&sp, text, len);
		span_blank(&sp, until - 1);
		sp.end = end;
		span_glyph(&sp, sp.cells->ascii ? '~' : ELLIPSIS, 1, 0);
	}
	span_blank(&sp, until);
}

void canvas_cell(const struct canvas *c, int y, int x, int w, const char *text, struct style s)
{
	cell(c, y, x, w, text, s, false);
}

void canvas_cell_right(const struct canvas *c, int y, int x, int w, const char *text, struct style s)
{
	cell(c, y, x, w, text, s, true);
}

int canvas_printf(const struct canvas *c, int y, int x, int w, struct style s, const char *fmt, ...)
{
	char text[PRINTF_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return canvas_str(c, y, x, w, text, s);
}

/* An embedded terminal says how wide it takes the character for; what we would not take for that wide is
 * replaced, since the terminal outside would move its cursor elsewhere. */
static bool is_glyph(uint32_t cp, int width)
{
	return cp <= 0x10ffff && !(cp >= 0xd800 && cp <= 0xdfff) && cp_width(cp) == width &&
	       !cp_is_reordering(cp) && !is_dropped(cp);
}

/* Box lines, blocks and braille: noise in a screen reader. */
static bool is_drawing(uint32_t cp)
{
	return (cp >= 0x2500 && cp < 0x25a0) || (cp >= 0x2800 && cp < 0x2900);
}

void canvas_glyph(
        const struct canvas *c, int y, int x, const uint32_t *cps, size_t n, int width, struct style s)
{
	uint32_t cp = n ? cps[0] : ' ', marks[CELL_MARKS];
	size_t n_marks = 0;
	struct span sp;

	width = width == 2 ? 2 : 1;
	if (x < 0 || !span_open(&sp, c, y, x, width, s))
		return;
	if (sp.cells->plain && is_drawing(cp)) {
		cp = ' ';
	} else if (sp.cells->ascii && cp >= 0x80) {
		cp = '?';
	} else if (!is_glyph(cp, width) && !(width == 2 && cp < 0x7f && cp_width(cp) == 1)) {
		cp = REPLACEMENT;
	} else {
		for (size_t i = 1; i < n && n_marks < CELL_MARKS; i++)
			if (is_glyph(cps[i], 0) && cps[i] <= 0x10ffff)
				marks[n_marks++] = cps[i];
	}
	if (width == 2 && cp_width(cp) == 1) {
		span_glyph(&sp, cp, 1, 0);
		span_glyph(&sp, ' ', 1, 0);
		return;
	}
	span_glyph(&sp, cp, width, cells_marks(sp.cells, marks, sp.cells->ascii ? 0 : n_marks));
}

void canvas_restyle(const struct canvas *c, struct rect r, struct style over)
{
	struct span sp;

	for (int y = r.y > 0 ? r.y : 0; y < r.y + r.h && y < c->r.h; y++) {
		if (!span_open(&sp, c, y, r.x, r.w > 0 ? r.w : 0, over))
			continue;
		for (int x = sp.col > sp.x ? sp.col : sp.x; x < sp.end; x++) {
			struct cell *cell_at = &sp.row[x];
			struct style s =
			        style_over((struct style){cell_at->fg, cell_at->bg, cell_at->attr}, over);

			cell_at->fg = s.fg;
			cell_at->bg = s.bg;
			cell_at->attr = (uint8_t)s.attr;
		}
	}
}

/* ---------------------------------------------------------------- lines */

static uint32_t line(const struct canvas *c, uint32_t cp, uint32_t ascii)
{
	if (screen_cells(c->screen)->plain)
		return ' ';
	return screen_cells(c->screen)->ascii ? ascii : cp;
}

void canvas_hline(const struct canvas *c, int y, int x, int w, struct style s)
{
	struct span sp;

	if (w <= 0 || !span_open(&sp, c, y, x, w, s))
		return;
	while (sp.col < sp.end)
		span_glyph(&sp, line(c, 0x2500, '-'), 1, 0);
}

void canvas_vline(const struct canvas *c, int y, int x, int h, struct style s)
{
	for (int i = y > 0 ? y : 0; i < y + h && i < c->r.h; i++)
		canvas_char(c, i, x, line(c, 0x2502, '|'), s);
}

void canvas_box(const struct canvas *c, struct rect r, struct style s)
{
	int bottom = r.y + r.h - 1, right = r.x + r.w - 1;

	if (r.h < 2 || r.w < 2)
		return;
	canvas_hline(c, r.y, r.x + 1, r.w - 2, s);
	canvas_hline(c, bottom, r.x + 1, r.w - 2, s);
	canvas_vline(c, r.y + 1, r.x, r.h - 2, s);
	canvas_vline(c, r.y + 1, right, r.h - 2, s);
	canvas_char(c, r.y, r.x, line(c, 0x250c, '+'), s);
	canvas_char(c, r.y, right, line(c, 0x2510, '+'), s);
	canvas_char(c, bottom, r.x, line(c, 0x2514, '+'), s);
	canvas_char(c, bottom, right, line(c, 0x2518, '+'), s);
}

void canvas_point(const struct canvas *c, int y, int x)
{
	if (screen_cells(c->screen)->plain)
		canvas_cursor(c, y, x);
}

void canvas_cursor(const struct canvas *c, int y, int x)
{
	struct cells *cells = screen_cells(c->screen);

	if (y < 0 || y >= c->r.h || x < 0 || x >= c->r.w)
		return;
	cells->cursor_y = c->r.y + y;
	cells->cursor_x = c->r.x + x;
}
