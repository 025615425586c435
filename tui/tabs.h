/* The tabs of a detail pane: which views there are for which kind of object. */
#ifndef TARE_TUI_TABS_H
#define TARE_TUI_TABS_H

#include <stdbool.h>

#include "tui/model.h"

struct app;
struct view;

enum tab {
	TAB_LOGS,
	TAB_STATS,
	TAB_HEALTH,
	TAB_LIMITS,
	TAB_LAYERS,
	TAB_MEMBERS,
	TAB_FILES,
	TAB_BACKUPS,
	TAB_PROCESSES,
	TAB_ENV,
	TAB_CHANGES,
	TAB_INSPECT,
	TAB_SHELL,
	TAB_N
};
#define TAB_NONE TAB_N

struct tab_info {
	const char *title; /* "Logs" */
	const char *name;  /* in files and for app_show(): "logs" */
	unsigned kinds;    /* bits of 1 << enum object_kind that have it */
	struct view *(*make)(struct app *a);
	int room; /* columns of a pane from which on it stands among the others; chosen, it does anyway */
};
extern const struct tab_info tab_table[TAB_N];

static inline bool tab_is_for(enum tab t, enum object_kind kind)
{
	return tab_table[t].kinds >> kind & 1;
}
/* The first tab of a kind; TAB_NONE: it has none. */
enum tab tab_first(enum object_kind kind);
/* `step` tabs further among those of the kind, round. */
enum tab tab_step(enum tab t, enum object_kind kind, int step);
enum tab tab_find(const char *name); /* TAB_NONE */

#endif
