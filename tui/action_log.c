/* The action log: what is being done, with bars, and then what was, newest first, as the commands that one
 * could have typed, with what they said. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/text.h"
#include "tui/app.h"
#include "tui/dialog_frame.h"
#include "tui/job.h"
#include "tui/job_progress.h"
#include "tui/login_form.h"
#include "tui/loop.h"
#include "tui/request.h"
#include "tui/text_view.h"
#include "tui/view.h"

#define WIDTH_MOST  120
#define NAME_WIDTH  14 /* of what stands before a bar */
#define LINES_SHOWN 12 /* of an open one; o shows all */

struct action_log {
	struct view v;
	size_t selected, top;
	unsigned chosen; /* the number of the selected job, which keeps it when others end; 0: the first */
	unsigned open;   /* the number of the job whose layers or output are shown; 0: none */
	struct rect list;
	size_t rows[512]; /* which job stands in each row of `list` */
};

static size_t jobs_of(const struct action_log *l, const struct job *const **jobs)
{
	return jobs_list(app_jobs(l->v.app), jobs);
}

/* Those that run come first; the newest before the others. */
static const struct job *job_at(const struct action_log *l, size_t i)
{
	const struct job *const *jobs;
	size_t n = jobs_of(l, &jobs);

	for (int pass = 0; pass < 2; pass++)
		for (size_t k = n; k-- > 0;)
			if ((jobs[k]->state == JOB_RUNNING) == (pass == 0) && i-- == 0)
				return jobs[k];
	return NULL;
}

static void choose(struct action_log *l, size_t i)
{
	const struct job *j = job_at(l, i);

	l->selected = i;
	l->chosen = j ? j->number : 0;
}

/* The selection stays with its job. */
static void find_chosen(struct action_log *l)
{
	const struct job *const *jobs;
	size_t n = jobs_of(l, &jobs);

	for (size_t i = 0; l->chosen && i < n; i++)
		if (job_at(l, i)->number == l->chosen)
			l->selected = i;
	if (!l->chosen || l->selected >= n)
		choose(l, 0);
}

/* ------------------------------------------------------------------ texts */

static void format_duration(int64_t ns, char dst[16])
{
	double s = (double)ns / 1e9;

	if (s < 10)
		snprintf(dst, 16, "%5.2fs", s);
	else if (s < 600)
		snprintf(dst, 16, "%5.0fs", s);
	else
		snprintf(dst, 16, "%5.0fm", s / 60);
}

static void format_start(const struct job *j, char dst[16])
{
	time_t t = (time_t)(j->began / 1000000000);
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(dst, 16, "%H:%M:%S", &tm))
		snprintf(dst, 16, "--:--:--");
}

/* A simulated one by its own clock; a real one by a clock that nobody sets. */
static int64_t time_taken(struct app *a, const struct job *j)
{
	bool runs = j->state == JOB_RUNNING;

	if (app_is_demo(a))
		return (runs ? app_now(a) : j->finished) - j->began;
	return (runs ? now_monotonic() : j->ended) - j->started;
}

static const char *const state_words[] = {
        [JOB_RUNNING] = "running", [JOB_OK] = "ok", [JOB_FAILED] = "failed", [JOB_CANCELLED] = "cancelled"};

/* Where line `i` of a text begins and ends; false: there is none. */
static bool line_of(const char *text, size_t i, const char **line, size_t *len)
{
	for (; text && *text; text += strcspn(text, "\n"), text += *text == '\n') {
		if (i-- > 0)
			continue;
		*line = text;
		*len = strcspn(text, "\n");
		return true;
	}
	return false;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; text && *text; text += strcspn(text, "\n"), text += *text == '\n')
		n++;
	return n;
}

/* Rows that an entry takes: itself, and how far it is, its error, or what it said. */
static int rows_of(const struct action_log *l, const struct job *j)
{
	size_t n;

	if (job_has_progress(j))
		return 2 + (l->open == j->number ? job_objects_rows(j) : 0);
	if (l->open != j->number)
		return 1 + (j->state == JOB_FAILED && j->error);
	n = count_lines(j->output) + count_lines(j->messages);
	return 1 + (int)(n > LINES_SHOWN ? LINES_SHOWN + 1 : n ? n : 1);
}

