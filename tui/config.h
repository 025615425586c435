/* Settings and what is remembered: $XDG_CONFIG_HOME/tare/config (the user's, never written by us) and
 * $XDG_STATE_HOME/tare/dashboard (ours: columns, sort orders, theme picked, splits, first start seen).
 * Both are lines of "key = value"; unknown keys warn with a line number and are kept going past. */
#ifndef TARE_TUI_CONFIG_H
#define TARE_TUI_CONFIG_H

#include <stdbool.h>

struct err;
struct config;

/* Never fails for a bad file: warnings are collected instead. */
struct config *config_load(struct err *e);
void config_free(struct config *c);
/* "config:12: unknown key: colour; did you mean color?" …; a NULL-terminated vector, borrowed. */
char *const *config_warnings(const struct config *c);

/* Remembered values go before settings, settings before `dflt`. Borrowed. */
const char *config_get(const struct config *c, const char *key, const char *dflt);
bool config_bool(const struct config *c, const char *key, bool dflt);
long config_int(const struct config *c, const char *key, long dflt);
/* Remember (a line of at most 400 bytes: a longer value is not); written to the state file by config_save()
 * (atomically), also by a crash-free exit. */
void config_remember(struct config *c, const char *key, const char *value);
/* Whether there is such a setting and it may be `value`; says what it may be. */
int config_check(const char *key, const char *value, struct err *e);
int config_save(struct config *c, struct err *e);
/* "$XDG_CONFIG_HOME/tare/NAME" into dst; "" when there is no home. */
const char *config_path(const char *name, char *dst, unsigned long size);

#endif
