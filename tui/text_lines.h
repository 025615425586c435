/* Lines of styled text: where a column is, where a line breaks, where a word is found. Nothing here draws or
 * allocates. A position within a line is a flat offset: bytes over all its spans. */
#ifndef TARE_TUI_TEXT_LINES_H
#define TARE_TUI_TEXT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/style.h"

#define TEXT_SPANS_MAX 8
#define TEXT_LINE_MAX  ((size_t)16 << 10) /* bytes of one span that are looked at */

struct text_span {
	const char *text; /* foreign bytes */
	size_t len;
	struct style style;
};
struct text_line {
	struct text_span spans[TEXT_SPANS_MAX];
	size_t n;
};

/* Adds a span, cut at TEXT_LINE_MAX; more than TEXT_SPANS_MAX are dropped. */
void text_line_add(struct text_line *l, const char *text, size_t len, struct style s);

/* A place within a line. */
struct text_place {
	size_t span, byte, flat;
};
/* Moves `at` past as many characters as fit into `cols` columns, at least one when there is any; returns the
 * columns passed. */
int text_line_advance(const struct text_line *l, struct text_place *at, int cols);
bool text_line_ended(const struct text_line *l, const struct text_place *at);
/* Display rows at a width of `cols`; at least 1. */
size_t text_line_rows(const struct text_line *l, int cols);
/* The beginning of display row `row`. */
struct text_place text_line_row(const struct text_line *l, size_t row, int cols);
/* Columns of bytes, as a canvas counts them. */
int text_columns(const char *text, size_t len);

/* The first `needle` in text, or NULL. A needle without capitals matches both cases (ASCII). */
const char *text_find(const char *text, size_t len, const char *needle);
bool text_line_matches(const struct text_line *l, const char *needle);

#endif
