/* Characters that are drawings: lines, blocks and braille. A font rarely makes them meet at the edges of the
 * cells, as terminals do; so they are drawn as shapes. */
#ifndef TARE_TESTS_TUI_PICTURE_SHAPE_H
#define TARE_TESTS_TUI_PICTURE_SHAPE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

bool shape_is(uint32_t cp);
/* Adds it to the data of an SVG path that is filled; the cell's corner, width and height. */
void shape_path(FILE *f, uint32_t cp, double x, double y, double w, double h);

#endif
