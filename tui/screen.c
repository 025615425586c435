/* The screen: opening and closing it, frames, and what goes to the terminal beside them. ncurses is in
 * screen_curses.c, the terminal's modes in screen_terminal.c, the way back after a crash in screen_rescue.c.
 */
#ifndef _GNU_SOURCE
#define _XOPEN_SOURCE 700
#endif
#include "tui/screen_private.h"

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/text.h"
#include "tui/screen_rescue.h"
#undef lines
#undef columns

#define MAX_FRAME    ((size_t)16 << 20)
#define MAX_QUEUED   ((size_t)256 << 10)
#define MAX_BASE64   74994 /* what terminals take in one OSC 52 */
#define UPDATE_BEGIN "\033[?2026h"
#define UPDATE_END   "\033[?2026l"

/* ---------------------------------------------------------------- opening */

static bool use_utf8(void)
{
	static const char *const locales[] = {"", "C.UTF-8", "C.utf8", "en_US.UTF-8"};

	for (size_t i = 0; i < sizeof(locales) / sizeof(*locales); i++)
		if (setlocale(LC_CTYPE, locales[i]) && strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
			return true;
	return false;
}

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

static enum colour_depth find_depth(void)
{
	const char *colorterm = getenv("COLORTERM");
	int colours = tigetnum("colors");

	if (is_set("NO_COLOR"))
		return DEPTH_MONO;
	if (colorterm && (strcmp(colorterm, "truecolor") == 0 || strcmp(colorterm, "24bit") == 0))
		return DEPTH_TRUE;
	if (tigetflag("RGB") > 0 || tigetflag("Tc") > 0)
		return DEPTH_TRUE;
	return colours >= 256 ? DEPTH_256 : colours >= 8 ? DEPTH_16 : DEPTH_MONO;
}

static int check_terminal(int tty, const char *term, struct err *e)
{
	const char *cup;
	int found;

	if (!isatty(tty))
		return err_set(
		        e, ERR_UNSUPPORTED, "the dashboard needs a terminal; for a plain list: tare ps");
	if (!term || !*term || strcmp(term, "dumb") == 0)
		return err_set(e, ERR_UNSUPPORTED,
		        "the dashboard needs a terminal that can place the cursor, but TERM is %s; for a "
		        "plain list: tare "
		        "ps",
		        term && *term ? "dumb" : "not set");
	if (setupterm(term, tty, &found) == ERR)
		return err_set(e, ERR_UNSUPPORTED,
		        "TERM=%s is not known here; try TERM=xterm-256color, or: tare ps", term);
	cup = tigetstr("cup");
	if (!cup || cup == (char *)-1)
		return err_set(e, ERR_UNSUPPORTED,
		        "the terminal %s cannot place the cursor; for a plain list: tare ps", term);
	return 0;
}

static struct screen *screen_new(const struct screen_options *o, struct err *e)
{
	struct screen *s = calloc(1, sizeof(*s));

	if (!s)
		return err_no_memory(e), NULL;
	s->options = *o;
	s->tty = s->given = s->flags = -1;
	s->frame.max = MAX_FRAME;
	s->queued.max = MAX_QUEUED;
	s->cursor_y = s->cursor_x = -1;
	s->mouse = o->mouse;
	s->repaint = true;
	s->cells.ascii = o->ascii;
	s->cells.plain = o->screen_reader;
	return s;
}

static void discard(struct screen *s)
{
	curses_close(s);
	tty_close(s);
	cells_free(&s->cells);
	buf_free(&s->frame);
	buf_free(&s->queued);
	free(s);
}

static int open_on(struct screen *s, const char *term, struct err *e)
{
	TERMINAL *loaded;
	int rows, cols;

	if (check_terminal(s->given, term, e) < 0)
		return -1;
	loaded = cur_term;
	s->depth = s->options.depth == DEPTH_AUTO ? find_depth() : s->options.depth;
	if (!use_utf8())
		s->cells.ascii = true;
	if (tty_open(s, term, e) < 0 || curses_open(s, term, e) < 0)
		return -1;
	if (loaded != cur_term)
		del_curterm(loaded);
	tty_size(s, &rows, &cols);
	if (cells_resize(&s->cells, rows, cols, e) < 0)
		return -1;
	curses_resize(s);
	return tty_enter(s, e);
}

struct screen *screen_open(int tty, const struct screen_options *o, struct err *e)
{
	struct screen *s = screen_new(o, e);

	if (!s)
		return NULL;
	s->given = tty;
	if (open_on(s, getenv("TERM"), e) < 0) {
		rescue_now();
		discard(s);
		return NULL;
	}
	return s;
}

struct screen *screen_open_memory(int rows, int cols, bool ascii, struct err *e)
{
	struct screen *s = screen_new(&(struct screen_options){.ascii = ascii}, e);

	if (s && cells_resize(&s->cells, rows, cols, e) < 0) {
		discard(s);
		return NULL;
	}
	if (s)
		s->depth = DEPTH_TRUE;
	return s;
}

void screen_close(struct screen *s)
{
	if (!s)
		return;
	if (s->tty >= 0 && !s->away)
		tty_leave(s);
	discard(s);
}

/* ---------------------------------------------------------------- asking */

struct cells *screen_cells(struct screen *s)
{
	return &s->cells;
}

int screen_rows(const struct screen *s)
{
	return s->cells.rows;
}

int screen_cols(const struct screen *s)
{
	return s->cells.cols;
}

bool screen_is_ascii(const struct screen *s)
{
	return s->cells.ascii;
}

enum colour_depth screen_depth(const struct screen *s)
{
	return s->depth;
}

int screen_tty(const struct screen *s)
{
	return s->tty;
}

bool screen_is_behind(const struct screen *s)
{
	return s->behind;
}

void screen_text(const struct screen *s, struct rect r, struct buf *out)
{
	cells_text(&s->cells, r, out);
}

bool screen_resize(struct screen *s)
{
	int rows, cols;

	if (s->tty < 0)
		return false;
	tty_size(s, &rows, &cols);
	s->repaint = true; /* it may have been smaller in between, and lost what it showed */
	if ((rows == s->cells.rows && cols == s->cells.cols) || cells_resize(&s->cells, rows, cols, NULL) < 0)
		return false;
	curses_resize(s);
	return true;
}

/* ---------------------------------------------------------------- frames */

struct canvas screen_begin(struct screen *s)
{
	cells_begin(&s->cells);
	return (struct canvas){s, {0, 0, s->cells.rows, s->cells.cols}};
}

void screen_redraw_all(struct screen *s)
{
	s->repaint = true;
}

/* The bytes of the frame go behind the mark of a synchronized update, which is taken back when there are
 * none. */
static void compose(struct screen *s)
{
	size_t start = s->frame.len;

	buf_str_add(&s->frame, UPDATE_BEGIN);
	curses_draw(s, s->repaint);
	if (s->frame.len == start + sizeof(UPDATE_BEGIN) - 1)
		s->frame.len = start;
	else
		buf_str_add(&s->frame, UPDATE_END);
	buf_add(&s->frame, s->queued.data, s->queued.len);
	buf_reset(&s->queued);
	s->repaint = false;
}

static long flush_memory(struct screen *s)
{
	size_t n = (size_t)s->cells.rows * (size_t)s->cells.cols;

	memcpy(s->cells.shown, s->cells.now, n * sizeof(*s->cells.now));
	return 0;
}

static int write_rest(struct screen *s)
{
	int left = tty_write(s);

	s->behind = left > 0;
	return left;
}

int screen_catch_up(struct screen *s)
{
	return s->behind ? write_rest(s) : 0;
}

long screen_flush(struct screen *s)
{
	long len;

	if (s->tty < 0)
		return flush_memory(s);
	if (s->away)
		return 0;
	if (s->behind && write_rest(s) != 0)
		return s->behind ? 0 : -1;
	compose(s);
	if (s->frame.failed) {
		buf_reset(&s->frame);
		s->repaint = true;
		return 0;
	}
	len = (long)s->frame.len;
	return write_rest(s) < 0 ? -1 : len;
}

/* ---------------------------------------------------------------- leaving and coming back */

void screen_suspend(struct screen *s)
{
	if (s->tty < 0 || s->away)
		return;
	tty_leave(s);
	s->away = true;
}

void screen_resume(struct screen *s)
{
	if (s->tty < 0 || !s->away)
		return;
	s->away = false;
	tty_enter(s, NULL);
	screen_resize(s);
	s->repaint = true;
}

void screen_stop(struct screen *s)
{
	struct sigaction sa = {.sa_handler = SIG_DFL}, before;

	screen_suspend(s);
	sigemptyset(&sa.sa_mask);
	sigaction(SIGTSTP, &sa, &before);
	/* All of the job, as the terminal's own ^Z: a make or sudo around us would go on waiting for us. */
	kill(0, SIGTSTP);
	sigaction(SIGTSTP, &before, NULL);
	tcgetattr(s->given, &s->saved); /* the shell's user may have changed them */
	screen_resume(s);
}

/* ---------------------------------------------------------------- beside the frames */

void screen_bell(struct screen *s)
{
	buf_char(&s->queued, '\a');
}

bool screen_copy(struct screen *s, const char *text, size_t len)
{
	if ((len + 2) / 3 * 4 > MAX_BASE64)
		return false;
	if (!s->understands_osc)
		return true;
	buf_str_add(&s->queued, "\033]52;c;");
	base64_add(&s->queued, text, len);
	buf_char(&s->queued, '\a');
	return true;
}

static void add_osc(struct screen *s, const char *number, const char *text)
{
	char harmless[256];

	if (!s->understands_osc)
		return;
	text_harmless_to(harmless, sizeof(harmless), text);
	buf_printf(&s->queued, "\033]%s;%s\a", number, harmless);
}

void screen_notify(struct screen *s, const char *text)
{
	add_osc(s, "9", text);
}

void screen_title(struct screen *s, const char *text)
{
	add_osc(s, "2", text);
}
