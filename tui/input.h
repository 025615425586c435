/* What the user does: bytes from the terminal become events. Knows xterm's sequences, SGR mouse, bracketed
 * paste, focus, the linux console's keys and those of terminfo; never trusts the bytes. */
#ifndef TARE_TUI_INPUT_H
#define TARE_TUI_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key_code { /* above Unicode */
	KEYC_NONE = 0,
	KEYC_BASE = 0x110000,
	KEYC_UP,
	KEYC_DOWN,
	KEYC_LEFT,
	KEYC_RIGHT,
	KEYC_HOME,
	KEYC_END,
	KEYC_PAGE_UP,
	KEYC_PAGE_DOWN,
	KEYC_INSERT,
	KEYC_DELETE,
	KEYC_ENTER,
	KEYC_TAB,
	KEYC_ESCAPE,
	KEYC_BACKSPACE,
	KEYC_F1,
	KEYC_F2,
	KEYC_F3,
	KEYC_F4,
	KEYC_F5,
	KEYC_F6,
	KEYC_F7,
	KEYC_F8,
	KEYC_F9,
	KEYC_F10,
	KEYC_F11,
	KEYC_F12,
};
enum { MOD_SHIFT = 1, MOD_ALT = 2, MOD_CTRL = 4 };

/* One key press. Printable characters come as their code point without MOD_SHIFT ('K' is 'K'); ^A is 'a' with
 * MOD_CTRL; ^I ^M ^[ ^H arrive as TAB, ENTER, ESCAPE, BACKSPACE; S-Tab as TAB with MOD_SHIFT. */
struct key {
	uint32_t code;
	unsigned mods;
};

enum mouse_kind { MOUSE_PRESS, MOUSE_RELEASE, MOUSE_DRAG, MOUSE_WHEEL_UP, MOUSE_WHEEL_DOWN };
struct mouse {
	enum mouse_kind kind;
	int button; /* 1 left, 2 middle, 3 right */
	int y, x;   /* cells, from 0 */
	unsigned mods;
	bool twice; /* a second press of the same cell within 400 ms */
};

enum input_kind { INPUT_KEY, INPUT_MOUSE, INPUT_PASTE, INPUT_FOCUS_IN, INPUT_FOCUS_OUT, INPUT_REPLY };
struct input_event {
	enum input_kind kind;
	struct key key;
	struct mouse mouse;
	const char *text; /* INPUT_PASTE: bytes as pasted (foreign!), valid until the next call */
	size_t len;
};

struct input;
struct input *input_new(void);
void input_free(struct input *in);
/* Give it bytes as read, then take events until it returns false. A lone ESC stays pending:
 * input_timeout() says for how many ms more (-1: nothing pending), input_expire() decides it. */
void input_feed(struct input *in, const char *bytes, size_t len, int64_t now_ns);
bool input_next(struct input *in, struct input_event *ev);
int input_timeout(const struct input *in, int64_t now_ns);
void input_expire(struct input *in);

#define KEY_TEXT_SIZE 24
/* "ctrl-p" "^P" "alt-x" "shift-tab" "f9" "space" "enter" "esc" "pgdn" "K" "é"; false: not a key. */
bool key_parse(const char *text, size_t len, struct key *k);
/* As people read it: "^P", "Alt-x", "S-Tab", "F9", "Space", "K". Returns dst. */
char *key_format(struct key k, char dst[KEY_TEXT_SIZE]);
static inline bool key_equal(struct key a, struct key b)
{
	return a.code == b.code && a.mods == b.mods;
}

#endif
