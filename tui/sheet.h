/* Lines of words in a theme's colours, for a text pane: made when what they tell is another, never while
 * drawing. Words may be foreign bytes: the pane makes them harmless. */
#ifndef TARE_TUI_SHEET_H
#define TARE_TUI_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "tui/text_view.h"
#include "tui/theme.h"

#define SHEET_LINES_MAX 1000
#define SHEET_LABEL     14 /* columns of what stands before a value */

struct sheet {
	struct app *app;
	struct buf text, words, lines; /* bytes; struct sheet_word; first words as uint32_t */
	uint64_t hash;                 /* of what was shown before */
};
/* clang-format off */
#define SHEET_INIT(a) {.app = (a)}
/* clang-format on */

void sheet_free(struct sheet *s);
void sheet_clear(struct sheet *s);
/* The next line; what is added goes to its end. Lines beyond SHEET_LINES_MAX are dropped. */
void sheet_line(struct sheet *s);
/* The next line, with a label (NULL: none), so that values stand beneath each other. */
void sheet_label(struct sheet *s, const char *label);
void sheet_heading(struct sheet *s, const char *text);
void sheet_add(struct sheet *s, enum theme_element el, const char *text, size_t len);
void sheet_str(struct sheet *s, enum theme_element el, const char *text);
void sheet_printf(struct sheet *s, enum theme_element el, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
void sheet_glyph(struct sheet *s, enum theme_element el, enum glyph g);
/* A share of `width` columns. */
void sheet_bar(struct sheet *s, double share, int width, enum theme_element el);
/* All is said: is it another text than before? */
bool sheet_is_other(struct sheet *s);
struct text_source sheet_source(struct sheet *s);

#endif
