/* Themes: what each element of the dashboard looks like. No colour is named anywhere else.
 *
 * A theme is a file of sections [palette] [ui] [state] [graph] [log]; see themes/README.md for the format.
 * Missing keys are inherited, unknown ones warn with their line number. */
#ifndef TARE_TUI_THEME_H
#define TARE_TUI_THEME_H

#include <stddef.h>
#include <stdint.h>

#include "tui/screen.h"
#include "tui/style.h"

struct config;
struct err;
struct theme;

/* element, "section.key" in the file. Styles, unless said otherwise. */
/* clang-format off: it puts the last ones of a long list on one line, others each time */
#define THEME_ELEMENTS(X)                                                                                    \
	X(UI_TEXT, "ui.text")                                                                                \
	X(UI_MUTED, "ui.muted")     /* secondary text, units, hints */                                       \
	X(UI_ACCENT, "ui.accent")   /* the one accent */                                                     \
	X(UI_HEADING, "ui.heading") /* column heads */                                                       \
	X(UI_TITLE, "ui.title")     /* panel titles */                                                       \
	X(UI_TITLE_FOCUS, "ui.title.focus")                                                                  \
	X(UI_BORDER, "ui.border")                                                                            \
	X(UI_BORDER_FOCUS, "ui.border.focus")                                                                \
	X(UI_SELECTION, "ui.selection")           /* the selected row of the focused pane; laid over */      \
	X(UI_SELECTION_IDLE, "ui.selection.idle") /* of another pane */                                      \
	X(UI_MARK, "ui.mark")                     /* marked rows */                                          \
	X(UI_MATCH, "ui.match")                   /* letters that matched a filter; laid over */             \
	X(UI_TAB, "ui.tab")                                                                                  \
	X(UI_TAB_ACTIVE, "ui.tab.active")                                                                    \
	X(UI_BAR, "ui.bar")       /* top and hint bar */                                                     \
	X(UI_KEY, "ui.key")       /* a key in the hint bar */                                                \
	X(UI_BANNER, "ui.banner") /* "simulated" */                                                          \
	X(UI_DIALOG, "ui.dialog")                                                                            \
	X(UI_DIALOG_BORDER, "ui.dialog.border")                                                              \
	X(UI_FIELD, "ui.field") /* an input field */                                                         \
	X(UI_FIELD_FOCUS, "ui.field.focus")                                                                  \
	X(UI_BUTTON, "ui.button")                                                                            \
	X(UI_BUTTON_FOCUS, "ui.button.focus")                                                                \
	X(UI_PROGRESS, "ui.progress")           /* the full part of a bar */                                 \
	X(UI_PROGRESS_REST, "ui.progress.rest") /* and the other */                                          \
	X(UI_SHADE, "ui.shade")                 /* laid over what is beneath a dialog */                     \
	X(UI_OK, "ui.ok")                                                                                    \
	X(UI_WARN, "ui.warn")                                                                                \
	X(UI_ERROR, "ui.error")                                                                              \
	X(UI_ADDED, "ui.added") /* what came, went, has other content, has other attributes */               \
	X(UI_REMOVED, "ui.removed")                                                                          \
	X(UI_CHANGED, "ui.changed")                                                                          \
	X(UI_TOUCHED, "ui.touched")                                                                          \
	X(STATE_RUNNING, "state.running")                                                                    \
	X(STATE_PAUSED, "state.paused")                                                                      \
	X(STATE_CREATED, "state.created")                                                                    \
	X(STATE_EXITED, "state.exited")                                                                      \
	X(STATE_FAILED, "state.failed") /* exited with a code other than 0 */                                \
	X(STATE_RESTARTING, "state.restarting")                                                              \
	X(STATE_DEAD, "state.dead")                                                                          \
	X(STATE_HEALTHY, "state.healthy")                                                                    \
	X(STATE_UNHEALTHY, "state.unhealthy")                                                                \
	X(STATE_STARTING, "state.starting") /* health not known yet */                                       \
	X(STATE_OOM, "state.oom")                                                                            \
	X(GRAPH_LOW, "graph.low") /* by share of the limit */                                                \
	X(GRAPH_MIDDLE, "graph.middle")                                                                      \
	X(GRAPH_HIGH, "graph.high")                                                                          \
	X(GRAPH_CPU, "graph.cpu")                                                                            \
	X(GRAPH_MEMORY, "graph.memory")                                                                      \
	X(GRAPH_MEMORY_FILE, "graph.memory.file")                                                            \
	X(GRAPH_MEMORY_KERNEL, "graph.memory.kernel")                                                        \
	X(GRAPH_PIDS, "graph.pids")                                                                          \
	X(GRAPH_READ, "graph.read")                                                                          \
	X(GRAPH_WRITE, "graph.write")                                                                        \
	X(GRAPH_RX, "graph.rx")                                                                              \
	X(GRAPH_TX, "graph.tx")                                                                              \
	X(GRAPH_PRESSURE, "graph.pressure")                                                                  \
	X(GRAPH_GRID, "graph.grid")                                                                          \
	X(LOG_TIME, "log.time")                                                                              \
	X(LOG_STDERR, "log.stderr") /* mark of lines from standard error */                                  \
	X(LOG_ERROR, "log.error")                                                                            \
	X(LOG_WARN, "log.warn")                                                                              \
	X(LOG_INFO, "log.info")                                                                              \
	X(LOG_DEBUG, "log.debug")                                                                            \
	X(LOG_MATCH, "log.match") /* search hits; laid over */                                               \
	X(LOG_MATCH_CURRENT, "log.match.current")                                                            \
	X(LOG_KEY, "log.key") /* keys of JSON lines */                                                       \
	X(LOG_STRING, "log.string")                                                                          \
	X(LOG_NUMBER, "log.number")                                                                          \
	X(LOG_SOURCE1, "log.source1")                                                                        \
	X(LOG_SOURCE2, "log.source2")                                                                        \
	X(LOG_SOURCE3, "log.source3")                                                                        \
	X(LOG_SOURCE4, "log.source4")                                                                        \
	X(LOG_SOURCE5, "log.source5")                                                                        \
	X(LOG_SOURCE6, "log.source6")                                                                        \
	X(LOG_SOURCE7, "log.source7")                                                                        \
	X(LOG_SOURCE8, "log.source8")
