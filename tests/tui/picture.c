/* What a terminal shows, as text, as runs of colour, and as a picture. */
#include <stdlib.h>
#include <string.h>

#include "tests/tui/picture.h"
#include "tests/tui/picture_shape.h"

static int utf8(uint32_t c, char *s)
{
	if (c < 0x80)
		return s[0] = (char)c, 1;
	if (c < 0x800)
		return s[0] = (char)(0xc0 | c >> 6), s[1] = (char)(0x80 | (c & 63)), 2;
	if (c < 0x10000)
		return s[0] = (char)(0xe0 | c >> 12), s[1] = (char)(0x80 | (c >> 6 & 63)),
		       s[2] = (char)(0x80 | (c & 63)), 3;
	return s[0] = (char)(0xf0 | c >> 18), s[1] = (char)(0x80 | (c >> 12 & 63)),
	       s[2] = (char)(0x80 | (c >> 6 & 63)), s[3] = (char)(0x80 | (c & 63)), 4;
}

static bool cell_at(const struct picture *p, int row, int col, VTermScreenCell *cell)
{
	return vterm_screen_get_cell(p->screen, (VTermPos){row, col}, cell) && cell->chars[0] != (uint32_t)-1;
}

/* The text of a cell; a blank for an empty one, nothing for the second half of a wide one. */
static size_t cell_text(const VTermScreenCell *cell, char *s)
{
	size_t n = 0;

	if (!cell->chars[0])
		return s[0] = ' ', 1;
	for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell->chars[i]; i++)
		n += (size_t)utf8(cell->chars[i], s + n);
	return n;
}

/* One row without blanks at its end; the caller frees. */
static char *row_text(const struct picture *p, int row)
{
	char *text = malloc((size_t)p->cols * 24 + 1);
	size_t n = 0, end = 0;

	for (int col = 0; col < p->cols; col++) {
		VTermScreenCell cell;
		if (!cell_at(p, row, col, &cell))
			continue;
		n += cell_text(&cell, text + n);
		if (cell.chars[0] && cell.chars[0] != ' ')
			end = n;
	}
	text[end] = '\0';
	return text;
}

bool picture_has(const struct picture *p, const char *what)
{
	for (int row = 0; row < p->rows; row++) {
		char *text = row_text(p, row);
		bool found = strstr(text, what);
		free(text);
		if (found)
			return true;
	}
	return false;
}

void picture_text(const struct picture *p, FILE *f)
{
	for (int row = 0; row < p->rows; row++) {
		char *text = row_text(p, row);
		fprintf(f, "%s\n", text);
		free(text);
	}
}

static uint32_t rgb_of(const struct picture *p, VTermColor c, uint32_t fallback)
{
	if (VTERM_COLOR_IS_DEFAULT_FG(&c) || VTERM_COLOR_IS_DEFAULT_BG(&c))
		return fallback;
	vterm_screen_convert_color_to_rgb(p->screen, &c);
	return (uint32_t)c.rgb.red << 16 | (uint32_t)c.rgb.green << 8 | c.rgb.blue;
}

#define SHEET_BG 0x16181d /* the terminal's own colours in a picture */
#define SHEET_FG 0xd6d9df

struct look {
	uint32_t fg, bg;
	bool bold, dim, italic, underline;
};

static struct look look_of(const struct picture *p, const VTermScreenCell *cell)
{
	struct look l = {rgb_of(p, cell->fg, SHEET_FG), rgb_of(p, cell->bg, SHEET_BG), cell->attrs.bold,
	        false, cell->attrs.italic, cell->attrs.underline};

	if (cell->attrs.reverse) {
		uint32_t t = l.fg;
		l.fg = l.bg;
		l.bg = t;
	}
	return l;
}

static bool look_equal(struct look a, struct look b)
{
	return a.fg == b.fg && a.bg == b.bg && a.bold == b.bold && a.italic == b.italic &&
	       a.underline == b.underline;
}

/* Calls fn for each run of cells that look alike. */
static void each_run(const struct picture *p, int row,
        void (*fn)(void *arg, int row, int col, int width, const char *text, struct look l), void *arg)
{
	char *text = malloc((size_t)p->cols * 24 + 1);

	for (int col = 0; col < p->cols;) {
		VTermScreenCell cell;
		struct look l = {0};
		size_t n = 0;
		int start = col;
		for (; col < p->cols; col++) {
			if (!cell_at(p, row, col, &cell))
				continue;
			struct look next = look_of(p, &cell);
			if (n && !look_equal(next, l))
				break;
			l = next;
			n += cell_text(&cell, text + n);
		}
		text[n] = '\0';
		fn(arg, row, start, col - start, text, l);
	}
	free(text);
}

#define LOOKS_MAX 62

/* A letter for each look, in the order in which they appear: colours that can be read as a picture, and diffs
 * that say where something changed. */
struct legend {
	FILE *f;
	struct look looks[LOOKS_MAX];
	int n, col;
};

static const char letters[LOOKS_MAX + 1] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

static void print_run(void *arg, int row, int col, int width, const char *text, struct look l)
{
	struct legend *g = arg;
	int i = 0;

	(void)row;
	(void)text;
	while (i < g->n && !look_equal(g->looks[i], l))
		i++;
	if (i == g->n && i < LOOKS_MAX)
		g->looks[g->n++] = l;
	for (; g->col < col + width; g->col++)
		putc(i < LOOKS_MAX ? letters[i] : '?', g->f);
}

