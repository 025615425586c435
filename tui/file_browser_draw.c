/* How a tree of files looks. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "base/file.h"
#include "tui/app.h"
#include "tui/figures.h"
#include "tui/file_browser.h"

#define TIME_W  16
#define MODE_W  10
#define OWNER_W 11

struct columns {
	int mode, owner, size, time, name; /* where each begins; -1: left out */
};

static struct columns columns_for(int w)
{
	if (w >= 84)
		return (struct columns){1, 12, 24, 31, 49};
	if (w >= 64)
		return (struct columns){1, -1, 12, 19, 37};
	if (w >= 48)
		return (struct columns){1, -1, 12, -1, 19};
	return (struct columns){-1, -1, 1, -1, 8};
}

static char *time_text(int64_t ns, char dst[32])
{
	time_t t = (time_t)(ns / 1000000000);
	struct tm tm;

	if (ns <= 0 || !localtime_r(&t, &tm))
		strcpy(dst, "-");
	else
		strftime(dst, 32, "%Y-%m-%d %H:%M", &tm);
	return dst;
}

static struct style name_style(struct app *a, const struct tare_file *f)
{
	struct style s;

	if (f->removed) {
		s = app_style(a, STATE_FAILED);
		s.attr |= ATTR_STRIKE;
		return s;
	}
	if (S_ISDIR(f->mode)) {
		s = app_style(a, UI_ACCENT);
		s.attr |= ATTR_BOLD;
		return s;
	}
	if (S_ISLNK(f->mode))
		return app_style(a, LOG_KEY);
	if (S_ISREG(f->mode) && f->mode & 0111)
		return app_style(a, UI_OK);
	return app_style(a, S_ISREG(f->mode) ? UI_TEXT : UI_WARN);
}

static void draw_name(struct app *a, const struct canvas *c, int y, int x, const struct tare_file *f)
{
	struct style muted = app_style(a, UI_MUTED);

	if (c->r.w <= x)
		return;
	x += canvas_str(c, y, x, c->r.w - x, f->name, name_style(a, f));
	if (f->removed)
		canvas_str(c, y, x, -1, "  removed here", muted);
	else if (S_ISDIR(f->mode))
		canvas_str(c, y, x, -1, "/", muted);
	else if (f->target)
		x += canvas_str(c, y, x, -1, " -> ", muted), canvas_str(c, y, x, -1, f->target, muted);
}

static void draw_file(
        struct app *a, const struct canvas *c, int y, const struct tare_file *f, const struct columns *at)
{
	struct style muted = app_style(a, UI_MUTED), text = app_style(a, UI_TEXT);
	char t[FIGURE_SIZE], mode[11], time[32];

	if (at->mode >= 0)
		canvas_str(c, y, at->mode, MODE_W, f->removed ? "" : file_mode_text(f->mode, mode), muted);
	if (at->owner >= 0 && !f->removed)
		canvas_printf(c, y, at->owner, OWNER_W, muted, "%u:%u", f->uid, f->gid);
	if (S_ISREG(f->mode) && !f->removed)
		canvas_cell_right(c, y, at->size, 6, figure_bytes(f->size, t), text);
	if (at->time >= 0)
		canvas_str(c, y, at->time, TIME_W, time_text(f->mtime, time), muted);
	draw_name(a, c, y, at->name, f);
}

static void draw_path(struct file_browser *b, const struct canvas *c)
{
	struct app *a = b->app;
	int x = 1;

	if (b->is_preview) {
		char path[FILE_PATH_MAX];
		file_path_join(path, sizeof path, b->path, b->preview_name);
		canvas_cell(c, 0, x, c->r.w - x, path, app_style(a, UI_TITLE));
		return;
	}
	x += canvas_str(c, 0, x, -1, b->path, app_style(a, UI_TITLE));
	if (b->list.cut)
		canvas_str(c, 0, x + 2, -1, "there are more than can be shown", app_style(a, UI_WARN));
}

static void draw_list(struct file_browser *b, const struct canvas *c, bool focused)
{
	struct columns at = columns_for(c->r.w);

	cursor_set(&b->cursor, b->n, c->r.h);
	for (int y = 0; y < c->r.h && b->cursor.top + (size_t)y < b->n; y++) {
		draw_file(b->app, c, y, &b->list.rows[b->rows[b->cursor.top + (size_t)y]], &at);
		cursor_draw(&b->cursor, b->app, c, y, focused);
	}
	if (b->n > 0 || *b->trouble.msg)
		return;
	if (*b->filter)
		canvas_printf(c, 0, 1, c->r.w - 2, app_style(b->app, UI_MUTED),
		        "No name here has %s in it; Esc shows all.", b->filter);
	else
		canvas_str(c, 0, 1, c->r.w - 2,
		        b->list.n ? "All names here begin with a dot." : "This directory is empty.",
		        app_style(b->app, UI_MUTED));
}

void file_browser_draw(struct file_browser *b, const struct canvas *c, bool focused)
{
	struct rect rest = {0, 0, c->r.h, c->r.w};

	if (!*b->ref)
		return;
	draw_path(b, c);
	rect_cut_top(&rest, 1);
	if (*b->trouble.msg) {
		struct rect line = rect_cut_bottom(&rest, 1);
		canvas_str(c, line.y, 1, c->r.w - 2, b->trouble.msg, app_style(b->app, UI_ERROR));
	}
	struct canvas body = canvas_part(c, rest);
	if (b->is_preview)
		text_pane_draw(&b->pane, &body, focused);
	else
		draw_list(b, &body, focused);
}

int file_browser_save(const struct file_browser *b, int fd, struct err *e)
{
	cleanup_buf struct buf out = BUF_INIT;
	char mode[11], time[32];

	if (b->is_preview)
		return text_pane_save(&b->pane, fd, e);
	for (size_t i = 0; i < b->n; i++) {
		const struct tare_file *f = &b->list.rows[b->rows[i]];
		buf_printf(&out, "%s %5u:%-5u %12llu %s %s%s%s\n", file_mode_text(f->mode, mode), f->uid,
		        f->gid, (unsigned long long)f->size, time_text(f->mtime, time), f->name,
		        f->target ? " -> " : "", f->target ? f->target : "");
	}
	if (out.failed)
		return err_no_memory(e);
	return write_all(fd, out.data, out.len) == 0 ? 0 : err_sys(e, "cannot save the list");
}
