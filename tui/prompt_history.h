/* What was typed before at a prompt, kept in the settings as "history.NAME". */
#ifndef TARE_TUI_PROMPT_HISTORY_H
#define TARE_TUI_PROMPT_HISTORY_H

#include <stddef.h>

struct config;

#define PROMPT_HISTORY_MAX 50

/* Oldest first, the caller's to strv_free; NULL: none. */
char **prompt_history(const struct config *c, const char *name);
void prompt_history_add(struct config *c, const char *name, const char *text);

#endif
