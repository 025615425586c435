/* All about an object, as a tree that folds: search, copy the selected value, and see where in the document
 * it stands. A document too large for a tree is shown as text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/units.h"
#include "tui/app.h"
#include "tui/json_tree.h"
#include "tui/text_view.h"
#include "tui/view.h"
#include "tui/views.h"

#define OPEN_DEPTH 1 /* a document starts with two levels, and what is beneath them closed */

struct inspect_view {
	struct view view;
	struct object object;
	struct json_tree tree;
	struct text_block block; /* instead of the tree */
	bool is_text, is_new;    /* is_new: nothing of it was folded by hand yet */
	struct text_pane pane;
	struct json_tree_styles styles; /* of this frame */
	char scratch[JSON_SCRATCH];
	char path[160];     /* of the selected line */
	uint64_t shown;     /* of which document: a hash of its text */
	struct err trouble; /* its msg empty: none */
};

/* ------------------------------------------------------------------ the documents */

static json *volume_document(struct model *m, const char *name)
{
	const struct tare_volume_list *l = model_volumes(m);
	char time[TIME_TEXT_SIZE];

	for (size_t i = 0; i < l->n; i++) {
		const struct tare_volume *v = &l->rows[i];
		if (strcmp(v->name, name) != 0)
			continue;
		json *j = json_object_new_object(), *users = json_object_new_array();
		json_set_str(j, "Name", v->name);
		json_set_str(j, "Mountpoint", v->path);
		json_set_str(j, "CreatedAt", time_format(v->created, time));
		json_set_bool(j, "Anonymous", v->anonymous);
		strv_foreach (id, v->used_by) {
			struct model_container *c = model_container(m, *id);
			json_add_str(users, c ? c->row.name : *id);
		}
		json_set(j, "UsedBy", users);
		return j;
	}
	return NULL;
}

/* An event's id is its time and its number. */
static json *event_document(struct model *m, const char *id)
{
	const struct model_event *const *events;
	const char *blank = strchr(id, ' ');
	uint64_t number = blank ? strtoull(blank, NULL, 10) : 0;
	size_t n = model_events(m, &events);
	char time[TIME_TEXT_SIZE];

	for (size_t i = n; i-- > 0;) {
		const struct model_event *ev = events[i];
		if (ev->number != number)
			continue;
		json *j = json_object_new_object();
		json_set_str(j, "Time", time_format(ev->time, time));
		json_set_str(j, "Type", ev->type);
		json_set_str(j, "Action", ev->action);
		json_set_str(j, "Name", ev->name);
		json_set_str(j, "ID", ev->id);
		json_set_str(j, "Detail", ev->detail);
		return j;
	}
	return NULL;
}

static json *document_of(struct inspect_view *v, struct err *e)
{
	struct tare_engine *engine = app_engine(v->view.app);
	struct model *m = app_model(v->view.app);
	char id[OBJECT_ID_SIZE];
	json *j = NULL;

	switch (v->object.kind) {
	case OBJECT_CONTAINER:
		return engine->inspect(engine, v->object.id, false, &j, e) == 0 ? j : NULL;
	case OBJECT_IMAGE:
		snprintf(id, sizeof id, "%.*s", (int)strcspn(v->object.id, "@"), v->object.id);
		return engine->image_inspect(engine, id, &j, e) == 0 ? j : NULL;
	case OBJECT_NETWORK:
		return engine->network_inspect(engine, v->object.id, &j, e) == 0 ? j : NULL;
	case OBJECT_VOLUME:
		if (engine->volume_inspect)
			return engine->volume_inspect(engine, v->object.id, &j, e) == 0 ? j : NULL;
		j = volume_document(m, v->object.id);
		break;
	case OBJECT_EVENT:
		j = event_document(m, v->object.id);
		break;
	default:
		break;
	}
	if (!j)
		err_set(e, ERR_NOT_FOUND, "it is gone");
	return j;
}

static uint64_t hash(const char *text, size_t len)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)text[i]) * UINT64_C(1099511628211);
	return h;
}

static void use_text(struct inspect_view *v, const struct buf *text)
{
	struct text_source source = text_block_source(&v->block);

	v->is_text = true;
	json_tree_free(&v->tree);
	if (text_block_set(&v->block, v->view.app, buf_str(text), text->len) != 0)
		err_no_memory(&v->trouble);
	v->pane.source = source;
	v->pane.has_cursor = false;
}

static struct text_source tree_source(struct inspect_view *v);

static bool is_ill(json *document)
{
	return strcmp(json_str(json_path(document, "State.Health"), "Status", ""), "unhealthy") == 0;
}

