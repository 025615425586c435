/* Graphs: time, series and scales; what stands in a cell is a pure function of them. */
#include <math.h>

#include "tui/graph.h"

#define FINE_SPAN   300 /* the past has a value a second for so long, then one in COARSE_STEP */
#define COARSE_STEP 10
/* A scale goes down when what is shown needs less than this share of it. */
#define SHRINK_BELOW 0.3

/* Shares of the limit from which on a graph is drawn in the middle and the high colour. */
#define SHARE_MIDDLE 0.6
#define SHARE_HIGH   0.85

/* ------------------------------------------------------------------ time */

struct graph_time graph_time(int64_t now, unsigned span, int cols, enum graph_symbols symbols)
{
	struct graph_time t = {.points = 1,
	        .cols = cols < 1                ? 1
	                : cols > GRAPH_COLS_MAX ? GRAPH_COLS_MAX
	                                        : cols};
	unsigned cell = (span + (unsigned)t.cols - 1) / (unsigned)t.cols;
	unsigned grain = span > FINE_SPAN ? COARSE_STEP : 1;

	cell = cell ? (cell + grain - 1) / grain * grain : 1;
	if (symbols == GRAPH_BRAILLE && cell >= 2 * grain) {
		cell = (cell + 2 * grain - 1) / (2 * grain) * (2 * grain);
		t.points = 2;
	}
	t.step = cell / t.points;
	t.end = now / (int64_t)cell * (int64_t)cell + (int64_t)cell - 1;
	return t;
}

unsigned graph_time_span(const struct graph_time *t)
{
	return (unsigned)t->cols * t->points * t->step;
}

/* ------------------------------------------------------------------ series */

static size_t points(const struct graph *g)
{
	return (size_t)g->time.cols * g->time.points;
}

void graph_load(struct graph *g, unsigned series, const struct history *h, enum metric m, double scale)
{
	double *out = g->series[series];

	history_get(h, m, g->time.end, g->time.step, out, points(g));
	for (size_t i = 0; scale != 1 && i < points(g); i++)
		out[i] *= scale;
	if (g->n <= series)
		g->n = series + 1;
}

double graph_last(const struct graph *g, unsigned series)
{
	for (size_t i = points(g); i > 0; i--)
		if (!isnan(g->series[series][i - 1]))
			return g->series[series][i - 1];
	return NAN;
}

double graph_max(const struct graph *g, unsigned series)
{
	double max = NAN;

	for (size_t i = 0; i < points(g); i++)
		if (!(g->series[series][i] <= max) && !isnan(g->series[series][i]))
			max = g->series[series][i];
	return max;
}

/* The stack's height at a point up to and with a series; NAN where none is known. */
static double stacked(const struct graph *g, size_t point, unsigned upto)
{
	double sum = NAN;

	for (unsigned s = 0; s <= upto && s < g->n; s++) {
		double v = g->series[s][point];
		if (!isnan(v))
			sum = isnan(sum) ? v : sum + v;
	}
	return sum;
}

double graph_peak(const struct graph *g)
{
	double max = 0;

	for (unsigned s = 0; s < g->n && g->kind != GRAPH_STACKED; s++)
		max = fmax(max, graph_max(g, s)); /* fmax leaves NAN out */
	for (size_t i = 0; i < points(g) && g->kind == GRAPH_STACKED; i++)
		max = fmax(max, stacked(g, i, g->n - 1));
	return max;
}

/* ------------------------------------------------------------------ scales */

double graph_nice(double max, enum graph_unit unit)
{
	static const double decimal[] = {1, 2, 5};
	double at = 1;

	if (!(max > 1) || isinf(max))
		return 1;
	if (unit == GRAPH_UNIT_BINARY) {
		while (at < max)
			at *= 2;
		return at;
	}
	for (;; at *= 10)
		for (int i = 0; i < 3; i++)
			if (decimal[i] * at >= max)
				return decimal[i] * at;
}

double graph_scale(double current, double max, enum graph_unit unit)
{
	if (max > current || max < current * SHRINK_BELOW)
		return graph_nice(max, unit);
	return current;
}

/* ------------------------------------------------------------------ cells */

/* How many of `units` a value fills; what is known fills one at least, so that "nothing" and "not known"
 * differ. */
static int filled(double v, double top, int units)
{
	double share = top > 0 ? v / top : 0;

	if (isnan(v))
		return 0;
	if (share >= 1)
		return units;
	int n = (int)(share * units + 0.5);
	return n < 1 ? 1 : n;
}

