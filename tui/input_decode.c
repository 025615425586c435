/* Decoding what a terminal sends: characters, Alt by ESC, CSI, SS3, mouse. It is a function of the bytes
 * alone, so that it does not matter where reads have cut them. */
#include "tui/input_decode.h"

#include "base/text.h"

#define ESC        0x1b
#define MAX_CSI    64 /* longer ones are nothing that we know */
#define MAX_PARAMS 4
#define MAX_CELL   10000

struct csi {
	char private; /* < = > ? or 0 */
	int params[MAX_PARAMS];
	int n;
	bool intermediate, release;
	char final;
};

static enum decoded key_event(struct input_event *ev, uint32_t code, unsigned mods)
{
	*ev = (struct input_event){.kind = INPUT_KEY, .key = key_normal((struct key){code, mods})};
	return DECODED_EVENT;
}

struct key key_normal(struct key k)
{
	if (k.mods & MOD_CTRL && k.code >= 'A' && k.code <= 'Z')
		k.code += 'a' - 'A';
	if (k.code == 9 || (k.mods == MOD_CTRL && k.code == 'i'))
		return (struct key){KEYC_TAB, k.code == 9 ? k.mods : 0};
	if (k.code == 13 || (k.mods == MOD_CTRL && k.code == 'm'))
		return (struct key){KEYC_ENTER, k.code == 13 ? k.mods : 0};
	if (k.code == ESC || (k.mods == MOD_CTRL && k.code == '['))
		return (struct key){KEYC_ESCAPE, k.code == ESC ? k.mods : 0};
	if (k.code == 127 || k.code == 8 || (k.mods == MOD_CTRL && k.code == 'h'))
		return (struct key){KEYC_BACKSPACE, k.code == 127 || k.code == 8 ? k.mods : 0};
	if (k.code < KEYC_BASE && k.mods & MOD_SHIFT) {
		if (k.code >= 'a' && k.code <= 'z' && !(k.mods & MOD_CTRL))
			k.code -= 'a' - 'A';
		k.mods &= ~(unsigned)MOD_SHIFT;
	}
	return k;
}

/* xterm counts modifiers from 1: shift 1, alt 2, ctrl 4, meta 8. */
static unsigned mods_of(int param)
{
	unsigned bits = param > 1 && param <= 256 ? (unsigned)param - 1 : 0;

	return (bits & 7) | (bits & 8 ? MOD_ALT : 0);
}

/* ---------------------------------------------------------------- characters */

static enum decoded control(unsigned char c, unsigned mods, struct input_event *ev)
{
	if (c == 0)
		return key_event(ev, ' ', mods | MOD_CTRL);
	if (c == '\t' || c == '\r' || c == 8 || c == ESC || c == 127)
		return key_event(ev, c, mods);
	if (c < 27)
		return key_event(ev, c + 'a' - 1u, mods | MOD_CTRL);
	return key_event(ev, c + '@', mods | MOD_CTRL);
}

/* The bytes that this lead byte announces; 1: none. */
static size_t utf8_length(unsigned char c)
{
	return c >= 0xf0 && c <= 0xf4 ? 4 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xc2 && c < 0xe0 ? 2 : 1;
}

static bool is_cut(const char *s, size_t len)
{
	size_t n = utf8_length((unsigned char)s[0]);

	if (len >= n)
		return false;
	for (size_t i = 1; i < len; i++)
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return false;
	return true;
}

static enum decoded character(
        const char *s, size_t len, bool decide, unsigned mods, struct input_event *ev, size_t *used)
{
	unsigned char c = (unsigned char)s[0];
	uint32_t cp;

	*used = 1;
	if (c < 0x20 || c == 127)
		return control(c, mods, ev);
	if (c < 0x80)
		return key_event(ev, c, mods);
	if (is_cut(s, len)) {
		*used = decide ? len : 0;
		return decide ? DECODED_NOTHING : DECODED_MORE;
	}
	*used = utf8_decode(s, len, &cp);
	if ((*used == 1 && c >= 0x80) || cp_width(cp) < 0)
		return DECODED_NOTHING;
	return key_event(ev, cp, mods);
}

/* ---------------------------------------------------------------- CSI and SS3 */

static uint32_t letter_key(char final)
{
	static const struct {
		char final;
		uint32_t code;
	} keys[] = {{'A', KEYC_UP}, {'B', KEYC_DOWN}, {'C', KEYC_RIGHT}, {'D', KEYC_LEFT}, {'H', KEYC_HOME},
	        {'F', KEYC_END}, {'P', KEYC_F1}, {'Q', KEYC_F2}, {'R', KEYC_F3}, {'S', KEYC_F4}};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (keys[i].final == final)
			return keys[i].code;
	return KEYC_NONE;
}

