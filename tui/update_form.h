/* The form that changes limits and restart policy of a container, running or not. */
#ifndef TARE_TUI_UPDATE_FORM_H
#define TARE_TUI_UPDATE_FORM_H

struct app;
struct model_container;
struct view;

/* NULL: it is gone, or there is no memory. */
struct view *update_form_new(struct app *a, const struct model_container *c);

#endif
