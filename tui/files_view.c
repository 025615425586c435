/* The files of a container, running or not, or of a volume. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "tui/app.h"
#include "tui/file_browser.h"
#include "tui/view.h"
#include "tui/views.h"
#include "tui/volume_actions.h"

struct files_view {
	struct view view;
	struct object object;
	struct file_browser browser;
};

static const struct view_ops list_ops, preview_ops;

/* A file that is being read is a text: its keys are those of text. */
static unsigned done(struct files_view *v, unsigned result)
{
	v->view.ops = v->browser.is_preview ? &preview_ops : &list_ops;
	return result;
}

static void files_show(struct view *view, const struct object *o)
{
	struct files_view *v = (struct files_view *)view;
	static const struct object none = {.kind = OBJECT_NONE};

	if (object_equal(o ? o : &none, &v->object))
		return;
	v->object = o ? *o : none;
	file_browser_open(&v->browser,
	        v->object.kind == OBJECT_VOLUME ? TARE_TREE_VOLUME : TARE_TREE_CONTAINER,
	        o ? v->object.id : NULL, "/");
	done(v, VIEW_DONE);
}

static void files_visible(struct view *view, bool on)
{
	if (on)
		file_browser_reload(&((struct files_view *)view)->browser);
}

/* What a command calls it. */
static const char *name_of(struct files_view *v)
{
	const char *name = model_object_name(app_model(v->view.app), &v->object);

	return *name ? name : v->object.id;
}

static unsigned copy_files(struct files_view *v, bool out)
{
	char path[FILE_PATH_MAX];

	if (v->object.kind == OBJECT_NONE)
		return VIEW_IGNORED;
	if (!out)
		file_copy_in(v->view.app, v->browser.tree, name_of(v), v->browser.path);
	else if (file_browser_path(&v->browser, path))
		file_copy_out(v->view.app, v->browser.tree, name_of(v), path);
	else
		app_toast(v->view.app, TOAST_INFO, "there is no file under the cursor");
	return VIEW_DONE;
}

static bool files_changed(struct view *view, unsigned what)
{
	if (!(what & MODEL_FILES))
		return false;
	file_browser_reload(&((struct files_view *)view)->browser);
	return true;
}

static unsigned files_act(struct view *view, enum action a)
{
	struct files_view *v = (struct files_view *)view;

	if (a == ACTION_FILES_COPY_OUT || a == ACTION_FILES_COPY_IN)
		return copy_files(v, a == ACTION_FILES_COPY_OUT);
	return done(v, file_browser_act(&v->browser, a));
}

static unsigned files_mouse(struct view *view, const struct mouse *m)
{
	struct files_view *v = (struct files_view *)view;

	return done(v, file_browser_mouse(&v->browser, m));
}

static void files_draw(struct view *view, const struct canvas *c, bool focused)
{
	file_browser_draw(&((struct files_view *)view)->browser, c, focused);
}

static void files_status(struct view *view, char *dst, size_t size)
{
	file_browser_status(&((struct files_view *)view)->browser, dst, size);
}

static bool files_copy(struct view *view, struct buf *out)
{
	return file_browser_copy(&((struct files_view *)view)->browser, out);
}

static int files_save(struct view *view, int fd, struct err *e)
{
	return file_browser_save(&((struct files_view *)view)->browser, fd, e);
}

static void files_free(struct view *view)
{
	file_browser_free(&((struct files_view *)view)->browser);
	free(view);
}

#define FILES_OPS(where)                                                                                     \
	.title = "Files", .context = (where), .draw = files_draw, .act = files_act, .mouse = files_mouse,    \
	.show = files_show, .changed = files_changed, .visible = files_visible, .status = files_status,      \
	.copy = files_copy, .save = files_save, .free = files_free

static const struct view_ops list_ops = {FILES_OPS(CONTEXT_FILES)};
static const struct view_ops preview_ops = {FILES_OPS(CONTEXT_TEXT)};

struct view *files_view_new(struct app *a)
{
	struct files_view *v = calloc(1, sizeof *v);

	if (!v)
		return NULL;
	v->view = (struct view){&list_ops, a};
	file_browser_init(&v->browser, a);
	return &v->view;
}
