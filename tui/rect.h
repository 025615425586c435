/* Rectangles of character cells. */
#ifndef TARE_TUI_RECT_H
#define TARE_TUI_RECT_H

#include <stdbool.h>

struct rect {
	int y, x, h, w; /* h or w 0: not shown */
};

static inline bool rect_has(struct rect r, int y, int x)
{
	return y >= r.y && y < r.y + r.h && x >= r.x && x < r.x + r.w;
}

static inline bool rect_is_empty(struct rect r)
{
	return r.h <= 0 || r.w <= 0;
}

/* Take `n` rows off one side of *r and return them; never more than there are. */
static inline struct rect rect_cut_top(struct rect *r, int n)
{
	int k = n < r->h ? n : r->h;
	struct rect cut = {r->y, r->x, k, r->w};

	r->y += k;
	r->h -= k;
	return cut;
}

static inline struct rect rect_cut_bottom(struct rect *r, int n)
{
	int k = n < r->h ? n : r->h;

	r->h -= k;
	return (struct rect){r->y + r->h, r->x, k, r->w};
}

static inline struct rect rect_cut_left(struct rect *r, int n)
{
	int k = n < r->w ? n : r->w;
	struct rect cut = {r->y, r->x, r->h, k};

	r->x += k;
	r->w -= k;
	return cut;
}

static inline struct rect rect_cut_right(struct rect *r, int n)
{
	int k = n < r->w ? n : r->w;

	r->w -= k;
	return (struct rect){r->y, r->x + r->w, r->h, k};
}

#endif
