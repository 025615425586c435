/* The form that logs in to a registry. The password goes to `tare login` by its standard input. */
#ifndef TARE_TUI_LOGIN_FORM_H
#define TARE_TUI_LOGIN_FORM_H

#include <stdbool.h>

struct app;
struct job;
struct view;

#define LOGIN_REGISTRY_SIZE 256

/* Did it fail because a registry wants a login? Which one then, as its message names it: "tare login HOST".
 */
bool login_wanted(const struct job *j, char registry[static LOGIN_REGISTRY_SIZE]);
/* registry: "" or one to begin with; again: the number of the job to be tried again when it has gone well, or
 * 0.
 */
struct view *login_form_new(struct app *a, const char *registry, unsigned again);

#endif
