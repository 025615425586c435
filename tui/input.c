/* Input: bytes wait here until they are a whole unit. What is pasted and what a terminal answers can be of
 * any length: the first is collected up to a bound, the second skipped without being kept. */
#include "tui/input.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tui/input_decode.h"

#define NS_PER_MS      1000000
#define MAX_PENDING    ((size_t)4 << 20)
#define MAX_PASTE      ((size_t)1 << 20)
#define ESC_LOCAL_MS   25
#define ESC_REMOTE_MS  150  /* over ssh the bytes of a key may come apart */
#define STRING_MS      500  /* an answer that doesn't end */
#define PASTE_MS       2000 /* a paste that doesn't end */
#define TWICE_NS       ((int64_t)400 * NS_PER_MS)
#define PASTE_END      "\033[201~"
#define PASTE_END_SIZE (sizeof(PASTE_END) - 1)

enum mode { MODE_KEYS, MODE_PASTE, MODE_STRING };

struct input {
	struct buf pending, paste;
	size_t start; /* of what is not decoded yet in `pending` */
	enum mode mode;
	bool waiting, decide;
	int esc_ms;
	int64_t fed_ns, pressed_ns;
	struct mouse pressed; /* button 0: none */
};

struct input *input_new(void)
{
	struct input *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	in->pending.max = MAX_PENDING;
	in->paste.max = MAX_PASTE + 1;
	in->esc_ms = getenv("SSH_CONNECTION") ? ESC_REMOTE_MS : ESC_LOCAL_MS;
	return in;
}

void input_free(struct input *in)
{
	if (!in)
		return;
	buf_free(&in->pending);
	buf_free(&in->paste);
	free(in);
}

void input_feed(struct input *in, const char *bytes, size_t len, int64_t now_ns)
{
	size_t left = in->pending.len - in->start;

	if (in->start > 0) {
		memmove(in->pending.data, in->pending.data + in->start, left);
		in->pending.len = left;
		in->start = 0;
	}
	if (len > MAX_PENDING - 1 - left)
		len = MAX_PENDING - 1 - left;
	buf_add(&in->pending, bytes, len);
	if (in->pending.failed)
		buf_reset(&in->pending);
	in->fed_ns = now_ns;
	in->waiting = in->decide = false;
}

static void keep_pasted(struct input *in, const char *s, size_t len)
{
	size_t room = MAX_PASTE - in->paste.len;

	buf_add(&in->paste, s, len < room ? len : room);
}

/* How much of the end of s could be the beginning of the mark that ends a paste. */
static size_t mark_begun(const char *s, size_t len)
{
	size_t n = len < PASTE_END_SIZE - 1 ? len : PASTE_END_SIZE - 1;

	while (n > 0 && memcmp(s + len - n, PASTE_END, n) != 0)
		n--;
	return n;
}

static const char *find_mark(const char *s, size_t len)
{
	const char *end = s + len, *p = s;

	while ((size_t)(end - p) >= PASTE_END_SIZE) {
		p = memchr(p, PASTE_END[0], (size_t)(end - p) - (PASTE_END_SIZE - 1));
		if (!p || memcmp(p, PASTE_END, PASTE_END_SIZE) == 0)
			return p;
		p++;
	}
	return NULL;
}

static enum decoded pasted(struct input *in, const char *s, size_t len, struct input_event *ev, size_t *used)
{
	const char *mark = find_mark(s, len);
	size_t text = mark ? (size_t)(mark - s) : len - (in->decide ? 0 : mark_begun(s, len));

	keep_pasted(in, s, text);
	*used = mark ? text + PASTE_END_SIZE : text;
	if (!mark && !in->decide)
		return DECODED_MORE;
	in->mode = MODE_KEYS;
	*ev = (struct input_event){.kind = INPUT_PASTE, .text = buf_str(&in->paste), .len = in->paste.len};
	return DECODED_EVENT;
}

/* Up to BEL or ST; an ESC that begins something else ends it as well. */
static enum decoded skipped(struct input *in, const char *s, size_t len, size_t *used)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\a' || s[i] == '\030') {
			*used = i + 1;
		} else if (s[i] == '\033' && i + 1 < len) {
			*used = s[i + 1] == '\\' ? i + 2 : i;
		} else if (s[i] == '\033') {
			*used = i;
			return DECODED_MORE;
		} else {
			continue;
		}
		in->mode = MODE_KEYS;
		return DECODED_NOTHING;
	}
	*used = len;
	return DECODED_MORE;
}

static enum decoded decode(struct input *in, struct input_event *ev, size_t *used)
{
	const char *s = buf_str(&in->pending) + in->start;
	size_t len = in->pending.len - in->start;

	if (in->mode == MODE_STRING && in->decide)
		in->mode = MODE_KEYS;
	if (in->mode == MODE_PASTE)
		return pasted(in, s, len, ev, used);
	if (len == 0)
		return DECODED_MORE;
	return in->mode == MODE_STRING ? skipped(in, s, len, used)
	                               : input_decode(s, len, in->decide, ev, used);
}

static void note_press(struct input *in, struct mouse *m)
{
	const struct mouse *p = &in->pressed;

	if (m->kind != MOUSE_PRESS)
		return;
	m->twice = p->button == m->button && p->y == m->y && p->x == m->x &&
	           in->fed_ns - in->pressed_ns <= TWICE_NS;
	in->pressed = *m;
	in->pressed_ns = in->fed_ns;
	if (m->twice)
		in->pressed.button = 0; /* a third one begins anew */
}

bool input_next(struct input *in, struct input_event *ev)
{
	for (;;) {
		size_t used = 0;
		enum decoded d = decode(in, ev, &used);

		in->start += used;
		if (d == DECODED_EVENT) {
			if (ev->kind == INPUT_MOUSE)
				note_press(in, &ev->mouse);
			return true;
		}
		if (d == DECODED_MORE) {
			in->waiting = in->start < in->pending.len || in->mode != MODE_KEYS;
			in->decide = false;
			return false;
		}
		if (d == DECODED_PASTE_START) {
			buf_reset(&in->paste);
			in->mode = MODE_PASTE;
		} else if (d == DECODED_STRING) {
			in->mode = MODE_STRING;
		}
	}
}

int input_timeout(const struct input *in, int64_t now_ns)
{
	int64_t ms = in->mode == MODE_PASTE ? PASTE_MS : in->mode == MODE_STRING ? STRING_MS : in->esc_ms;
	int64_t left;

	if (!in->waiting)
		return -1;
	left = ms - (now_ns - in->fed_ns) / NS_PER_MS;
	return left <= 0 ? 0 : left > ms ? (int)ms : (int)left;
}

void input_expire(struct input *in)
{
	if (in->waiting)
		in->decide = true;
	in->waiting = false;
}
