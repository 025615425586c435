/* The embedded terminal under arbitrary output of a child, sizes, keys, pastes and mice. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tui/terminal_core.h"

struct input {
	const uint8_t *data;
	size_t len;
};

static unsigned take(struct input *in)
{
	if (in->len == 0)
		return 0;
	in->len--;
	return *in->data++;
}

/* What must hold whatever has come. */
static void check(struct term *t)
{
	cleanup_buf struct buf text = BUF_INIT;
	int64_t line;
	const char *out;
	int col, from, to;

	term_cursor(t, &line, &col);
	if (line < term_top(t) || line >= term_top(t) + term_rows(t) || col < 0 || col >= term_cols(t))
		abort();
	for (int64_t n = term_oldest(t); n < term_top(t) + term_rows(t); n++) {
		int width = 0;

		term_load_line(t, n);
		for (int x = 0; x < t->cols; x++)
			width += t->row[x].width;
		if (width != t->cols)
			abort();
	}
	term_text(t, (struct term_place){term_oldest(t), 0},
	        (struct term_place){term_top(t) + TERM_MAX_ROWS, 0}, &text);
	term_word(t, (struct term_place){line, col}, &from, &to);
	if (from < 0 || from > to || to >= term_cols(t) || term_output(t, &out) > (1 << 20) + 64 ||
	        strlen(term_title(t)) >= TERM_TITLE_SIZE)
		abort();
}

static void step(struct term *t, struct input *in)
{
	unsigned op = take(in);

	if (op < 0xd0) {
		size_t n = op < in->len ? op : in->len;

		term_feed(t, (const char *)in->data, n);
		in->data += n;
		in->len -= n;
	} else if (op < 0xe4) {
		int rows = (int)take(in);

		term_resize(t, rows % 70, (int)take(in));
	} else if (op < 0xec) {
		uint32_t code = take(in);

		term_key(t, (struct key){op & 1 ? code : KEYC_BASE + code % 30, take(in) & 7});
	} else if (op < 0xf4) {
		unsigned at = take(in);
		struct mouse m = {.kind = (enum mouse_kind)(at % 5),
		        .button = (int)(op & 3),
		        .y = (int)(at & 63),
		        .x = (int)take(in)};

		term_mouse(t, &m);
	} else if (op < 0xf8) {
		size_t n = take(in);

		if (n > in->len)
			n = in->len;
		term_paste(t, (const char *)in->data, n);
	} else if (op < 0xfc) {
		const char *out;

		term_focus(t, op & 1);
		term_output_taken(t, term_output(t, &out) / 2);
	} else {
		check(t);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	int rows = (int)take(&in), cols = (int)take(&in);
	struct term *t = term_new(rows % 60, cols, 50);

	if (!t)
		return 0;
	while (in.len > 0)
		step(t, &in);
	check(t);
	term_free(t);
	return 0;
}
