/* The layers of an image: what each is made by, how much it holds and how much of that later layers replace
 * again, and the files of the selected one. Reading the layers takes whole trees, so a worker does it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "tui/app.h"
#include "tui/cursor.h"
#include "tui/figures.h"
#include "tui/file_browser.h"
#include "tui/loop.h"
#include "tui/screen.h"
#include "tui/view.h"
#include "tui/views.h"
#include "tui/worker.h"

#define SETTLE_NS  INT64_C(120000000) /* the selection has to rest so long before layers are read */
#define BESIDE_W   120
#define BAR_W      12
#define BAR_FROM_W 50

struct layers_view;

/* What a worker does; outlives the view when that goes first. */
struct layers_work {
	struct work work;
	struct layers_view *view; /* NULL: nobody wants it any more */
	struct tare_engine *engine;
	char ref[OBJECT_ID_SIZE];
	struct tare_layer_list list;
	struct err trouble;
	int rc;
};

struct layers_view {
	struct view view;
	struct object object;
	struct tare_layer_list list;
	uint64_t total, wasted, largest;
	struct cursor cursor;
	struct file_browser browser;
	bool on_files; /* the keys are for the files */
	bool is_visible, is_known;
	struct layers_work *work; /* under way, or NULL */
	struct loop_timer timer;
	struct rect layers, files; /* of the last frame */
	struct err trouble;
};

static const struct view_ops files_ops, text_ops;

static unsigned done(struct layers_view *v, unsigned result)
{
	v->view.ops = v->on_files && v->browser.is_preview ? &text_ops : &files_ops;
	return result;
}

/* ------------------------------------------------------------------ reading */

static void read_layers(struct work *w)
{
	struct layers_work *k = (struct layers_work *)w;

	k->rc = k->engine->image_layers(k->engine, k->ref, &k->list, &k->trouble);
	k->engine->close(k->engine);
	k->engine = NULL;
}

static void open_layer(struct layers_view *v)
{
	const struct tare_layer *l = v->cursor.at < v->list.n ? &v->list.rows[v->cursor.at] : NULL;

	file_browser_open(&v->browser, TARE_TREE_LAYER, l ? l->diff_id : NULL, "/");
}

static void take(struct layers_view *v, struct layers_work *k)
{
	v->is_known = true;
	v->trouble = k->trouble;
	if (k->rc != 0)
		return;
	v->list = k->list;
	k->list = (struct tare_layer_list){.n = 0};
	v->total = v->wasted = v->largest = 0;
	for (size_t i = 0; i < v->list.n; i++) {
		const struct tare_layer *l = &v->list.rows[i];
		v->total += l->size;
		v->wasted += l->wasted;
		v->largest = l->size > v->largest ? l->size : v->largest;
	}
	cursor_set(&v->cursor, v->list.n, v->cursor.h);
	open_layer(v);
}

static void layers_read(struct work *w)
{
	struct layers_work *k = (struct layers_work *)w;
	struct layers_view *v = k->view;

	if (k->engine) /* cancelled before it began */
		k->engine->close(k->engine);
	if (v) {
		v->work = NULL;
		take(v, k);
		app_redraw(v->view.app);
	}
	tare_layer_list_free(&k->list);
	free(k);
}

static void abandon(struct layers_view *v)
{
	loop_disarm(app_loop(v->view.app), &v->timer);
	if (!v->work)
		return;
	v->work->view = NULL;
	atomic_store(&v->work->work.cancel, true);
	v->work = NULL;
}

static int start(struct layers_view *v, struct err *e)
{
	struct layers_work *k = calloc(1, sizeof *k);

	if (!k)
		return err_no_memory(e);
	k->work.work = read_layers;
	k->work.done = layers_read;
	k->view = v;
	snprintf(k->ref, sizeof k->ref, "%.*s", (int)strcspn(v->object.id, "@"), v->object.id);
	k->engine = app_open_engine(v->view.app, e);
	if (k->engine && workers_add(app_workers(v->view.app), &k->work, e) == 0) {
		v->work = k;
		return 0;
	}
	if (k->engine)
		k->engine->close(k->engine);
	free(k);
	return -1;
}

