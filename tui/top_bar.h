/* The first line: the panels with their counts, and at the right how the host fares. */
#ifndef TARE_TUI_TOP_BAR_H
#define TARE_TUI_TOP_BAR_H

#include "tui/app_core.h"

void top_bar_draw(struct app *a, const struct canvas *c);
bool top_bar_is_badge(struct app *a, int x);       /* the badge that counts alerts */
enum panel top_bar_panel_at(struct app *a, int x); /* PANEL_N: none */

#endif
