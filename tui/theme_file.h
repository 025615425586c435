/* A theme before its colours are known: what its file says, then what its parents say where it is silent.
 * Only then are the words evaluated, so that a theme that changes a palette entry changes all that its
 * parents made of it, and a palette alone is a whole theme. */
#ifndef TARE_TUI_THEME_FILE_H
#define TARE_TUI_THEME_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/theme.h"

enum {
	THEME_NAME_SIZE = 48,
	THEME_WORD_SIZE = 32,
	THEME_VALUE_SIZE = 128,
	THEME_PATTERN_SIZE = 256,
	THEME_PALETTE_MAX = 64,
	THEME_PALETTE_ROOM = 96, /* with the built-in names */
	THEME_HIGHLIGHTS_MAX = 64,
	THEME_PARENTS_MAX = 5, /* files that one theme may come to, the built-in included */
};

/* What a key was given, and where, for warnings. */
struct theme_value {
	char text[THEME_VALUE_SIZE];
	unsigned line;
	unsigned char file; /* 1 + index in theme_source.files; 0: not given */
};

struct theme_source {
	char title[THEME_NAME_SIZE];
	char parent[THEME_NAME_SIZE]; /* of the file read last; "" : none */
	bool light, variant_given;
	struct {
		char name[THEME_WORD_SIZE];
		struct theme_value value;
	} palette[THEME_PALETTE_ROOM];
	size_t n_palette, palette_max;
	struct theme_value elements[THEME_N_ELEMENTS];
	struct theme_value symbols;
	struct {
		char pattern[THEME_PATTERN_SIZE];
		struct theme_value value;
	} highlights[THEME_HIGHLIGHTS_MAX];
	size_t n_highlights;
	char files[THEME_PARENTS_MAX][THEME_NAME_SIZE + 8];
	size_t n_files;
	char ***warnings;
};

extern const char *const theme_element_names[THEME_N_ELEMENTS];
bool theme_name_is_valid(const char *name);

/* Add what `text` says to what is not given yet. `file`: for warnings. */
void theme_source_read(struct theme_source *s, const char *text, size_t len, const char *file);
void theme_source_warn(const struct theme_source *s, const struct theme_value *at, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

/* Style words. The colours not named are COLOUR_KEEP. `glyphs` (may be NULL): quoted signs, [0] and the one
 * for ASCII [1], left alone where none is given. */
struct style theme_evaluate(const struct theme_source *s, const struct theme_value *v,
        enum colour_depth depth, uint32_t glyphs[2]);

/* The dashboard's own look, and the one that needs no colours, as theme files. */
extern const char theme_builtin_text[], theme_builtin_mono[];

#endif
