/* Fuzz target: foreign text on a small canvas at any place. What is drawn stays within it, holds nothing that
 * a terminal would act on, and wide characters are whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "tui/screen.h"
#include "tui/screen_cells.h"

#define ROWS 4
#define COLS 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(const struct cells *c, const struct cell *row)
{
	for (int x = 0; x < c->cols; x++) {
		if (row[x].cp < 0x20 || (row[x].cp >= 0x7f && row[x].cp < 0xa0) ||
		        cp_is_reordering(row[x].cp))
			abort();
		if (row[x].width == 2 && (x + 1 == c->cols || row[x + 1].width != 0))
			abort();
		if (row[x].width == 0 && (x == 0 || row[x - 1].width != 2))
			abort();
		if (row[x].width > 0 && cp_width(row[x].cp) != row[x].width)
			abort();
		if (row[x].marks >= N_CELL_MARKS)
			abort();
	}
}

static void draw(const struct canvas *c, const uint8_t *place, const char *text, size_t len)
{
	int y = (int8_t)place[0] % 6, x = (int8_t)place[1] % 30, w = (int8_t)place[2] % 30;
	uint32_t cps[2] = {(uint32_t)place[3] << 12 | place[4], 0x301};

	switch (place[5] % 6) {
	case 0:
		if (canvas_text(c, y, x, w, text, len, (struct style){0}) > COLS + 30)
			abort();
		break;
	case 1:
		canvas_cell(c, y, x, w, text, (struct style){0});
		break;
	case 2:
		canvas_cell_right(c, y, x, w, text, (struct style){.fg = COLOUR_KEEP});
		break;
	case 3:
		canvas_glyph(c, y, x, cps, 2, place[3] % 3, (struct style){0});
		break;
	case 4:
		canvas_box(c, (struct rect){y, x, w, w}, (struct style){0});
		break;
	default:
		canvas_restyle(
		        c, (struct rect){y, x, w, w}, (struct style){.fg = COLOUR_KEEP, .attr = ATTR_BOLD});
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct screen *screens[2];
	struct canvas c;
	char text[256];

	if (size < 8)
		return 0;
	if (!screens[0])
		for (int i = 0; i < 2; i++)
			screens[i] = screen_open_memory(ROWS, COLS, i, NULL);
	c = screen_begin(screens[data[0] & 1]);
	c = canvas_part(&c, (struct rect){data[1] % 3, data[2] % 5, data[3] % 6, data[4] % 24});
	for (size_t at = 5; at + 8 <= size;) {
		size_t len = size - at - 8 < data[at + 7] % sizeof(text) ? size - at - 8
		                                                         : data[at + 7] % sizeof(text);

		memcpy(text, data + at + 8, len);
		text[len] = 0;
		draw(&c, data + at, text, len);
		at += 8 + len;
	}
	screen_flush(c.screen);
	for (int y = 0; y < ROWS; y++)
		check_row(screen_cells(c.screen), screen_cells(c.screen)->shown + (size_t)y * COLS);
	return 0;
}
