/* The tabs of a detail pane. */
#include <string.h>

#include "tui/tabs.h"
#include "tui/views.h"

#define KIND(k) (1u << OBJECT_##k)

const struct tab_info tab_table[TAB_N] = {
        [TAB_LOGS] = {"Logs", "logs", KIND(CONTAINER), log_view_new, 0},
        [TAB_STATS] = {"Stats", "stats", KIND(CONTAINER), stats_view_new, 0},
        [TAB_HEALTH] = {"Health", "health", KIND(CONTAINER), health_view_new, 92},
        [TAB_LIMITS] = {"Limits", "limits", KIND(CONTAINER), limits_view_new, 92},
        [TAB_LAYERS] = {"Layers", "layers", KIND(IMAGE), layers_view_new, 0},
        [TAB_MEMBERS] = {"Members", "members", KIND(NETWORK), members_view_new, 0},
        [TAB_INSPECT] = {"Inspect", "inspect",
                KIND(CONTAINER) | KIND(IMAGE) | KIND(VOLUME) | KIND(NETWORK) | KIND(EVENT), inspect_view_new,
                0},
        [TAB_ENV] = {"Env", "env", KIND(CONTAINER), env_view_new, 0},
        [TAB_PROCESSES] = {"Procs", "processes", KIND(CONTAINER), processes_view_new, 0},
        [TAB_FILES] = {"Files", "files", KIND(CONTAINER) | KIND(VOLUME), files_view_new, 0},
        [TAB_BACKUPS] = {"Backups", "backups", KIND(VOLUME), backups_view_new, 0},
        [TAB_CHANGES] = {"Changes", "changes", KIND(CONTAINER), changes_view_new, 80},
        [TAB_SHELL] = {"Shell", "shell", KIND(SHELL), shell_view_new, 0},
};

enum tab tab_first(enum object_kind kind)
{
	static const enum tab preferred[] = {
	        TAB_LOGS, TAB_LAYERS, TAB_FILES, TAB_MEMBERS, TAB_SHELL, TAB_INSPECT};

	for (unsigned i = 0; i < sizeof preferred / sizeof *preferred; i++)
		if (tab_is_for(preferred[i], kind))
			return preferred[i];
	return TAB_NONE;
}

enum tab tab_step(enum tab t, enum object_kind kind, int step)
{
	for (int i = 0; i < TAB_N; i++) {
		t = (enum tab)(((int)t + step + TAB_N) % TAB_N);
		if (tab_is_for(t, kind))
			return t;
	}
	return TAB_NONE;
}

enum tab tab_find(const char *name)
{
	for (int t = 0; t < TAB_N; t++)
		if (strcmp(tab_table[t].name, name) == 0)
			return (enum tab)t;
	return TAB_NONE;
}
