#include "tui/line_edit.h"

#include <string.h>

#include "base/text.h"
#include "tui/screen.h"

/* ------------------------------------------------------------------ moving by characters and words */

/* The character at `at` with the marks that combine with it. */
static size_t next_at(const struct line_edit *l, size_t at)
{
	uint32_t cp;

	if (at >= l->len)
		return l->len;
	at += utf8_decode(l->text + at, l->len - at, &cp);
	while (at < l->len) {
		size_t n = utf8_decode(l->text + at, l->len - at, &cp);

		if (cp_width(cp) != 0)
			break;
		at += n;
	}
	return at;
}

static size_t previous_at(const struct line_edit *l, size_t at)
{
	while (at > 0) {
		uint32_t cp;

		at--;
		if (((unsigned char)l->text[at] & 0xc0) == 0x80)
			continue;
		utf8_decode(l->text + at, l->len - at, &cp);
		if (cp_width(cp) != 0)
			break;
	}
	return at;
}

static bool is_word(const struct line_edit *l, size_t at)
{
	unsigned char c = (unsigned char)l->text[at];

	return c >= 0x80 || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static size_t word_right(const struct line_edit *l, size_t at)
{
	while (at < l->len && !is_word(l, at))
		at++;
	while (at < l->len && is_word(l, at))
		at++;
	return at;
}

static size_t word_left(const struct line_edit *l, size_t at)
{
	while (at > 0 && !is_word(l, at - 1))
		at--;
	while (at > 0 && is_word(l, at - 1))
		at--;
	return at;
}

/* ^W goes back to a blank, as a shell's. */
static size_t blank_left(const struct line_edit *l, size_t at)
{
	while (at > 0 && l->text[at - 1] == ' ')
		at--;
	while (at > 0 && l->text[at - 1] != ' ')
		at--;
	return at;
}

/* ------------------------------------------------------------------ changing */

static void insert_raw(struct line_edit *l, const char *text, size_t len)
{
	if (len > LINE_EDIT_MAX - 1 - l->len)
		return;
	memmove(l->text + l->at + len, l->text + l->at, l->len - l->at + 1);
	memcpy(l->text + l->at, text, len);
	l->at += len;
	l->len += len;
}

static void cut(struct line_edit *l, size_t from, size_t to)
{
	memmove(l->text + from, l->text + to, l->len - to + 1);
	l->len -= to - from;
	l->at = from;
}

static void kill_range(struct line_edit *l, size_t from, size_t to)
{
	if (from == to)
		return;
	memcpy(l->killed, l->text + from, to - from);
	l->killed[to - from] = '\0';
	cut(l, from, to);
}

void line_edit_insert(struct line_edit *l, const char *text, size_t len)
{
	/* A pasted line's end does not run it together with the next one, and does not leave a blank behind.
	 */
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	for (size_t i = 0; i < len;) {
		uint32_t cp;
		size_t n = utf8_decode(text + i, len - i, &cp);

		if (cp == '\t' || cp == '\n')
			insert_raw(l, " ", 1);
		else if (cp_width(cp) >= 0 && !(cp == 0xfffd && n == 1))
			insert_raw(l, text + i, n);
		i += n;
	}
}

void line_edit_set(struct line_edit *l, const char *text)
{
	l->len = l->at = l->scroll = 0;
	l->text[0] = '\0';
	line_edit_insert(l, text, strlen(text));
}

void line_edit_replace(struct line_edit *l, size_t from, const char *text)
{
	if (from < l->at)
		cut(l, from, l->at);
	line_edit_insert(l, text, strlen(text));
}

/* ------------------------------------------------------------------ keys */

static bool ctrl_key(struct line_edit *l, uint32_t code)
{
	switch (code) {
	case 'a':
		l->at = 0;
		return true;
	case 'e':
		l->at = l->len;
		return true;
	case 'b':
		l->at = previous_at(l, l->at);
		return true;
	case 'f':
		l->at = next_at(l, l->at);
		return true;
	case 'd':
		cut(l, l->at, next_at(l, l->at));
		return true;
	case 'w':
		kill_range(l, blank_left(l, l->at), l->at);
		return true;
	case 'u':
		kill_range(l, 0, l->at);
		return true;
	case 'k':
		kill_range(l, l->at, l->len);
		return true;
	case 'y':
		line_edit_insert(l, l->killed, strlen(l->killed));
		return true;
	case KEYC_LEFT:
		l->at = word_left(l, l->at);
		return true;
	case KEYC_RIGHT:
		l->at = word_right(l, l->at);
		return true;
	case KEYC_BACKSPACE:
		kill_range(l, word_left(l, l->at), l->at);
		return true;
	case KEYC_DELETE:
		kill_range(l, l->at, word_right(l, l->at));
		return true;
	default:
		return false;
	}
}

static bool alt_key(struct line_edit *l, uint32_t code)
{
	switch (code) {
	case 'b':
	case KEYC_LEFT:
		l->at = word_left(l, l->at);
		return true;
	case 'f':
	case KEYC_RIGHT:
		l->at = word_right(l, l->at);
		return true;
	case 'd':
		kill_range(l, l->at, word_right(l, l->at));
		return true;
	case KEYC_BACKSPACE:
		kill_range(l, word_left(l, l->at), l->at);
		return true;
	default:
		return false;
	}
}

static bool plain_key(struct line_edit *l, uint32_t code)
{
	switch (code) {
	case KEYC_LEFT:
		l->at = previous_at(l, l->at);
		return true;
	case KEYC_RIGHT:
		l->at = next_at(l, l->at);
		return true;
	case KEYC_HOME:
		l->at = 0;
		return true;
	case KEYC_END:
		l->at = l->len;
		return true;
	case KEYC_BACKSPACE:
		cut(l, previous_at(l, l->at), l->at);
		return true;
	case KEYC_DELETE:
		cut(l, l->at, next_at(l, l->at));
		return true;
	default:
		return false;
	}
}

bool line_edit_key(struct line_edit *l, struct key k)
{
	char bytes[4];

	if (k.mods & MOD_ALT)
		return alt_key(l, k.code);
	if (k.mods & MOD_CTRL)
		return ctrl_key(l, k.code);
	if (k.code >= KEYC_BASE)
		return plain_key(l, k.code);
	if (k.code < ' ' || cp_width(k.code) < 0)
		return false;
	line_edit_insert(l, bytes, utf8_encode(k.code, bytes));
	return true;
}

/* ------------------------------------------------------------------ drawing */

static int columns(const struct line_edit *l, size_t from, size_t to)
{
	int w = 0;

	while (from < to) {
		uint32_t cp;

		from += utf8_decode(l->text + from, l->len - from, &cp);
		if (cp_width(cp) > 0)
			w += cp_width(cp);
	}
	return w;
}

/* Keep the cursor in view, and no more of the left hidden than needed. */
static void scroll_to_cursor(struct line_edit *l, int w)
{
	int width;

	if (l->scroll > l->at)
		l->scroll = l->at;
	width = columns(l, l->scroll, l->at);
	while (l->scroll < l->at && width >= w) {
		size_t next = next_at(l, l->scroll);

		width -= columns(l, l->scroll, next);
		l->scroll = next;
	}
	width = columns(l, l->scroll, l->len);
	while (l->scroll > 0) {
		size_t before = previous_at(l, l->scroll);

		width += columns(l, before, l->scroll);
		if (width >= w)
			break;
		l->scroll = before;
	}
}

static int characters(const struct line_edit *l, size_t to)
{
	int n = 0;

	for (size_t i = 0; i < to; i = next_at(l, i))
		n++;
	return n;
}

/* A dot for each character: neither the screen nor what is saved of it shows more. */
static void draw_secret(
        const struct line_edit *l, const struct canvas *c, int y, int x, int w, struct style s, bool focused)
{
	uint32_t dot = screen_is_ascii(c->screen) ? '*' : 0x2022;
	int n = characters(l, l->len), at = characters(l, l->at), first = focused && at >= w ? at - w + 1 : 0;

	for (int i = first; i < n && i - first < w; i++)
		canvas_char(c, y, x + i - first, dot, s);
	if (focused)
		canvas_cursor(c, y, x + at - first);
}

void line_edit_wipe(struct line_edit *l)
{
	volatile char *s = (volatile char *)l;

	for (size_t i = 0; i < sizeof(*l); i++)
		s[i] = 0;
}

void line_edit_draw(struct line_edit *l, const struct canvas *c, int y, int x, int w, const char *placeholder,
        struct line_edit_style s, bool focused)
{
	canvas_fill(c, (struct rect){y, x, 1, w}, s.text);
	if (w <= 0)
		return;
	if (l->is_secret && l->len) {
		draw_secret(l, c, y, x, w, s.text, focused);
		return;
	}
	if (focused)
		scroll_to_cursor(l, w);
	else
		l->scroll = 0;
	if (!l->len && placeholder)
		canvas_cell(c, y, x, w, placeholder, s.placeholder);
	else if (focused)
		canvas_text(c, y, x, w, l->text + l->scroll, l->len - l->scroll, s.text);
	else
		canvas_cell(c, y, x, w, l->text, s.text);
	if (focused)
		canvas_cursor(c, y, x + columns(l, l->scroll, l->at));
}

void line_edit_click(struct line_edit *l, int col)
{
	size_t at = l->scroll;

	if (l->is_secret) {
		l->at = l->len;
		return;
	}
	while (at < l->len && columns(l, l->scroll, next_at(l, at)) <= col)
		at = next_at(l, at);
	l->at = at;
}
