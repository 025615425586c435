/* The bindings, and looking keys up in them. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/text.h"
#include "tui/config.h"
#include "tui/config_lines.h"
#include "tui/keymap_bindings.h"

const char *const keymap_presets[] = {"default", "lazydocker", "k9s", "htop", "emacs", NULL};

static bool keymap_parse_key(const char *text, size_t len, struct key *k)
{
	/* the one character that parts keys in a file */
	if (len == 5 && memcmp(text, "comma", 5) == 0) {
		*k = (struct key){.code = ','};
		return true;
	}
	return key_parse(text, len, k);
}

/* "x" or "ctrl-w h" */
int keymap_parse_chord(const char *text, struct key keys[2])
{
	int n = 0;

	for (const char *p = text; *p;) {
		size_t len = strcspn(p, " \t");
		if (n == 2 || !keymap_parse_key(p, len, &keys[n]))
			return 0;
		n++;
		p += len;
		p += strspn(p, " \t");
	}
	return n;
}

bool keymap_add(struct keymap *m, const struct binding *b)
{
	if (m->n == KEYMAP_BINDINGS_MAX)
		return false;
	m->of[m->n++] = *b;
	return true;
}

static void set_defaults(struct keymap *m)
{
	m->n = 0;
	m->n_files = 0;
	for (int a = ACTION_NONE + 1; a < ACTION_N; a++) {
		for (size_t i = 0; i < 3; i++) {
			struct binding b = {.context = action_table[a].context, .action = (enum action)a};
			if (!action_table[a].keys[i])
				continue;
			b.n = keymap_parse_chord(action_table[a].keys[i], b.keys);
			if (b.n)
				keymap_add(m, &b);
		}
	}
}

/* Bindings of one context lie together, in the order in which they were given. */
void keymap_settle(struct keymap *m)
{
	struct binding sorted[KEYMAP_BINDINGS_MAX] = {0};
	size_t n = 0;

	for (int c = 0; c < CONTEXT_N; c++) {
		m->first[c] = n;
		for (size_t i = 0; i < m->n; i++) {
			if (m->of[i].context == c && !m->of[i].dropped)
				sorted[n++] = m->of[i];
		}
	}
	m->first[CONTEXT_N] = n;
	memcpy(m->of, sorted, n * sizeof *sorted);
	m->n = n;
}

struct keymap *keymap_new(void)
{
	struct keymap *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	set_defaults(m);
	keymap_settle(m);
	return m;
}

void keymap_free(struct keymap *m)
{
	free(m);
}

int keymap_load_preset(struct keymap *m, const char *name, char ***warnings, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(CONFIG_FILE_MAX);
	char file[80], path[PATH_MAX];

	if (!*name || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name) ||
	        strlen(name) > 60)
		return err_set(e, ERR_USAGE, "not a key map's name: %.60s", name);
	set_defaults(m);
	keymap_settle(m);
	snprintf(file, sizeof file, "%s.keys", name);
	if (*config_path(file, path, sizeof path) && file_read_at(AT_FDCWD, path, &text, NULL) == 0) {
		keymap_parse(m, buf_str(&text), text.len, file, warnings);
		return 0;
	}
	if (strcmp(name, "default") == 0)
		return 0; /* its file only says what is built in */
	buf_reset(&text);
	snprintf(file, sizeof file, "keys/%s.keys", name);
	if (data_path(file, path, sizeof path, NULL))
		return err_set(e, ERR_NOT_FOUND,
		        "no key map is called %s; there are default, lazydocker, k9s, htop and emacs", name);
	if (file_read_at(AT_FDCWD, path, &text, e))
		return -1;
	keymap_parse(m, buf_str(&text), text.len, file + strlen("keys/"), warnings);
	return 0;
}

void keymap_load_user(struct keymap *m, char ***warnings)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(CONFIG_FILE_MAX);
	struct err e = ERR_INIT;
	char path[PATH_MAX];

	if (!*config_path("keys", path, sizeof path))
		return;
	if (file_read_at(AT_FDCWD, path, &text, &e) == 0)
		keymap_parse(m, buf_str(&text), text.len, "keys", warnings);
	else if (e.kind != ERR_NOT_FOUND && warnings)
		strv_add(warnings, e.msg);
}

