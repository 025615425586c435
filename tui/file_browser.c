/* Looking at a tree of files: see file_browser.h. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/file_browser.h"
#include "tui/view.h"

void file_browser_init(struct file_browser *b, struct app *a)
{
	*b = (struct file_browser){.app = a};
	strcpy(b->path, "/");
}

static void forget_list(struct file_browser *b)
{
	tare_file_list_free(&b->list);
	b->list = (struct tare_file_list){.n = 0};
	free(b->rows);
	b->rows = NULL;
	b->n = 0;
}

void file_browser_free(struct file_browser *b)
{
	forget_list(b);
	text_block_free(&b->block);
}

/* ------------------------------------------------------------------ which rows, in which order */

static bool passes(const struct file_browser *b, const struct tare_file *f)
{
	if (b->hide_dots && f->name[0] == '.')
		return false;
	return !*b->filter || text_find(f->name, strlen(f->name), b->filter);
}

/* A merge sort over indices: qsort cannot be told which list they are of. */
static void sort_rows(const struct file_browser *b, uint32_t *rows, uint32_t *spare, size_t n)
{
	size_t half = n / 2, i = 0, j = half, k = 0;

	if (n < 2)
		return;
	sort_rows(b, rows, spare, half);
	sort_rows(b, rows + half, spare, n - half);
	while (i < half && j < n) {
		const struct tare_file *x = &b->list.rows[rows[i]], *y = &b->list.rows[rows[j]];
		spare[k++] = file_compare(x, y, b->order) <= 0 ? rows[i++] : rows[j++];
	}
	while (i < half)
		spare[k++] = rows[i++];
	memcpy(rows, spare, k * sizeof *rows);
}

static const struct tare_file *at_cursor(const struct file_browser *b)
{
	return b->cursor.at < b->n ? &b->list.rows[b->rows[b->cursor.at]] : NULL;
}

static void go_name(struct file_browser *b, const char *name)
{
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->list.rows[b->rows[i]].name, name) == 0)
			cursor_go(&b->cursor, i);
}

/* Make the rows anew; the cursor stays on its file. */
static void arrange(struct file_browser *b)
{
	const struct tare_file *was = at_cursor(b);
	size_t n = b->list.n;
	uint32_t *rows = malloc((n + 1) * sizeof *rows), *spare = malloc((n + 1) * sizeof *spare);

	if (rows && spare) {
		free(b->rows);
		b->rows = rows;
		b->n = 0;
		for (size_t i = 0; i < n; i++)
			if (passes(b, &b->list.rows[i]))
				rows[b->n++] = (uint32_t)i;
		sort_rows(b, rows, spare, b->n);
		cursor_set(&b->cursor, b->n, b->cursor.h);
		if (was)
			go_name(b, was->name);
	} else {
		free(rows);
		err_no_memory(&b->trouble);
	}
	free(spare);
}

/* ------------------------------------------------------------------ opening */

/* Enter a directory; on failure everything stays as it was, and says why. */
static int enter(struct file_browser *b, const char *path, struct err *e)
{
	struct tare_engine *engine = app_engine(b->app);
	struct tare_file_list list = {.n = 0};

	if (engine->files(engine, b->tree, b->ref, path, &list, e) != 0)
		return -1;
	forget_list(b);
	b->list = list;
	if (path != b->path)
		snprintf(b->path, sizeof b->path, "%s", path);
	b->cursor = (struct cursor){.h = b->cursor.h};
	*b->filter = '\0';
	b->trouble = (struct err)ERR_INIT;
	arrange(b);
	return 0;
}

void file_browser_open(struct file_browser *b, enum tare_tree tree, const char *ref, const char *path)
{
	struct err e = ERR_INIT;

	forget_list(b);
	b->is_preview = false;
	b->trouble = (struct err)ERR_INIT;
	b->tree = tree;
	snprintf(b->ref, sizeof b->ref, "%s", ref ? ref : "");
	snprintf(b->path, sizeof b->path, "%s", path);
	if (ref && enter(b, path, &e) != 0)
		b->trouble = e;
}

