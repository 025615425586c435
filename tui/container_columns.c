/* The columns of the Containers panel. What only running ones have is blank for the others: nothing to read.
 */
#include "tui/container_columns.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/app.h"
#include "tui/figures.h"
#include "tui/list_view.h"
#include "tui/port_text.h"
#include "tui/sparkline.h"

#define GRAPH_STEP  5    /* seconds a value: a row moves once in so long, and 12 cells are a minute */
#define GRAPH_MOST  48   /* values */
#define GRAPH_FLOOR 0.05 /* cores: what is less than this stays small */
#define IDLE_CPU    0.0005
#define COMMAND_MAX 128 /* bytes of a command that are shown */
#define PORTS_MAX   128

#define ROW(row) ((const struct model_container *)(row))

/* ------------------------------------------------------------------ state */

static void set_look(struct state_look *look, enum glyph g, enum theme_element el, const char *word)
{
	look->glyph = g;
	look->element = el;
	snprintf(look->word, sizeof look->word, "%s", word);
}

static void running_look(const struct model_container *c, struct state_look *look)
{
	if (c->row.monitor_lost)
		set_look(look, GLYPH_DEAD, STATE_DEAD, "no monitor");
	else if (c->row.health == TARE_HEALTH_UNHEALTHY)
		set_look(look, GLYPH_UNHEALTHY, STATE_UNHEALTHY, "unhealthy");
	else if (c->row.health == TARE_HEALTH_STARTING)
		set_look(look, GLYPH_STARTING, STATE_STARTING, "starting");
	else if (c->row.health == TARE_HEALTH_HEALTHY)
		set_look(look, GLYPH_HEALTHY, STATE_HEALTHY, "healthy");
	else
		set_look(look, GLYPH_RUNNING, STATE_RUNNING, "running");
}

static void exited_look(const struct model_container *c, struct state_look *look)
{
	if (c->row.oom_killed) {
		set_look(look, GLYPH_OOM, STATE_OOM, "OOM killed");
	} else if (c->row.exit_code == 0) {
		set_look(look, GLYPH_EXITED, STATE_EXITED, "exited");
	} else {
		set_look(look, GLYPH_FAILED, STATE_FAILED, "");
		snprintf(look->word, sizeof look->word, "exited %d", c->row.exit_code);
	}
}

void container_look(const struct model_container *c, struct state_look *look)
{
	switch (c->row.state) {
	case TARE_RUNNING:
		running_look(c, look);
		return;
	case TARE_PAUSED:
		set_look(look, GLYPH_PAUSED, STATE_PAUSED, "paused");
		return;
	case TARE_RESTARTING:
		set_look(look, GLYPH_RESTARTING, STATE_RESTARTING, "restarting");
		return;
	case TARE_CREATED:
		if (c->row.error)
			set_look(look, GLYPH_FAILED, STATE_FAILED, "failed");
		else
			set_look(look, GLYPH_CREATED, STATE_CREATED, "created");
		return;
	case TARE_EXITED:
		exited_look(c, look);
		return;
	default:
		set_look(look, GLYPH_DEAD, STATE_DEAD, c->row.error ? "damaged" : "dead");
	}
}

static void draw_state(const struct cell *at, const void *row)
{
	struct state_look look;
	struct style s;

	container_look(ROW(row), &look);
	s = cell_style(at, look.element);
	canvas_char(at->c, at->y, at->x, app_glyph(at->list->v.app, look.glyph), s);
	if (at->w > 2)
		canvas_cell(at->c, at->y, at->x + 2, at->w - 2, look.word, s);
}

/* What runs first, then what is about to, then the rest. */
static int compare_state(const void *a, const void *b)
{
	static const unsigned char rank[] = {[TARE_RUNNING] = 0,
	        [TARE_RESTARTING] = 1,
	        [TARE_PAUSED] = 2,
	        [TARE_CREATED] = 3,
	        [TARE_EXITED] = 4,
	        [TARE_DEAD] = 5};

	return (int)rank[ROW(a)->row.state] - (int)rank[ROW(b)->row.state];
}

/* ------------------------------------------------------------------ texts */

static const char *name_of(const void *row)
{
	return ROW(row)->row.name;
}

static void draw_name(const struct cell *at, const void *row)
{
	cell_name(at, name_of(row), at->base);
}

