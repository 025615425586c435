/* Cells: two frames side by side, so that a frame like the one before costs a comparison, restyling reads
 * back what was drawn, and nothing is allocated while drawing. */
#include "tui/screen_cells.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

static const struct cell blank = {.cp = ' ', .width = 1};

int cells_resize(struct cells *c, int rows, int cols, struct err *e)
{
	size_t n = (size_t)rows * (size_t)cols;
	struct cell *now = calloc(n, sizeof(*now)), *shown = calloc(n, sizeof(*shown));

	if (!c->marks)
		c->marks = calloc(N_CELL_MARKS, sizeof(*c->marks));
	if (!now || !shown || !c->marks) {
		free(now);
		free(shown);
		return err_no_memory(e);
	}
	free(c->now);
	free(c->shown);
	c->now = now;
	c->shown = shown;
	c->rows = rows;
	c->cols = cols;
	cells_begin(c);
	return 0;
}

void cells_free(struct cells *c)
{
	free(c->now);
	free(c->shown);
	free(c->marks);
	*c = (struct cells){0};
}

void cells_begin(struct cells *c)
{
	size_t cols = (size_t)c->cols;

	if (c->marks_full) {
		memset(c->marks, 0, N_CELL_MARKS * sizeof(*c->marks));
		c->marks_full = false;
		cells_invalidate(c);
	}
	for (size_t x = 0; x < cols; x++)
		c->now[x] = blank;
	for (int y = 1; y < c->rows; y++)
		memcpy(c->now + (size_t)y * cols, c->now, cols * sizeof(*c->now));
	c->cursor_y = c->cursor_x = -1;
}

/* A cell of zeros is like no cell that is drawn. */
void cells_invalidate(struct cells *c)
{
	memset(c->shown, 0, (size_t)c->rows * (size_t)c->cols * sizeof(*c->shown));
}

uint16_t cells_marks(struct cells *c, const uint32_t *cps, size_t n)
{
	struct cell_marks key = {{0}};
	uint32_t hash = 0;

	if (n == 0)
		return 0;
	for (size_t i = 0; i < n && i < CELL_MARKS; i++) {
		key.cp[i] = cps[i];
		hash = (hash ^ cps[i]) * 0x9e3779b1u;
	}
	for (uint32_t probe = 0; probe < 16; probe++) {
		uint16_t i = (uint16_t)(1 + ((hash >> 16) + probe) % (N_CELL_MARKS - 1));

		if (c->marks[i].cp[0] == 0)
			c->marks[i] = key;
		if (memcmp(&c->marks[i], &key, sizeof(key)) == 0)
			return i;
	}
	c->marks_full = true;
	return 0;
}

static void add_utf8(struct buf *out, uint32_t cp)
{
	char s[4];

	buf_add(out, s, utf8_encode(cp, s));
}

static void row_text(const struct cells *c, int y, int x, int end, struct buf *out)
{
	const struct cell *row = c->shown + (size_t)y * (size_t)c->cols;

	while (end > x && (row[end - 1].cp == ' ' || row[end - 1].cp == 0) && row[end - 1].width == 1)
		end--;
	for (; x < end; x++) {
		const struct cell_marks *marks = &c->marks[row[x].marks];

		if (row[x].width == 0 || row[x].cp == 0)
			continue;
		add_utf8(out, row[x].cp);
		for (int i = 0; row[x].marks && i < CELL_MARKS && marks->cp[i]; i++)
			add_utf8(out, marks->cp[i]);
	}
}

void cells_text(const struct cells *c, struct rect r, struct buf *out)
{
	int x = r.x > 0 ? r.x : 0, end = r.x + r.w < c->cols ? r.x + r.w : c->cols;
	int bottom = r.y + r.h < c->rows ? r.y + r.h : c->rows;

	for (int y = r.y > 0 ? r.y : 0; y < bottom; y++) {
		if (x < end)
			row_text(c, y, x, end, out);
		buf_char(out, '\n');
	}
}
