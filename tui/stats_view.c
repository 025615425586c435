/* What a container uses: graphs over minutes or an hour, each also relative to the limit, pressure and memory
 * events. Draws from the model's past; asks the engine only for the pressure, once a sample. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "tui/app.h"
#include "tui/config.h"
#include "tui/screen.h"
#include "tui/stats_view.h"
#include "tui/views.h"

#define PAST_STEP    10
#define PAST_POINTS  360
#define GRAPH_MIN_H  6   /* of a block, with its title */
#define WIDE_COLS    132 /* three blocks beside each other */
#define MIDDLE_COLS  72  /* two */
#define DEFAULT_SPAN 2

const unsigned stats_spans[4] = {60, 300, 900, 3600};

/* ------------------------------------------------------------------ shares */

static unsigned host_cpus(const struct stats_view *v)
{
	unsigned n = model_host(app_model(v->view.app))->now.cpus;

	return n ? n : 1;
}

double stats_cpu_basis(const struct stats_view *v)
{
	if (v->scale == SCALE_CORE)
		return 1;
	if (v->scale == SCALE_LIMIT && v->c && v->c->cpu_limit > 0)
		return v->c->cpu_limit;
	return host_cpus(v);
}

const char *stats_cpu_basis_text(const struct stats_view *v, char *dst, size_t size)
{
	double cores = stats_cpu_basis(v);

	if (v->scale == SCALE_CORE)
		snprintf(dst, size, "of a core");
	else if (v->scale == SCALE_LIMIT && v->c && v->c->cpu_limit > 0)
		snprintf(dst, size, "of its limit, %.4g core%s", cores, cores > 1 ? "s" : "");
	else
		snprintf(dst, size, "of the host's %u core%s", host_cpus(v), host_cpus(v) > 1 ? "s" : "");
	return dst;
}

double stats_memory_limit(const struct stats_view *v)
{
	uint64_t total = model_host(app_model(v->view.app))->now.memory_total;

	if (v->scale == SCALE_HOST)
		return (double)total;
	if (!v->c || v->c->now.time == 0 || v->c->now.memory_limit == UINT64_MAX)
		return 0;
	return total && v->c->now.memory_limit >= total ? 0 : (double)v->c->now.memory_limit;
}

/* ------------------------------------------------------------------ state */

/* When the last value of a container was measured that doesn't run any more; 0: none known. */
static int64_t last_known(const struct history *h, int64_t now)
{
	double past[PAST_POINTS];

	history_get(h, METRIC_MEMORY, now, PAST_STEP, past, PAST_POINTS);
	for (int i = PAST_POINTS; i-- > 0;)
		if (!isnan(past[i]))
			return (now / PAST_STEP - (PAST_POINTS - 1 - i)) * PAST_STEP + PAST_STEP - 1;
	return 0;
}

static int64_t rounded(int64_t ns)
{
	return (ns + 500000000) / 1000000000;
}

static void look(struct stats_view *v)
{
	struct model *m = app_model(v->view.app);
	struct tare_engine *engine = app_engine(v->view.app);
	struct err e;

	v->c = v->object.kind == OBJECT_CONTAINER ? model_container(m, v->object.id) : NULL;
	v->is_running = v->c && v->c->now.time != 0;
	if (v->is_running)
		v->second = rounded(v->c->now.time);
	else
		v->second = v->c && v->c->history
		                    ? last_known(v->c->history, rounded(model_host(m)->now.time))
		                    : 0;
	v->has_pressure = v->is_running && v->is_visible && engine->pressure &&
	                  engine->pressure(engine, v->object.id, &v->pressure, &e) == 0;
}

static void stats_show(struct view *view, const struct object *o)
{
	struct stats_view *v = (struct stats_view *)view;
	static const struct object none = {.kind = OBJECT_NONE};

	if (!o)
		o = &none;
	if (object_equal(o, &v->object))
		return;
	v->object = *o;
	memset(v->tops, 0, sizeof v->tops);
	if (o->kind == OBJECT_CONTAINER)
		model_want(app_model(view->app), o->id);
	look(v);
}

static bool stats_changed(struct view *view, unsigned what)
{
	struct stats_view *v = (struct stats_view *)view;

	if (!(what & (MODEL_STATS | MODEL_CONTAINERS)))
		return false;
	look(v);
	return true;
}

static void stats_visible(struct view *view, bool on)
{
	struct stats_view *v = (struct stats_view *)view;

	v->is_visible = on;
	if (on)
		look(v);
}

