/* One line of a log on the screen: its own colours kept, level, keys, highlight rules and search hits laid
 * over. The same walk through the text serves for drawing, for its height and for what a mouse selection
 * copies. */
#ifndef TARE_TUI_LOG_PAINT_H
#define TARE_TUI_LOG_PAINT_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "tui/canvas.h"
#include "tui/theme.h"

struct buf;
struct log_pattern;

#define LOG_RULES_MAX 32
/* The highlight rules of a theme, compiled once. */
struct log_rules {
	const struct theme *theme;
	struct {
		regex_t regex;
		struct style style;
	} v[LOG_RULES_MAX];
	size_t n;
};
void log_rules_set(struct log_rules *r, const struct theme *t);
void log_rules_free(struct log_rules *r);

/* How lines look now. */
struct log_look {
	const struct theme *theme;
	const struct log_rules *rules;
	const struct log_pattern *search; /* or NULL */
	bool wrap;
	bool lines;   /* a newline in the text begins a new row (laid out text) */
	bool keys;    /* colour keys and values of JSON and logfmt */
	bool dim;     /* context of a match */
	bool current; /* its hits are the current ones */
	int left;     /* columns scrolled off, when not wrapped */
};

/* Rows that it takes in `width` columns, at least 1, at most `most`. */
int log_paint_height(const struct log_look *look, const char *text, size_t len, int width, int most);
/* Draw from its row `skip` on, from row y of the canvas. */
void log_paint(
        const struct log_look *look, const struct canvas *c, int y, int skip, const char *text, size_t len);

/* Append the text of the cells from (row, col) up to (not with) (to_row, to_col), rows of one line joined. */
struct log_cells {
	int row, col, to_row, to_col;
};
void log_paint_copy(const struct log_look *look, int width, const struct log_cells *cells, const char *text,
        size_t len, struct buf *out);

#endif
