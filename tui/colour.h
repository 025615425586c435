/* Bringing colours down to what a terminal has. */
#ifndef TARE_TUI_COLOUR_H
#define TARE_TUI_COLOUR_H

#include <stdint.h>

#include "tui/screen.h"
#include "tui/style.h"

/* The nearest of xterm's 256 or 16 colours to 0xRRGGBB. */
int colour_nearest_256(uint32_t rgb);
int colour_nearest_16(uint32_t rgb);
/* 0xRRGGBB of an entry of xterm's palette. */
uint32_t colour_of_256(int i);
/* The number that ncurses gets with the terminal entry of screen_entry.c: -1 the default, 0..255 palette,
 * 256 + 0xRRGGBB. */
int colour_number(colour c, enum colour_depth depth);

#endif