void file_browser_reload(struct file_browser *b)
{
	const struct tare_file *was = at_cursor(b);
	char name[256] = "", filter[FILE_FILTER_MAX];
	struct err e = ERR_INIT;

	if (!*b->ref || b->is_preview)
		return;
	if (was)
		snprintf(name, sizeof name, "%s", was->name);
	memcpy(filter, b->filter, sizeof filter);
	if (enter(b, b->path, &e) != 0) {
		forget_list(b);
		b->trouble = e;
		return;
	}
	memcpy(b->filter, filter, sizeof filter);
	arrange(b);
	go_name(b, name);
}

static void add_preview(struct buf *text, const struct buf *data, bool cut)
{
	if (file_is_binary(buf_str(data), data->len))
		file_hex_dump(text, data->data, data->len);
	else
		buf_add(text, data->data, data->len);
	if (data->len == 0)
		buf_str_add(text, "(empty)");
	if (cut)
		buf_printf(text, "\n[only the first %zu KiB are shown]", FILE_PREVIEW_MAX >> 10);
}

static int preview(struct file_browser *b, const char *path, const char *name, struct err *e)
{
	struct tare_engine *engine = app_engine(b->app);
	cleanup_buf struct buf data = BUF_INIT_MAX(FILE_PREVIEW_MAX + 4096), text = BUF_INIT;
	cleanup_fd int fd = engine->file_open(engine, b->tree, b->ref, path, e);
	char *room;
	ssize_t n;

	if (fd < 0)
		return -1;
	room = buf_reserve(&data, FILE_PREVIEW_MAX + 1);
	if (!room)
		return err_no_memory(e);
	n = read_full(fd, room, FILE_PREVIEW_MAX + 1);
	if (n < 0)
		return err_sys(e, "cannot read %s", name);
	bool cut = (size_t)n > FILE_PREVIEW_MAX;
	data.len = cut ? FILE_PREVIEW_MAX : (size_t)n;
	add_preview(&text, &data, cut);
	if (text.failed || text_block_set(&b->block, b->app, buf_str(&text), text.len) != 0)
		return err_no_memory(e);
	const struct text_source source = text_block_source(&b->block);
	text_pane_init(&b->pane, b->app, &source, false);
	snprintf(b->preview_name, sizeof b->preview_name, "%s", name);
	b->is_preview = true;
	return 0;
}

static void open_selected(struct file_browser *b)
{
	const struct tare_file *f = at_cursor(b);
	char path[FILE_PATH_MAX], name[256];
	struct err e = ERR_INIT, other = ERR_INIT;
	int rc;

	if (!f || f->removed)
		return;
	file_path_join(path, sizeof path, b->path, f->name);
	if (!*path) {
		err_set(&b->trouble, ERR_OTHER, "this path is too long");
		return;
	}
	snprintf(name, sizeof name, "%s", f->name);
	b->trouble = (struct err)ERR_INIT;
	if (S_ISDIR(f->mode))
		rc = enter(b, path, &e);
	else if (S_ISLNK(f->mode)) /* where it leads decides */
		rc = enter(b, path, &other) == 0 ? 0 : preview(b, path, name, &e);
	else if (S_ISREG(f->mode))
		rc = preview(b, path, name, &e);
	else
		rc = err_set(&e, ERR_UNSUPPORTED, "%s is neither a directory nor a regular file", name);
	if (rc != 0)
		b->trouble = e;
}

static unsigned go_up(struct file_browser *b)
{
	char path[FILE_PATH_MAX], name[256];
	struct err e = ERR_INIT;

	if (strcmp(b->path, "/") == 0)
		return VIEW_IGNORED;
	snprintf(name, sizeof name, "%.255s", strrchr(b->path, '/') + 1);
	memcpy(path, b->path, sizeof path);
	file_path_up(path);
	if (enter(b, path, &e) == 0)
		go_name(b, name);
	else
		b->trouble = e;
	return VIEW_DONE;
}

/* ------------------------------------------------------------------ actions */

static void filter_typed(struct app *a, const char *text, void *arg)
{
	struct file_browser *b = arg;

	snprintf(b->filter, sizeof b->filter, "%s", text ? text : "");
	arrange(b);
	app_redraw(a);
}

