/* The processes of a container: as a tree or by the CPU they use, looked at each second while visible; a
 * signal to one of them. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "tui/app.h"
#include "tui/cursor.h"
#include "tui/dialog.h"
#include "tui/figures.h"
#include "tui/loop.h"
#include "tui/process_table.h"
#include "tui/screen.h"
#include "tui/view.h"
#include "tui/views.h"

#define REFRESH_NS INT64_C(1000000000)
#define WIDE_COLS  64

struct processes_view {
	struct view view;
	struct object object;
	struct process_table table;
	enum process_order order;
	char filter[PROCESS_FILTER_MAX];
	struct cursor cursor;
	pid_t selected; /* 0: none */
	struct loop_timer timer;
	bool is_visible;
	struct err trouble; /* its msg empty: none */
};

/* ------------------------------------------------------------------ looking */

static void note_selected(struct processes_view *v)
{
	v->selected = v->cursor.at < v->table.n ? v->table.rows[v->cursor.at].pid : 0;
}

static void reorder(struct processes_view *v)
{
	process_table_order(&v->table, v->order, v->filter);
	size_t at = v->selected ? process_table_find(&v->table, v->selected) : v->table.n;
	cursor_set(&v->cursor, v->table.n, v->cursor.h);
	if (at < v->table.n)
		cursor_go(&v->cursor, at);
	note_selected(v);
}

static bool is_up(const struct processes_view *v)
{
	const struct model_container *c = v->object.kind == OBJECT_CONTAINER
	                                          ? model_container(app_model(v->view.app), v->object.id)
	                                          : NULL;

	return c && (c->row.state == TARE_RUNNING || c->row.state == TARE_PAUSED);
}

static void look(struct processes_view *v)
{
	struct tare_engine *engine = app_engine(v->view.app);
	struct loop *loop = app_loop(v->view.app);
	json *document = NULL;

	v->trouble = (struct err)ERR_INIT;
	if (!v->is_visible || !is_up(v)) {
		loop_disarm(loop, &v->timer);
		if (!is_up(v))
			process_table_free(&v->table);
		return;
	}
	if (engine->top(engine, v->object.id, &document, &v->trouble) != 0)
		process_table_free(&v->table);
	else if (process_table_set(&v->table, document, now_monotonic()) != 0)
		err_no_memory(&v->trouble);
	reorder(v);
	loop_arm(loop, &v->timer, loop_now(loop) + REFRESH_NS);
}

static void tick(void *arg)
{
	struct processes_view *v = arg;

	look(v);
	app_redraw(v->view.app);
}

static void processes_show(struct view *view, const struct object *o)
{
	struct processes_view *v = (struct processes_view *)view;
	static const struct object none = {.kind = OBJECT_NONE};

	if (object_equal(o ? o : &none, &v->object))
		return;
	v->object = o ? *o : none;
	v->selected = 0;
	v->cursor = (struct cursor){.h = v->cursor.h};
	process_table_free(&v->table);
	if (v->is_visible)
		look(v);
}

static void processes_visible(struct view *view, bool on)
{
	struct processes_view *v = (struct processes_view *)view;

	v->is_visible = on;
	look(v);
}

static bool processes_changed(struct view *view, unsigned what)
{
	struct processes_view *v = (struct processes_view *)view;

	if (!(what & MODEL_CONTAINERS))
		return false;
	if (is_up(v) != v->timer.armed)
		look(v);
	return true;
}

/* ------------------------------------------------------------------ signals */

struct signal_request {
	char container[OBJECT_ID_SIZE];
	pid_t pid;
};

static void send_signal(struct app *a, int sig, void *arg)
{
	const struct signal_request *r = arg;
	struct tare_engine *engine = app_engine(a);
	struct err e = ERR_INIT;

	if (engine->process_signal(engine, r->container, r->pid, sig, &e) != 0)
		app_toast(a, TOAST_ERROR, "%s", e.msg);
	else
		app_toast(a, TOAST_OK, "%s sent to process %d", signal_name(sig), (int)r->pid);
	app_redraw(a);
}

