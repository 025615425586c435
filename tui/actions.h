/* What the verbs do: stop, remove, tag, prune, … Each asks where it must and then starts a job. */
#ifndef TARE_TUI_ACTIONS_H
#define TARE_TUI_ACTIONS_H

#include "tui/action.h"
#include "tui/view.h"

struct actions;
struct app;

/* State between two actions: the last one, for REPEAT. */
struct actions *actions_new(struct app *a);
void actions_free(struct actions *as); /* NULL allowed */
/* An action that neither dialog nor view nor panel took: VIEW_ results. Does CTR_STOP … CTR_RENAME, CTR_BULK,
 * CTR_WATCH, CTR_RUN, CTR_COMMIT, the shells, IMG_RUN IMG_TAG IMG_REMOVE IMG_PRUNE IMG_PULL … IMG_LOGIN,
 * VOL_PRUNE, NET_CREATE … NET_RELOAD, CTR_NETWORKS, AGAIN, YANK_…, REPEAT, ACTION_LOG, COMMAND, JUMP and
 * INTERRUPT while a job runs; ignores the others.
 */
unsigned actions_perform(struct app *a, enum action action);

#endif