static void use_tree(struct inspect_view *v, json *document)
{
	uint64_t at = json_tree_line_path(&v->tree, v->pane.cursor);

	v->is_text = false;
	text_block_free(&v->block);
	if (json_tree_set(&v->tree, document, OPEN_DEPTH) != 0)
		err_no_memory(&v->trouble);
	if (v->is_new && is_ill(v->tree.document))
		json_tree_open(&v->tree, "State.Health"); /* with what the last probes said */
	v->is_new = false;
	v->pane.source = tree_source(v);
	v->pane.has_cursor = true;
	if (at)
		v->pane.cursor = json_tree_find(&v->tree, at, v->pane.cursor);
}

static void set_path(struct inspect_view *v)
{
	cleanup_buf struct buf path = BUF_INIT_MAX(4096);

	if (!v->is_text)
		json_tree_path(&v->tree, v->pane.cursor, &path);
	snprintf(v->path, sizeof v->path, "%s", buf_str(&path));
}

/* True when there is something new to see. */
static bool load(struct inspect_view *v)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	json *j = document_of(v, &e);

	if (!j) {
		v->trouble = e;
		return true;
	}
	json *whole = j;
	/* one object in an array is how documents are printed, not what one wants to open first */
	if (json_object_is_type(j, json_type_array) && json_object_array_length(j) == 1) {
		whole = json_object_get(json_object_array_get_idx(j, 0));
		json_object_put(j);
	}
	json_print(&text, whole, JSON_PRETTY);
	uint64_t h = hash(buf_str(&text), text.len);
	bool is_new = h != v->shown || *v->trouble.msg;
	v->trouble = (struct err)ERR_INIT;
	if (!is_new) {
		json_object_put(whole);
		return false;
	}
	v->shown = h;
	if (text.len > TEXT_BLOCK_MAX || text.failed) {
		use_text(v, &text);
		json_object_put(whole);
	} else {
		use_tree(v, whole);
	}
	text_pane_changed(&v->pane);
	set_path(v);
	return true;
}

/* ------------------------------------------------------------------ lines */

static size_t tree_count(void *arg)
{
	return ((struct inspect_view *)arg)->tree.n_lines;
}

static void tree_line(void *arg, size_t i, struct text_line *out)
{
	struct inspect_view *v = arg;

	json_tree_line(&v->tree, i, &v->styles, v->scratch, out);
}

static void tree_searched(void *arg, const char *needle)
{
	struct inspect_view *v = arg;
	uint64_t at = json_tree_line_path(&v->tree, v->pane.cursor);

	json_tree_reveal(&v->tree, needle);
	v->pane.cursor = json_tree_find(&v->tree, at, v->pane.cursor);
}

static struct text_source tree_source(struct inspect_view *v)
{
	return (struct text_source){
	        .count = tree_count, .line = tree_line, .searched = tree_searched, .arg = v};
}

/* ------------------------------------------------------------------ the view */

static void inspect_show(struct view *view, const struct object *o)
{
	struct inspect_view *v = (struct inspect_view *)view;
	static const struct object none = {.kind = OBJECT_NONE};

	if (object_equal(o ? o : &none, &v->object))
		return;
	v->object = o ? *o : none;
	v->is_new = true;
	v->shown = 0;
	json_tree_free(&v->tree);
	text_block_free(&v->block);
	v->is_text = false;
	text_pane_reset(&v->pane);
	if (o)
		load(v);
}

static bool inspect_changed(struct view *view, unsigned what)
{
	struct inspect_view *v = (struct inspect_view *)view;
	unsigned mine = v->object.kind == OBJECT_CONTAINER ? MODEL_CONTAINERS
	                : v->object.kind == OBJECT_IMAGE   ? MODEL_IMAGES
	                : v->object.kind == OBJECT_VOLUME  ? MODEL_VOLUMES
	                : v->object.kind == OBJECT_NETWORK ? MODEL_NETWORKS
	                                                   : 0;

	return (what & mine) && load(v);
}

static void inspect_visible(struct view *view, bool on)
{
	struct inspect_view *v = (struct inspect_view *)view;

	/* what happened meanwhile was not told */
	if (on && v->object.kind != OBJECT_NONE)
		load(v);
}

static void fold(struct inspect_view *v, bool folded)
{
	json_tree_fold(&v->tree, v->pane.cursor, folded);
	text_pane_changed(&v->pane);
}