static unsigned ask_signal(struct processes_view *v)
{
	static const struct picker_item signals[] = {
	        {"TERM", "asks it to end", SIGTERM},
	        {"INT", "as ^C does", SIGINT},
	        {"HUP", "often: read the configuration again", SIGHUP},
	        {"KILL", "ends it at once, without asking", SIGKILL},
	        {"QUIT", "ends it with a core dump", SIGQUIT},
	        {"USR1", "what the program makes of it", SIGUSR1},
	        {"USR2", "what the program makes of it", SIGUSR2},
	        {"STOP", "halts it", SIGSTOP},
	        {"CONT", "lets it go on", SIGCONT},
	        {"ABRT", "ends it with a core dump", SIGABRT},
	        {"ALRM", "a timer that ran out", SIGALRM},
	};
	struct signal_request *r = calloc(1, sizeof *r);
	char title[64];

	if (!r || v->cursor.at >= v->table.n) {
		free(r);
		return VIEW_HANDLED;
	}
	snprintf(r->container, sizeof r->container, "%s", v->object.id);
	r->pid = v->table.rows[v->cursor.at].pid;
	snprintf(title, sizeof title, "Signal to process %d", (int)r->pid);
	struct picker_options o = {.title = title,
	        .items = signals,
	        .n = sizeof signals / sizeof *signals,
	        .picked = send_signal,
	        .arg = r,
	        .free_arg = free};
	struct view *picker = picker_new(v->view.app, &o);
	if (picker)
		app_push(v->view.app, picker);
	return VIEW_DONE;
}

/* ------------------------------------------------------------------ actions */

static void filter_typed(struct app *a, const char *text, void *arg)
{
	struct processes_view *v = arg;

	snprintf(v->filter, sizeof v->filter, "%s", text ? text : "");
	reorder(v);
	app_redraw(a);
}

static unsigned ask_filter(struct processes_view *v)
{
	struct prompt_options o = {.label = "Filter",
	        .text = v->filter,
	        .history = "filter",
	        .changed = filter_typed,
	        .ok = filter_typed,
	        .arg = v,
	        .at_bottom = true};
	struct view *prompt = prompt_new(v->view.app, &o);

	if (prompt)
		app_push(v->view.app, prompt);
	return VIEW_DONE;
}

static bool processes_copy(struct view *view, struct buf *out)
{
	struct processes_view *v = (struct processes_view *)view;

	if (v->cursor.at >= v->table.n)
		return false;
	buf_str_add(out, v->table.rows[v->cursor.at].command);
	return !out->failed && out->len > 0;
}

static unsigned copy_command(struct processes_view *v)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (processes_copy(&v->view, &text))
		app_copy(v->view.app, text.data, text.len);
	return VIEW_DONE;
}

static unsigned processes_act(struct view *view, enum action a)
{
	struct processes_view *v = (struct processes_view *)view;

	if (cursor_act(&v->cursor, a)) {
		note_selected(v);
		return VIEW_DONE;
	}
	switch ((int)a) {
	case ACTION_PROC_SIGNAL:
		return ask_signal(v);
	case ACTION_PROC_TREE:
		v->order = v->order == PROCESSES_TREE ? PROCESSES_CPU : PROCESSES_TREE;
		reorder(v);
		return VIEW_DONE;
	case ACTION_FILTER:
		return ask_filter(v);
	case ACTION_DETAIL_COPY:
		return copy_command(v);
	case ACTION_BACK:
		if (!*v->filter)
			return VIEW_IGNORED;
		filter_typed(view->app, "", v);
		return VIEW_DONE;
	default:
		return VIEW_IGNORED;
	}
}

static unsigned processes_mouse(struct view *view, const struct mouse *m)
{
	struct processes_view *v = (struct processes_view *)view;
	struct mouse in_list = *m;

	in_list.y -= 1;
	if (!cursor_mouse(&v->cursor, &in_list))
		return VIEW_IGNORED;
	note_selected(v);
	return VIEW_DONE;
}

/* ------------------------------------------------------------------ drawing */

struct layout_columns {
	int pid, user, cpu, memory, time, command; /* where each begins; -1: left out */
};

static struct layout_columns columns_for(int w)
{
	if (w >= WIDE_COLS)
		return (struct layout_columns){1, 9, 19, 26, 33, 43};
	return (struct layout_columns){1, -1, 9, 16, -1, 23};
}

static void draw_heading(struct processes_view *v, const struct canvas *c, const struct layout_columns *at)
{
	struct style s = app_style(v->view.app, UI_HEADING);

	canvas_cell_right(c, 0, at->pid, 7, "PID", s);
	if (at->user >= 0)
		canvas_str(c, 0, at->user, 9, "USER", s);
	canvas_cell_right(c, 0, at->cpu, 6, "CPU%", s);
	canvas_cell_right(c, 0, at->memory, 6, "MEM", s);
	if (at->time >= 0)
		canvas_cell_right(c, 0, at->time, 9, "TIME", s);
	canvas_str(c, 0, at->command, -1, v->order == PROCESSES_CPU ? "COMMAND  (by CPU)" : "COMMAND", s);
}

