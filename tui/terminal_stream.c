/* What a child sends, made fit for the emulation.
 *
 * libvterm 0.1.4 writes beside its memory for ill-formed UTF-8 and for sequences with many numbers, and adds
 * up combining marks without end. So it only gets whole characters and whole sequences, checked and bounded.
 * Control strings do not reach it at all: a title is taken here, the clipboard and the rest are not the
 * child's business. Two things that it does wrong are made good: it sets only the first of several modes (ESC
 * [ ? 1006 ; 1000 h), and does not tell when the past is cleared (ESC [ 3 J). */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tui/terminal_core.h"

#define NUMBERS_MAX 16
#define NUMBER_MAX  32767
#define MARKS_MAX   8
#define STATUS_MAX  16

#define BEL 0x07
#define CAN 0x18
#define SUB 0x1a
#define ESC 0x1b
#define DEL 0x7f

static void flush(struct term *t)
{
	if (t->in.n_clean > 0)
		vterm_input_write(t->vt, t->in.clean, t->in.n_clean);
	t->in.n_clean = 0;
}

/* A whole character or sequence. */
static void emit(struct term *t, const char *s, size_t len)
{
	if (t->in.n_clean + len > sizeof t->in.clean)
		flush(t);
	memcpy(t->in.clean + t->in.n_clean, s, len);
	t->in.n_clean += len;
}

static void emit_char(struct term *t, char c)
{
	emit(t, &c, 1);
}

/* ---- text */

/* Hangul vowels and finals have a width for us, and none for libvterm. */
static bool is_mark(uint32_t cp)
{
	return cp_width(cp) == 0 || (cp >= 0x1160 && cp <= 0x11ff);
}

static void take_character(struct term *t, uint32_t cp, const char *s, size_t len)
{
	if (!is_mark(cp))
		t->in.marks = 0;
	else if (++t->in.marks > MARKS_MAX)
		return;
	emit(t, s, len);
}

static void take_ill_formed(struct term *t)
{
	t->in.n_cut = 0;
	take_character(t, 0xfffd, "\xef\xbf\xbd", 3);
}

static size_t length_of(unsigned char first)
{
	return first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 1;
}

/* A byte from 0x80 on. */
static void take_high(struct term *t, unsigned char c)
{
	struct term_stream *in = &t->in;
	uint32_t cp;

	if (in->n_cut > 0 && (c & 0xc0) != 0x80)
		take_ill_formed(t);
	if (in->n_cut == 0)
		in->need = length_of(c);
	if (in->need == 1) {
		take_ill_formed(t);
		return;
	}
	in->cut[in->n_cut++] = (char)c;
	if (in->n_cut < in->need)
		return;
	/* A control as a character (U+0080 to U+009F) has a width of -1 there. */
	if (utf8_decode(in->cut, in->n_cut, &cp) < in->n_cut || cp_width(cp) < 0) {
		take_ill_formed(t);
		return;
	}
	take_character(t, cp, in->cut, in->n_cut);
	in->n_cut = 0;
}

static void take_text(struct term *t, unsigned char c)
{
	if (c >= 0x80) {
		take_high(t, c);
		return;
	}
	if (t->in.n_cut > 0)
		take_ill_formed(t);
	if (c == ESC) {
		t->in.state = STREAM_ESCAPE;
		t->in.n_held = 0;
		t->in.too_long = false;
	} else if (c >= ' ' && c != DEL) {
		t->in.marks = 0;
		emit_char(t, (char)c);
	} else if (c != DEL && c != 0) {
		emit_char(t, (char)c);
	}
}

/* ---- sequences */

struct csi {
	char leader; /* '?' '>' …, or 0 */
	unsigned numbers[NUMBERS_MAX];
	char separators[NUMBERS_MAX]; /* after each number: ';' ':' or 0 */
	bool given[NUMBERS_MAX];
	size_t n;
	char tail[4]; /* intermediates and the final byte */
};

/* False: not a sequence that anybody sends. */
static bool parse_csi(const char *s, size_t len, struct csi *c)
{
	size_t i = 0, tail = 0;

	memset(c, 0, sizeof *c);
	c->n = 1;
	if (i < len && s[i] >= '<' && s[i] <= '?')
		c->leader = s[i++];
	for (; i < len && s[i] >= '0' && s[i] <= ';'; i++) {
		unsigned *number = &c->numbers[c->n - 1];

		if (s[i] > '9') {
			if (c->n == NUMBERS_MAX)
				return false;
			c->separators[c->n++ - 1] = s[i];
			continue;
		}
		c->given[c->n - 1] = true;
		*number = *number * 10 + (unsigned)(s[i] - '0');
		if (*number > NUMBER_MAX)
			*number = NUMBER_MAX;
	}
	for (; i < len; i++) {
		if ((s[i] >= '0' && s[i] <= '?') || tail == sizeof c->tail - 1)
			return false;
		c->tail[tail++] = s[i];
	}
	return tail > 0;
}