/* ------------------------------------------------------------------ drawing */

static struct rect log_place(struct view *v, int rows, int cols)
{
	(void)v;
	return dialog_place(rows, cols, rows > 24 ? rows - 6 : rows, cols > 100 ? WIDTH_MOST : cols);
}

/* Where --root and --state would fill the line, what was done stays in sight; Enter and copying give the
 * whole. */
static void draw_command(
        struct app *a, const struct canvas *c, struct rect r, const char *command, struct style s)
{
	const char *begin = app_tare_text(a);
	size_t n = strlen(begin);

	if (n <= sizeof "tare --demo" || strncmp(command, begin, n) != 0) {
		canvas_cell(c, r.y, r.x, r.w, command, s);
		return;
	}
	int used = canvas_str(
	        c, r.y, r.x, r.w, app_glyph(a, GLYPH_ELLIPSIS) == 0x2026 ? "tare …" : "tare ...", s);
	canvas_cell(c, r.y, r.x + used, r.w - used, command + n, s);
}

static void draw_head(
        struct action_log *l, const struct canvas *c, struct rect r, const struct job *j, bool selected)
{
	static const enum theme_element looks[] = {[JOB_RUNNING] = UI_ACCENT,
	        [JOB_OK] = UI_OK,
	        [JOB_FAILED] = UI_ERROR,
	        [JOB_CANCELLED] = UI_WARN};
	struct app *a = l->v.app;
	struct style text = app_style(a, UI_DIALOG), muted = style_over(text, app_style(a, UI_MUTED));
	char start[16], took[16];
	int x = r.x + 1;

	format_start(j, start);
	format_duration(time_taken(a, j), took);
	x += canvas_str(c, r.y, x, -1, start, muted) + 1;
	if (r.w >= 60)
		x += canvas_str(c, r.y, x, -1, took, muted) + 1;
	canvas_cell(c, r.y, x, 9, state_words[j->state], style_over(text, app_style(a, looks[j->state])));
	x += 10;
	draw_command(l->v.app, c, (struct rect){r.y, x, 1, r.x + r.w - x - 1}, j->command, text);
	if (selected)
		canvas_restyle(c, r, app_style(a, UI_SELECTION));
}

static void draw_lines(struct action_log *l, const struct canvas *c, struct rect r, const struct job *j)
{
	struct app *a = l->v.app;
	struct style text = app_style(a, UI_DIALOG), muted = style_over(text, app_style(a, UI_MUTED));
	size_t out = count_lines(j->output), all = out + count_lines(j->messages), len = 0;
	const char *line = NULL;

	if (!all)
		canvas_str(c, r.y, r.x, r.w,
		        j->state == JOB_RUNNING ? "what it says is shown at its end" : "it said nothing",
		        muted);
	for (size_t i = 0; i < all && (int)i < r.h; i++) {
		bool is_error = i >= out;

		if (i == LINES_SHOWN) {
			canvas_printf(
			        c, r.y + (int)i, r.x, r.w, muted, "and %zu more lines; o shows all", all - i);
			break;
		}
		if (line_of(is_error ? j->messages : j->output, is_error ? i - out : i, &line, &len))
			canvas_text(c, r.y + (int)i, r.x, r.w, line, len,
			        is_error ? style_over(text, app_style(a, UI_ERROR)) : text);
	}
}

/* How far it is in all, and when it is open, each of its layers. */
static void draw_progress(struct action_log *l, const struct canvas *c, struct rect r, const struct job *j)
{
	struct style on = app_style(l->v.app, UI_DIALOG);
	struct rect whole = rect_cut_top(&r, 1);

	r.w--;
	whole.w--;
	job_progress_draw(l->v.app, c, whole, j, NULL, NAME_WIDTH, on);
	rect_cut_left(&r, 2);
	if (l->open == j->number)
		job_objects_draw(l->v.app, c, r, j, on);
}

