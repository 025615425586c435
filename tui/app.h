/* The dashboard as its views see it: the things they share, and the few requests they may make. */
#ifndef TARE_TUI_APP_H
#define TARE_TUI_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/action.h"
#include "tui/model.h"
#include "tui/style.h"
#include "tui/theme.h"

struct actions;
struct alerts;
struct app;
struct buf;
struct config;
struct descriptors;
struct err;
struct jobs;
struct keymap;
struct loop;
struct screen;
struct shells;
struct tare_engine;
struct theme;
struct toasts;
struct view;
struct workers;

/* What is shared. Never NULL. */
struct tare_engine *app_engine(struct app *a);
struct loop *app_loop(struct app *a);
struct screen *app_screen(struct app *a);
struct model *app_model(struct app *a);
struct theme *app_theme(struct app *a);
struct keymap *app_keymap(struct app *a);
struct config *app_config(struct app *a);
struct workers *app_workers(struct app *a);
struct jobs *app_jobs(struct app *a);
struct shells *app_shells(struct app *a);
struct alerts *app_alerts(struct app *a);
struct actions *app_actions(struct app *a);
/* How to run ourselves headless with the same engine: {"/…/tare", "--root", …, NULL} or {…, "--demo", …};
 * append a command's words to a copy. */
char *const *app_tare_command(struct app *a);
/* The same as one would type it: "tare", "tare --demo", "tare --root /srv/tare", quoted for a shell. */
const char *app_tare_text(struct app *a);
bool app_is_demo(struct app *a);
/* For whoever starts a child. */
const struct descriptors *app_descriptors(struct app *a);

static inline struct style app_style(struct app *a, enum theme_element el)
{
	return theme_style(app_theme(a), el);
}
uint32_t app_glyph(struct app *a, enum glyph g);
/* Another handle of the same engine, for a worker's thread; close it there. NULL with e. */
struct tare_engine *app_open_engine(struct app *a, struct err *e);
/* The engine's clock (ns since the epoch): a simulated engine may have its own. */
int64_t app_now(struct app *a);

/* Draw before long: at once after a key, at most once per frame otherwise. */
void app_redraw(struct app *a);
void app_set_theme(struct app *a, struct theme *t); /* takes it */
void app_quit(struct app *a);

/* Dialogs: a stack above the panes; the topmost has the keys. Takes the view. */
void app_push(struct app *a, struct view *dialog);
/* Nothing is open and nothing is typed in: a dialog that nobody called now would not take keys that were
 * meant for something else. */
bool app_is_free(struct app *a);
/* Perform an action as if its key had been pressed where the focus is. */
void app_act(struct app *a, enum action action);

/* What an action is for: the marked rows of the focused panel, else the selected object. The caller's to
 * free(). */
size_t app_targets(struct app *a, struct object **objects);
/* How many rows of the panel are marked; *sum tells one set of marks from another. Allocates nothing. */
size_t app_n_marked(struct app *a, uint64_t *sum);
/* The object the detail panes show; false: none. */
bool app_current(struct app *a, struct object *o);
/* Show panel `kind`, select the object there, and (tab not NULL) that tab of its detail, focused. */
void app_show(struct app *a, const struct object *o, const char *tab);
/* A new shell pane: `args` are tare's words after the global ones ("exec", "-it", …); title for its tab. */
void app_open_shell(struct app *a, char *const *args, const char *title, const struct object *about);
/* The pane that shows `v` keeps this object from now on, whatever is selected (in the list of its kind it is
 * selected instead); NULL: the pane follows the selection again. */
void app_keep(struct app *a, const struct view *v, const struct object *o);
/* Leave the screen, run it on the whole terminal, come back. */
void app_run_outside(struct app *a, char *const *args);

enum toast_kind { TOAST_INFO, TOAST_OK, TOAST_WARN, TOAST_ERROR };
/* One line that goes away by itself; an error says what to press next. */
void app_toast(struct app *a, enum toast_kind kind, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
/* Something the user should know even if looking elsewhere: badge, bell, OSC 9. */
void app_alert(struct app *a, const struct object *o, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
/* To the terminal's clipboard (OSC 52) and a register for prompts; says so in a toast. */
void app_copy(struct app *a, const char *text, size_t len);

#endif
