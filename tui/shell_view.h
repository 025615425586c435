/* The pane of a shell: the inside, shared by shell_view.c (what is seen) and shell_input.c (what is done). */
#ifndef TARE_TUI_SHELL_VIEW_H
#define TARE_TUI_SHELL_VIEW_H

#include "tui/shells.h"
#include "tui/terminal.h"
#include "tui/view.h"

enum shell_mode {
	SHELL_LIVE,   /* keys go to the child */
	SHELL_PEEK,   /* scrolled back by the wheel: a key of the child's ends it */
	SHELL_BROWSE, /* scrolled back by the prefix: keys scroll */
};

struct shell_view {
	struct view view;
	struct object shown; /* what it was told to show last */
	unsigned number;     /* what it shows: another one after "next" */
	bool is_visible, had_focus, prefixed;
	enum shell_mode mode;
	int64_t first; /* the topmost line, when scrolled back */

	/* the mouse's */
	bool is_selecting, has_selection, forwarding;
	struct term_place anchor, head;

	/* as drawn last */
	struct rect body;
	int strip; /* rows of tabs: 0 or 1 */
};

struct shell *shell_view_shell(const struct shell_view *v); /* NULL: none, or closed */
void shell_view_switch(struct shell_view *v, unsigned number);
struct key shell_view_prefix(const struct shell_view *v);
int64_t shell_view_first(const struct shell_view *v, const struct shell *sh);
/* The selection in reading order; false: none. */
bool shell_view_selection(const struct shell_view *v, struct term_place *from, struct term_place *to);
/* The shell whose tab is in this column of the strip, or 0. */
unsigned shell_view_tab_at(const struct shell_view *v, int x);

/* shell_input.c */
unsigned shell_view_key(struct view *view, struct key k);
unsigned shell_view_act(struct view *view, enum action a);
unsigned shell_view_mouse(struct view *view, const struct mouse *m);
unsigned shell_view_paste(struct view *view, const char *text, size_t len);

#endif