static void emit_csi(struct term *t, const struct csi *c, size_t first, size_t n)
{
	char s[8 + 7 * NUMBERS_MAX];
	size_t len = 0;

	s[len++] = ESC;
	s[len++] = '[';
	if (c->leader)
		s[len++] = c->leader;
	for (size_t i = first; i < first + n; i++) {
		if (c->given[i])
			len += (size_t)snprintf(s + len, sizeof s - len, "%u", c->numbers[i]);
		if (i + 1 < first + n)
			s[len++] = c->separators[i];
	}
	memcpy(s + len, c->tail, strlen(c->tail));
	emit(t, s, len + strlen(c->tail));
}

static void end_csi(struct term *t)
{
	struct csi c;

	if (t->in.too_long || !parse_csi(t->in.held, t->in.n_held, &c))
		return;
	if (strcmp(c.tail, "h") == 0 || strcmp(c.tail, "l") == 0) {
		for (size_t i = 0; i < c.n; i++)
			emit_csi(t, &c, i, 1);
		return;
	}
	emit_csi(t, &c, 0, c.n);
	if (strcmp(c.tail, "J") == 0 && !c.leader && c.n == 1 && c.numbers[0] == 3) {
		flush(t);
		scrollback_clear(t->past);
	}
}

static void end_escape(struct term *t)
{
	char s[8] = {ESC};

	/* ESC % chooses another encoding, in which bytes of UTF-8 are controls. */
	if (t->in.n_held + 1 >= sizeof s || t->in.held[0] == '%')
		return;
	memcpy(s + 1, t->in.held, t->in.n_held);
	emit(t, s, t->in.n_held + 1);
}

static void set_title(struct term *t, const char *text, size_t len)
{
	char line[TERM_TITLE_SIZE];

	if (len > sizeof line - 1)
		len = sizeof line - 1;
	memcpy(line, text, len);
	line[len] = '\0';
	text_harmless_to(t->title, sizeof t->title, line);
}

static void end_string(struct term *t)
{
	const char *s = t->in.held;
	size_t len = t->in.n_held;

	if (t->in.string == ']' && len >= 2 && (s[0] == '0' || s[0] == '2') && s[1] == ';') {
		set_title(t, s + 2, len - 2);
	} else if (t->in.string == 'P' && len >= 2 && len <= STATUS_MAX && s[0] == '$' && s[1] == 'q') {
		/* An editor asks what the cursor looks like. */
		char whole[STATUS_MAX + 4] = {ESC, 'P'};

		memcpy(whole + 2, s, len);
		memcpy(whole + 2 + len, "\033\\", 2);
		emit(t, whole, len + 4);
	}
}

static void hold(struct term *t, unsigned char c)
{
	if (t->in.n_held < sizeof t->in.held)
		t->in.held[t->in.n_held++] = (char)c;
	else
		t->in.too_long = true;
}

static void begin_string(struct term *t, unsigned char c)
{
	t->in.state = STREAM_STRING;
	t->in.string = (char)c;
	t->in.n_held = 0;
}

static void take_escape(struct term *t, unsigned char c)
{
	hold(t, c);
	if (c < '0') /* intermediate */
		return;
	t->in.state = STREAM_TEXT;
	if (t->in.n_held > 1 || !strchr("[]PX^_", c)) {
		end_escape(t);
	} else if (c == '[') {
		t->in.state = STREAM_CSI;
		t->in.n_held = 0;
	} else {
		begin_string(t, c);
	}
}

static void take_csi(struct term *t, unsigned char c)
{
	hold(t, c);
	if (c < '@')
		return;
	t->in.state = STREAM_TEXT;
	end_csi(t);
}

static void take_string(struct term *t, unsigned char c)
{
	if (t->in.state == STREAM_STRING_ESCAPE) {
		t->in.state = STREAM_TEXT;
		if (c == '\\') {
			end_string(t);
			return;
		}
		take_text(t, ESC);
		if (c == ESC || c < ' ' || c >= DEL)
			return;
		take_escape(t, c);
	} else if (c == BEL) {
		t->in.state = STREAM_TEXT;
		end_string(t);
	} else if (c == ESC) {
		t->in.state = STREAM_STRING_ESCAPE;
	} else if (c >= ' ' || c == '\t') {
		hold(t, c);
	}
}

static void take(struct term *t, unsigned char c)
{
	if (t->in.state == STREAM_TEXT) {
		take_text(t, c);
	} else if (c == CAN || c == SUB) {
		t->in.state = STREAM_TEXT;
	} else if (t->in.state >= STREAM_STRING) {
		take_string(t, c);
	} else if (c == ESC || c >= 0x80) { /* begins anew, or was no sequence */
		t->in.state = STREAM_TEXT;
		take_text(t, c);
	} else if (c < ' ' || c == DEL) { /* a control within a sequence counts at once */
		if (c != 0 && c != DEL)
			emit_char(t, (char)c);
	} else if (t->in.state == STREAM_ESCAPE) {
		take_escape(t, c);
	} else {
		take_csi(t, c);
	}
}

void term_feed(struct term *t, const char *bytes, size_t len)
{
	t->feeding = true;
	for (size_t i = 0; i < len; i++)
		take(t, (unsigned char)bytes[i]);
	flush(t);
	vterm_screen_flush_damage(t->screen);
	t->feeding = false;
}