static uint32_t number_key(int n)
{
	static const uint32_t keys[] = {[1] = KEYC_HOME,
	        [2] = KEYC_INSERT,
	        [3] = KEYC_DELETE,
	        [4] = KEYC_END,
	        [5] = KEYC_PAGE_UP,
	        [6] = KEYC_PAGE_DOWN,
	        [7] = KEYC_HOME,
	        [8] = KEYC_END,
	        [11] = KEYC_F1,
	        [12] = KEYC_F2,
	        [13] = KEYC_F3,
	        [14] = KEYC_F4,
	        [15] = KEYC_F5,
	        [17] = KEYC_F6,
	        [18] = KEYC_F7,
	        [19] = KEYC_F8,
	        [20] = KEYC_F9,
	        [21] = KEYC_F10,
	        [23] = KEYC_F11,
	        [24] = KEYC_F12};

	if (n < 0 || n >= (int)(sizeof(keys) / sizeof(*keys)))
		return KEYC_NONE;
	return keys[n];
}

static enum decoded known(struct input_event *ev, uint32_t code, unsigned mods)
{
	return code == KEYC_NONE ? DECODED_NOTHING : key_event(ev, code, mods);
}

/* A key told by its code point; of the controls only those that a key has. */
static enum decoded unicode_key(int code, int modifiers, struct input_event *ev)
{
	uint32_t cp = code > 0 ? (uint32_t)code : 0;
	bool named = cp == '\t' || cp == '\r' || cp == 8 || cp == ESC || cp == 127;

	if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xf8ff) || (cp_width(cp) < 0 && !named))
		return DECODED_NOTHING;
	return key_event(ev, cp, mods_of(modifiers));
}

static enum decoded tilde(const struct csi *c, struct input_event *ev)
{
	if (c->params[0] == 200)
		return DECODED_PASTE_START;
	/* modifyOtherKeys: 27 ; modifiers ; code */
	if (c->params[0] == 27 && c->n >= 3)
		return unicode_key(c->params[2], c->params[1], ev);
	return known(ev, number_key(c->params[0]), mods_of(c->params[1]));
}

static enum decoded mouse(const struct csi *c, struct input_event *ev)
{
	int b = c->params[0], x = c->params[1], y = c->params[2];
	struct mouse m = {.button = (b & 3) + 1, .y = y - 1, .x = x - 1};

	if (c->n != 3 || b < 0 || b > 127 || x < 1 || y < 1 || x > MAX_CELL || y > MAX_CELL)
		return DECODED_NOTHING;
	m.mods = (b & 4 ? MOD_SHIFT : 0u) | (b & 8 ? MOD_ALT : 0u) | (b & 16 ? MOD_CTRL : 0u);
	if (b & 64) {
		if ((b & 3) > 1 || c->final == 'm')
			return DECODED_NOTHING; /* sideways */
		m.kind = b & 1 ? MOUSE_WHEEL_DOWN : MOUSE_WHEEL_UP;
		m.button = 0;
	} else if ((b & 3) == 3) {
		return DECODED_NOTHING; /* it moves with no button down */
	} else {
		m.kind = c->final == 'm' ? MOUSE_RELEASE : b & 32 ? MOUSE_DRAG : MOUSE_PRESS;
	}
	*ev = (struct input_event){.kind = INPUT_MOUSE, .mouse = m};
	return DECODED_EVENT;
}

static enum decoded interpret(const struct csi *c, struct input_event *ev)
{
	if (c->private == '<' && (c->final == 'M' || c->final == 'm'))
		return mouse(c, ev);
	/* Private marks and intermediates are in replies only. */
	if (c->private || c->intermediate || c->release)
		return DECODED_NOTHING;
	switch (c->final) {
	case '~':
		return tilde(c, ev);
	case 'u':
		return unicode_key(c->params[0], c->params[1], ev);
	case 'Z':
		return key_event(ev, KEYC_TAB, MOD_SHIFT | mods_of(c->params[1]));
	case 'I':
	case 'O':
		*ev = (struct input_event){.kind = c->final == 'I' ? INPUT_FOCUS_IN : INPUT_FOCUS_OUT};
		return DECODED_EVENT;
	case 'R':
		if (c->params[0] > 1)
			return DECODED_NOTHING; /* where the cursor is */
		break;
	default:
		break;
	}
	return known(ev, letter_key(c->final), mods_of(c->params[1]));
}