void picture_styles(const struct picture *p, FILE *f)
{
	struct legend g = {.f = f};

	for (int row = 0; row < p->rows; row++) {
		g.col = 0;
		each_run(p, row, print_run, &g);
		putc('\n', f);
	}
	for (int i = 0; i < g.n; i++)
		fprintf(f, "%c #%06x on #%06x%s%s%s\n", letters[i], g.looks[i].fg, g.looks[i].bg,
		        g.looks[i].bold ? " bold" : "", g.looks[i].italic ? " italic" : "",
		        g.looks[i].underline ? " underline" : "");
}

#define CELL_W 8.43
#define CELL_H 18
#define MARGIN 12

static void print_escaped(FILE *f, const char *s)
{
	for (; *s; s++)
		if (*s == '&')
			fputs("&amp;", f);
		else if (*s == '<')
			fputs("&lt;", f);
		else
			putc(*s, f);
}

static void svg_background(void *arg, int row, int col, int width, const char *text, struct look l)
{
	(void)text;
	fprintf(arg, "<rect x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" fill=\"#%06x\"/>\n",
	        MARGIN + col * CELL_W, MARGIN + row * CELL_H, width * CELL_W + 0.3, CELL_H, l.bg);
}

/* Words alone: what is between them, and what is drawn as a shape, stays where it is whatever the font. */
static void svg_word(void *arg, int row, int col, int width, const char *text, struct look l)
{
	FILE *f = arg;

	fprintf(f,
	        "<text x=\"%.2f\" y=\"%d\" textLength=\"%.2f\" lengthAdjust=\"spacingAndGlyphs\" "
	        "fill=\"#%06x\"%s%s%s>",
	        MARGIN + col * CELL_W, MARGIN + row * CELL_H + 13, width * CELL_W, l.fg,
	        l.bold ? " font-weight=\"bold\"" : "", l.italic ? " font-style=\"italic\"" : "",
	        l.underline ? " text-decoration=\"underline\"" : "");
	print_escaped(f, text);
	fputs("</text>\n", f);
}

static void svg_row_text(const struct picture *p, int row, FILE *f)
{
	char *text = malloc((size_t)p->cols * 24 + 1);
	struct look l = {0};
	size_t n = 0;
	int start = 0, col = 0;

	for (; col <= p->cols; col++) {
		VTermScreenCell cell = {.chars = {' '}};
		if (col < p->cols && !cell_at(p, row, col, &cell))
			continue;
		struct look next = look_of(p, &cell);
		bool is_blank = !cell.chars[0] || cell.chars[0] == ' ' || shape_is(cell.chars[0]);
		if (n && (is_blank || !look_equal(next, l))) {
			text[n] = '\0';
			svg_word(f, row, start, col - start, text, l);
			n = 0;
		}
		if (is_blank)
			continue;
		if (!n)
			start = col;
		l = next;
		n += cell_text(&cell, text + n);
	}
	free(text);
}

static void svg_row_shapes(const struct picture *p, int row, FILE *f)
{
	bool is_open = false;
	uint32_t fg = 0;

	for (int col = 0; col < p->cols; col++) {
		VTermScreenCell cell;
		if (!cell_at(p, row, col, &cell) || !shape_is(cell.chars[0]))
			continue;
		struct look l = look_of(p, &cell);
		if (is_open && l.fg != fg)
			fputs("\"/>\n", f), is_open = false;
		if (!is_open)
			fprintf(f, "<path fill=\"#%06x\" d=\"", l.fg), is_open = true;
		fg = l.fg;
		shape_path(f, cell.chars[0], MARGIN + col * CELL_W, MARGIN + row * CELL_H, CELL_W, CELL_H);
	}
	if (is_open)
		fputs("\"/>\n", f);
}

/* The margin continues the background of most of the screen, which its corner has. */
static uint32_t sheet_colour(const struct picture *p)
{
	VTermScreenCell cell;

	return cell_at(p, p->rows - 2, 0, &cell) ? look_of(p, &cell).bg : SHEET_BG;
}

void picture_svg(const struct picture *p, FILE *f)
{
	double w = p->cols * CELL_W + 2 * MARGIN;
	int h = p->rows * CELL_H + 2 * MARGIN;

	fprintf(f,
	        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%d\" viewBox=\"0 0 %.0f "
	        "%d\" "
	        "font-family=\"'DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"14\" "
	        "xml:space=\"preserve\">\n"
	        "<rect width=\"%.0f\" height=\"%d\" rx=\"8\" fill=\"#%06x\"/>\n",
	        w, h, w, h, w, h, sheet_colour(p));
	for (int row = 0; row < p->rows; row++)
		each_run(p, row, svg_background, f);
	for (int row = 0; row < p->rows; row++) {
		svg_row_shapes(p, row, f);
		svg_row_text(p, row, f);
	}
	if (p->cursor)
		fprintf(f,
		        "<rect x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" fill=\"#%06x\" "
		        "opacity=\"0.7\"/>\n",
		        MARGIN + p->cursor_col * CELL_W, MARGIN + p->cursor_row * CELL_H, CELL_W, CELL_H,
		        SHEET_FG);
	fputs("</svg>\n", f);
}
