/* Graphs on a canvas: the cells of graph.c, a grid behind them, and sparklines. */
#include "tui/app.h"
#include "tui/graph.h"
#include "tui/screen.h"

#define GRID_STEP 4 /* columns between the dots of a line */

/* A line at the upper edge of the grid's rows, and at the limit. */
static bool grid_cell(const struct graph *g, int h, int row, int x, bool ascii, uint32_t *cp)
{
	int limit_row = g->limit > 0 && g->limit < g->top ? (int)((1 - g->limit / g->top) * h) : -1;

	if (row == limit_row) {
		*cp = ascii ? '-' : 0x2500;
		return true;
	}
	if (g->kind == GRAPH_MIRRORED || x % GRID_STEP != 0 || (row != 0 && row != h / 2))
		return false;
	*cp = ascii ? '.' : 0x00b7;
	return true;
}

void graph_draw(const struct graph *g, struct app *a, const struct canvas *c)
{
	bool ascii = screen_is_ascii(app_screen(a)), reverse;
	struct style grid = app_style(a, GRAPH_GRID);
	int cols = g->time.cols < c->r.w ? g->time.cols : c->r.w;
	enum theme_element el;
	uint32_t cp;

	for (int y = 0; y < c->r.h; y++) {
		for (int x = 0; x < cols; x++) {
			int col = g->time.cols - cols + x;
			if (graph_cell(g, c->r.h, y, col, &cp, &el, &reverse)) {
				struct style s = app_style(a, el);
				if (reverse)
					s.attr |= ATTR_REVERSE;
				canvas_char(c, y, c->r.w - cols + x, cp, s);
			} else if (grid_cell(g, c->r.h, y, x, ascii, &cp)) {
				canvas_char(c, y, c->r.w - cols + x, cp, grid);
			}
		}
	}
}

void graph_sparkline(const struct graph *g, struct app *a, const struct canvas *c, int y, int x, int w)
{
	struct rect r = {y, x, 1, w < g->time.cols ? w : g->time.cols};
	struct canvas line = canvas_part(c, r);
	enum theme_element el;
	bool reverse;
	uint32_t cp;

	for (int i = 0; i < line.r.w; i++)
		if (graph_cell(g, 1, 0, g->time.cols - line.r.w + i, &cp, &el, &reverse))
			canvas_char(&line, 0, i, cp, app_style(a, el));
}
