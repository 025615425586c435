/* A graph in one row of text. */
#ifndef TARE_TUI_SPARKLINE_H
#define TARE_TUI_SPARKLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/canvas.h"
#include "tui/theme.h"

struct sparkline {
	enum graph_symbols symbols;
	double top;   /* the value that reaches the upper edge; at least the largest is best */
	double limit; /* what the colours are shares of; 0: always the low one */
	struct style low, middle, high;
};

/* How many values fill `w` columns. */
size_t sparkline_values(const struct sparkline *s, int w);
/* The newest value stands at the right; NAN leaves a gap. */
void sparkline_draw(const struct sparkline *s, const struct canvas *c, int y, int x, int w,
        const double *values, size_t n);
/* The style for a share of a limit, NAN: not known. */
struct style share_style(const struct sparkline *s, double share);

#endif