static void draw_process(struct processes_view *v, const struct canvas *c, int y, const struct process_row *r,
        const struct layout_columns *at)
{
	struct app *a = v->view.app;
	struct style text = app_style(a, UI_TEXT), muted = app_style(a, UI_MUTED);
	char t[FIGURE_SIZE], prefix[PROCESS_PREFIX_SIZE];
	bool busy = r->cpu >= 50;
	int x = at->command;

	canvas_printf(c, y, at->pid, 7, muted, "%7d", (int)r->pid);
	if (at->user >= 0)
		canvas_cell(c, y, at->user, 9, r->user, muted);
	canvas_cell_right(c, y, at->cpu, 6, figure_percent(r->cpu, t), busy ? app_style(a, UI_WARN) : text);
	canvas_cell_right(c, y, at->memory, 6, figure_bytes(r->memory, t), text);
	if (at->time >= 0)
		canvas_cell_right(c, y, at->time, 9, r->time, muted);
	x += canvas_str(c, y, x, -1, process_prefix(r, screen_is_ascii(app_screen(a)), prefix), muted);
	if (c->r.w > x)
		canvas_cell(c, y, x, c->r.w - x, r->command, text);
}

static void draw_empty(struct processes_view *v, const struct canvas *c)
{
	struct app *a = v->view.app;

	if (*v->trouble.msg)
		canvas_str(c, 1, 1, c->r.w - 2, v->trouble.msg, app_style(a, UI_ERROR));
	else if (!is_up(v))
		canvas_str(c, 1, 1, c->r.w - 2, "Not running: it has no processes.", app_style(a, UI_MUTED));
	else if (*v->filter)
		canvas_printf(c, 1, 1, c->r.w - 2, app_style(a, UI_MUTED),
		        "No process matches %s; Esc shows all.", v->filter);
}

static void processes_draw(struct view *view, const struct canvas *c, bool focused)
{
	struct processes_view *v = (struct processes_view *)view;
	struct layout_columns at = columns_for(c->r.w);
	struct canvas list = canvas_part(c, (struct rect){1, 0, c->r.h - 1, c->r.w});

	draw_heading(v, c, &at);
	cursor_set(&v->cursor, v->table.n, list.r.h);
	if (v->table.n == 0)
		draw_empty(v, c);
	for (int y = 0; y < list.r.h && v->cursor.top + (size_t)y < v->table.n; y++) {
		draw_process(v, &list, y, &v->table.rows[v->cursor.top + (size_t)y], &at);
		cursor_draw(&v->cursor, view->app, &list, y, focused);
	}
}

static void processes_status(struct view *view, char *dst, size_t size)
{
	struct processes_view *v = (struct processes_view *)view;

	if (*v->filter)
		snprintf(dst, size, "/%s  %zu of %zu", v->filter, v->table.n, v->table.n_all);
	else
		snprintf(dst, size, "%zu process%s", v->table.n, v->table.n == 1 ? "" : "es");
}

static int processes_save(struct view *view, int fd, struct err *e)
{
	struct processes_view *v = (struct processes_view *)view;
	cleanup_buf struct buf out = BUF_INIT;
	char t[FIGURE_SIZE], m[FIGURE_SIZE], prefix[PROCESS_PREFIX_SIZE];

	for (size_t i = 0; i < v->table.n; i++) {
		const struct process_row *r = &v->table.rows[i];
		buf_printf(&out, "%7d %-9s %s %s %9s %s%s\n", (int)r->pid, r->user, figure_percent(r->cpu, t),
		        figure_bytes(r->memory, m), r->time, process_prefix(r, false, prefix), r->command);
	}
	if (out.failed)
		return err_no_memory(e);
	return write_all(fd, out.data, out.len) == 0 ? 0 : err_sys(e, "cannot save the processes");
}

static void processes_free(struct view *view)
{
	struct processes_view *v = (struct processes_view *)view;

	loop_disarm(app_loop(view->app), &v->timer);
	process_table_free(&v->table);
	free(v);
}

struct view *processes_view_new(struct app *a)
{
	static const struct view_ops ops = {
	        .title = "Processes",
	        .context = CONTEXT_PROCESSES,
	        .draw = processes_draw,
	        .act = processes_act,
	        .mouse = processes_mouse,
	        .show = processes_show,
	        .changed = processes_changed,
	        .visible = processes_visible,
	        .status = processes_status,
	        .copy = processes_copy,
	        .save = processes_save,
	        .free = processes_free,
	};
	struct processes_view *v = calloc(1, sizeof *v);

	if (!v)
		return NULL;
	v->view = (struct view){&ops, a};
	v->timer = (struct loop_timer){.fn = tick, .arg = v};
	return &v->view;
}
