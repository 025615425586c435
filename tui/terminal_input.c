/* What a terminal's child gets from its user: keys, pastes, the mouse. */
#include <string.h>

#include "base/text.h"
#include "tui/terminal_core.h"

#define PASTE_MAX    ((size_t)512 << 10)
#define WHEEL_LINES  3
#define ROOM_FOR_KEY 64
#define OUT_LIMIT    ((size_t)1 << 20)

static bool has_room(const struct term *t, size_t len)
{
	return t->out.len - t->taken + len <= OUT_LIMIT;
}

static void send(struct term *t, const char *bytes, size_t len)
{
	buf_add(&t->out, bytes, len);
}

static VTermModifier modifiers(unsigned mods)
{
	return (VTermModifier)((mods & MOD_SHIFT ? VTERM_MOD_SHIFT : 0) |
	                       (mods & MOD_ALT ? VTERM_MOD_ALT : 0) | (mods & MOD_CTRL ? VTERM_MOD_CTRL : 0));
}

static VTermKey named_key(uint32_t code)
{
	switch (code) {
	case KEYC_UP:
		return VTERM_KEY_UP;
	case KEYC_DOWN:
		return VTERM_KEY_DOWN;
	case KEYC_LEFT:
		return VTERM_KEY_LEFT;
	case KEYC_RIGHT:
		return VTERM_KEY_RIGHT;
	case KEYC_HOME:
		return VTERM_KEY_HOME;
	case KEYC_END:
		return VTERM_KEY_END;
	case KEYC_PAGE_UP:
		return VTERM_KEY_PAGEUP;
	case KEYC_PAGE_DOWN:
		return VTERM_KEY_PAGEDOWN;
	case KEYC_INSERT:
		return VTERM_KEY_INS;
	case KEYC_DELETE:
		return VTERM_KEY_DEL;
	default:
		if (code >= KEYC_F1 && code <= KEYC_F12)
			return (VTermKey)VTERM_KEY_FUNCTION((int)(code - KEYC_F1) + 1);
		return VTERM_KEY_NONE;
	}
}

/* The control character of Ctrl and this key, as a terminal has always sent it; -1: none. libvterm would send
 * some of them in a way of its own that no shell understands. */
static int control_of(uint32_t cp)
{
	if (cp >= 'A' && cp <= 'Z')
		return (int)(cp - 'A' + 1);
	if (cp >= 'a' && cp <= 'z')
		return (int)(cp - 'a' + 1);
	switch (cp) {
	case ' ':
	case '@':
	case '2':
		return 0;
	case '[':
	case '3':
		return 27;
	case '\\':
	case '4':
		return 28;
	case ']':
	case '5':
		return 29;
	case '^':
	case '6':
		return 30;
	case '_':
	case '/':
	case '7':
		return 31;
	case '?':
	case '8':
		return 127;
	default:
		return -1;
	}
}

static void send_character(struct term *t, struct key k)
{
	char bytes[5];
	size_t len = 0;
	int control = k.mods & MOD_CTRL ? control_of(k.code) : -1;

	if (k.mods & MOD_ALT)
		bytes[len++] = '\033';
	if (control >= 0)
		bytes[len++] = (char)control;
	else
		len += utf8_encode(k.code, bytes + len);
	send(t, bytes, len);
}

bool term_key(struct term *t, struct key k)
{
	VTermKey named = named_key(k.code);

	if (!has_room(t, ROOM_FOR_KEY))
		return false;
	if (named != VTERM_KEY_NONE) {
		vterm_keyboard_key(t->vt, named, modifiers(k.mods));
		return true;
	}
	if ((k.mods & MOD_ALT) && k.code > KEYC_BASE)
		send(t, "\033", 1);
	switch (k.code) {
	case KEYC_ENTER: /* may be two bytes, where the child wants that */
		vterm_keyboard_key(t->vt, VTERM_KEY_ENTER, VTERM_MOD_NONE);
		break;
	case KEYC_TAB:
		vterm_keyboard_key(
		        t->vt, VTERM_KEY_TAB, k.mods & MOD_SHIFT ? VTERM_MOD_SHIFT : VTERM_MOD_NONE);
		break;
	case KEYC_ESCAPE:
		send(t, "\033", 1);
		break;
	case KEYC_BACKSPACE:
		send(t, k.mods & MOD_CTRL ? "\b" : "\177", 1);
		break;
	default:
		if (k.code < KEYC_BASE)
			send_character(t, k);
	}
	return true;
}

bool term_paste(struct term *t, const char *text, size_t len)
{
	if (len > PASTE_MAX || !has_room(t, len + ROOM_FOR_KEY))
		return false;
	vterm_keyboard_start_paste(t->vt);
	while (len > 0) {
		uint32_t cp;
		size_t used = utf8_decode(text, len, &cp);
		bool is_bad = cp == 0xfffd && used == 1;

		if (cp == '\n' || cp == '\r') {
			send(t, "\r", 1);
			if (cp == '\r' && len > 1 && text[1] == '\n')
				used = 2;
		} else if (cp == '\t' || (cp >= ' ' && cp != 0x7f && !(cp >= 0x80 && cp < 0xa0) && !is_bad)) {
			send(t, text, used);
		}
		text += used;
		len -= used;
	}
	vterm_keyboard_end_paste(t->vt);
	return true;
}

static bool turn_wheel(struct term *t, const struct mouse *m)
{
	bool up = m->kind == MOUSE_WHEEL_UP;

	if (term_wants_mouse(t)) {
		vterm_mouse_button(t->vt, up ? 4 : 5, true, modifiers(m->mods));
		return true;
	}
	if (!t->alternate)
		return false;
	/* A pager that knows no mouse scrolls all the same, as in any terminal of today. */
	for (int i = 0; i < WHEEL_LINES; i++)
		vterm_keyboard_key(t->vt, up ? VTERM_KEY_UP : VTERM_KEY_DOWN, VTERM_MOD_NONE);
	return true;
}

bool term_mouse(struct term *t, const struct mouse *m)
{
	bool is_wheel = m->kind == MOUSE_WHEEL_UP || m->kind == MOUSE_WHEEL_DOWN;

	if (!has_room(t, ROOM_FOR_KEY))
		return true;
	if (!term_wants_mouse(t) && !is_wheel)
		return false;
	if (m->y < 0 || m->y >= t->rows || m->x < 0 || m->x >= t->cols)
		return false;
	if (term_wants_mouse(t))
		vterm_mouse_move(t->vt, m->y, m->x, modifiers(m->mods));
	if (is_wheel)
		return turn_wheel(t, m);
	if (m->button < 1 || m->button > 3 || m->kind == MOUSE_DRAG)
		return true;
	if (m->kind == MOUSE_PRESS)
		t->buttons |= 1u << m->button;
	else
		t->buttons &= ~(1u << m->button);
	vterm_mouse_button(t->vt, m->button, m->kind == MOUSE_PRESS, modifiers(m->mods));
	return true;
}

void term_focus(struct term *t, bool on)
{
	if (!has_room(t, ROOM_FOR_KEY))
		return;
	if (on)
		vterm_state_focus_in(t->state);
	else
		vterm_state_focus_out(t->state);
}