static void draw_entry(
        struct action_log *l, const struct canvas *c, struct rect r, const struct job *j, bool selected)
{
	struct rect head = rect_cut_top(&r, 1);
	struct style error = style_over(app_style(l->v.app, UI_DIALOG), app_style(l->v.app, UI_ERROR));

	draw_head(l, c, head, j, selected);
	rect_cut_left(&r, r.w >= 60 ? 4 : 2);
	if (job_has_progress(j))
		draw_progress(l, c, r, j);
	else if (l->open == j->number)
		draw_lines(l, c, r, j);
	else if (r.h > 0)
		canvas_cell(c, r.y, r.x, r.w - 1, j->error, error);
}

/* So that the selected entry is wholly seen where it fits. */
static void scroll_to_selected(struct action_log *l, int h)
{
	int used = 0;
	size_t first = l->selected;

	if (l->top > l->selected)
		l->top = l->selected;
	for (size_t i = l->selected + 1; i-- > l->top;) {
		const struct job *j = job_at(l, i);

		used += j ? rows_of(l, j) : 0;
		if (used > h && i < l->selected)
			break;
		first = i;
	}
	l->top = first;
}

/* The keys that count for the selected one. */
static void draw_footer(struct action_log *l, const struct canvas *c)
{
	const struct job *j = job_at(l, l->selected);
	char registry[LOGIN_REGISTRY_SIZE], keys[128] = "Enter output  c copy  o all of it  Esc close";

	if (!j)
		strcpy(keys, "Esc close");
	else if (j->state == JOB_RUNNING)
		snprintf(keys, sizeof(keys), "%sx cancel  c copy  Esc close",
		        j->objects.n ? "Enter each part  " : "");
	else if (request_can_again(l->v.app, j->number))
		snprintf(keys, sizeof(keys), "r again  %sEnter output  c copy  o all of it  Esc close",
		        login_wanted(j, registry) ? "l log in  " : "");
	dialog_footer(l->v.app, c, text_width(keys) + 5 < (size_t)c->r.w ? keys : "Esc close");
}

static void log_draw(struct view *v, const struct canvas *c, bool focused)
{
	struct action_log *l = (struct action_log *)v;
	const struct job *const *jobs;
	size_t n = jobs_of(l, &jobs), i;
	struct rect in = dialog_frame(v->app, c,
	                    jobs_running(app_jobs(v->app)) ? "What is being done, and what was"
	                                                   : "What was done"),
	            rest;
	const struct job *j;

	(void)focused;
	in.x--;
	in.w += 2;
	if (in.h > (int)(sizeof(l->rows) / sizeof(*l->rows)))
		in.h = (int)(sizeof(l->rows) / sizeof(*l->rows));
	l->list = rest = in;
	find_chosen(l);
	scroll_to_selected(l, in.h);
	for (i = l->top; rest.h > 0 && (j = job_at(l, i)); i++) {
		struct rect r = rect_cut_top(&rest, rows_of(l, j));

		for (int y = 0; y < r.h; y++)
			l->rows[r.y - in.y + y] = i;
		draw_entry(l, c, r, j, i == l->selected);
		if (i == l->selected)
			canvas_point(c, r.y, r.x);
	}
	for (int y = rest.y - in.y; y < in.h; y++)
		l->rows[y] = (size_t)-1;
	if (!n)
		canvas_cell(c, in.y + 1, in.x + 2, in.w - 4,
		        "Nothing yet. Each action shows here as the tare command that does the same.",
		        style_over(app_style(v->app, UI_DIALOG), app_style(v->app, UI_MUTED)));
	draw_footer(l, c);
}

/* ------------------------------------------------------------------ keys */

static void open_text(struct action_log *l, const struct job *j)
{
	cleanup_buf struct buf text = BUF_INIT;

	buf_printf(&text, "%s%s", j->output ? j->output : "", j->messages ? j->messages : "");
	app_push(l->v.app, text_dialog_new(l->v.app, j->command, buf_str(&text)));
}