/* A column of `h` rows in units of 1/per rows: `level` is filled. What of row `up` (0: the lowest) is. */
static int in_row(int level, int per, int up)
{
	int n = level - per * up;

	return n < 0 ? 0 : n > per ? per : n;
}

static double value_at(const struct graph *g, int col, unsigned half, unsigned series)
{
	size_t first = (size_t)col * g->time.points;
	double v = NAN;

	/* with one point a column both halves are the same; without halves the larger one counts */
	for (unsigned i = 0; i < g->time.points; i++)
		if (g->symbols != GRAPH_BRAILLE || g->time.points == 1 || i == half) {
			double x = g->kind == GRAPH_STACKED ? stacked(g, first + i, series)
			                                    : g->series[series][first + i];
			v = fmax(v, x);
		}
	return v;
}

/* Of a stack, the series whose area the middle of what is filled in this cell belongs to. */
static unsigned series_in(const struct graph *g, int h, int up, int col, int per)
{
	for (unsigned s = 0; s + 1 < g->n; s++) {
		double v = value_at(g, col, 1, s);
		if (!isnan(v) && v > 0 && in_row(filled(v, g->top, h * per), per, up) * 2 >= per)
			return s;
	}
	for (unsigned s = g->n; s-- > 1;) {
		double v = g->series[s][(size_t)col * g->time.points + g->time.points - 1];
		if (v > 0)
			return s;
	}
	return 0;
}

static enum theme_element share_colour(const struct graph *g, int h, int up)
{
	double share = (up + 0.5) / h;

	if (g->limit > 0)
		share *= g->top / g->limit;
	return share >= SHARE_HIGH ? GRAPH_HIGH : share >= SHARE_MIDDLE ? GRAPH_MIDDLE : GRAPH_LOW;
}

/* Braille dots of the left and right half, n of four filled from below or from above. */
static uint32_t braille(int left, int right, bool from_above)
{
	static const uint8_t up[2][5] = {{0, 0x40, 0x44, 0x46, 0x47}, {0, 0x80, 0xa0, 0xb0, 0xb8}};
	static const uint8_t down[2][5] = {{0, 0x01, 0x03, 0x07, 0x47}, {0, 0x08, 0x18, 0x38, 0xb8}};

	return 0x2800u + (from_above ? down[0][left] | down[1][right] : up[0][left] | up[1][right]);
}

static uint32_t symbol(enum graph_symbols symbols, int left, int right, bool from_above, bool *reverse)
{
	static const char ascii_up[] = " .:#", ascii_down[] = " ':#";

	switch (symbols) {
	case GRAPH_BRAILLE:
		return braille(left, right, from_above);
	case GRAPH_BLOCK:
		/* there are no blocks that hang from above: those that stand, reversed */
		*reverse = from_above && left < 8;
		return left == 8    ? 0x2588
		       : from_above ? 0x2580u + (uint32_t)(8 - left)
		                    : 0x2580u + (uint32_t)left;
	default:
		return (uint32_t)(from_above ? ascii_down : ascii_up)[left];
	}
}

static int units_per_row(enum graph_symbols s)
{
	return s == GRAPH_BRAILLE ? 4 : s == GRAPH_BLOCK ? 8 : 3;
}

bool graph_cell(
        const struct graph *g, int h, int row, int col, uint32_t *cp, enum theme_element *el, bool *reverse)
{
	int per = units_per_row(g->symbols), up = h - 1 - row;
	bool below = false;
	unsigned series = g->kind == GRAPH_STACKED ? g->n - 1 : 0;

	*reverse = false;
	if (g->kind == GRAPH_MIRRORED) {
		int upper = (h + 1) / 2;
		below = row >= upper;
		series = below;
		up = below ? row - upper : upper - 1 - row;
		h = below ? h - upper : upper;
	}
	int left = in_row(filled(value_at(g, col, 0, series), g->top, h * per), per, up);
	int right = in_row(filled(value_at(g, col, 1, series), g->top, h * per), per, up);
	if (left == 0 && right == 0)
		return false;
	if (g->kind == GRAPH_STACKED)
		series = series_in(g, h, up, col, per);
	*el = g->by_share ? share_colour(g, h, up) : g->colours[series];
	*cp = symbol(g->symbols, left, right, below, reverse);
	return true;
}
