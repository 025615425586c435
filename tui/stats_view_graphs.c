/* The graphs of the stats view: what is loaded for each block, its scale, its title with figures in fixed
 * places. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/app.h"
#include "tui/figures.h"
#include "tui/screen.h"
#include "tui/stats_view.h"

#define GUTTER        6 /* columns of labels beside a graph */
#define GUTTER_FROM_W 30
#define LEAST_PERCENT 10
#define LEAST_BYTES   4096
#define LEAST_PIDS    10

/* ------------------------------------------------------------------ loading */

static void load_cpu(struct stats_view *v, struct graph *g)
{
	double basis = stats_cpu_basis(v), peak;

	graph_load(g, 0, v->c->history, METRIC_CPU, 100 / basis);
	g->colours[0] = GRAPH_CPU;
	g->by_share = true;
	peak = fmax(graph_peak(g), LEAST_PERCENT);
	g->limit = v->c->cpu_limit > 0 ? 100 * v->c->cpu_limit / basis : 100;
	if (v->scale == SCALE_LIMIT && v->c->cpu_limit > 0)
		v->tops[BLOCK_CPU] = 100;
	else
		v->tops[BLOCK_CPU] = graph_scale(v->tops[BLOCK_CPU], peak, GRAPH_UNIT_DECIMAL);
}

static void load_memory(struct stats_view *v, struct graph *g, bool one_line)
{
	const struct history *h = v->c->history;
	double limit = stats_memory_limit(v);

	/* what is charged besides the parts below counts for the scale, too */
	graph_load(g, 0, h, METRIC_MEMORY, 1);
	v->memory_max = graph_max(g, 0);
	v->memory_last = graph_last(g, 0);
	if (!one_line) {
		graph_load(g, 0, h, METRIC_MEMORY_ANON, 1);
		graph_load(g, 1, h, METRIC_MEMORY_FILE, 1);
		graph_load(g, 2, h, METRIC_MEMORY_KERNEL, 1);
	}
	if (one_line || isnan(graph_max(g, 0))) {
		g->n = 0;
		graph_load(g, 0, h, METRIC_MEMORY, 1);
	}
	g->kind = g->n > 1 ? GRAPH_STACKED : GRAPH_PLAIN;
	g->colours[0] = GRAPH_MEMORY;
	g->colours[1] = GRAPH_MEMORY_FILE;
	g->colours[2] = GRAPH_MEMORY_KERNEL;
	g->limit = limit;
	if (limit > 0 && v->scale != SCALE_CORE)
		v->tops[BLOCK_MEMORY] = limit;
	else
		v->tops[BLOCK_MEMORY] = graph_scale(v->tops[BLOCK_MEMORY],
		        fmax(fmax(graph_peak(g), v->memory_max), LEAST_BYTES), GRAPH_UNIT_BINARY);
}

static void load_pair(struct stats_view *v, struct graph *g, enum stats_block b, enum metric up,
        enum metric down, enum theme_element up_colour, enum theme_element down_colour)
{
	graph_load(g, 0, v->c->history, up, 1);
	graph_load(g, 1, v->c->history, down, 1);
	g->kind = GRAPH_MIRRORED;
	g->colours[0] = up_colour;
	g->colours[1] = down_colour;
	v->tops[b] = graph_scale(v->tops[b], fmax(graph_peak(g), LEAST_BYTES), GRAPH_UNIT_BINARY);
}

static void load_pids(struct stats_view *v, struct graph *g)
{
	double limit =
	        v->c->now.time && v->c->now.pids_limit != UINT64_MAX ? (double)v->c->now.pids_limit : 0;

	graph_load(g, 0, v->c->history, METRIC_PIDS, 1);
	g->colours[0] = GRAPH_PIDS;
	g->limit = limit;
	/* thousands are allowed and ten there: only a limit that is near is worth its scale */
	double peak = fmax(graph_peak(g), LEAST_PIDS);
	v->tops[BLOCK_PIDS] = limit > 0 && limit < 4 * peak
	                              ? limit
	                              : graph_scale(v->tops[BLOCK_PIDS], peak, GRAPH_UNIT_DECIMAL);
}

