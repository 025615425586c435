/* What the files of the actions share: the last action, and what an action is for. Not for views, which see
 * actions.h. */
#ifndef TARE_TUI_ACTIONS_STATE_H
#define TARE_TUI_ACTIONS_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/action.h"
#include "tui/loop.h"
#include "tui/model.h"

struct app;
struct requests;

struct actions {
	struct app *app;
	struct requests *requests;
	enum action last;
	int last_choice;       /* what was picked for it: a signal, a way of removing; 0: nothing yet */
	struct object awaited; /* to be shown as soon as the model has it */
	int tries;
	struct loop_timer await_timer;
	enum action later;
	struct loop_timer later_timer;
	bool is_repeat; /* now: take last_choice instead of asking for one */
};

struct requests *actions_requests(struct actions *as);
/* As soon as the dialog that asked for it is closed: until then it would have the action itself. */
void actions_later(struct actions *as, enum action action);

/* Show a container or network that has just been made: the model hears of it a moment later. */
void actions_await(struct actions *as, const struct object *o);

/* The containers that an action is for: marked ones, else the selected one. */
struct targets {
	struct model_container **of;
	size_t n;
};
/* 0 of them: there are none, and a toast says so. */
struct targets targets_take(struct app *a);
void targets_free(struct targets *t);
#define cleanup_targets __attribute__((cleanup(targets_free)))
/* The name to call a container by in a command. */
const char *container_ref(const struct model_container *c);
bool container_is_active(const struct model_container *c);
/* Its name, or "5 containers". */
const char *targets_text(const struct targets *t, char *dst, size_t size);

/* actions_container.c: stop, start, restart, pause, kill, rename, remove */
bool container_action(struct app *a, enum action action);
/* actions_bulk.c: the menu of what is done to many */
void bulk_menu(struct app *a);
/* actions_prune.c */
enum prune_kind {
	PRUNE_CONTAINERS,
	PRUNE_IMAGES,
	PRUNE_IMAGES_ALL,
	PRUNE_VOLUMES,
	PRUNE_VOLUMES_ALL,
	PRUNE_NETWORKS
};
void prune_preview(struct app *a, enum prune_kind kind);
void prune_menu(struct app *a, bool volumes);
/* actions_network.c */
bool network_action(struct app *a, enum action action);
/* Ask, and take a container out of a network. */
void network_disconnect(struct app *a, const char *network, const char *container);
/* actions_volume.c: create, remove, backup, restore; copies out of and into containers */
bool volume_action(struct app *a, enum action action);
/* actions_image.c */
bool image_action(struct app *a, enum action action);
/* What a command calls it: its reference, or its id where it has none. */
struct tare_image;
const char *image_ref(const struct tare_image *i, char *dst, size_t size);
/* actions_transfer.c: pull, push, search, login, commit */
bool transfer_action(struct app *a, enum action action);
/* platform NULL: this host's */
void image_pull(struct app *a, const char *name, const char *platform);
/* actions_shell.c: shells and attaching */
bool shell_action(struct app *a, enum action action);
/* actions_copy.c: YANK_… */
bool copy_action(struct app *a, enum action action);

#endif
