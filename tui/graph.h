/* Graphs of what was measured: braille (2x4 dots a cell), blocks (eighths of a cell) or ASCII, filled areas
 * from the past on the left to now on the right.
 *
 * A column stands for a fixed span of time that begins at a multiple of that span, so from second to second
 * only the newest column changes, and the picture moves by whole cells when a column is full: that keeps what
 * goes to the terminal small. Scales change in wide steps and come back late. */
#ifndef TARE_TUI_GRAPH_H
#define TARE_TUI_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/canvas.h"
#include "tui/history.h"
#include "tui/theme.h"

struct app;

#define GRAPH_COLS_MAX   512
#define GRAPH_POINTS_MAX (2 * GRAPH_COLS_MAX)
#define GRAPH_SERIES_MAX 3

/* How time is laid over columns. */
struct graph_time {
	unsigned step;   /* seconds a point */
	unsigned points; /* per column: 1 or 2 */
	int64_t end;     /* the last second of the newest column */
	int cols;
};
/* At least `span` seconds over `cols` columns up to `now` (seconds of CLOCK_BOOTTIME). */
struct graph_time graph_time(int64_t now, unsigned span, int cols, enum graph_symbols symbols);
/* The seconds that the columns stand for. */
unsigned graph_time_span(const struct graph_time *t);

enum graph_kind {
	GRAPH_PLAIN,    /* one series */
	GRAPH_STACKED,  /* each on top of the one before */
	GRAPH_MIRRORED, /* the first upwards from the middle, the second downwards */
};
struct graph {
	enum graph_kind kind;
	enum graph_symbols symbols;
	struct graph_time time;
	unsigned n; /* series */
	double series[GRAPH_SERIES_MAX]
	             [GRAPH_POINTS_MAX]; /* the last time.cols * time.points count; NAN: a gap */
	enum theme_element colours[GRAPH_SERIES_MAX];
	double top;    /* the value at the upper edge */
	double limit;  /* a line there, and colours by share of it; 0: none */
	bool by_share; /* GRAPH_LOW, _MIDDLE, _HIGH by share of the limit (of top without one) */
};

/* Fill a series from the past; `scale` multiplies. */
void graph_load(struct graph *g, unsigned series, const struct history *h, enum metric m, double scale);
/* The newest known value and the largest one of a series; NAN: none. */
double graph_last(const struct graph *g, unsigned series);
double graph_max(const struct graph *g, unsigned series);
/* The largest sum of all series at one time (mirrored: the largest of either). */
double graph_peak(const struct graph *g);

/* One cell of a graph of h rows. False: empty. Pure, so that it can be tested. */
bool graph_cell(
        const struct graph *g, int h, int row, int col, uint32_t *cp, enum theme_element *el, bool *reverse);
/* Draws over the whole canvas, gap and grid included. */
void graph_draw(const struct graph *g, struct app *a, const struct canvas *c);
/* One line of `w` columns of the first series. */
void graph_sparkline(const struct graph *g, struct app *a, const struct canvas *c, int y, int x, int w);

/* A scale that doesn't jump: up at once, down only when a much smaller one would do. Start with 0. */
enum graph_unit { GRAPH_UNIT_DECIMAL /* 1, 2, 5, 10 … */, GRAPH_UNIT_BINARY /* powers of two */ };
double graph_nice(double max, enum graph_unit unit);
double graph_scale(double current, double max, enum graph_unit unit);

#endif
