/* What has no graph: pressure (how long its tasks had to wait), throttling, memory events. A "-" stands for
 * what this kernel doesn't give for a container. */
#include <math.h>
#include <stdio.h>

#include "tui/app.h"
#include "tui/figures.h"
#include "tui/stats_view.h"

#define NAME_W          11
#define NAME_NARROW_W   9
#define MEMORY_W        13
#define COLUMN_W        8
#define COLUMN_NARROW_W 7

static struct style figure_style(struct app *a, double percent)
{
	return app_style(a, percent >= 25 ? UI_ERROR : percent >= 5 ? UI_WARN : UI_TEXT);
}

/* Where the i-th column ends. */
static int column_end(const struct canvas *c, int i)
{
	return c->r.w >= NAME_W + 4 * COLUMN_W ? NAME_W + (i + 1) * COLUMN_W - 1
	                                       : NAME_NARROW_W + (i + 1) * COLUMN_NARROW_W;
}

static void draw_pressure_row(
        struct app *a, const struct canvas *c, int y, const char *name, bool known, const double percents[4])
{
	char t[FIGURE_SIZE];

	canvas_cell(c, y, 0, NAME_NARROW_W, name, app_style(a, UI_MUTED));
	for (int i = 0; i < 4; i++)
		canvas_str(c, y, column_end(c, i) - FIGURE_PERCENT_WIDTH, FIGURE_PERCENT_WIDTH,
		        figure_percent(known ? percents[i] : NAN, t),
		        known ? figure_style(a, percents[i]) : app_style(a, UI_MUTED));
}

static int draw_pressure(struct stats_view *v, const struct canvas *c)
{
	static const char *const heads[] = {"some10", "60s", "full10", "60s"};
	struct app *a = v->view.app;
	const struct tare_pressure *p = &v->pressure;

	canvas_str(c, 0, 0, NAME_NARROW_W, "Pressure", app_style(a, UI_TITLE));
	for (int i = 0; i < 4; i++)
		canvas_cell_right(c, 0, column_end(c, i) - 6, 6, heads[i], app_style(a, UI_MUTED));
#define ROW(y, name, f)                                                                                      \
	draw_pressure_row(a, c, y, name, v->has_pressure && p->f.known,                                      \
	        (const double[]){p->f.some10, p->f.some60, p->f.full10, p->f.full60})
	ROW(1, "cpu", cpu);
	ROW(2, "memory", memory);
	ROW(3, "io", io);
#undef ROW
	return 4;
}

static double throttled_now(const struct stats_view *v)
{
	double last[2];

	/* the second under way may not have been sampled yet */
	history_get(v->c->history, METRIC_THROTTLED, v->second, 1, last, 2);
	return isnan(last[1]) ? last[0] : last[1];
}

static void draw_counter(
        struct app *a, const struct canvas *c, int y, int x, const char *name, uint64_t n, bool bad)
{
	char t[FIGURE_SIZE];

	canvas_cell(c, y, x, 9, name, app_style(a, UI_MUTED));
	canvas_str(c, y, x + 9, FIGURE_COUNT_WIDTH, figure_count(n, t),
	        app_style(a, bad && n > 0 && n != UINT64_MAX ? UI_ERROR : UI_TEXT));
}

static void draw_events(struct stats_view *v, const struct canvas *c, int y)
{
	struct app *a = v->view.app;
	struct tare_pressure unknown = {.mem_low = UINT64_MAX,
	        .mem_high = UINT64_MAX,
	        .mem_max = UINT64_MAX,
	        .mem_oom = UINT64_MAX,
	        .mem_oom_kill = UINT64_MAX};
	const struct tare_pressure *p = v->has_pressure ? &v->pressure : &unknown;
	uint64_t kills = p->mem_oom_kill != UINT64_MAX ? p->mem_oom_kill
	                 : v->is_running               ? v->c->now.oom_kills
	                                               : UINT64_MAX;

	canvas_str(c, y, 0, -1, "Memory events", app_style(a, UI_TITLE));
	draw_counter(a, c, y + 1, 0, "reclaimed", p->mem_high, false);
	draw_counter(a, c, y + 1, 18, "at limit", p->mem_max, false);
	draw_counter(a, c, y + 2, 0, "no memory", p->mem_oom, true);
	draw_counter(a, c, y + 2, 18, "killed", kills, true);
}

static void draw_throttling(struct stats_view *v, const struct canvas *c, int y)
{
	const struct tare_stats *s = &v->c->now;
	struct app *a = v->view.app;
	double share = v->is_running ? 100 * throttled_now(v) : NAN;
	char now[FIGURE_SIZE], total[FIGURE_SIZE], times[FIGURE_SIZE];
	bool known = v->is_running && s->throttled_ns != UINT64_MAX;

	canvas_str(c, y, 0, NAME_W - 1, "Throttled", app_style(a, UI_TITLE));
	canvas_printf(c, y, NAME_W - 1, -1, figure_style(a, share), "%s %%", figure_percent(share, now));
	figure_duration(known ? (int64_t)s->throttled_ns : -1, total);
	figure_count(known ? s->n_throttled : UINT64_MAX, times);
	if (c->r.w >= NAME_W + 8 + FIGURE_DURATION_WIDTH)
		canvas_str(c, y, NAME_W + 8, -1, total, app_style(a, UI_MUTED));
	if (c->r.w >= NAME_W + 8 + FIGURE_DURATION_WIDTH + 16)
		canvas_printf(c, y, NAME_W + 8 + FIGURE_DURATION_WIDTH, -1, app_style(a, UI_MUTED),
		        " in %s times", times);
}

static int draw_memory(struct stats_view *v, const struct canvas *c, bool both)
{
	static const char *const names[] = {"anon", "file", "kernel", "swap", "peak"};
	static const enum theme_element colours[] = {
	        GRAPH_MEMORY, GRAPH_MEMORY_FILE, GRAPH_MEMORY_KERNEL, UI_MUTED, UI_MUTED};
	const struct tare_stats *s = &v->c->now;
	const uint64_t bytes[] = {
	        s->memory_anon, s->memory_file, s->memory_kernel, s->memory_swap, s->memory_peak};
	char t[FIGURE_SIZE];
	int n = both ? 5 : 3, beside = c->r.w >= 3 * MEMORY_W - 1 ? 3 : c->r.w >= 2 * MEMORY_W - 1 ? 2 : 1;

	for (int i = 0; i < n; i++) {
		int x = i % beside * MEMORY_W, y = i / beside;
		canvas_str(c, y, x, 6, names[i], app_style(v->view.app, colours[i]));
		canvas_str(c, y, x + 7, FIGURE_BYTES_WIDTH,
		        figure_bytes(v->is_running ? bytes[i] : UINT64_MAX, t),
		        app_style(v->view.app, UI_TEXT));
	}
	return (n + beside - 1) / beside;
}

void stats_draw_table(struct stats_view *v, const struct canvas *c)
{
	/* the second line of memory makes room first, then whole parts */
	int y = draw_memory(v, c, c->r.h >= 7);

	draw_throttling(v, c, y);
	y += 1;
	if (y + 4 <= c->r.h) {
		struct canvas part = canvas_part(c, (struct rect){y, 0, c->r.h - y, c->r.w});
		y += draw_pressure(v, &part);
	}
	if (y + 3 <= c->r.h)
		draw_events(v, c, y);
}