/* Numbers separated by ";"; what follows a ":" refines a number: of a modifier, whether it is a release. */
static void add_param_byte(struct csi *c, char b, bool *refining)
{
	int *p = c->n > 0 && c->n <= MAX_PARAMS ? &c->params[c->n - 1] : NULL;

	if (b == ';') {
		c->n += c->n == 0 ? 2 : c->n < MAX_PARAMS + 1;
		*refining = false;
	} else if (b == ':') {
		*refining = true;
	} else if (b >= '0' && b <= '9') {
		if (c->n == 0)
			p = &c->params[c->n++];
		if (*refining)
			c->release |= c->n == 2 && b == '3';
		else if (p && *p < 100000000)
			*p = *p * 10 + (b - '0');
	} else {
		c->private = b;
	}
}

/* The linux console's F1 to F5 are ESC [ [ A to E; old mice put three bytes behind ESC [ M. */
static enum decoded odd_csi(const char *s, size_t len, bool decide, struct input_event *ev, size_t *used)
{
	size_t n = s[2] == 'M' ? 6 : 4;

	if (len < n) {
		*used = decide ? len : 0;
		return decide ? DECODED_NOTHING : DECODED_MORE;
	}
	*used = n;
	if (n == 4 && s[3] >= 'A' && s[3] <= 'E')
		return key_event(ev, KEYC_F1 + (uint32_t)(s[3] - 'A'), 0);
	return DECODED_NOTHING;
}

static enum decoded csi(const char *s, size_t len, bool decide, struct input_event *ev, size_t *used)
{
	struct csi c = {0};
	bool refining = false;

	if (len > 2 && (s[2] == '[' || s[2] == 'M'))
		return odd_csi(s, len, decide, ev, used);
	for (size_t i = 2; i < len; i++) {
		unsigned char b = (unsigned char)s[i];

		*used = i;
		if (b < 0x20 || b > 0x7e || i >= MAX_CSI)
			return DECODED_NOTHING; /* broken off; that byte begins something else */
		*used = i + 1;
		if (b >= 0x40) {
			c.final = (char)b;
			return interpret(&c, ev);
		}
		if (b < 0x30)
			c.intermediate = true;
		else
			add_param_byte(&c, (char)b, &refining);
	}
	*used = decide ? len : 0;
	if (!decide)
		return DECODED_MORE;
	return len == 2 ? key_event(ev, '[', MOD_ALT) : DECODED_NOTHING;
}

/* Function keys, the keypad in application mode, and Alt-O. */
static enum decoded ss3(const char *s, size_t len, bool decide, struct input_event *ev, size_t *used)
{
	static const char keypad[] = "*+,-./0123456789"; /* j to y */
	size_t at = len > 2 && s[2] >= '1' && s[2] <= '9' ? 3 : 2;
	unsigned mods = at == 3 ? mods_of(s[2] - '0') : 0;

	if (len <= at) {
		*used = decide ? len : 0;
		if (!decide)
			return DECODED_MORE;
		return len == 2 ? key_event(ev, 'O', MOD_ALT) : DECODED_NOTHING;
	}
	*used = at + 1;
	if (s[at] == 'M')
		return key_event(ev, KEYC_ENTER, mods);
	if (s[at] >= 'j' && s[at] <= 'y')
		return key_event(ev, (unsigned char)keypad[s[at] - 'j'], mods);
	if ((unsigned char)s[at] < 0x20 || (unsigned char)s[at] > 0x7e) {
		*used = at;
		return DECODED_NOTHING;
	}
	return known(ev, letter_key(s[at]), mods);
}

static enum decoded escape(const char *s, size_t len, bool decide, struct input_event *ev, size_t *used)
{
	enum decoded d;

	*used = 0;
	if (len == 1 && !decide)
		return DECODED_MORE;
	if (len == 1 || s[1] == ESC) {
		*used = 1;
		return key_event(ev, KEYC_ESCAPE, 0);
	}
	if (s[1] == '[')
		return csi(s, len, decide, ev, used);
	if (s[1] == 'O')
		return ss3(s, len, decide, ev, used);
	/* OSC, DCS, APC, PM, SOS: the answer of a terminal, or Alt and that key if nothing follows at once.
	 */
	if (s[1] == ']' || s[1] == 'P' || s[1] == '_' || s[1] == '^' || s[1] == 'X') {
		if (len > 2) {
			*used = 2;
			return DECODED_STRING;
		}
		if (!decide)
			return DECODED_MORE;
	}
	d = character(s + 1, len - 1, decide, MOD_ALT, ev, used);
	*used += d == DECODED_MORE ? 0 : 1;
	return d;
}

enum decoded input_decode(const char *s, size_t len, bool decide, struct input_event *ev, size_t *used)
{
	if (s[0] == ESC)
		return escape(s, len, decide, ev, used);
	return character(s, len, decide, 0, ev, used);
}
