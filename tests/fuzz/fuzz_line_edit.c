/* A line being typed, by any keys and any pasted bytes: its text stays terminated, well-formed and free of
 * controls, the cursor stays within. What was typed is then split into words as the `:` line does. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "tui/line_edit.h"
#include "tui/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct line_edit *l)
{
	if (l->len >= LINE_EDIT_MAX || l->at > l->len || strlen(l->text) != l->len)
		abort();
	for (size_t i = 0; i < l->len; i++)
		if ((unsigned char)l->text[i] < ' ' || l->text[i] == 0x7f)
			abort();
	/* the cursor is never within a character */
	if (((unsigned char)l->text[l->at] & 0xc0) == 0x80)
		abort();
}

/* Three bytes a key, or a length and so many bytes that are pasted. */
static void type(struct line_edit *l, const uint8_t *data, size_t size)
{
	static const uint32_t codes[] = {KEYC_LEFT, KEYC_RIGHT, KEYC_HOME, KEYC_END, KEYC_BACKSPACE,
	        KEYC_DELETE, 'a', 'b', 'd', 'e', 'f', 'h', 'k', 't', 'u', 'w', 'y', 0x4e2d, 0x301, 0x1f468,
	        ' '};

	while (size >= 3) {
		size_t n = data[0] & 0x80 ? (size_t)data[1] * (data[0] & 0x7f) : 0;

		if (n > size - 2)
			n = size - 2;
		if (data[0] & 0x80) {
			line_edit_insert(l, (const char *)data + 2, n);
			data += 2 + n, size -= 2 + n;
		} else {
			line_edit_key(l, (struct key){.code = codes[data[0] % (sizeof codes / sizeof *codes)],
			                         .mods = data[1] & 7});
			line_edit_click(l, data[2]);
			data += 3, size -= 3;
		}
		check(l);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct line_edit l;
	struct err e = ERR_INIT;
	cleanup_strv char **words = NULL;

	memset(&l, 0, sizeof l);
	line_edit_set(&l, "");
	type(&l, data, size);
	words = words_split(l.text, &e);
	strv_foreach (w, words)
		if (strlen(*w) > l.len)
			abort();
	return 0;
}