/* Load the graph of a block into v->graph for so many columns. */
static void stats_load(struct stats_view *v, enum stats_block b, int cols, bool one_line)
{
	struct graph *g = &v->graph;

	g->symbols = screen_is_ascii(app_screen(v->view.app)) ? GRAPH_ASCII
	                                                      : theme_symbols(app_theme(v->view.app));
	g->kind = GRAPH_PLAIN;
	g->n = 0;
	g->limit = 0;
	g->by_share = false;
	g->time = graph_time(v->second, stats_spans[v->span], cols, g->symbols);
	v->shown_span = graph_time_span(&g->time);
	switch (b) {
	case BLOCK_CPU:
		load_cpu(v, g);
		break;
	case BLOCK_MEMORY:
		load_memory(v, g, one_line);
		break;
	case BLOCK_NETWORK:
		load_pair(v, g, b, METRIC_RX, METRIC_TX, GRAPH_RX, GRAPH_TX);
		break;
	case BLOCK_IO:
		load_pair(v, g, b, METRIC_READ, METRIC_WRITE, GRAPH_READ, GRAPH_WRITE);
		break;
	default:
		load_pids(v, g);
	}
	g->top = v->tops[b];
}

/* ------------------------------------------------------------------ titles */

struct title {
	const char *name;
	char note[64];    /* muted, beside the name */
	char figures[64]; /* at the right */
};

/* What is used now; of a container that doesn't run, the last that is known. */
static double current(const struct stats_view *v, unsigned series, double now)
{
	return v->is_running ? now : graph_last(&v->graph, series);
}

static double current_memory(const struct stats_view *v)
{
	if (!v->is_running)
		return v->memory_last;
	return v->c->now.memory == UINT64_MAX ? NAN : (double)v->c->now.memory;
}

static uint64_t current_pids(const struct stats_view *v)
{
	double last = graph_last(&v->graph, 0);

	if (v->is_running)
		return v->c->now.pids;
	return last >= 0 ? (uint64_t)last : UINT64_MAX;
}

static void cpu_title(const struct stats_view *v, struct title *t)
{
	char now[FIGURE_SIZE], max[FIGURE_SIZE];

	t->name = "CPU";
	stats_cpu_basis_text(v, t->note, sizeof t->note);
	snprintf(t->figures, sizeof t->figures, "%s %%   max %s %%",
	        figure_percent(current(v, 0, 100 * v->c->cpu / stats_cpu_basis(v)), now),
	        figure_percent(graph_max(&v->graph, 0), max));
}

static void memory_title(const struct stats_view *v, struct title *t)
{
	double limit = stats_memory_limit(v), peak = v->memory_max;
	double used = current_memory(v);
	char a[FIGURE_SIZE], b[FIGURE_SIZE], share[FIGURE_SIZE];

	t->name = "Memory";
	if (limit > 0) {
		snprintf(t->note, sizeof t->note, "of %s %s",
		        v->scale == SCALE_HOST ? "the host's" : "its limit,",
		        figure_size(limit, a) + strspn(a, " "));
		snprintf(t->figures, sizeof t->figures, "%s  %s %%   max %s %%", figure_size(used, a),
		        figure_percent(100 * used / limit, share), figure_percent(100 * peak / limit, b));
	} else {
		snprintf(t->note, sizeof t->note, "no limit");
		snprintf(t->figures, sizeof t->figures, "%s   max %s", figure_bytes(used, a),
		        figure_size(peak, b));
	}
}

static void pair_title(const struct stats_view *v, struct title *t, const char *name, const char *note,
        double up, double down)
{
	char a[FIGURE_SIZE], b[FIGURE_SIZE];

	t->name = name;
	snprintf(t->note, sizeof t->note, "%s", note);
	snprintf(t->figures, sizeof t->figures, "%s   %s", figure_rate(current(v, 0, up), a),
	        figure_rate(current(v, 1, down), b));
}

