/* What was typed before at a prompt, kept with the settings as "history.NAME.0", the newest,
 * "history.NAME.1", … */
#ifndef TARE_TUI_PROMPT_HISTORY_H
#define TARE_TUI_PROMPT_HISTORY_H

struct config;

#define PROMPT_HISTORY_MAX 30

/* Oldest first, the caller's to strv_free; NULL: none. */
char **prompt_history(const struct config *c, const char *name);
void prompt_history_add(struct config *c, const char *name, const char *text);

#endif