static bool is_open(const struct inspect_view *v)
{
	return json_tree_can_fold(&v->tree, v->pane.cursor) &&
	       !v->tree.nodes[v->tree.lines[v->pane.cursor]].folded;
}

static unsigned tree_act(struct inspect_view *v, enum action a)
{
	bool can_fold = json_tree_can_fold(&v->tree, v->pane.cursor), open = is_open(v);

	switch ((int)a) {
	case ACTION_DETAIL_OPEN:
		fold(v, open);
		return VIEW_DONE;
	case ACTION_SCROLL_RIGHT:
		if (!can_fold || open)
			return VIEW_IGNORED;
		fold(v, false);
		return VIEW_DONE;
	case ACTION_SCROLL_LEFT:
		if (v->pane.left > 0)
			return VIEW_IGNORED;
		if (open)
			fold(v, true);
		else
			text_pane_go(&v->pane, json_tree_parent_line(&v->tree, v->pane.cursor));
		return VIEW_DONE;
	default:
		return VIEW_IGNORED;
	}
}

static bool inspect_copy(struct view *view, struct buf *out)
{
	struct inspect_view *v = (struct inspect_view *)view;

	if (!text_pane_selection(&v->pane, out) && !v->is_text)
		json_tree_value(&v->tree, v->pane.cursor, out);
	return !out->failed && out->len > 0;
}

static unsigned copy_value(struct inspect_view *v)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (inspect_copy(&v->view, &text))
		app_copy(v->view.app, text.data, text.len);
	return VIEW_DONE;
}

static unsigned inspect_act(struct view *view, enum action a)
{
	struct inspect_view *v = (struct inspect_view *)view;
	unsigned done = v->is_text ? VIEW_IGNORED : tree_act(v, a);

	if (a == ACTION_DETAIL_COPY)
		return copy_value(v);
	if (done == VIEW_IGNORED)
		done = text_pane_act(&v->pane, a);
	set_path(v);
	return done;
}

static unsigned inspect_mouse(struct view *view, const struct mouse *m)
{
	struct inspect_view *v = (struct inspect_view *)view;
	unsigned done = text_pane_mouse(&v->pane, m);

	if (m->kind == MOUSE_PRESS && m->button == 1 && m->twice && !v->is_text)
		fold(v, is_open(v));
	set_path(v);
	return done;
}

static void inspect_draw(struct view *view, const struct canvas *c, bool focused)
{
	struct inspect_view *v = (struct inspect_view *)view;
	struct app *a = view->app;

	if (*v->trouble.msg) {
		canvas_str(c, 0, 1, c->r.w - 2, v->trouble.msg, app_style(a, UI_ERROR));
		return;
	}
	v->styles = (struct json_tree_styles){.key = app_style(a, LOG_KEY),
	        .string = app_style(a, LOG_STRING),
	        .number = app_style(a, LOG_NUMBER),
	        .word = app_style(a, LOG_NUMBER),
	        .mark = app_style(a, UI_MUTED),
	        .open = app_glyph(a, GLYPH_OPEN),
	        .closed = app_glyph(a, GLYPH_CLOSED)};
	text_pane_draw(&v->pane, c, focused);
}

static void inspect_status(struct view *view, char *dst, size_t size)
{
	struct inspect_view *v = (struct inspect_view *)view;

	snprintf(dst, size, "%s%s", v->path, *v->path && *v->pane.search ? "  " : "");
	if (*v->pane.search || v->is_text)
		text_pane_status(&v->pane, dst, size);
}

static int inspect_save(struct view *view, int fd, struct err *e)
{
	return text_pane_save(&((struct inspect_view *)view)->pane, fd, e);
}

static void inspect_free(struct view *view)
{
	struct inspect_view *v = (struct inspect_view *)view;

	json_tree_free(&v->tree);
	text_block_free(&v->block);
	free(v);
}

struct view *inspect_view_new(struct app *a)
{
	static const struct view_ops ops = {
	        .title = "Inspect",
	        .context = CONTEXT_TEXT,
	        .draw = inspect_draw,
	        .act = inspect_act,
	        .mouse = inspect_mouse,
	        .show = inspect_show,
	        .changed = inspect_changed,
	        .visible = inspect_visible,
	        .status = inspect_status,
	        .copy = inspect_copy,
	        .save = inspect_save,
	        .free = inspect_free,
	};
	struct inspect_view *v = calloc(1, sizeof *v);
	struct text_source source;

	if (!v)
		return NULL;
	v->view = (struct view){&ops, a};
	source = tree_source(v);
	text_pane_init(&v->pane, a, &source, true);
	return &v->view;
}