static int compare_name(const void *a, const void *b)
{
	return compare_texts(name_of(a), name_of(b));
}

static const char *image_of(const void *row)
{
	return ROW(row)->row.image;
}

static void draw_image(const struct cell *at, const void *row)
{
	cell_text(at, image_of(row), cell_style(at, UI_MUTED));
}

static int compare_image(const void *a, const void *b)
{
	return compare_texts(image_of(a), image_of(b));
}

static void draw_command(const struct cell *at, const void *row)
{
	char text[COMMAND_MAX];
	size_t n = 0;

	*text = '\0';
	for (char *const *s = ROW(row)->row.command; s && *s && n + 1 < sizeof text; s++) {
		int more = snprintf(text + n, sizeof text - n, "%s%s", n ? " " : "", *s);

		n = more < 0 || (size_t)more >= sizeof text - n ? sizeof text - 1 : n + (size_t)more;
	}
	cell_text(at, text, cell_style(at, UI_MUTED));
}

static void draw_id(const struct cell *at, const void *row)
{
	canvas_text(at->c, at->y, at->x, at->w, ROW(row)->row.id, 12, cell_style(at, UI_MUTED));
}

static const char *project_of(const void *row)
{
	return ROW(row)->project;
}

static void draw_project(const struct cell *at, const void *row)
{
	cell_text(at, project_of(row), cell_style(at, UI_MUTED));
}

static int compare_project(const void *a, const void *b)
{
	return compare_texts(project_of(a), project_of(b));
}

static const char *ports_of(const void *row)
{
	return ROW(row)->ports;
}

/* Those of one that does not run are what it will publish. */
static void draw_ports(const struct cell *at, const void *row)
{
	const struct tare_container *c = &ROW(row)->row;
	char text[PORTS_MAX];

	if (!ports_of(row))
		return;
	cell_text(at,
	        strlen(ports_of(row)) <= (size_t)at->w ? ports_of(row)
	                                               : port_short(c->ports, c->n_ports, text, sizeof text),
	        container_runs(row) ? at->base : cell_style(at, UI_MUTED));
}

static int compare_ports(const void *a, const void *b)
{
	return compare_texts(ports_of(a), ports_of(b));
}

static const char *network_of(const void *row)
{
	return ROW(row)->row.network;
}

static void draw_network(const struct cell *at, const void *row)
{
	cell_text(at, network_of(row), cell_style(at, UI_MUTED));
}

static int compare_network(const void *a, const void *b)
{
	return compare_texts(network_of(a), network_of(b));
}

static void draw_health(const struct cell *at, const void *row)
{
	static const enum theme_element looks[] = {[TARE_HEALTH_STARTING] = STATE_STARTING,
	        [TARE_HEALTH_HEALTHY] = STATE_HEALTHY,
	        [TARE_HEALTH_UNHEALTHY] = STATE_UNHEALTHY};
	enum tare_health health = ROW(row)->row.health;

	if (health)
		cell_text(at, tare_health_name(health), cell_style(at, looks[health]));
}

static int compare_health(const void *a, const void *b)
{
	return (int)ROW(a)->row.health - (int)ROW(b)->row.health;
}

static void draw_policy(const struct cell *at, const void *row)
{
	const struct tare_container *c = &ROW(row)->row;
	char text[40];

	if (c->restart_max)
		snprintf(text, sizeof text, "%s:%u", tare_restart_name(c->restart), c->restart_max);
	else
		snprintf(text, sizeof text, "%s", tare_restart_name(c->restart));
	cell_text(at, text, cell_style(at, UI_MUTED));
}

static int compare_policy(const void *a, const void *b)
{
	return (int)ROW(a)->row.restart - (int)ROW(b)->row.restart;
}

/* ------------------------------------------------------------------ shares of limits */

static double host_cpus(const struct cell *at)
{
	unsigned cpus = model_host(app_model(at->list->v.app))->now.cpus;

	return cpus ? cpus : 1;
}

static double cpu_limit(const struct cell *at, const struct model_container *c)
{
	return c->cpu_limit > 0 ? c->cpu_limit : host_cpus(at);
}

/* NAN without a limit of its own. */
static double memory_share(const struct model_container *c)
{
	if (!c->now.time || c->now.memory == UINT64_MAX || !c->memory_limited)
		return NAN;
	return (double)c->now.memory / (double)c->now.memory_limit;
}