static void move(struct action_log *l, long by)
{
	const struct job *const *jobs;
	long last = (long)jobs_of(l, &jobs) - 1, at = (long)l->selected + by;

	if (last >= 0)
		choose(l, (size_t)(at < 0 ? 0 : at > last ? last : at));
}

static bool move_key(struct action_log *l, struct key k)
{
	long page = l->list.h > 2 ? l->list.h - 1 : 1;

	switch (k.code) {
	case 'j':
	case KEYC_DOWN:
		move(l, 1);
		return true;
	case 'k':
	case KEYC_UP:
		move(l, -1);
		return true;
	case KEYC_PAGE_DOWN:
		move(l, page);
		return true;
	case KEYC_PAGE_UP:
		move(l, -page);
		return true;
	case 'g':
	case KEYC_HOME:
		move(l, -1000);
		return true;
	case 'G':
	case KEYC_END:
		move(l, 1000);
		return true;
	default:
		return false;
	}
}

static unsigned log_in(struct action_log *l, const struct job *j)
{
	char registry[LOGIN_REGISTRY_SIZE];

	if (login_wanted(j, registry))
		app_push(l->v.app, login_form_new(l->v.app, registry, j->number));
	return VIEW_DONE;
}

static unsigned log_key(struct view *v, struct key k)
{
	struct action_log *l = (struct action_log *)v;
	const struct job *j;

	find_chosen(l);
	j = job_at(l, l->selected);

	if (k.code == KEYC_ESCAPE || k.code == 'q' || k.code == '!' || (k.code == 'c' && k.mods & MOD_CTRL))
		return VIEW_DONE | VIEW_CLOSE;
	if (move_key(l, k) || !j)
		return VIEW_DONE;
	switch (k.code) {
	case KEYC_ENTER:
	case ' ':
		l->open = l->open == j->number ? 0 : j->number;
		break;
	case 'c':
	case 'y':
		app_copy(v->app, j->command, strlen(j->command));
		break;
	case 'o':
		open_text(l, j);
		break;
	case 'r':
		if (j->state != JOB_RUNNING && j->state != JOB_OK && request_again(v->app, j->number))
			l->chosen = 0;
		break;
	case 'l':
		return log_in(l, j);
	case 'x':
		job_cancel(app_jobs(v->app), j->number);
		break;
	default:
		break;
	}
	return VIEW_DONE;
}

static unsigned log_mouse(struct view *v, const struct mouse *m)
{
	struct action_log *l = (struct action_log *)v;
	size_t at;

	if (m->kind == MOUSE_WHEEL_UP || m->kind == MOUSE_WHEEL_DOWN)
		move(l, m->kind == MOUSE_WHEEL_UP ? -1 : 1);
	if (m->kind != MOUSE_PRESS || !rect_has(l->list, m->y, m->x))
		return VIEW_DONE;
	at = l->rows[m->y - l->list.y];
	if (at == (size_t)-1)
		return VIEW_DONE;
	if (at == l->selected)
		return log_key(v, (struct key){.code = KEYC_ENTER});
	choose(l, at);
	return VIEW_DONE;
}

static unsigned log_act(struct view *v, enum action action)
{
	(void)v;
	return action == ACTION_BACK || action == ACTION_LEAVE || action == ACTION_ACTION_LOG
	               ? VIEW_DONE | VIEW_CLOSE
	               : VIEW_HANDLED;
}

static bool log_copy(struct view *v, struct buf *out)
{
	const struct action_log *l = (struct action_log *)v;
	const struct job *j = job_at(l, l->selected);

	if (j)
		buf_str_add(out, j->command);
	return j != NULL;
}

static void log_free(struct view *v)
{
	free(v);
}

static const struct view_ops log_ops = {
        .title = "What was done",
        .context = CONTEXT_GLOBAL,
        .draw = log_draw,
        .act = log_act,
        .key = log_key,
        .mouse = log_mouse,
        .copy = log_copy,
        .place = log_place,
        .free = log_free,
};

struct view *action_log_new(struct app *a)
{
	struct action_log *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->v = (struct view){&log_ops, a};
	return &l->v;
}
