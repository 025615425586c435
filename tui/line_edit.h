/* A line of text being typed: the editing keys of a shell, UTF-8, horizontal scrolling. No memory of its own
 * but the struct. */
#ifndef TARE_TUI_LINE_EDIT_H
#define TARE_TUI_LINE_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/canvas.h"
#include "tui/input.h"

#define LINE_EDIT_MAX 4096

struct line_edit {
	char text[LINE_EDIT_MAX];   /* well-formed UTF-8 without controls, terminated */
	size_t len, at;             /* bytes; at: the cursor */
	size_t scroll;              /* the first byte shown; kept by line_edit_draw() */
	char killed[LINE_EDIT_MAX]; /* what ^W ^U ^K took, for ^Y */
	bool is_secret;             /* drawn as dots */
};

void line_edit_set(struct line_edit *l, const char *text); /* cursor at the end */
/* False: not a key of text editing (Enter, Tab, Esc, up, down, F-keys, …). */
bool line_edit_key(struct line_edit *l, struct key k);
/* Insert at the cursor; controls become blanks or go, ill-formed bytes go. */
void line_edit_insert(struct line_edit *l, const char *text, size_t len);
/* Replace the bytes from `from` to the cursor: completion. */
void line_edit_replace(struct line_edit *l, size_t from, const char *text);
/* w columns at (y, x). The placeholder is shown while the text is empty. The cursor is set when focused. */
struct line_edit_style {
	struct style text, placeholder;
};
void line_edit_draw(struct line_edit *l, const struct canvas *c, int y, int x, int w, const char *placeholder,
        struct line_edit_style s, bool focused);
/* All that it holds, so that a secret does not stay in memory. */
void line_edit_wipe(struct line_edit *l);
/* A click in column `col` of what was drawn. */
void line_edit_click(struct line_edit *l, int col);

#endif
