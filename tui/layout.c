/* Where everything goes. */
#include "tui/layout.h"

static int clamp(int v, int low, int high)
{
	return v < low ? low : v > high ? high : v;
}

static void split_wide(struct layout *l, struct rect body, int percent)
{
	int w = clamp(body.w * percent / 100, 40, body.w - 42);

	l->list = rect_cut_left(&body, w);
	l->divider = rect_cut_left(&body, 1);
	rect_cut_left(&body, 1); /* text does not touch the line */
	l->detail = body;
}

static void split_tall(struct layout *l, struct rect body)
{
	l->list = rect_cut_top(&body, body.h * 2 / 5);
	l->detail = body; /* its title line divides enough */
}

struct layout layout_compute(const struct layout_request *r)
{
	struct layout l = {0};
	struct rect body = {0, 0, r->rows, r->cols};

	if (r->rows < LAYOUT_MIN_ROWS || r->cols < LAYOUT_MIN_COLS) {
		l.too_small = true;
		return l;
	}
	l.top = rect_cut_top(&body, 1);
	if (r->banner)
		l.banner = rect_cut_top(&body, 1);
	l.hints = rect_cut_bottom(&body, 1);
	if (!r->zoomed && r->cols >= LAYOUT_WIDE)
		split_wide(&l, body, clamp(r->list_percent, 20, 80));
	else if (!r->zoomed && r->rows >= LAYOUT_TALL)
		split_tall(&l, body);
	else if (r->on_detail)
		l.detail = body;
	else
		l.list = body;
	return l;
}