static void pids_title(const struct stats_view *v, struct title *t)
{
	char a[FIGURE_SIZE], b[FIGURE_SIZE];
	double max = graph_max(&v->graph, 0);

	t->name = "Processes";
	if (v->graph.limit > 0)
		snprintf(t->note, sizeof t->note, "of %.0f allowed", v->graph.limit);
	else
		snprintf(t->note, sizeof t->note, "no limit");
	snprintf(t->figures, sizeof t->figures, "%s   max %s", figure_count(current_pids(v), a),
	        figure_count(max >= 0 ? (uint64_t)max : UINT64_MAX, b));
}

static void make_title(const struct stats_view *v, enum stats_block b, struct title *t)
{
	bool ascii = v->graph.symbols == GRAPH_ASCII;

	memset(t, 0, sizeof *t);
	switch (b) {
	case BLOCK_CPU:
		cpu_title(v, t);
		break;
	case BLOCK_MEMORY:
		memory_title(v, t);
		break;
	case BLOCK_NETWORK:
		pair_title(
		        v, t, "Network", ascii ? "in above, out below" : "↑ in  ↓ out", v->c->rx, v->c->tx);
		break;
	case BLOCK_IO:
		pair_title(v, t, "Disk", ascii ? "read above, written below" : "↑ read  ↓ written",
		        v->c->read, v->c->write);
		break;
	default:
		pids_title(v, t);
	}
}

static void draw_title(const struct stats_view *v, const struct title *t, const struct canvas *c)
{
	struct app *a = v->view.app;
	int figures = (int)strlen(t->figures), x;
	const char *max = strstr(t->figures, "   max");

	x = canvas_str(c, 0, 0, -1, t->name, app_style(a, UI_TITLE));
	if (max && c->r.w - figures < x + 1)
		figures = (int)(max - t->figures); /* what is now goes before what was */
	if (c->r.w - figures < x + 1)
		figures = 0;
	canvas_text(c, 0, c->r.w - figures, figures, t->figures, (size_t)figures, app_style(a, UI_TEXT));
	/* a note that doesn't fit whole is no help */
	if (x + 2 + (int)strlen(t->note) + 2 <= c->r.w - figures)
		canvas_str(c, 0, x + 2, -1, t->note, app_style(a, UI_MUTED));
}

/* ------------------------------------------------------------------ drawing */

static const char *label(enum stats_block b, double value, char dst[FIGURE_SIZE])
{
	if (b == BLOCK_CPU)
		snprintf(dst, FIGURE_SIZE, "%.*f%%", value < 9.95 && value > 0 ? 1 : 0, value);
	else if (b == BLOCK_PIDS)
		snprintf(dst, FIGURE_SIZE, "%.0f", value);
	else
		figure_size(value, dst);
	return dst;
}

static void draw_labels(const struct stats_view *v, enum stats_block b, const struct canvas *c)
{
	struct style s = app_style(v->view.app, GRAPH_GRID);
	char t[FIGURE_SIZE];
	int h = c->r.h, w = GUTTER - 1;

	canvas_cell_right(c, 0, 0, w, label(b, v->graph.top, t), s);
	if (v->graph.kind == GRAPH_MIRRORED) {
		canvas_cell_right(c, h - 1, 0, w, label(b, v->graph.top, t), s);
		return;
	}
	if (h >= 6)
		canvas_cell_right(c, h / 2, 0, w, label(b, v->graph.top * (1 - (double)(h / 2) / h), t), s);
	canvas_cell_right(c, h - 1, 0, w, "0", s);
}

