/* The form that makes a network. */
#ifndef TARE_TUI_NETWORK_FORM_H
#define TARE_TUI_NETWORK_FORM_H

struct app;
struct view;

/* NULL without memory. */
struct view *network_form_new(struct app *a);

#endif