static void settled(void *arg)
{
	struct layers_view *v = arg;

	if (start(v, &v->trouble) != 0) {
		v->is_known = true;
		app_redraw(v->view.app);
	}
}

static void want(struct layers_view *v)
{
	struct loop *loop = app_loop(v->view.app);

	if (v->is_visible && !v->is_known && !v->work && v->object.kind == OBJECT_IMAGE)
		loop_arm(loop, &v->timer, loop_now(loop) + SETTLE_NS);
}

static void layers_show(struct view *view, const struct object *o)
{
	struct layers_view *v = (struct layers_view *)view;
	static const struct object none = {.kind = OBJECT_NONE};

	if (object_equal(o ? o : &none, &v->object))
		return;
	abandon(v);
	v->object = o ? *o : none;
	tare_layer_list_free(&v->list);
	v->list = (struct tare_layer_list){.n = 0};
	v->is_known = v->on_files = false;
	v->cursor = (struct cursor){.h = v->cursor.h};
	v->trouble = (struct err)ERR_INIT;
	file_browser_open(&v->browser, TARE_TREE_LAYER, NULL, "/");
	want(v);
	done(v, VIEW_DONE);
}

static void layers_visible(struct view *view, bool on)
{
	struct layers_view *v = (struct layers_view *)view;

	v->is_visible = on;
	if (on)
		want(v);
	else
		abandon(v);
}

/* ------------------------------------------------------------------ actions */

static unsigned go_back(struct layers_view *v, enum action a)
{
	if (a != ACTION_BACK && a != ACTION_FILES_UP && a != ACTION_SCROLL_LEFT && a != ACTION_LEAVE)
		return VIEW_IGNORED;
	v->on_files = false;
	return VIEW_DONE;
}

static bool layers_copy(struct view *view, struct buf *out)
{
	struct layers_view *v = (struct layers_view *)view;
	const struct tare_layer *l = v->cursor.at < v->list.n ? &v->list.rows[v->cursor.at] : NULL;

	if (v->on_files)
		return file_browser_copy(&v->browser, out);
	if (!l)
		return false;
	buf_str_add(out, l->created_by && *l->created_by ? l->created_by : l->diff_id ? l->diff_id : "");
	return !out->failed && out->len > 0;
}

static unsigned layers_act(struct view *view, enum action a)
{
	struct layers_view *v = (struct layers_view *)view;
	cleanup_buf struct buf text = BUF_INIT;
	unsigned result;

	if (v->on_files) {
		result = file_browser_act(&v->browser, a);
		return done(v, result != VIEW_IGNORED ? result : go_back(v, a));
	}
	if (cursor_act(&v->cursor, a)) {
		open_layer(v);
		return VIEW_DONE;
	}
	switch ((int)a) {
	case ACTION_DETAIL_OPEN:
	case ACTION_SCROLL_RIGHT:
		v->on_files = *v->browser.ref != '\0';
		return done(v, VIEW_DONE);
	case ACTION_DETAIL_COPY:
		if (layers_copy(view, &text))
			app_copy(view->app, text.data, text.len);
		return VIEW_DONE;
	default:
		return VIEW_IGNORED;
	}
}

static unsigned layers_mouse(struct view *view, const struct mouse *m)
{
	struct layers_view *v = (struct layers_view *)view;
	struct mouse inside = *m;
	size_t was = v->cursor.at;

	if (rect_has(v->files, m->y, m->x) || (v->on_files && m->kind != MOUSE_PRESS)) {
		inside.y -= v->files.y;
		inside.x -= v->files.x;
		v->on_files = v->on_files || m->kind == MOUSE_PRESS;
		return done(v, file_browser_mouse(&v->browser, &inside));
	}
	inside.y -= v->layers.y + 1;
	if (!cursor_mouse(&v->cursor, &inside))
		return VIEW_IGNORED;
	v->on_files = false;
	if (v->cursor.at != was)
		open_layer(v);
	return done(v, VIEW_DONE);
}

/* ------------------------------------------------------------------ drawing */