static unsigned ask_filter(struct file_browser *b)
{
	struct prompt_options o = {.label = "Filter",
	        .text = b->filter,
	        .history = "filter",
	        .changed = filter_typed,
	        .ok = filter_typed,
	        .arg = b,
	        .at_bottom = true};
	struct view *prompt = prompt_new(b->app, &o);

	if (prompt)
		app_push(b->app, prompt);
	return VIEW_DONE;
}

bool file_browser_path(const struct file_browser *b, char *dst)
{
	const struct tare_file *f = at_cursor(b);

	if (!b->is_preview && (!f || f->removed))
		return false;
	file_path_join(dst, FILE_PATH_MAX, b->path, b->is_preview ? b->preview_name : f->name);
	return *dst != '\0';
}

bool file_browser_copy(const struct file_browser *b, struct buf *out)
{
	char path[FILE_PATH_MAX];

	if (b->is_preview && text_pane_selection(&b->pane, out))
		return true;
	if (!file_browser_path(b, path))
		return false;
	buf_str_add(out, path);
	return !out->failed && out->len > 0;
}

static unsigned copy(struct file_browser *b)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(TEXT_BLOCK_MAX);

	if (file_browser_copy(b, &text))
		app_copy(b->app, text.data, text.len);
	return VIEW_DONE;
}

static unsigned preview_act(struct file_browser *b, enum action a)
{
	unsigned done = text_pane_act(&b->pane, a);

	if (done != VIEW_IGNORED)
		return done;
	switch ((int)a) {
	case ACTION_TEXT_CLOSE:
	case ACTION_FILES_UP:
	case ACTION_BACK:
	case ACTION_LEAVE:
	case ACTION_DETAIL_OPEN:
		b->is_preview = false;
		text_block_free(&b->block);
		return VIEW_DONE;
	default:
		return VIEW_IGNORED;
	}
}

static unsigned back(struct file_browser *b)
{
	if (*b->trouble.msg && b->n) {
		b->trouble = (struct err)ERR_INIT;
		return VIEW_DONE;
	}
	if (!*b->filter)
		return VIEW_IGNORED;
	filter_typed(b->app, "", b);
	return VIEW_DONE;
}

static unsigned list_act(struct file_browser *b, enum action a)
{
	switch ((int)a) {
	case ACTION_DETAIL_OPEN:
	case ACTION_SCROLL_RIGHT:
		open_selected(b);
		return VIEW_DONE;
	case ACTION_FILES_UP:
	case ACTION_SCROLL_LEFT:
		return go_up(b);
	case ACTION_FILES_HIDDEN:
		b->hide_dots = !b->hide_dots;
		arrange(b);
		return VIEW_DONE;
	case ACTION_FILES_SORT:
		b->order = (b->order + 1) % FILES_N_ORDERS;
		arrange(b);
		return VIEW_DONE;
	case ACTION_FILTER:
		return ask_filter(b);
	case ACTION_BACK:
		return back(b);
	default:
		return cursor_act(&b->cursor, a) ? VIEW_DONE : VIEW_IGNORED;
	}
}

unsigned file_browser_act(struct file_browser *b, enum action a)
{
	if (a == ACTION_DETAIL_COPY)
		return copy(b);
	return b->is_preview ? preview_act(b, a) : list_act(b, a);
}

unsigned file_browser_mouse(struct file_browser *b, const struct mouse *m)
{
	struct mouse inside = *m;

	inside.y -= 1; /* the path's line */
	if (b->is_preview)
		return text_pane_mouse(&b->pane, &inside);
	if (!cursor_mouse(&b->cursor, &inside))
		return VIEW_IGNORED;
	if (m->kind == MOUSE_PRESS && m->twice)
		open_selected(b);
	return VIEW_DONE;
}

void file_browser_status(const struct file_browser *b, char *dst, size_t size)
{
	static const char *const orders[] = {"by name", "by size", "by time"};

	*dst = '\0';
	if (b->is_preview)
		text_pane_status(&b->pane, dst, size);
	else if (*b->filter)
		snprintf(dst, size, "/%s  %zu of %zu", b->filter, b->n, b->list.n);
	else
		snprintf(dst, size, "%zu%s %s  %s", b->n, b->list.cut ? "+" : "",
		        b->n == 1 ? "entry" : "entries", orders[b->order]);
}