/* ------------------------------------------------------------------ actions */

static void remember(struct stats_view *v, const char *key, unsigned value)
{
	char text[16];

	snprintf(text, sizeof text, "%u", value);
	config_remember(app_config(v->view.app), key, text);
}

static unsigned stats_act(struct view *view, enum action a)
{
	struct stats_view *v = (struct stats_view *)view;

	switch ((int)a) {
	case ACTION_STATS_SPAN:
		v->span = (v->span + 1) % (sizeof stats_spans / sizeof *stats_spans);
		remember(v, "stats.span", v->span);
		break;
	case ACTION_STATS_SCALE:
		v->scale = (v->scale + 1) % SCALE_N;
		remember(v, "stats.scale", v->scale);
		break;
	default:
		return VIEW_IGNORED;
	}
	memset(v->tops, 0, sizeof v->tops);
	return VIEW_DONE;
}

static void stats_status(struct view *view, char *dst, size_t size)
{
	static const char *const scales[SCALE_N] = {"% of limit", "% of a core", "% of host"};
	struct stats_view *v = (struct stats_view *)view;

	snprintf(dst, size, "%u min  %s", stats_spans[v->span] / 60, scales[v->scale]);
}

/* ------------------------------------------------------------------ drawing */

static void draw_stopped(struct stats_view *v, const struct canvas *c)
{
	struct app *a = v->view.app;

	if (!v->c)
		canvas_str(c, 0, 1, -1, "This container is gone.", app_style(a, UI_MUTED));
	else if (v->c->row.state == TARE_RUNNING || v->c->row.state == TARE_PAUSED)
		canvas_str(
		        c, 0, 1, -1, "Measuring: figures come in a second or two.", app_style(a, UI_MUTED));
	else if (v->second)
		canvas_str(c, 0, 1, -1, "Not running: this is what it used last.", app_style(a, UI_WARN));
	else
		canvas_str(c, 0, 1, -1, "Not running, and nothing measured. S starts it.",
		        app_style(a, UI_MUTED));
}

static void draw_blocks(struct stats_view *v, const struct canvas *c)
{
	int columns = c->r.w >= WIDE_COLS ? 3 : c->r.w >= MIDDLE_COLS ? 2 : 1;
	int rows = (BLOCK_N + columns - 1) / columns, h = c->r.h / rows, spare = c->r.h % rows;

	if (h < GRAPH_MIN_H) {
		stats_draw_lines(v, c);
		return;
	}
	for (int b = 0; b < BLOCK_N; b++) {
		int row = b / columns, column = b % columns;
		int y = row * h + (row < spare ? row : spare), x = column * c->r.w / columns;
		int w = (column + 1) * c->r.w / columns - x;
		struct canvas part = canvas_part(c, (struct rect){y, x + 1, h + (row < spare), w - 2});
		stats_draw_block(v, (enum stats_block)b, &part);
	}
}

static void stats_draw(struct view *view, const struct canvas *c, bool focused)
{
	struct stats_view *v = (struct stats_view *)view;
	struct rect rest = {0, 0, c->r.h, c->r.w};

	(void)focused;
	v->c = v->object.kind == OBJECT_CONTAINER ? model_container(app_model(view->app), v->object.id)
	                                          : NULL;
	if (!v->is_running) {
		draw_stopped(v, c);
		rect_cut_top(&rest, 1);
	}
	if (!v->c || !v->second)
		return;
	struct canvas body = canvas_part(c, rest);
	draw_blocks(v, &body);
}

static void stats_free(struct view *view)
{
	free(view);
}

struct view *stats_view_new(struct app *a)
{
	static const struct view_ops ops = {
	        .title = "Stats",
	        .context = CONTEXT_STATS,
	        .draw = stats_draw,
	        .act = stats_act,
	        .show = stats_show,
	        .changed = stats_changed,
	        .visible = stats_visible,
	        .status = stats_status,
	        .free = stats_free,
	};
	struct stats_view *v = calloc(1, sizeof *v);

	if (!v)
		return NULL;
	v->view = (struct view){&ops, a};
	v->span = (unsigned)config_int(app_config(a), "stats.span", DEFAULT_SPAN) %
	          (sizeof stats_spans / sizeof *stats_spans);
	v->scale = (enum stats_scale)((unsigned)config_int(app_config(a), "stats.scale", 0) % SCALE_N);
	v->graph.symbols = GRAPH_BRAILLE;
	return &v->view;
}
