/* The form for a new container. */
#ifndef TARE_TUI_RUN_FORM_H
#define TARE_TUI_RUN_FORM_H

struct app;
struct object;
struct view;

/* image: where the form begins; NULL: none yet. */
struct view *run_form_new(struct app *a, const struct object *image);

#endif
