/* A bar that fills from the left, and the line around it: whose it is, how far, how fast, how long still. */
#ifndef TARE_TUI_PROGRESS_BAR_H
#define TARE_TUI_PROGRESS_BAR_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/canvas.h"
#include "tui/theme.h"

struct app;

/* w columns at (y, x), three at least. share: 0 to 1, NAN: not known; full: how the full part looks; `on`:
 * what it lies on. */
void progress_bar_draw(struct app *a, const struct canvas *c, int y, int x, int w, double share,
        enum theme_element full, struct style on);

struct progress_line {
	const char *name;
	int name_width;    /* columns it would like, so that bars of several lines stand in one column */
	const char *phase; /* or NULL */
	double share;      /* NAN: not known */
	uint64_t rate;     /* bytes a second, 0: not known */
	int64_t eta;       /* seconds, -1: not known */
	bool complete;
};
/* In the one row of r. Where it is narrow the phase goes first, then the time left, the rate and the bar;
 * what stays is the name and how far. */
void progress_line_draw(
        struct app *a, const struct canvas *c, struct rect r, const struct progress_line *l, struct style on);

#endif
