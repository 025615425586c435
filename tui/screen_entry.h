/* A terminal description of our own. Private to screen*.c. */
#ifndef TARE_TUI_SCREEN_ENTRY_H
#define TARE_TUI_SCREEN_ENTRY_H

#include <stdbool.h>

struct buf;

/* Append the value of TERMINFO that describes the terminal that setupterm() has loaded, under the name
 * `term`, with `colours` colours: 256, or SCREEN_TRUE_COLOURS for numbers as colour_number() makes them. */
#define SCREEN_TRUE_COLOURS (256 + (1 << 24))
bool screen_entry(struct buf *out, const char *term, int colours);

#endif
