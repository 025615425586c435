#include "tests/tui/picture_shape.h"

static void box(FILE *f, double x, double y, double w, double h)
{
	fprintf(f, "M%.2f %.2fh%.2fv%.2fh%.2fz", x, y, w, h, -w);
}

/* ------------------------------------------------------------------ lines */

enum { LEFT = 1, RIGHT = 2, UP = 4, DOWN = 8, HEAVY = 16 };

static unsigned arms_of(uint32_t cp)
{
	static const struct {
		uint16_t cp;
		uint8_t arms;
	} table[] = {{0x2500, LEFT | RIGHT}, {0x2501, LEFT | RIGHT | HEAVY}, {0x2502, UP | DOWN},
	        {0x2503, UP | DOWN | HEAVY}, {0x250c, RIGHT | DOWN}, {0x2510, LEFT | DOWN},
	        {0x2514, RIGHT | UP}, {0x2518, LEFT | UP}, {0x251c, RIGHT | UP | DOWN},
	        {0x2524, LEFT | UP | DOWN}, {0x252c, LEFT | RIGHT | DOWN}, {0x2534, LEFT | RIGHT | UP},
	        {0x253c, LEFT | RIGHT | UP | DOWN}};

	for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].cp == cp)
			return table[i].arms;
	return 0;
}

static void lines(FILE *f, unsigned arms, double x, double y, double w, double h)
{
	double t = arms & HEAVY ? 2.6 : 1.1, cx = x + w / 2 - t / 2, cy = y + h / 2 - t / 2;

	if (arms & (LEFT | RIGHT))
		box(f, arms & LEFT ? x : cx, cy,
		        arms & LEFT && arms & RIGHT ? w
		        : arms & LEFT               ? cx - x + t
		                                    : x + w - cx,
		        t);
	if (arms & (UP | DOWN))
		box(f, cx, arms & UP ? y : cy, t,
		        arms & UP && arms & DOWN ? h
		        : arms & UP              ? cy - y + t
		                                 : y + h - cy);
}

/* ------------------------------------------------------------------ blocks, braille */

static void shade(FILE *f, unsigned quarters, double x, double y, double w, double h)
{
	for (int row = 0; row < 8; row++)
		for (int col = row % 2; col < 4; col += 2)
			box(f, x + col * w / 4, y + row * h / 8, w / 4 * (quarters == 1 ? 0.6 : 1),
			        h / 8 * (quarters == 3 ? 1.5 : 1));
}

static void block(FILE *f, uint32_t cp, double x, double y, double w, double h)
{
	double eighths;

	if (cp == 0x2580) {
		box(f, x, y, w, h / 2);
	} else if (cp <= 0x2588) {
		eighths = (double)(cp - 0x2580) / 8;
		box(f, x, y + h * (1 - eighths), w, h * eighths);
	} else if (cp <= 0x258f) {
		box(f, x, y, w * (double)(0x2590 - cp) / 8, h);
	} else if (cp == 0x2590) {
		box(f, x + w / 2, y, w / 2, h);
	} else if (cp <= 0x2593) {
		shade(f, cp - 0x2590, x, y, w, h);
	} else if (cp == 0x2594) {
		box(f, x, y, w, h / 8);
	} else {
		box(f, x + w * 7 / 8, y, w / 8, h);
	}
}

static void braille(FILE *f, unsigned bits, double x, double y, double w, double h)
{
	/* dots 1 to 8: column, row */
	static const unsigned char place[8][2] = {
	        {0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {0, 3}, {1, 3}};

	for (int i = 0; i < 8; i++)
		if (bits >> i & 1)
			box(f, x + (place[i][0] + 0.15) * w / 2, y + (place[i][1] + 0.15) * h / 4,
			        w / 2 * 0.7, h / 4 * 0.7);
}

bool shape_is(uint32_t cp)
{
	return arms_of(cp) || (cp >= 0x2580 && cp <= 0x2595) || (cp > 0x2800 && cp <= 0x28ff);
}

void shape_path(FILE *f, uint32_t cp, double x, double y, double w, double h)
{
	if (cp >= 0x2800)
		braille(f, cp & 0xff, x, y, w, h);
	else if (cp >= 0x2580)
		block(f, cp, x, y, w, h);
	else
		lines(f, arms_of(cp), x, y, w, h);
}
