/* Colour pairs: ncurses wants a number for each combination of foreground and background. Private to
 * screen*.c. */
#ifndef TARE_TUI_SCREEN_PAIRS_H
#define TARE_TUI_SCREEN_PAIRS_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/screen.h"
#include "tui/style.h"

struct screen_pairs;

/* start_color() must have been called. NULL: out of memory, or no colours. */
struct screen_pairs *pairs_new(enum colour_depth depth);
void pairs_free(struct screen_pairs *p);
/* The pair of these two; *bright: the terminal has 8 colours and the foreground is one of the bright ones. */
int pairs_of(struct screen_pairs *p, colour fg, colour bg, bool *bright);
bool pairs_are_full(const struct screen_pairs *p);
void pairs_reset(struct screen_pairs *p);

#endif