/* Size as a share of the largest layer; what is wasted of it at its end. */
static void draw_bar(struct layers_view *v, const struct canvas *c, int y, int x, const struct tare_layer *l)
{
	struct app *a = v->view.app;
	uint32_t full = screen_is_ascii(app_screen(a)) ? '#' : 0x2588,
	         waste = screen_is_ascii(app_screen(a)) ? 'x' : 0x2592;
	int cols = v->largest ? (int)((double)l->size / (double)v->largest * BAR_W + 0.5) : 0;
	int bad = l->size ? (int)((double)l->wasted / (double)l->size * cols + 0.5) : 0;

	if (cols == 0 && l->size > 0)
		cols = 1;
	if (bad == 0 && l->wasted * 20 > l->size && cols > 1)
		bad = 1;
	for (int i = 0; i < cols; i++)
		canvas_char(c, y, x + i, i < cols - bad ? full : waste,
		        app_style(a, i < cols - bad ? GRAPH_MEMORY : GRAPH_HIGH));
}

/* What every builder puts before a command is no news. */
static const char *short_command(const char *text)
{
	static const char *const prefixes[] = {"/bin/sh -c #(nop) ", "/bin/sh -c ", "|0 "};

	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0)
			text += strlen(prefixes[i]);
	return text + strspn(text, " ");
}

static void draw_layer(struct layers_view *v, const struct canvas *c, int y, size_t i)
{
	const struct tare_layer *l = &v->list.rows[i];
	struct app *a = v->view.app;
	struct style muted = app_style(a, UI_MUTED);
	bool empty = !l->diff_id;
	char t[FIGURE_SIZE];
	int x = 1;

	canvas_printf(c, y, x, 3, muted, "%3zu", i + 1);
	canvas_cell_right(c, y, x + 4, 6, empty ? "" : figure_bytes(l->size, t), app_style(a, UI_TEXT));
	canvas_cell_right(c, y, x + 11, 6, empty || !l->wasted ? "" : figure_bytes(l->wasted, t),
	        app_style(a, UI_WARN));
	canvas_cell_right(c, y, x + 18, 6, empty ? "" : figure_count(l->files, t), muted);
	x += 26;
	if (c->r.w >= BAR_FROM_W) {
		draw_bar(v, c, y, x, l);
		x += BAR_W + 1;
	}
	if (c->r.w > x)
		canvas_cell(c, y, x, c->r.w - x, short_command(l->created_by ? l->created_by : ""),
		        empty ? muted : app_style(a, UI_TEXT));
}

static void draw_layers(struct layers_view *v, const struct canvas *c, bool focused)
{
	struct style head = app_style(v->view.app, UI_HEADING);
	struct canvas list = canvas_part(c, (struct rect){1, 0, c->r.h - 1, c->r.w});

	canvas_str(c, 0, 2, -1, " #   SIZE  WASTE  FILES", head);
	canvas_str(c, 0, c->r.w >= BAR_FROM_W ? 27 + BAR_W + 1 : 27, -1, "MADE BY", head);
	cursor_set(&v->cursor, v->list.n, list.r.h);
	for (int y = 0; y < list.r.h && v->cursor.top + (size_t)y < v->list.n; y++) {
		draw_layer(v, &list, y, v->cursor.top + (size_t)y);
		cursor_draw(&v->cursor, v->view.app, &list, y, focused && !v->on_files);
	}
}

static void place(struct layers_view *v, const struct canvas *c)
{
	struct rect rest = {0, 0, c->r.h, c->r.w};
	int rows = (int)(v->list.n < 100 ? v->list.n : 100) + 1, most = c->r.h / 2;

	if (c->r.w >= BESIDE_W) {
		v->layers = rect_cut_left(&rest, c->r.w / 2);
		rect_cut_left(&rest, 1);
	} else if (c->r.h < 14) {
		/* room for one of the two */
		const struct rect nowhere = {0};
		v->layers = v->on_files ? nowhere : rest;
		if (!v->on_files)
			rest = nowhere;
	} else {
		v->layers = rect_cut_top(&rest, rows < most ? rows : most);
		rect_cut_top(&rest, 1);
	}
	v->files = rest;
}

