/* What a terminal shows, as text, as runs of colour, and as a picture. */
#ifndef TARE_TESTS_TUI_PICTURE_H
#define TARE_TESTS_TUI_PICTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <vterm.h>

struct picture {
	VTermScreen *screen;
	int rows, cols;
	bool cursor; /* shown, at */
	int cursor_row, cursor_col;
};

bool picture_has(const struct picture *p, const char *text); /* within one row */
void picture_text(const struct picture *p, FILE *f);         /* without blanks at the ends of rows */
void picture_styles(const struct picture *p, FILE *f);       /* a letter per cell, and what each looks like */
void picture_svg(const struct picture *p, FILE *f);

#endif
