/* The vocabulary as tables, from the rows of action_table.h. */
#include <stddef.h>
#include <string.h>

#include "tui/action.h"

const struct action_info action_table[ACTION_N] = {[ACTION_NONE] = {.context = CONTEXT_NONE},
#define X(id, where, word, in_bar, text, key1, key2, chord)                                                  \
	[ACTION_##id] = {.context = CONTEXT_##where,                                                         \
	        .name = (word),                                                                              \
	        .hint = (in_bar),                                                                            \
	        .help = (text),                                                                              \
	        .keys = {key1, key2, chord}},
        ACTIONS(X)
#undef X
};

static const struct {
	const char *name;
	enum context parent;
} contexts[CONTEXT_N] = {
#define X(id, word, above) [CONTEXT_##id] = {word, CONTEXT_##above},
        CONTEXTS(X)
#undef X
};

const char *context_name(enum context c)
{
	return c >= 0 && c < CONTEXT_N ? contexts[c].name : "";
}

enum context context_parent(enum context c)
{
	return c >= 0 && c < CONTEXT_N ? contexts[c].parent : CONTEXT_NONE;
}

enum action action_find(const char *name)
{
	for (int a = ACTION_NONE + 1; a < ACTION_N; a++) {
		if (strcmp(action_table[a].name, name) == 0)
			return (enum action)a;
	}
	return ACTION_NONE;
}
