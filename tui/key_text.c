/* Keys as text: what key files say, and what help and hints show. Both spellings are read. */
#include "tui/input.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "tui/input_decode.h"

struct key_name {
	const char *name;
	uint32_t code;
};

/* The first name of a code is the one that is shown. */
static const struct key_name names[] = {
        {"Up", KEYC_UP}, {"Down", KEYC_DOWN}, {"Left", KEYC_LEFT}, {"Right", KEYC_RIGHT}, {"Home", KEYC_HOME},
        {"End", KEYC_END}, {"PgUp", KEYC_PAGE_UP}, {"PgDn", KEYC_PAGE_DOWN}, {"Insert", KEYC_INSERT},
        {"Delete", KEYC_DELETE}, {"Enter", KEYC_ENTER}, {"Tab", KEYC_TAB}, {"Esc", KEYC_ESCAPE},
        {"Backspace", KEYC_BACKSPACE}, {"Space", ' '}, {"F1", KEYC_F1}, {"F2", KEYC_F2}, {"F3", KEYC_F3},
        {"F4", KEYC_F4}, {"F5", KEYC_F5}, {"F6", KEYC_F6}, {"F7", KEYC_F7}, {"F8", KEYC_F8}, {"F9", KEYC_F9},
        {"F10", KEYC_F10}, {"F11", KEYC_F11}, {"F12", KEYC_F12}, {"PageUp", KEYC_PAGE_UP},
        {"Page-Up", KEYC_PAGE_UP}, {"PageDown", KEYC_PAGE_DOWN}, {"Page-Down", KEYC_PAGE_DOWN},
        {"PgDown", KEYC_PAGE_DOWN}, {"Ins", KEYC_INSERT}, {"Del", KEYC_DELETE}, {"Return", KEYC_ENTER},
        {"Escape", KEYC_ESCAPE}, {"BS", KEYC_BACKSPACE}, {"Hash", '#'}, /* begins a comment in key files */
};

static const struct {
	const char *prefix;
	unsigned mod;
} prefixes[] = {{"ctrl-", MOD_CTRL}, {"control-", MOD_CTRL}, {"c-", MOD_CTRL}, {"alt-", MOD_ALT},
        {"meta-", MOD_ALT}, {"m-", MOD_ALT}, {"a-", MOD_ALT}, {"shift-", MOD_SHIFT}, {"s-", MOD_SHIFT}};

/* The length of a modifier at the start of text that leaves something after it. */
static size_t take_prefix(const char *text, size_t len, unsigned *mods)
{
	if (len > 1 && text[0] == '^') {
		*mods |= MOD_CTRL;
		return 1;
	}
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		size_t n = strlen(prefixes[i].prefix);

		if (len > n && strncasecmp(text, prefixes[i].prefix, n) == 0) {
			*mods |= prefixes[i].mod;
			return n;
		}
	}
	return 0;
}

static uint32_t named_key(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i].name) == len && strncasecmp(text, names[i].name, len) == 0)
			return names[i].code;
	return KEYC_NONE;
}

bool key_parse(const char *text, size_t len, struct key *k)
{
	unsigned mods = 0;
	uint32_t code;
	size_t n;

	while ((n = take_prefix(text, len, &mods)) > 0) {
		text += n;
		len -= n;
	}
	if (len == 0)
		return false;
	code = named_key(text, len);
	if (code == KEYC_NONE) {
		n = utf8_decode(text, len, &code);
		if (n != len || cp_width(code) <= 0 || (n == 1 && (unsigned char)text[0] >= 0x80))
			return false;
	}
	if (mods & MOD_CTRL && code == '@')
		code = ' ';
	*k = key_normal((struct key){code, mods});
	return true;
}

static const char *name_of(uint32_t code)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && code != '#'; i++)
		if (names[i].code == code)
			return names[i].name;
	return NULL;
}

char *key_format(struct key k, char dst[KEY_TEXT_SIZE])
{
	const char *name = name_of(k.code);
	char character[5] = "?", *p = character;

	if (!name && k.code < KEYC_BASE)
		character[utf8_encode(k.code, character)] = 0;
	/* ^P as everybody writes it; with a key that has a name "^" would look odd. */
	if (!name && k.mods & MOD_CTRL && k.code >= 'a' && k.code <= 'z')
		*p -= 'a' - 'A';
	snprintf(dst, KEY_TEXT_SIZE, "%s%s%s%s", k.mods & MOD_ALT ? "Alt-" : "",
	        k.mods & MOD_SHIFT ? "S-" : "",
	        !(k.mods & MOD_CTRL)    ? ""
	        : name && k.code != ' ' ? "Ctrl-"
	                                : "^",
	        name ? name : character);
	return dst;
}
