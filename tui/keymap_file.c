/* Reading key files, and what to do when a key is given twice. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tui/config_lines.h"
#include "tui/keymap_bindings.h"

enum { KEYS_PER_ACTION = 2, CHORDS_PER_ACTION = 1 };

static bool is_within(enum context c, enum context ancestor)
{
	for (; c != CONTEXT_NONE; c = context_parent(c)) {
		if (c == ancestor)
			return true;
	}
	return false;
}

static enum context find_context(struct config_lines *l)
{
	const char *names[CONTEXT_N];

	for (int c = 0; c < CONTEXT_N; c++) {
		names[c] = context_name((enum context)c);
		if (strcmp(names[c], l->key) == 0)
			return (enum context)c;
	}
	config_lines_unknown(l, "context", l->key, text_nearest(l->key, names, CONTEXT_N));
	return CONTEXT_NONE;
}

/* The action of that name which counts in `c`: its own first, then its parents'. */
static enum action find_action(struct config_lines *l, enum context c)
{
	const char *names[ACTION_N];
	enum action elsewhere = action_find(l->key);
	size_t n = 0;

	for (enum context at = c; at != CONTEXT_NONE; at = context_parent(at)) {
		for (int a = ACTION_NONE + 1; a < ACTION_N; a++) {
			if (action_table[a].context != at)
				continue;
			if (strcmp(action_table[a].name, l->key) == 0)
				return (enum action)a;
			names[n++] = action_table[a].name;
		}
	}
	if (elsewhere)
		config_lines_warn(l, l->number, "%s belongs to [%s], not to [%s]", l->key,
		        context_name(action_table[elsewhere].context), context_name(c));
	else
		config_lines_unknown(l, "action", l->key, text_nearest(l->key, names, n));
	return ACTION_NONE;
}

/* The new line speaks for this action here: what was bound before, by a file below or built in, is gone. */
static bool forget(struct keymap *m, struct config_lines *l, enum context c, enum action a)
{
	for (size_t i = 0; i < m->n; i++) {
		struct binding *b = &m->of[i];
		if (b->context != c || b->action != a || b->dropped)
			continue;
		if (b->file == m->n_files) {
			config_lines_warn(l, l->number, "%s is given twice; line %u counts", l->key, b->line);
			return false;
		}
		b->dropped = true;
	}
	return true;
}

static void read_binding(struct keymap *m, struct config_lines *l, enum context c, enum action a)
{
	struct binding b = {.context = c, .action = a, .line = l->number, .file = (unsigned char)m->n_files};
	int count[3] = {0, 0, 0};
	char *save = NULL;

	if (!forget(m, l, c, a))
		return;
	for (char *word = strtok_r(l->value, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		word = config_trim(word);
		b.n = keymap_parse_chord(word, b.keys);
		if (b.n == 0)
			config_lines_warn(l, l->number, "not a key: %.60s", word);
		else if (++count[b.n] > (b.n == 1 ? KEYS_PER_ACTION : CHORDS_PER_ACTION))
			config_lines_warn(l, l->number, "%s takes two keys and a chord; not bound to %.60s",
			        l->key, word);
		else if (!keymap_add(m, &b))
			config_lines_warn(l, l->number, "more than %d bindings", KEYMAP_BINDINGS_MAX);
	}
}

/* "keys:7", or "built in" */
static const char *where(const struct keymap *m, const struct binding *b, char *dst, size_t size)
{
	if (b->file)
		snprintf(dst, size, "%s:%u", m->files[b->file - 1], b->line);
	else
		snprintf(dst, size, "built in");
	return dst;
}

static const char *keys_text(const struct binding *b, char dst[KEYMAP_TEXT_SIZE])
{
	char first[KEY_TEXT_SIZE], second[KEY_TEXT_SIZE];

	snprintf(dst, KEYMAP_TEXT_SIZE, "%s%s%s", key_format(b->keys[0], first), b->n == 2 ? " " : "",
	        b->n == 2 ? key_format(b->keys[1], second) : "");
	return dst;
}

/* The same keys, or one the beginning of the other. */
static bool in_the_way(const struct binding *a, const struct binding *b)
{
	if (!key_equal(a->keys[0], b->keys[0]))
		return false;
	return a->n != b->n || a->n == 1 || key_equal(a->keys[1], b->keys[1]);
}

/* Has the action another key in the same context? */
static bool has_other(const struct keymap *m, const struct binding *b)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct binding *o = &m->of[i];
		if (o != b && !o->dropped && o->action == b->action && o->context == b->context &&
		        !in_the_way(o, b))
			return true;
	}
	return false;
}

