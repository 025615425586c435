/* A pane of text lines: scrolling both ways, wrapping, search, and selecting by mouse to copy. Views that
 * show text (inspect, environment, files, output of commands) have one and give it a source of lines.
 *
 * With a cursor one line is selected; without, the text only scrolls. */
#ifndef TARE_TUI_TEXT_VIEW_H
#define TARE_TUI_TEXT_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/action.h"
#include "tui/canvas.h"
#include "tui/input.h"
#include "tui/text_lines.h"

struct app;
struct buf;
struct err;
struct view;

#define TEXT_SEARCH_MAX 128

/* The lines; a span's text stays valid until the source changes. */
struct text_source {
	size_t (*count)(void *arg);
	void (*line)(void *arg, size_t i, struct text_line *out);
	/* What is searched for from now on ("": nothing any more); a source with hidden lines opens them.
	 * Optional. */
	void (*searched)(void *arg, const char *needle);
	void *arg;
};

struct text_spot {
	size_t line, flat;
};

struct text_pane {
	struct app *app;
	struct text_source source;
	bool has_cursor, wrap;
	size_t cursor;       /* with has_cursor */
	size_t top, top_row; /* the first line shown, and which of its display rows */
	int left;            /* columns scrolled to the right */
	char search[TEXT_SEARCH_MAX];
	size_t n_matches, match; /* lines that match; the one at the cursor, from 1, 0: none */
	bool is_selecting, has_selection;
	struct text_spot anchor, head;
	int h, w; /* of the last frame */
};

void text_pane_init(struct text_pane *p, struct app *a, const struct text_source *source, bool has_cursor);
void text_pane_draw(struct text_pane *p, const struct canvas *c, bool focused);
/* Scrolling, search, wrap; VIEW_ bits. */
unsigned text_pane_act(struct text_pane *p, enum action a);
unsigned text_pane_mouse(struct text_pane *p, const struct mouse *m);
/* The lines are others now: keeps position and search where they still make sense. */
void text_pane_changed(struct text_pane *p);
void text_pane_reset(struct text_pane *p); /* to the beginning, nothing selected or searched */
void text_pane_go(struct text_pane *p, size_t line);
void text_pane_search(struct text_pane *p, const char *needle);
/* "3/17" of a search, else "line 12/345"; appends to dst. */
void text_pane_status(const struct text_pane *p, char *dst, size_t size);
void text_pane_scroll(struct text_pane *p, long rows); /* display rows; the cursor stays */
struct text_line text_pane_line(const struct text_pane *p, size_t i);
size_t text_pane_rows(const struct text_pane *p, size_t i);
/* The selected part of line i, as flat offsets; false: none of it is. */
bool text_pane_selected(const struct text_pane *p, size_t i, size_t *from, size_t *to);
/* What the mouse selected; false: nothing. */
bool text_pane_selection(const struct text_pane *p, struct buf *out);
int text_pane_save(const struct text_pane *p, int fd, struct err *e);

/* A text of many lines, cut into lines once; tabs become blanks, carriage returns and SGR sequences go. */
struct text_block {
	char *text;
	size_t *starts; /* n + 1 */
	size_t n;
	bool cut; /* more than TEXT_BLOCK_MAX */
	struct app *app;
};
#define TEXT_BLOCK_MAX ((size_t)4 << 20)
int text_block_set(struct text_block *b, struct app *a, const char *text, size_t len);
void text_block_free(struct text_block *b);
struct text_source text_block_source(struct text_block *b);

/* A dialog that shows a text: the output of a command. */
struct view *text_dialog_new(struct app *a, const char *title, const char *text);

#endif
