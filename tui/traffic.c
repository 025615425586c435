#include "tui/traffic.h"

#include <math.h>

#include "tui/figures.h"
#include "tui/list_view.h"

#define GRAPH_STEP  5             /* seconds a value, as in the list of containers */
#define GRAPH_FLOOR (10 * 1024.0) /* bytes per second: what is less than this stays small */

static double sum(double a, double b)
{
	return isnan(a) ? b : isnan(b) ? a : a + b;
}

void traffic_clear(struct traffic *t)
{
	t->rx = t->tx = NAN;
	for (size_t i = 0; i < TRAFFIC_MOST; i++)
		t->past[i] = NAN;
}

void traffic_add(struct traffic *t, struct model *m, const struct model_container *c)
{
	double values[TRAFFIC_MOST];

	t->rx = sum(t->rx, c->rx);
	t->tx = sum(t->tx, c->tx);
	if (!c->history)
		return;
	for (int both = 0; both < 2; both++) {
		history_get(c->history, both ? METRIC_TX : METRIC_RX, model_second(m), GRAPH_STEP, values,
		        TRAFFIC_MOST);
		for (size_t i = 0; i < TRAFFIC_MOST; i++)
			t->past[i] = sum(t->past[i], values[i]);
	}
}

void traffic_draw_rate(const struct cell *at, double rate)
{
	char text[FIGURE_SIZE];

	if (!isnan(rate))
		cell_right(at, figure_rate(rate, text), rate < 1 ? cell_style(at, UI_MUTED) : at->base);
}

void traffic_draw_graph(const struct cell *at, const struct traffic *t)
{
	struct app *a = at->list->v.app;
	struct sparkline s = {.symbols = theme_symbols(app_theme(a)),
	        .top = GRAPH_FLOOR,
	        .low = app_style(a, GRAPH_LOW),
	        .middle = app_style(a, GRAPH_MIDDLE),
	        .high = app_style(a, GRAPH_HIGH)};
	size_t n = sparkline_values(&s, at->w);

	n = n < TRAFFIC_MOST ? n : TRAFFIC_MOST;
	for (size_t i = TRAFFIC_MOST - n; i < TRAFFIC_MOST; i++)
		s.top = t->past[i] > s.top ? t->past[i] : s.top;
	sparkline_draw(&s, at->c, at->y, at->x, at->w, t->past + (TRAFFIC_MOST - n), n);
}