enum action keymap_look(const struct keymap *m, enum context c, const struct key *keys, size_t n, bool *more)
{
	*more = false;
	for (; c != CONTEXT_NONE; c = context_parent(c)) {
		for (size_t i = m->first[c]; i < m->first[c + 1]; i++) {
			const struct binding *b = &m->of[i];
			if (n == 0 || !key_equal(b->keys[0], keys[0]))
				continue;
			if ((size_t)b->n == n && (n == 1 || key_equal(b->keys[1], keys[1])))
				return b->action;
			*more |= b->n == 2 && n == 1;
		}
		if (*more)
			break;
	}
	return ACTION_NONE;
}

static char *format(const struct binding *b, char dst[KEYMAP_TEXT_SIZE])
{
	char first[KEY_TEXT_SIZE], second[KEY_TEXT_SIZE];

	if (b->n == 2)
		snprintf(dst, KEYMAP_TEXT_SIZE, "%s %s", key_format(b->keys[0], first),
		        key_format(b->keys[1], second));
	else
		snprintf(dst, KEYMAP_TEXT_SIZE, "%s", key_format(b->keys[0], first));
	return dst;
}

char *keymap_key_text(const struct keymap *m, enum action a, char dst[KEYMAP_TEXT_SIZE])
{
	enum context own = action_table[a].context;

	*dst = '\0';
	if (own == CONTEXT_NONE)
		return dst;
	for (size_t i = m->first[own]; i < m->first[own + 1]; i++) {
		if (m->of[i].action == a)
			return format(&m->of[i], dst);
	}
	for (size_t i = 0; i < m->n; i++) {
		if (m->of[i].action == a)
			return format(&m->of[i], dst);
	}
	return dst;
}

static void add_text(const struct binding *b, char *dst, size_t size)
{
	char text[KEYMAP_TEXT_SIZE];
	size_t len = strlen(dst);

	snprintf(dst + len, size - len, "%s%s", len ? "  " : "", format(b, text));
}

void keymap_keys_text(const struct keymap *m, enum action a, char *dst, size_t size)
{
	if (size == 0)
		return;
	*dst = '\0';
	for (size_t i = 0; i < m->n; i++) {
		if (m->of[i].action == a)
			add_text(&m->of[i], dst, size);
	}
}

/* The next binding of `a` after `after` (NULL: the first) that means it in context c. */
static const struct binding *reachable(
        const struct keymap *m, enum context c, enum action a, const struct binding *after)
{
	bool passed = !after, more;

	for (enum context at = c; at != CONTEXT_NONE; at = context_parent(at)) {
		for (size_t i = m->first[at]; i < m->first[at + 1]; i++) {
			const struct binding *b = &m->of[i];
			if (passed && b->action == a &&
			        keymap_look(m, c, b->keys, (size_t)b->n, &more) == a &&
			        (b->n == 1 || keymap_look(m, c, b->keys, 1, &more) == ACTION_NONE))
				return b;
			passed |= b == after;
		}
	}
	return NULL;
}

char *keymap_key_in(const struct keymap *m, enum context c, enum action a, char dst[KEYMAP_TEXT_SIZE])
{
	const struct binding *b = reachable(m, c, a, NULL);

	*dst = '\0';
	return b ? format(b, dst) : dst;
}

void keymap_keys_in(const struct keymap *m, enum context c, enum action a, char *dst, size_t size)
{
	if (size == 0)
		return;
	*dst = '\0';
	for (const struct binding *b = NULL; (b = reachable(m, c, a, b));)
		add_text(b, dst, size);
}

size_t keymap_chords(
        const struct keymap *m, enum context c, struct key first, struct keymap_chord *chords, size_t max)
{
	size_t n = 0;

	for (; c != CONTEXT_NONE && n == 0; c = context_parent(c)) {
		for (size_t i = m->first[c]; i < m->first[c + 1] && n < max; i++) {
			const struct binding *b = &m->of[i];
			if (b->n == 2 && key_equal(b->keys[0], first))
				chords[n++] = (struct keymap_chord){b->keys[1], b->action};
		}
	}
	return n;
}
