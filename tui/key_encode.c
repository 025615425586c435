/* The bytes that a program in an ordinary xterm gets for a key. */
#include "tui/input.h"

#include <stdio.h>

#include "base/text.h"

static size_t letter_sequence(struct key k, char letter, bool ss3, char dst[16])
{
	if (k.mods)
		return (size_t)snprintf(dst, 16, "\033[1;%u%c", k.mods + 1, letter);
	return (size_t)snprintf(dst, 16, "\033%c%c", ss3 ? 'O' : '[', letter);
}

static size_t tilde_sequence(struct key k, int number, char dst[16])
{
	if (k.mods)
		return (size_t)snprintf(dst, 16, "\033[%d;%u~", number, k.mods + 1);
	return (size_t)snprintf(dst, 16, "\033[%d~", number);
}

static size_t encode_special(struct key k, bool application_cursor, char dst[16])
{
	static const char letters[] = {'A', 'B', 'D', 'C', 'H', 'F'}; /* KEYC_UP to KEYC_END */
	static const int numbers[] = {5, 6, 2, 3};                    /* KEYC_PAGE_UP to KEYC_DELETE */
	static const int functions[] = {
	        11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 23, 24}; /* KEYC_F1 to KEYC_F12 */

	if (k.code >= KEYC_UP && k.code <= KEYC_END)
		return letter_sequence(k, letters[k.code - KEYC_UP], application_cursor, dst);
	if (k.code >= KEYC_PAGE_UP && k.code <= KEYC_DELETE)
		return tilde_sequence(k, numbers[k.code - KEYC_PAGE_UP], dst);
	if (k.code >= KEYC_F1 && k.code <= KEYC_F4)
		return letter_sequence(k, (char)('P' + (k.code - KEYC_F1)), true, dst);
	if (k.code >= KEYC_F5 && k.code <= KEYC_F12)
		return tilde_sequence(k, functions[k.code - KEYC_F1], dst);
	return 0;
}

/* Keys that are one control byte in every terminal: shells do not know the longer forms. */
static int single_byte(struct key k)
{
	switch (k.code) {
	case KEYC_ENTER:
		return '\r';
	case KEYC_TAB:
		return '\t';
	case KEYC_ESCAPE:
		return 0x1b;
	case KEYC_BACKSPACE:
		return k.mods & MOD_CTRL ? 8 : 0x7f;
	default:
		return -1;
	}
}

static int control_byte(uint32_t code)
{
	static const char digits[] = {0, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x7f}; /* 2 to 8, as xterm has it */

	if (code == ' ' || code == '@')
		return 0;
	if (code >= 'a' && code <= 'z')
		return (int)(code - 'a' + 1);
	if (code >= '[' && code <= '_')
		return (int)(code - '@');
	if (code >= '2' && code <= '8')
		return digits[code - '2'];
	return code == '?' ? 0x7f : code == '/' ? 0x1f : -1;
}

size_t key_encode(struct key k, bool application_cursor, char dst[16])
{
	int byte = single_byte(k);
	size_t n = 0;

	if (k.code == KEYC_NONE)
		return 0;
	if (k.code == KEYC_TAB && k.mods & MOD_SHIFT)
		return (size_t)snprintf(dst, 16, "\033[Z");
	if (byte < 0 && k.code >= KEYC_BASE)
		return encode_special(k, application_cursor, dst);
	if (byte < 0 && k.mods & MOD_CTRL)
		byte = control_byte(k.code);
	if (k.mods & MOD_ALT)
		dst[n++] = 0x1b;
	if (byte >= 0) {
		dst[n++] = (char)byte;
		return n;
	}
	return n + utf8_encode(k.code, dst + n);
}
