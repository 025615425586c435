/* Which key does what, per context: the defaults of action_table.h, then a preset file, then the user's
 * $XDG_CONFIG_HOME/tare/keys. Lines: "[context]", "action = key[, key][, key key]", "action =" (unbound).
 * A section may also name an action of a parent context: those keys then mean it there. A clash is reported
 * with both lines, and the rest is kept. */
#ifndef TARE_TUI_KEYMAP_H
#define TARE_TUI_KEYMAP_H

#include <stddef.h>

#include "tui/action.h"
#include "tui/input.h"

struct err;
struct keymap;

struct keymap *keymap_new(void); /* the defaults */
void keymap_free(struct keymap *m);
/* "default", "lazydocker", "k9s", "htop", "emacs": shipped presets; the user's file of that name goes first.
 */
int keymap_load_preset(struct keymap *m, const char *name, char ***warnings, struct err *e);
/* Text of a key file; mistakes become warnings. */
void keymap_parse(struct keymap *m, const char *text, size_t len, const char *name, char ***warnings);

/* The user's own file on top; that there is none is no mistake. */
void keymap_load_user(struct keymap *m, char ***warnings);

/* The action of a key in a context or its parents. With the first key of a chord: ACTION_NONE and *more
 * true; give both keys then (n 2). */
enum action keymap_look(const struct keymap *m, enum context c, const struct key *keys, size_t n, bool *more);
/* The first key of an action in a context, formatted for people ("^W h"); "" when unbound. */
#define KEYMAP_TEXT_SIZE (2 * KEY_TEXT_SIZE + 2)
char *keymap_key_text(const struct keymap *m, enum action a, char dst[KEYMAP_TEXT_SIZE]);
/* All of them, separated by "  ", for the help. */
void keymap_keys_text(const struct keymap *m, enum action a, char *dst, size_t size);
/* The first key that means this action where context `c` has the focus: nothing nearer may hide it. "" when
 * there is none. */
char *keymap_key_in(const struct keymap *m, enum context c, enum action a, char dst[KEYMAP_TEXT_SIZE]);
/* All of them there, as keymap_keys_text(). */
void keymap_keys_in(const struct keymap *m, enum context c, enum action a, char *dst, size_t size);
/* What may follow the first key of a chord there; how many, at most `max`. */
struct keymap_chord {
	struct key second;
	enum action action;
};
size_t keymap_chords(
        const struct keymap *m, enum context c, struct key first, struct keymap_chord *chords, size_t max);
extern const char *const keymap_presets[]; /* NULL-terminated */

#endif
