/* A screen from the inside. Private to screen*.c. */
#ifndef TARE_TUI_SCREEN_PRIVATE_H
#define TARE_TUI_SCREEN_PRIVATE_H

#include <stdio.h>
#include <termios.h>

#include "base/buf.h"
#include "tui/screen.h"
#include "tui/screen_cells.h"

struct screen_pairs;

struct screen {
	struct cells cells;
	struct screen_options options;
	enum colour_depth depth;
	int given, tty; /* the caller's descriptor; ours, not blocking; -1: a screen in memory */
	int flags;      /* of the caller's descriptor, when that had to become non-blocking; else -1 */
	struct termios saved;
	struct buf enter, leave; /* what switches the terminal over, and back */
	void *curses;            /* SCREEN */
	FILE *out;               /* what ncurses writes to */
	struct screen_pairs *pairs;
	struct buf frame;  /* bytes of this frame; what is left of it when the terminal didn't take all */
	size_t written;    /* of `frame` */
	struct buf queued; /* bell, title, clipboard: goes with the next flush */
	bool behind;       /* the terminal did not take all of it */
	bool repaint;      /* everything anew */
	bool away;         /* suspended */
	bool mouse, understands_osc;
	int cursor_y, cursor_x; /* as shown */
};

/* screen_terminal.c: termios and what switches modes. */
int tty_open(struct screen *s, const char *term, struct err *e);
void tty_close(struct screen *s);
void tty_size(const struct screen *s, int *rows, int *cols);
int tty_enter(struct screen *s, struct err *e);
void tty_leave(struct screen *s);
/* Write what is left of the frame: 0, 1 when some is left, -1 when the terminal is gone. */
int tty_write(struct screen *s);

/* screen_curses.c: ncurses, drawing into a file. */
int curses_open(struct screen *s, const char *term, struct err *e);
void curses_close(struct screen *s);
void curses_resize(struct screen *s);
void curses_draw(struct screen *s, bool everything); /* appends to `frame` */

#endif
