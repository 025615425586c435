/* Any bytes are a theme, for every depth of colour. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "tui/theme.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum colour_depth depth = size ? (enum colour_depth)(data[0] % (DEPTH_TRUE + 1)) : DEPTH_TRUE;
	cleanup_strv char **warnings = NULL;
	struct theme *t;
	size_t n;

	if (size == 0)
		return 0;
	t = theme_parse((const char *)data + 1, size - 1, "fuzz", depth, &warnings, NULL);
	if (!t)
		return 0;
	for (int g = 0; g < GLYPH_N; g++) {
		uint32_t ascii = theme_glyph(t, (enum glyph)g, true);
		if (ascii <= 0x20 || ascii >= 0x7f)
			abort();
	}
	for (int el = 0; el < THEME_N_ELEMENTS; el++) {
		if (COLOUR_TAG(theme_style(t, (enum theme_element)el).fg) > 3)
			abort();
	}
	theme_highlights(t, &n);
	theme_free(t);
	return 0;
}
