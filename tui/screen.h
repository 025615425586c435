/* The terminal: set-up, frames, tear-down. Nothing else of the dashboard knows ncurses.
 *
 * ncurses draws into a buffer of ours; screen_flush() writes what one frame came to with a single write,
 * bracketed as a synchronized update where the terminal has that, and nothing at all when nothing changed.
 * The terminal is put back as it was after every exit, signal, crash and ^Z (the restore string is computed
 * beforehand and written with write(2), since endwin() is not async-signal-safe). */
#ifndef TARE_TUI_SCREEN_H
#define TARE_TUI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/canvas.h"

struct buf;
struct err;
struct screen;

enum colour_depth { DEPTH_AUTO, DEPTH_MONO, DEPTH_16, DEPTH_256, DEPTH_TRUE };

struct screen_options {
	enum colour_depth depth; /* AUTO: NO_COLOR, COLORTERM, terminfo */
	bool ascii;              /* no line drawing, no braille, no wide glyphs of our own */
	bool mouse;
	bool screen_reader; /* no alternate screen switch effects, hardware cursor shown */
};

/* tty: a descriptor of the terminal, both ways. NULL with e where there is no usable terminal (TERM unset,
 * "dumb", not a terminal). */
struct screen *screen_open(int tty, const struct screen_options *o, struct err *e);
void screen_close(struct screen *s); /* NULL allowed; restores the terminal */
/* A screen without a terminal, for tests: drawing and screen_text() work, a flush writes nothing. */
struct screen *screen_open_memory(int rows, int cols, bool ascii, struct err *e);

int screen_rows(const struct screen *s);
int screen_cols(const struct screen *s);
bool screen_is_ascii(const struct screen *s);
enum colour_depth screen_depth(const struct screen *s);
/* To read from and to wait for: not blocking, and not the descriptor that was given. -1 without a terminal.
 */
int screen_tty(const struct screen *s);

/* Ask the kernel for the size; true when it changed. 0x0 counts as 80x24. */
bool screen_resize(struct screen *s);

/* A frame: begin (blank, cursor hidden), draw on the canvas, flush. */
struct canvas screen_begin(struct screen *s);
/* Bytes written (0: nothing had changed), or -1 when the terminal is gone. When the terminal has not taken
 * all of the last frame yet, nothing is written and screen_is_behind() says so: frames are dropped, never
 * queued. */
long screen_flush(struct screen *s);
bool screen_is_behind(const struct screen *s);
/* Write more of the last frame: 0 when all of it is out, 1 when some is left, -1 when the terminal is gone.
 */
int screen_catch_up(struct screen *s);
void screen_redraw_all(struct screen *s); /* the next flush repaints everything (^L) */

/* What the last frame shows within r, as lines of text without blanks at their ends: for copying and saving.
 */
void screen_text(const struct screen *s, struct rect r, struct buf *out);

/* ^Z, and a command that wants the terminal for itself: leave and come back. */
void screen_suspend(struct screen *s);
void screen_resume(struct screen *s);
/* Suspend the whole program as ^Z does; returns after SIGCONT. */
void screen_stop(struct screen *s);

/* For loop_stuck(): put the terminal back from within a signal handler. */
void screen_rescue(int sig);

void screen_mouse(struct screen *s, bool on);
void screen_bell(struct screen *s);
/* OSC 52 (base64, at most 74,994 bytes of it). False when it is too long. Harmless where not understood. */
bool screen_copy(struct screen *s, const char *text, size_t len);
/* OSC 9: a desktop notification where the terminal knows it. Text is made harmless. */
void screen_notify(struct screen *s, const char *text);
void screen_title(struct screen *s, const char *text);

#endif
