/* ncurses as a machine that knows what a terminal shows and says the bytes that change it: it writes into a
 * file of ours and never sees the terminal. */
#ifdef _GNU_SOURCE
#include <sys/mman.h>
#else
#define _XOPEN_SOURCE 700
#endif
#define NCURSES_WIDECHAR 1
#include "tui/screen_private.h"

#include <curses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "base/err.h"
#include "base/text.h"
#include "tui/screen_entry.h"
#include "tui/screen_pairs.h"

#define REPLACEMENT 0xfffdu

static FILE *open_output(void)
{
#ifdef _GNU_SOURCE
	int fd = memfd_create("tare-tui frame", MFD_CLOEXEC);
	FILE *f = fd >= 0 ? fdopen(fd, "r+") : NULL;

	if (f)
		return f;
	if (fd >= 0)
		close(fd);
#endif
	return tmpfile();
}

static int colours_of(enum colour_depth depth)
{
	return depth == DEPTH_TRUE ? SCREEN_TRUE_COLOURS : 256;
}

/* newterm() catches signals that nobody else does; ours are to stay with us. */
static const int curses_signals[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
#define N_CURSES_SIGNALS (sizeof(curses_signals) / sizeof(*curses_signals))

static char *take_env(const char *name)
{
	const char *value = getenv(name);
	char *copy = value ? strdup(value) : NULL;

	unsetenv(name);
	return copy;
}

static void give_env(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

/* The size is told later, by resize_term(). LINES and COLUMNS could be anything; use_env(FALSE) would also
 * keep ncurses from 24x80 where terminfo has no size, as for the Linux console. */
static SCREEN *new_terminal(const char *term, FILE *out)
{
	cleanup_free char *rows = take_env("LINES"), *cols = take_env("COLUMNS");
	struct sigaction before[N_CURSES_SIGNALS];
	SCREEN *sc;

	for (size_t i = 0; i < N_CURSES_SIGNALS; i++)
		sigaction(curses_signals[i], NULL, &before[i]);
	sc = newterm(term, out, out);
	give_env("LINES", rows);
	give_env("COLUMNS", cols);
	for (size_t i = 0; i < N_CURSES_SIGNALS; i++)
		sigaction(curses_signals[i], &before[i], NULL);
	return sc;
}

/* With an entry of ours where terminfo's has too few colours. TERMINFO is put back for our children. */
static SCREEN *new_terminal_with(const char *term, int colours, FILE *out)
{
	cleanup_buf struct buf entry = BUF_INIT;
	cleanup_free char *before = NULL;
	SCREEN *sc;

	if (!screen_entry(&entry, term, colours))
		return NULL;
	before = take_env("TERMINFO");
	sc = setenv("TERMINFO", buf_str(&entry), 1) == 0 ? new_terminal(term, out) : NULL;
	give_env("TERMINFO", before);
	return sc;
}

static void start_colours(struct screen *s)
{
	if (s->depth == DEPTH_MONO || start_color() == ERR || COLORS < 8) {
		s->depth = DEPTH_MONO;
		return;
	}
	use_default_colors();
	if (s->depth == DEPTH_TRUE && COLORS < SCREEN_TRUE_COLOURS)
		s->depth = DEPTH_256;
	if (s->depth == DEPTH_256 && COLORS < 256)
		s->depth = DEPTH_16;
	s->pairs = pairs_new(s->depth);
	if (!s->pairs)
		s->depth = DEPTH_MONO;
}

/* Forget what ncurses wrote so far. */
static void drop_output(struct screen *s)
{
	fflush(s->out);
	lseek(fileno(s->out), 0, SEEK_SET);
}

int curses_open(struct screen *s, const char *term, struct err *e)
{
	s->out = open_output();
	if (!s->out)
		return err_sys(e, "cannot make a buffer for the screen");
	if (s->depth > DEPTH_16 && tigetnum("colors") < colours_of(s->depth))
		s->curses = new_terminal_with(term, colours_of(s->depth), s->out);
	if (!s->curses)
		s->curses = new_terminal(term, s->out);
	if (!s->curses)
		return err_set(e, ERR_UNSUPPORTED, "ncurses cannot use this terminal (TERM=%s)", term);
	typeahead(-1);
	start_colours(s);
	scrollok(stdscr, FALSE);
	/* What newterm() and a first update write is not needed: tty_enter() does that itself. */
	refresh();
	drop_output(s);
	return 0;
}

void curses_close(struct screen *s)
{
	if (s->curses) {
		endwin();
		delscreen(s->curses);
	}
	if (s->out)
		fclose(s->out);
	pairs_free(s->pairs);
}

void curses_resize(struct screen *s)
{
	resize_term(s->cells.rows, s->cells.cols);
	drop_output(s);
}

/* ---------------------------------------------------------------- a frame */

static attr_t attributes_of(uint8_t attr)
{
	static const struct {
		uint8_t ours;
		attr_t theirs;
	} map[] = {{ATTR_BOLD, A_BOLD}, {ATTR_DIM, A_DIM}, {ATTR_ITALIC, A_ITALIC},
	        {ATTR_UNDERLINE, A_UNDERLINE}, {ATTR_REVERSE, A_REVERSE}};
	attr_t a = 0;

	for (size_t i = 0; i < sizeof(map) / sizeof(*map); i++)
		if (attr & map[i].ours)
			a |= map[i].theirs;
	return a;
}

/* ncurses reckons columns with wcwidth(); where that disagrees with us both would lose their place. */
static void glyph_of(const struct cells *cells, const struct cell *cell, wchar_t text[CELL_MARKS + 2])
{
	const struct cell_marks *marks = &cells->marks[cell->marks];
	size_t n = 0;

	text[n++] = (wchar_t)cell->cp;
	if (cell->cp >= 0x80 && wcwidth((wchar_t)cell->cp) != cell->width)
		text[0] = cells->ascii ? '?' : (wchar_t)REPLACEMENT;
	for (int i = 0; cell->marks && i < CELL_MARKS && marks->cp[i]; i++)
		if (wcwidth((wchar_t)marks->cp[i]) == 0)
			text[n++] = (wchar_t)marks->cp[i];
	text[n] = 0;
}

static void draw_cell(struct screen *s, int y, int x, const struct cell *cell)
{
	wchar_t text[CELL_MARKS + 2];
	bool bright = false;
	int pair = s->pairs ? pairs_of(s->pairs, cell->fg, cell->bg, &bright) : 0;
	attr_t attributes = attributes_of(cell->attr) | (bright ? A_BOLD : 0);
	cchar_t c;

	glyph_of(&s->cells, cell, text);
	if (setcchar(&c, text, attributes, (short)pair, &pair) == ERR)
		return;
	mvadd_wch(y, x, &c);
	if (cell->width == 2 && text[0] == (wchar_t)REPLACEMENT) {
		text[0] = ' ';
		text[1] = 0;
		setcchar(&c, text, attributes, (short)pair, &pair);
		mvadd_wch(y, x + 1, &c);
	}
}

static bool same_cell(const struct cell *a, const struct cell *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* From the first to the last cell that changed, in whole characters. */
static bool draw_row(struct screen *s, int y)
{
	struct cells *c = &s->cells;
	size_t cols = (size_t)c->cols, first = 0, last = cols;
	const struct cell *now = c->now + (size_t)y * cols;
	struct cell *shown = c->shown + (size_t)y * cols;

	if (memcmp(now, shown, cols * sizeof(*now)) == 0)
		return false;
	while (same_cell(&now[first], &shown[first]))
		first++;
	while (same_cell(&now[last - 1], &shown[last - 1]))
		last--;
	while (first > 0 && now[first].width == 0)
		first--;
	for (size_t x = first; x < last; x++)
		if (now[x].width)
			draw_cell(s, y, (int)x, &now[x]);
	memcpy(shown + first, now + first, (last - first) * sizeof(*now));
	return true;
}

static bool place_cursor(struct screen *s, bool everything)
{
	struct cells *c = &s->cells;
	bool visible = c->cursor_y >= 0;

	if (!everything && c->cursor_y == s->cursor_y && c->cursor_x == s->cursor_x)
		return false;
	s->cursor_y = c->cursor_y;
	s->cursor_x = c->cursor_x;
	curs_set(visible);
	leaveok(stdscr, !visible);
	return true;
}

/* Move what ncurses wrote to the frame. */
static void take_output(struct screen *s)
{
	off_t len;
	char *room;

	fflush(s->out);
	len = lseek(fileno(s->out), 0, SEEK_CUR);
	room = len > 0 ? buf_reserve(&s->frame, (size_t)len) : NULL;
	if (room && pread(fileno(s->out), room, (size_t)len, 0) == len)
		s->frame.len += (size_t)len;
	drop_output(s);
}

void curses_draw(struct screen *s, bool everything)
{
	bool changed = everything;

	if (s->pairs && pairs_are_full(s->pairs)) {
		pairs_reset(s->pairs);
		everything = changed = true;
	}
	if (everything) {
		cells_invalidate(&s->cells);
		clearok(curscr, TRUE);
	}
	for (int y = 0; y < s->cells.rows; y++)
		changed |= draw_row(s, y);
	changed |= place_cursor(s, everything);
	if (!changed)
		return;
	if (s->cursor_y >= 0)
		move(s->cursor_y, s->cursor_x);
	wnoutrefresh(stdscr);
	doupdate();
	take_output(s);
}