static struct sparkline palette(const struct cell *at)
{
	return (struct sparkline){
	        .symbols = theme_symbols(app_theme(at->list->v.app)),
	        .low = cell_style(at, GRAPH_LOW),
	        .middle = cell_style(at, GRAPH_MIDDLE),
	        .high = cell_style(at, GRAPH_HIGH),
	};
}

/* A number is drawn as text as long as nothing is wrong with it. */
static struct style figure_style(const struct cell *at, double share, bool idle)
{
	struct sparkline p = palette(at);

	p.low = idle ? cell_style(at, UI_MUTED) : at->base;
	return share_style(&p, share);
}

/* ------------------------------------------------------------------ figures */

static void draw_cpu(const struct cell *at, const void *row)
{
	const struct model_container *c = row;
	char text[FIGURE_SIZE];

	if (container_runs(c))
		cell_right(at, figure_percent(c->cpu * 100, text),
		        figure_style(at, c->cpu / cpu_limit(at, c), !(c->cpu >= IDLE_CPU)));
}

static int compare_cpu(const void *a, const void *b)
{
	return compare_doubles(ROW(a)->cpu, ROW(b)->cpu);
}

static uint64_t memory_of(const struct model_container *c)
{
	return c->now.time ? c->now.memory : UINT64_MAX;
}

static void draw_memory(const struct cell *at, const void *row)
{
	char text[FIGURE_SIZE];

	if (container_runs(row))
		cell_right(
		        at, figure_bytes(memory_of(row), text), figure_style(at, memory_share(row), false));
}

static int compare_memory(const void *a, const void *b)
{
	return compare_numbers(memory_of(a), memory_of(b));
}

static void draw_percent_of(const struct cell *at, double share)
{
	char text[FIGURE_SIZE];

	if (isnan(share))
		return;
	snprintf(text, sizeof text, "%3.0f%%", share * 100 < 999 ? share * 100 : 999);
	cell_right(at, text, figure_style(at, share, false));
}

/* As long as the longest: the column is there as long as one has a limit, whatever the figures are. */
static const char *share_of(const void *row)
{
	return ROW(row)->memory_limited ? "100%" : NULL;
}

static void draw_share(const struct cell *at, const void *row)
{
	draw_percent_of(at, memory_share(row));
}

/* NAN without a limit of its own. */
static double cpu_share(const struct model_container *c)
{
	return container_runs(c) && c->cpu_limit > 0 ? c->cpu / c->cpu_limit : NAN;
}

static void draw_cpu_share(const struct cell *at, const void *row)
{
	draw_percent_of(at, cpu_share(row));
}

static int compare_cpu_share(const void *a, const void *b)
{
	return compare_doubles(cpu_share(a), cpu_share(b));
}

static int compare_share(const void *a, const void *b)
{
	double x = (double)ROW(a)->now.memory / ((double)ROW(a)->now.memory_limit + 1);
	double y = (double)ROW(b)->now.memory / ((double)ROW(b)->now.memory_limit + 1);

	return compare_doubles(ROW(a)->now.time ? x : NAN, ROW(b)->now.time ? y : NAN);
}

/* "again in 28s": when its restart policy starts it. */
static bool draw_wait(const struct cell *at, const struct model_container *c)
{
	int64_t left = c->row.restart_due - app_now(at->list->v.app);
	char age[FIGURE_SIZE], text[FIGURE_SIZE + 16];
	const char *shown;

	if (c->row.state != TARE_RESTARTING || !c->row.restart_due)
		return false;
	shown = figure_age(left > 0 ? left : 0, age);
	snprintf(text, sizeof text, at->w < 12 ? "in %s" : "again in %s", shown + strspn(shown, " "));
	cell_text(at, text, cell_style(at, STATE_RESTARTING));
	return true;
}

/* What does not run has no graph: where the state is but a sign, its word and exit code stand there. */
static void draw_ending(const struct cell *at, const struct model_container *c)
{
	struct state_look look;
	struct cell state;

	if (draw_wait(at, c))
		return;
	if (list_column_cell(at->list, "state", &state) && state.w > 2)
		return;
	container_look(c, &look);
	cell_text(at, look.word, cell_style(at, look.element));
}

