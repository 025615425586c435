/* How a form looks. */
#ifndef TARE_TUI_FORM_DRAW_H
#define TARE_TUI_FORM_DRAW_H

#include "tui/form.h"

#define FORM_CANDIDATES 6 /* shown beneath a field */

void form_draw(struct view *v, const struct canvas *c, bool focused);
struct rect form_place(struct view *v, int rows, int cols);

#endif
