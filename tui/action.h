/* Actions: the vocabulary of the dashboard. A key, a click on a hint, the ":" line and the palette all come
 * down to one of these. */
#ifndef TARE_TUI_ACTION_H
#define TARE_TUI_ACTION_H

#include "tui/action_table.h"

/* Where a key counts. A key is looked up in the focused view's context, then in that context's parents. */
#define CONTEXTS(X)                                                                                          \
	X(GLOBAL, "global", NONE)                                                                            \
	X(LIST, "list", GLOBAL)                                                                              \
	X(CONTAINERS, "containers", LIST)                                                                    \
	X(IMAGES, "images", LIST)                                                                            \
	X(VOLUMES, "volumes", LIST)                                                                          \
	X(NETWORKS, "networks", LIST)                                                                        \
	X(EVENTS, "events", LIST)                                                                            \
	X(SHELLS, "shells", LIST)                                                                            \
	X(DETAIL, "detail", GLOBAL)                                                                          \
	X(LOGS, "logs", DETAIL)                                                                              \
	X(STATS, "stats", DETAIL)                                                                            \
	X(CARE, "care", DETAIL)                                                                              \
	X(TEXT, "text", DETAIL)                                                                              \
	X(PROCESSES, "processes", DETAIL)                                                                    \
	X(MEMBERS, "members", LIST)                                                                          \
	X(BACKUPS, "backups", LIST)                                                                          \
	X(CHANGES, "changes", DETAIL)                                                                        \
	X(COMPARISON, "comparison", CHANGES)                                                                 \
	X(FILES, "files", DETAIL)                                                                            \
	X(SHELL, "shell", NONE)

enum context {
	CONTEXT_NONE = -1,
#define X(id, name, parent) CONTEXT_##id,
	CONTEXTS(X)
#undef X
	        CONTEXT_N
};

enum action {
	ACTION_NONE,
#define X(id, context, name, hint, help, key1, key2, chord) ACTION_##id,
	ACTIONS(X)
#undef X
	        ACTION_N
};

struct action_info {
	enum context context;
	const char *name, *hint, *help;
	const char *keys[3]; /* two keys and a chord, as key_parse() reads them, or NULL */
};
extern const struct action_info action_table[ACTION_N]; /* [ACTION_NONE] is empty */

const char *context_name(enum context c);
enum context context_parent(enum context c);
/* ACTION_NONE when there is none; with several contexts of one name the first. */
enum action action_find(const char *name);

#endif