static bool draw_state(struct layers_view *v, const struct canvas *c)
{
	struct app *a = v->view.app;

	if (*v->trouble.msg)
		canvas_str(c, 0, 1, c->r.w - 2, v->trouble.msg, app_style(a, UI_ERROR));
	else if (!v->is_known)
		canvas_str(c, 0, 1, c->r.w - 2, "Reading the layers, which takes a moment.",
		        app_style(a, UI_MUTED));
	else if (v->list.n == 0)
		canvas_str(c, 0, 1, c->r.w - 2, "This image has no layers.", app_style(a, UI_MUTED));
	else
		return false;
	return true;
}

static void layers_draw(struct view *view, const struct canvas *c, bool focused)
{
	struct layers_view *v = (struct layers_view *)view;
	struct style border = app_style(view->app, UI_BORDER);

	if (draw_state(v, c))
		return;
	place(v, c);
	struct canvas layers = canvas_part(c, v->layers), files = canvas_part(c, v->files);
	if (!rect_is_empty(v->layers))
		draw_layers(v, &layers, focused);
	if (rect_is_empty(v->files))
		return;
	if (v->files.x > 0)
		canvas_vline(c, 0, v->files.x - 1, c->r.h, border);
	else if (v->files.y > 0)
		canvas_hline(c, v->files.y - 1, 0, c->r.w, border);
	if (*v->browser.ref)
		file_browser_draw(&v->browser, &files, focused && v->on_files);
	else
		canvas_str(&files, 0, 1, files.r.w - 2, "This step changed no files.",
		        app_style(view->app, UI_MUTED));
}

static void layers_status(struct view *view, char *dst, size_t size)
{
	struct layers_view *v = (struct layers_view *)view;
	char total[FIGURE_SIZE], wasted[FIGURE_SIZE];

	*dst = '\0';
	if (v->on_files) {
		file_browser_status(&v->browser, dst, size);
		return;
	}
	if (v->list.n == 0)
		return;
	figure_bytes(v->total, total);
	figure_bytes(v->wasted, wasted);
	snprintf(dst, size, "%zu layers  %s  %s wasted", v->list.n, total + strspn(total, " "),
	        wasted + strspn(wasted, " "));
}

static int layers_save(struct view *view, int fd, struct err *e)
{
	struct layers_view *v = (struct layers_view *)view;
	cleanup_buf struct buf out = BUF_INIT;

	if (v->on_files)
		return file_browser_save(&v->browser, fd, e);
	for (size_t i = 0; i < v->list.n; i++) {
		const struct tare_layer *l = &v->list.rows[i];
		buf_printf(&out, "%s %12llu %12llu %8llu %s\n", l->diff_id ? l->diff_id : "-",
		        (unsigned long long)l->size, (unsigned long long)l->wasted,
		        (unsigned long long)l->files, l->created_by ? l->created_by : "");
	}
	if (out.failed)
		return err_no_memory(e);
	return write_all(fd, out.data, out.len) == 0 ? 0 : err_sys(e, "cannot save the layers");
}

static void layers_free(struct view *view)
{
	struct layers_view *v = (struct layers_view *)view;

	abandon(v);
	tare_layer_list_free(&v->list);
	file_browser_free(&v->browser);
	free(v);
}

#define LAYERS_OPS(where)                                                                                    \
	.title = "Layers", .context = (where), .draw = layers_draw, .act = layers_act,                       \
	.mouse = layers_mouse, .show = layers_show, .visible = layers_visible, .status = layers_status,      \
	.copy = layers_copy, .save = layers_save, .free = layers_free

static const struct view_ops files_ops = {LAYERS_OPS(CONTEXT_FILES)};
static const struct view_ops text_ops = {LAYERS_OPS(CONTEXT_TEXT)};

struct view *layers_view_new(struct app *a)
{
	struct layers_view *v = calloc(1, sizeof *v);

	if (!v)
		return NULL;
	v->view = (struct view){&files_ops, a};
	v->timer = (struct loop_timer){.fn = settled, .arg = v};
	file_browser_init(&v->browser, a);
	return &v->view;
}
