/* A graph in one row of text: eighth blocks, braille with two values a cell, or a ramp of ASCII signs. */
#include "tui/sparkline.h"

#include <math.h>

#define MIDDLE_FROM 0.60
#define HIGH_FROM   0.85

struct style share_style(const struct sparkline *s, double share)
{
	return share >= HIGH_FROM ? s->high : share >= MIDDLE_FROM ? s->middle : s->low;
}

size_t sparkline_values(const struct sparkline *s, int w)
{
	return w <= 0 ? 0 : s->symbols == GRAPH_BRAILLE ? 2 * (size_t)w : (size_t)w;
}

/* 1…steps; 0: not known. The smallest value still shows: there is something. */
static int level(const struct sparkline *s, double v, int steps)
{
	int n;

	if (isnan(v))
		return 0;
	n = s->top > 0 ? (int)ceil(v / s->top * steps) : 1;
	return n < 1 ? 1 : n > steps ? steps : n;
}

static uint32_t braille(int left, int right)
{
	/* dots from below: 7 3 2 1 at the left, 8 6 5 4 at the right */
	static const uint8_t lefts[] = {0, 0x40, 0x44, 0x46, 0x47};
	static const uint8_t rights[] = {0, 0x80, 0xa0, 0xb0, 0xb8};

	return 0x2800u + lefts[left] + rights[right];
}

static uint32_t symbol(const struct sparkline *s, const double *values)
{
	static const char ramp[] = " _.-:=+*#";
	int n;

	switch (s->symbols) {
	case GRAPH_BRAILLE:
		return braille(level(s, values[0], 4), level(s, values[1], 4));
	case GRAPH_BLOCK:
		n = level(s, values[0], 8);
		return n ? 0x2580u + (uint32_t)n : ' ';
	default:
		return (uint32_t)ramp[level(s, values[0], 8)];
	}
}

void sparkline_draw(const struct sparkline *s, const struct canvas *c, int y, int x, int w,
        const double *values, size_t n)
{
	size_t per_cell = s->symbols == GRAPH_BRAILLE ? 2 : 1;

	for (int i = 0; i < w && (size_t)(i + 1) * per_cell <= n; i++) {
		const double *v = values + (size_t)i * per_cell;
		double most = per_cell == 2 ? fmax(v[0], v[1]) : v[0]; /* of a number and NAN the number */
		uint32_t cp = symbol(s, v);

		if (cp != ' ' && cp != 0x2800u)
			canvas_char(c, y, x + i, cp, share_style(s, s->limit > 0 ? most / s->limit : 0));
	}
}