/* Did the built-in map hide this key of the parent there already? */
static bool hidden_by_default(const struct binding *b)
{
	for (int a = ACTION_NONE + 1; a < ACTION_N; a++) {
		for (size_t i = 0; i < 3; i++) {
			struct binding d = {.n = 0};
			if (action_table[a].context != b->context || !action_table[a].keys[i])
				continue;
			d.n = keymap_parse_chord(action_table[a].keys[i], d.keys);
			if (d.n && in_the_way(&d, b))
				return true;
		}
	}
	return false;
}

/* A new binding `b` and one that stands, `o`, in the same context. */
static void clash_here(struct keymap *m, struct config_lines *l, struct binding *b, struct binding *o)
{
	char keys[KEYMAP_TEXT_SIZE], old[96];
	bool b_yields = o->file == b->file || (b->n == 2 && o->n == 1);

	where(m, o, old, sizeof old);
	if (b_yields && b->n == 2 && o->n == 1)
		config_lines_warn(l, b->line, "%s begins with a key that is %s (%s); not bound to %s",
		        keys_text(b, keys), action_table[o->action].name, old, action_table[b->action].name);
	else if (b_yields)
		config_lines_warn(l, b->line, "%s is %s already (%s); not bound to %s", keys_text(b, keys),
		        action_table[o->action].name, old, action_table[b->action].name);
	else
		config_lines_warn(l, b->line, "%s is %s now; it was %s (%s)", keys_text(b, keys),
		        action_table[b->action].name, action_table[o->action].name, old);
	(b_yields ? b : o)->dropped = true;
}

/* `o` stands in a parent of b's context: b hides it there. */
static void clash_above(struct keymap *m, struct config_lines *l, struct binding *b, const struct binding *o)
{
	char keys[KEYMAP_TEXT_SIZE], old[96];

	if (o->action == b->action || hidden_by_default(b))
		return;
	where(m, o, old, sizeof old);
	if (b->n == 2 && o->n == 1) {
		config_lines_warn(l, b->line, "%s begins with a key that is %s in [%s] (%s); not bound to %s",
		        keys_text(b, keys), action_table[o->action].name, context_name(o->context), old,
		        action_table[b->action].name);
		b->dropped = true;
	} else if (!has_other(m, o))
		config_lines_warn(l, b->line, "%s in [%s] hides %s of [%s] (%s), which has no other key",
		        keys_text(b, keys), context_name(b->context), action_table[o->action].name,
		        context_name(o->context), old);
}

/* `o` stands in a child of b's context and goes first there. */
static void clash_below(
        struct keymap *m, struct config_lines *l, const struct binding *b, const struct binding *o)
{
	char keys[KEYMAP_TEXT_SIZE], old[96];

	if (o->file == b->file || o->action == b->action || has_other(m, b))
		return;
	config_lines_warn(l, b->line, "%s stays %s in [%s] (%s)", keys_text(b, keys),
	        action_table[o->action].name, context_name(o->context), where(m, o, old, sizeof old));
}

/* When the whole file is read, so that the order of its lines doesn't matter. */
static void find_clashes(struct keymap *m, struct config_lines *l)
{
	for (size_t i = 0; i < m->n; i++) {
		struct binding *b = &m->of[i];
		if (b->file != m->n_files)
			continue;
		for (size_t k = 0; k < m->n && !b->dropped; k++) {
			struct binding *o = &m->of[k];
			if (o == b || o->dropped || !in_the_way(b, o))
				continue;
			if (o->context == b->context) {
				if (o->file != b->file || k < i)
					clash_here(m, l, b, o);
			} else if (is_within(b->context, o->context))
				clash_above(m, l, b, o);
			else if (is_within(o->context, b->context))
				clash_below(m, l, b, o);
		}
	}
}

void keymap_parse(struct keymap *m, const char *text, size_t len, const char *name, char ***warnings)
{
	enum context c = CONTEXT_GLOBAL;
	struct config_lines l;

	config_lines_begin(&l, text, len, name, warnings);
	if (m->n_files == KEYMAP_FILES_MAX) {
		config_lines_warn(&l, 1, "one key file too many; not read");
		return;
	}
	snprintf(m->files[m->n_files++], sizeof *m->files, "%.40s", name);
	while (config_lines_next(&l)) {
		if (l.kind == CONFIG_SECTION)
			c = find_context(&l);
		else if (l.kind == CONFIG_PAIR && c != CONTEXT_NONE) {
			enum action a = find_action(&l, c);
			if (a)
				read_binding(m, &l, c, a);
		}
	}
	find_clashes(m, &l);
	keymap_settle(m);
}