static void draw_graph(const struct cell *at, const void *row)
{
	const struct model_container *c = row;
	struct model *m = app_model(at->list->v.app);
	struct sparkline s = palette(at);
	double values[GRAPH_MOST];
	size_t n = sparkline_values(&s, at->w);

	if (!container_runs(c)) {
		draw_ending(at, c);
		return;
	}
	model_want(m, c->row.id);
	if (!c->history)
		return;
	n = n < GRAPH_MOST ? n : GRAPH_MOST;
	history_get(c->history, METRIC_CPU, model_second(m), GRAPH_STEP, values, n);
	s.limit = cpu_limit(at, c);
	s.top = GRAPH_FLOOR;
	for (size_t i = 0; i < n; i++)
		s.top = values[i] > s.top ? values[i] : s.top;
	sparkline_draw(&s, at->c, at->y, at->x, at->w, values, n);
}

static void draw_rate(const struct cell *at, double rate)
{
	char text[FIGURE_SIZE];

	if (!isnan(rate))
		cell_right(at, figure_rate(rate, text), rate < 1 ? cell_style(at, UI_MUTED) : at->base);
}

#define RATE_COLUMN(field)                                                                                   \
	static void draw_##field(const struct cell *at, const void *row)                                     \
	{                                                                                                    \
		draw_rate(at, ROW(row)->field);                                                              \
	}                                                                                                    \
	static int compare_##field(const void *a, const void *b)                                             \
	{                                                                                                    \
		return compare_doubles(ROW(a)->field, ROW(b)->field);                                        \
	}
RATE_COLUMN(read)
RATE_COLUMN(write)
RATE_COLUMN(rx)
RATE_COLUMN(tx)

static uint64_t pids_of(const struct model_container *c)
{
	return c->now.time ? c->now.pids : UINT64_MAX;
}

static void draw_pids(const struct cell *at, const void *row)
{
	char text[FIGURE_SIZE];

	if (container_runs(row))
		cell_right(at, figure_count(pids_of(row), text), at->base);
}

static int compare_pids(const void *a, const void *b)
{
	return compare_numbers(pids_of(a), pids_of(b));
}

static void draw_restarts(const struct cell *at, const void *row)
{
	unsigned n = ROW(row)->row.restart_count;
	char text[FIGURE_SIZE];

	cell_right(at, figure_count(n, text), cell_style(at, n ? UI_WARN : UI_MUTED));
}

static int compare_restarts(const void *a, const void *b)
{
	return compare_numbers(ROW(a)->row.restart_count, ROW(b)->row.restart_count);
}

static bool has_ended(const struct model_container *c)
{
	return c->row.state == TARE_EXITED || c->row.state == TARE_DEAD;
}

static void draw_exit(const struct cell *at, const void *row)
{
	char text[FIGURE_SIZE];
	int code = ROW(row)->row.exit_code;

	if (!has_ended(row))
		return;
	snprintf(text, sizeof text, "%d", code);
	cell_right(at, text, cell_style(at, code ? STATE_FAILED : UI_MUTED));
}

static int compare_exit(const void *a, const void *b)
{
	return ROW(a)->row.exit_code - ROW(b)->row.exit_code;
}

static void draw_oom(const struct cell *at, const void *row)
{
	if (ROW(row)->row.oom_killed)
		cell_text(at, "OOM", cell_style(at, STATE_OOM));
}

static int compare_oom(const void *a, const void *b)
{
	return (int)ROW(a)->row.oom_killed - (int)ROW(b)->row.oom_killed;
}

/* ------------------------------------------------------------------ times */

/* Since when it is what it is. */
static int64_t since(const struct model_container *c)
{
	if (has_ended(c))
		return c->row.finished;
	return c->row.state == TARE_CREATED ? c->row.created : c->row.started;
}

static void draw_age(const struct cell *at, int64_t time, struct style s)
{
	char text[FIGURE_SIZE];

	if (time)
		cell_right(at, figure_age(app_now(at->list->v.app) - time, text), s);
}

static void draw_since(const struct cell *at, const void *row)
{
	draw_age(at, since(row), container_runs(row) ? at->base : cell_style(at, UI_MUTED));
}

