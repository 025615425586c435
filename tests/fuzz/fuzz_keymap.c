/* Any bytes are a key file; whatever it says, each binding that it leaves can be pressed and shown. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tui/keymap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_strv char **warnings = NULL;
	struct keymap *m = keymap_new();
	char text[KEYMAP_TEXT_SIZE], all[40];

	if (!m)
		return 0;
	keymap_parse(m, (const char *)data, size, "fuzz", &warnings);
	for (int a = ACTION_NONE + 1; a < ACTION_N; a++) {
		enum context c = action_table[a].context;
		keymap_key_text(m, (enum action)a, text);
		keymap_key_in(m, c, (enum action)a, text);
		keymap_keys_in(m, c, (enum action)a, all, sizeof all);
		if (strlen(all) >= sizeof all)
			abort();
	}
	keymap_free(m);
	return 0;
}
