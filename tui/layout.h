/* Where everything goes: a pure function of rows, columns and settings. */
#ifndef TARE_TUI_LAYOUT_H
#define TARE_TUI_LAYOUT_H

#include <stdbool.h>

#include "tui/rect.h"

#define LAYOUT_MIN_ROWS 10
#define LAYOUT_MIN_COLS 40
#define LAYOUT_WIDE     100 /* columns from which list and detail stand side by side */
#define LAYOUT_TALL     36  /* rows from which a narrow screen has the detail below the list */

struct layout_request {
	int rows, cols;
	int list_percent; /* the list's share of a wide screen */
	bool banner;      /* a line that stays, for the simulated engine */
	bool on_detail;   /* where only one fits: the detail, not the list */
	bool zoomed;      /* the focused one alone, whatever fits */
};

struct layout {
	bool too_small;
	struct rect top, banner, list, divider, detail, hints; /* empty: not shown */
};

struct layout layout_compute(const struct layout_request *r);

#endif
