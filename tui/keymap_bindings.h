/* The inside of a key map, for the file that reads key files and the one that looks keys up. */
#ifndef TARE_TUI_KEYMAP_BINDINGS_H
#define TARE_TUI_KEYMAP_BINDINGS_H

#include <stdbool.h>

#include "tui/keymap.h"

enum { KEYMAP_BINDINGS_MAX = 1024, KEYMAP_FILES_MAX = 4 };

/* One key or one chord of one action in one context. */
struct binding {
	enum context context;
	enum action action;
	struct key keys[2];
	int n;
	unsigned line;
	unsigned char file; /* 1 + index in keymap.files; 0: built in */
	bool dropped;
};

struct keymap {
	struct binding of[KEYMAP_BINDINGS_MAX];
	size_t n;
	size_t first[CONTEXT_N + 1]; /* where a context's bindings begin */
	char files[KEYMAP_FILES_MAX][64];
	size_t n_files;
};

/* One key or two with a blank between; how many, 0: not keys. */
int keymap_parse_chord(const char *text, struct key keys[2]);
bool keymap_add(struct keymap *m, const struct binding *b);
/* After bindings were added or dropped: order them anew. */
void keymap_settle(struct keymap *m);

#endif
