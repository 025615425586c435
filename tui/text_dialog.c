/* A block of text, and the dialog that shows one. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tui/app.h"
#include "tui/dialog_frame.h"
#include "tui/text_view.h"
#include "tui/view.h"

#define TAB_WIDTH 8

/* ------------------------------------------------------------------ the block */

/* The end of an escape sequence: only CSI is of any length. */
static size_t skip_escape(const char *text, size_t len, size_t i)
{
	if (i + 1 >= len || text[i + 1] != '[')
		return i + 1;
	for (i += 2; i < len && (unsigned char)text[i] < 0x40; i++)
		;
	return i < len ? i + 1 : len;
}

static void add_clean(struct buf *out, const char *text, size_t len)
{
	size_t column = 0;

	for (size_t i = 0; i < len;) {
		char c = text[i];
		if (c == 0x1b) {
			i = skip_escape(text, len, i);
			continue;
		}
		i++;
		if (c == '\r' && (i == len || text[i] == '\n'))
			continue;
		if (c == '\t') {
			for (size_t to = column + TAB_WIDTH - column % TAB_WIDTH; column < to; column++)
				buf_char(out, ' ');
			continue;
		}
		buf_char(out, c);
		column = c == '\n' ? 0 : column + (((unsigned char)c & 0xc0) != 0x80);
	}
}

/* A line ends at a newline, and after TEXT_LINE_MAX bytes in any case. */
static size_t next_start(const char *text, size_t len, size_t from)
{
	size_t most = len - from < TEXT_LINE_MAX ? len - from : TEXT_LINE_MAX;
	const char *end = memchr(text + from, '\n', most);

	if (end)
		return (size_t)(end - text) + 1;
	/* not within a character */
	while (most < len - from && most > 1 && ((unsigned char)text[from + most] & 0xc0) == 0x80)
		most--;
	return from + most;
}

int text_block_set(struct text_block *b, struct app *a, const char *text, size_t len)
{
	cleanup_buf struct buf clean = BUF_INIT_MAX(2 * TEXT_BLOCK_MAX);
	size_t n = 0, i = 0;

	text_block_free(b);
	b->app = a;
	b->cut = len > TEXT_BLOCK_MAX;
	add_clean(&clean, text, b->cut ? TEXT_BLOCK_MAX : len);
	if (clean.failed) { /* tabs without end: as it is, then */
		buf_reset(&clean);
		buf_add(&clean, text, b->cut ? TEXT_BLOCK_MAX : len);
	}
	len = clean.len;
	b->text = buf_take(&clean);
	if (!b->text)
		return -1;
	for (size_t at = 0; at < len; at = next_start(b->text, len, at))
		n++;
	b->starts = malloc((n + 1) * sizeof *b->starts);
	if (!b->starts) {
		text_block_free(b);
		return -1;
	}
	for (size_t at = 0; at < len; at = next_start(b->text, len, at))
		b->starts[i++] = at;
	b->starts[n] = len;
	b->n = n;
	return 0;
}

void text_block_free(struct text_block *b)
{
	free(b->text);
	free(b->starts);
	*b = (struct text_block){.app = b->app};
}

static size_t block_count(void *arg)
{
	const struct text_block *b = arg;

	return b->n + b->cut;
}

static void block_line(void *arg, size_t i, struct text_line *out)
{
	static const char note[] = "[the rest is not shown]";
	const struct text_block *b = arg;

	if (i >= b->n) {
		text_line_add(out, note, sizeof note - 1, app_style(b->app, UI_MUTED));
		return;
	}
	size_t len = b->starts[i + 1] - b->starts[i];
	if (len > 0 && b->text[b->starts[i] + len - 1] == '\n')
		len--;
	text_line_add(out, b->text + b->starts[i], len, app_style(b->app, UI_TEXT));
}

struct text_source text_block_source(struct text_block *b)
{
	return (struct text_source){.count = block_count, .line = block_line, .arg = b};
}

/* ------------------------------------------------------------------ the dialog */

struct text_dialog {
	struct view view;
	struct text_block block;
	struct text_pane pane;
	struct rect inner;
	int widest;
	char title[80];
};

static void dialog_draw(struct view *v, const struct canvas *c, bool focused)
{
	struct text_dialog *d = (struct text_dialog *)v;
	char status[64] = "";

	d->inner = dialog_frame(v->app, c, d->title);
	struct canvas inside = canvas_part(c, d->inner);
	text_pane_draw(&d->pane, &inside, focused);
	text_pane_status(&d->pane, status, sizeof status);
	dialog_footer(v->app, c, *status ? status : "Esc");
}

static unsigned dialog_act(struct view *v, enum action a)
{
	struct text_dialog *d = (struct text_dialog *)v;
	unsigned done = text_pane_act(&d->pane, a);

	if (done != VIEW_IGNORED)
		return done;
	if (a == ACTION_BACK || a == ACTION_LEAVE || a == ACTION_DETAIL_OPEN)
		return VIEW_CLOSE | VIEW_DONE;
	return VIEW_IGNORED;
}

static unsigned dialog_mouse(struct view *v, const struct mouse *m)
{
	struct text_dialog *d = (struct text_dialog *)v;
	struct mouse inside = *m;

	inside.y -= d->inner.y;
	inside.x -= d->inner.x;
	return text_pane_mouse(&d->pane, &inside);
}

static bool dialog_copy(struct view *v, struct buf *out)
{
	struct text_dialog *d = (struct text_dialog *)v;

	if (text_pane_selection(&d->pane, out))
		return true;
	buf_str_add(out, d->block.text);
	return !out->failed && out->len > 0;
}

static int dialog_save(struct view *v, int fd, struct err *e)
{
	return text_pane_save(&((struct text_dialog *)v)->pane, fd, e);
}

static struct rect dialog_rect(struct view *v, int rows, int cols)
{
	struct text_dialog *d = (struct text_dialog *)v;
	int h = (int)(d->block.n < 500 ? d->block.n : 500) + 2, w = d->widest + 4;

	if (h < 5)
		h = 5;
	if (w < 30)
		w = 30;
	return dialog_place(rows, cols, h > rows - 4 ? rows - 4 : h, w > cols - 6 ? cols - 6 : w);
}

static void dialog_free(struct view *v)
{
	struct text_dialog *d = (struct text_dialog *)v;

	text_block_free(&d->block);
	free(d);
}

struct view *text_dialog_new(struct app *a, const char *title, const char *text)
{
	static const struct view_ops ops = {
	        .title = "Text",
	        .context = CONTEXT_TEXT,
	        .draw = dialog_draw,
	        .act = dialog_act,
	        .mouse = dialog_mouse,
	        .copy = dialog_copy,
	        .save = dialog_save,
	        .place = dialog_rect,
	        .free = dialog_free,
	};
	struct text_dialog *d = calloc(1, sizeof *d);
	struct text_source source;

	if (!d || text_block_set(&d->block, a, text, strlen(text)) != 0) {
		free(d);
		return NULL;
	}
	d->view = (struct view){&ops, a};
	strncpy(d->title, title, sizeof d->title - 1);
	source = text_block_source(&d->block);
	text_pane_init(&d->pane, a, &source, false);
	d->pane.wrap = true;
	for (size_t i = 0; i < d->block.n && d->widest < 500; i++) {
		int w = text_columns(
		        d->block.text + d->block.starts[i], d->block.starts[i + 1] - d->block.starts[i]);
		d->widest = w > d->widest ? w : d->widest;
	}
	return &d->view;
}
