/* The views there are; each is made by the file of its name. `app` outlives them. NULL only without memory.
 */
#ifndef TARE_TUI_VIEWS_H
#define TARE_TUI_VIEWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct app;
struct object;
struct view;

/* panels (list_view.c and panel_*.c) */
struct view *containers_panel_new(struct app *a);
struct view *images_panel_new(struct app *a);
struct view *volumes_panel_new(struct app *a);
struct view *networks_panel_new(struct app *a);
struct view *events_panel_new(struct app *a);
struct view *shells_panel_new(struct app *a);
/* Any list panel: its rows shown and in all, its marks, and selecting by object. */
void panel_count(struct view *panel, size_t *shown, size_t *all);
size_t panel_marked(struct view *panel, struct object **objects); /* the caller's to free() */
/* How many are marked, without a copy of them; *sum tells one set of marks from another. */
size_t panel_n_marked(struct view *panel, uint64_t *sum);
bool panel_select(struct view *panel, const struct object *o);

/* details */
struct view *log_view_new(struct app *a);
struct view *stats_view_new(struct app *a);
struct view *health_view_new(struct app *a);
struct view *limits_view_new(struct app *a);
struct view *inspect_view_new(struct app *a); /* any kind of object */
struct view *env_view_new(struct app *a);
struct view *processes_view_new(struct app *a);
struct view *files_view_new(struct app *a);   /* of a container or a volume */
struct view *layers_view_new(struct app *a);  /* of an image */
struct view *members_view_new(struct app *a); /* of a network */
struct view *backups_view_new(struct app *a); /* of a volume */
struct view *changes_view_new(struct app *a); /* what a container changed in its root */
struct view *shell_view_new(struct app *a);   /* shows the shell that is selected */

/* dialogs */
struct view *help_view_new(struct app *a, int context); /* enum context */
struct view *theme_picker_new(struct app *a);
struct view *welcome_new(struct app *a); /* first start: five keys */

#endif
