/* The form that makes an image of a container. */
#ifndef TARE_TUI_COMMIT_FORM_H
#define TARE_TUI_COMMIT_FORM_H

struct app;
struct model_container;
struct view;

struct view *commit_form_new(struct app *a, const struct model_container *c);

#endif