static int compare_times(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_since(const void *a, const void *b)
{
	return compare_times(since(a), since(b));
}

static void draw_created(const struct cell *at, const void *row)
{
	draw_age(at, ROW(row)->row.created, cell_style(at, UI_MUTED));
}

static int compare_created(const void *a, const void *b)
{
	return compare_times(ROW(a)->row.created, ROW(b)->row.created);
}

/* ------------------------------------------------------------------ the table */

/* clang-format off */
#define FIGURE        (COLUMN_RIGHT | COLUMN_DESCENDING)
#define MOVING_FIGURE (FIGURE | COLUMN_MOVING)
#define HIDDEN        COLUMN_HIDDEN
const struct column container_columns[CONTAINER_COLUMNS] = {
        /* id, heading, help, least and best width, drop, grow, flags, measured, draw, compare */
        {"state", "STATE", "State, exit code, health", 1, 12, 0, 2, COLUMN_WHOLE, NULL, draw_state, compare_state},
        {"name", "NAME", "Name", 12, 48, 0, 0, 0, name_of, draw_name, compare_name},
        {"image", "IMAGE", "Image", 10, 48, 7, 4, 0, image_of, draw_image, compare_image},
        {"cpu", "CPU%", "CPU, in percent of one core", 5, 5, 0, 9, MOVING_FIGURE, NULL, draw_cpu, compare_cpu},
        {"mem", "MEM", "Memory, without file cache that can go", 5, 5, 0, 9, MOVING_FIGURE, NULL, draw_memory, compare_memory},
        {"mem%", "LIM%", "Memory, in percent of its limit", 4, 4, 8, 9, MOVING_FIGURE | COLUMN_SPARE | COLUMN_NEEDED, share_of, draw_share, compare_share},
        {"cpu%", "CLIM%", "CPU, in percent of its limit", 5, 5, 9, 9, FIGURE | HIDDEN, NULL, draw_cpu_share, compare_cpu_share},
        {"graph", "LAST MIN", "CPU over the last minute or two", 8, 12, 4, 5, 0, NULL, draw_graph, NULL},
        {"ports", "PORTS", "Published ports; where it is narrow, the numbers on this host", 10, 40, 6, 6, COLUMN_NEEDED, ports_of, draw_ports, compare_ports},
        {"restarts", "RST", "How often its restart policy started it again", 3, 3, 9, 9, FIGURE | HIDDEN, NULL, draw_restarts, compare_restarts},
        {"exit", "EXIT", "Exit code of the last run", 4, 4, 9, 9, FIGURE | HIDDEN, NULL, draw_exit, compare_exit},
        {"oom", "OOM", "Ended for want of memory", 3, 3, 9, 9, HIDDEN | COLUMN_DESCENDING, NULL, draw_oom, compare_oom},
        {"health", "HEALTH", "Health", 6, 9, 9, 9, HIDDEN, NULL, draw_health, compare_health},
        {"policy", "POLICY", "Restart policy", 6, 16, 9, 9, HIDDEN, NULL, draw_policy, compare_policy},
        {"pids", "PIDS", "Processes and threads", 5, 5, 9, 9, MOVING_FIGURE | HIDDEN, NULL, draw_pids, compare_pids},
        {"read", "READ", "Bytes read from disks", 7, 7, 9, 9, MOVING_FIGURE | HIDDEN, NULL, draw_read, compare_read},
        {"write", "WRITE", "Bytes written to disks", 7, 7, 9, 9, MOVING_FIGURE | HIDDEN, NULL, draw_write, compare_write},
        {"rx", "RX", "Bytes received", 7, 7, 9, 9, MOVING_FIGURE | HIDDEN, NULL, draw_rx, compare_rx},
        {"tx", "TX", "Bytes sent", 7, 7, 9, 9, MOVING_FIGURE | HIDDEN, NULL, draw_tx, compare_tx},
        {"since", "SINCE", "How long it has been running, or not", 5, 5, 5, 9, FIGURE, NULL, draw_since, compare_since},
        {"created", "AGE", "When it was made", 4, 4, 9, 9, FIGURE | HIDDEN, NULL, draw_created, compare_created},
        {"command", "COMMAND", "What it runs", 10, 40, 9, 6, HIDDEN, NULL, draw_command, NULL},
        {"id", "ID", "The first digits of its id", 12, 12, 9, 9, HIDDEN, NULL, draw_id, NULL},
        {"project", "PROJECT", "The project it belongs to", 8, 24, 9, 5, HIDDEN, project_of, draw_project, compare_project},
        {"network", "NETWORK", "Network", 7, 20, 9, 6, HIDDEN, network_of, draw_network, compare_network},
};
/* clang-format on */