void stats_draw_block(struct stats_view *v, enum stats_block b, const struct canvas *c)
{
	int gutter = c->r.w >= GUTTER_FROM_W ? GUTTER : 0;
	struct title t;

	if (b == BLOCK_TABLE) {
		stats_draw_table(v, c);
		return;
	}
	stats_load(v, b, c->r.w - gutter, false);
	make_title(v, b, &t);
	draw_title(v, &t, c);
	struct canvas body = canvas_part(c, (struct rect){1, 0, c->r.h - 2, c->r.w});
	struct canvas plot = canvas_part(&body, (struct rect){0, gutter, body.r.h, c->r.w - gutter});
	if (gutter)
		draw_labels(v, b, &body);
	graph_draw(&v->graph, v->view.app, &plot);
}

/* ------------------------------------------------------------------ one line each */

#define LINE_FIGURE_X 10
#define LINE_GRAPH_X  24

struct line {
	enum stats_block block;
	unsigned series;
	const char *name;
};

/* The figure of a line whose graph is loaded. */
static void line_figure(const struct stats_view *v, const struct line *l, char *dst, size_t size)
{
	const struct model_container *k = v->c;
	double limit = stats_memory_limit(v), used = current_memory(v);
	char a[FIGURE_SIZE], b[FIGURE_SIZE];

	switch (l->block) {
	case BLOCK_CPU:
		snprintf(dst, size, "%s %%",
		        figure_percent(current(v, 0, 100 * k->cpu / stats_cpu_basis(v)), a));
		break;
	case BLOCK_MEMORY:
		if (limit > 0)
			snprintf(dst, size, "%s %s%%", figure_size(used, a),
			        figure_percent(100 * used / limit, b));
		else
			snprintf(dst, size, "%s", figure_size(used, a));
		break;
	case BLOCK_NETWORK:
		snprintf(dst, size, "%s", figure_rate(current(v, l->series, l->series ? k->tx : k->rx), a));
		break;
	case BLOCK_IO:
		snprintf(dst, size, "%s",
		        figure_rate(current(v, l->series, l->series ? k->write : k->read), a));
		break;
	default:
		snprintf(dst, size, "%s", figure_count(current_pids(v), a));
	}
}

static void draw_line(struct stats_view *v, const struct canvas *c, int y, const struct line *l)
{
	struct app *a = v->view.app;
	struct graph *g = &v->graph;
	int w = c->r.w - 1, room = w - LINE_GRAPH_X;
	char figure[2 * FIGURE_SIZE];

	stats_load(v, l->block, room > 1 ? room : 1, true);
	line_figure(v, l, figure, sizeof figure);
	if (l->series > 0)
		memmove(g->series[0], g->series[l->series], sizeof g->series[0]);
	g->colours[0] = g->colours[l->series];
	g->kind = GRAPH_PLAIN;
	g->n = 1;
	canvas_cell(c, y, 1, LINE_FIGURE_X - 2, l->name, app_style(a, UI_MUTED));
	canvas_str(c, y, LINE_FIGURE_X, w - LINE_FIGURE_X, figure, app_style(a, UI_TEXT));
	if (g->symbols == GRAPH_BRAILLE)
		g->symbols = GRAPH_BLOCK; /* a single row of braille has four steps only */
	if (room > 0)
		graph_sparkline(g, a, c, y, LINE_GRAPH_X, room);
}

void stats_draw_lines(struct stats_view *v, const struct canvas *c)
{
	static const struct line lines[] = {
	        {BLOCK_CPU, 0, "CPU"},
	        {BLOCK_MEMORY, 0, "Memory"},
	        {BLOCK_NETWORK, 0, "In"},
	        {BLOCK_NETWORK, 1, "Out"},
	        {BLOCK_IO, 0, "Read"},
	        {BLOCK_IO, 1, "Written"},
	        {BLOCK_PIDS, 0, "Procs"},
	};
	int n = (int)(sizeof lines / sizeof *lines);

	for (int i = 0; i < n && i < c->r.h; i++)
		draw_line(v, c, i, &lines[i]);
	if (c->r.h > n + 4) {
		struct canvas rest = canvas_part(c, (struct rect){n + 1, 1, c->r.h - n - 1, c->r.w - 2});
		stats_draw_table(v, &rest);
	}
}