/* clang-format on */

enum theme_element {
#define X(id, name) id,
	THEME_ELEMENTS(X)
#undef X
	        THEME_N_ELEMENTS
};

/* Signs that carry a meaning without colour. A theme may give its own for [state]; ASCII mode has its own. */
enum glyph {
	GLYPH_RUNNING,
	GLYPH_PAUSED,
	GLYPH_CREATED,
	GLYPH_EXITED,
	GLYPH_FAILED,
	GLYPH_RESTARTING,
	GLYPH_DEAD,
	GLYPH_HEALTHY,
	GLYPH_UNHEALTHY,
	GLYPH_STARTING,
	GLYPH_OOM,
	GLYPH_MARK,
	GLYPH_OPEN,
	GLYPH_CLOSED,
	GLYPH_UP,
	GLYPH_DOWN,
	GLYPH_ELLIPSIS,
	GLYPH_SCROLL,
	GLYPH_BELL,
	GLYPH_N
};
enum graph_symbols { GRAPH_BRAILLE, GRAPH_BLOCK, GRAPH_ASCII };

/* A highlight rule of [log]: "highlight = /regex/ STYLE". */
struct theme_highlight {
	const char *pattern; /* POSIX extended */
	struct style style;
};

/* By name: the user's $XDG_CONFIG_HOME/tare/themes/NAME.theme, then the shipped one. A file with mistakes
 * loads all the same; *warnings (may be NULL) gets "midnight.theme:12: …" lines, the caller's to strv_free.
 * NULL with e when there is no such theme. Resolved for `depth`. */
struct theme *theme_load(const char *name, enum colour_depth depth, char ***warnings, struct err *e);
struct theme *theme_parse(const char *text, size_t len, const char *name, enum colour_depth depth,
        char ***warnings, struct err *e);
/* Always works: what the dashboard looks like without any file. */
struct theme *theme_builtin(enum colour_depth depth);
/* The settings' theme, or `name` where it is not NULL, with their "graph" on top, or ASCII. Never fails but
 * for memory: a theme that cannot be had is a warning, and the built-in one. */
struct theme *theme_choose(
        const struct config *c, const char *name, enum colour_depth depth, bool ascii, char ***warnings);
/* The setting "color". */
enum colour_depth theme_depth(const struct config *c);
void theme_free(struct theme *t);

struct style theme_style(const struct theme *t, enum theme_element el);
uint32_t theme_glyph(const struct theme *t, enum glyph g, bool ascii);
enum graph_symbols theme_symbols(const struct theme *t);
const struct theme_highlight *theme_highlights(const struct theme *t, size_t *n);
const char *theme_name(const struct theme *t);  /* as the file is called */
const char *theme_title(const struct theme *t); /* "# name:" */
bool theme_is_light(const struct theme *t);
/* The setting "graph" goes before what the theme says; false: not braille, block or ascii. */
bool theme_use_symbols(struct theme *t, const char *symbols);
/* What the setting "theme = auto" (or none) comes to: by COLORFGBG a light theme or the dark one. */
const char *theme_auto(void);
/* All names, sorted, the user's and the shipped ones: the caller's to strv_free. */
char **theme_list(void);

#endif
