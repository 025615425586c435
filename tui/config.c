/* The user's settings and what the dashboard remembers. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "tui/config.h"
#include "tui/config_lines.h"
#include "tui/config_table.h"

enum {
	ENTRIES_MAX = 512,
	KEY_MAX_SIZE = 64,
	VALUE_MAX = CONFIG_LINE_MAX - KEY_MAX_SIZE - 8, /* as written: key and value are one line */
};

struct entry {
	char *key, *value;
};
struct entries {
	struct entry *of;
	size_t n;
};
struct config {
	struct entries settings, remembered;
	char **warnings;
	bool changed;
};

static const char *const setting_names[] = {
#define X(name, type, dflt, help) name,
        SETTINGS(X)
#undef X
};
static const char *const setting_types[] = {
#define X(name, type, dflt, help) type,
        SETTINGS(X)
#undef X
};
enum { SETTINGS_N = sizeof setting_names / sizeof *setting_names };

static void entries_free(struct entries *all)
{
	for (size_t i = 0; i < all->n; i++) {
		free(all->of[i].key);
		free(all->of[i].value);
	}
	free(all->of);
}

static struct entry *entries_find(const struct entries *all, const char *key)
{
	for (size_t i = 0; i < all->n; i++) {
		if (strcmp(all->of[i].key, key) == 0)
			return &all->of[i];
	}
	return NULL;
}

static struct entry *entries_add(struct entries *all, const char *key)
{
	struct entry *grown, *last;

	if (all->n == ENTRIES_MAX)
		return NULL;
	if (!(grown = realloc(all->of, (all->n + 1) * sizeof *grown)))
		return NULL;
	all->of = grown;
	last = &grown[all->n];
	if (!(last->key = strdup(key)))
		return NULL;
	last->value = NULL;
	all->n++;
	return last;
}

/* True when something is different now. Without memory a setting is forgotten, not the program lost. */
static bool entries_set(struct entries *all, const char *key, const char *value)
{
	struct entry *e = entries_find(all, key);
	char *copy;

	if (e && e->value && strcmp(e->value, value) == 0)
		return false;
	if (!(copy = strdup(value)))
		return false;
	if (!e && !(e = entries_add(all, key))) {
		free(copy);
		return false;
	}
	free(e->value);
	e->value = copy;
	return true;
}

/* "$XDG_…/tare/NAME", or beneath the home where the variable is not an absolute path. */
static const char *xdg_path(
        const char *variable, const char *fallback, const char *name, char *dst, size_t size)
{
	const char *base = getenv(variable), *home = getenv("HOME");
	int n;

	if (base && *base == '/')
		n = snprintf(dst, size, "%s/tare%s%s", base, *name ? "/" : "", name);
	else if (home && *home == '/')
		n = snprintf(dst, size, "%s/%s/tare%s%s", home, fallback, *name ? "/" : "", name);
	else
		n = 0;
	if (n <= 0 || (size_t)n >= size)
		*dst = '\0';
	return dst;
}

const char *config_path(const char *name, char *dst, unsigned long size)
{
	return xdg_path("XDG_CONFIG_HOME", ".config", name, dst, size);
}

/* Is it one of the words, or of the kind, that its row in the table names? */
static bool fits(const char *type, const char *value)
{
	char *end;
	bool b;

	if (strcmp(type, "text") == 0)
		return true;
	if (strcmp(type, "yes|no") == 0)
		return config_parse_bool(value, &b);
	if (strncmp(type, "number ", 7) == 0) {
		long min, max, v = strtol(value, &end, 10);
		return sscanf(type, "number %ld..%ld", &min, &max) == 2 && end != value && !*end &&
		       v >= min && v <= max;
	}
	for (const char *p = type; *p; p += *p == '|') {
		size_t n = strcspn(p, "|");
		if (strlen(value) == n && memcmp(p, value, n) == 0)
			return true;
		p += n;
	}
	return false;
}

int config_check(const char *key, const char *value, struct err *e)
{
	const char *nearest = text_nearest(key, setting_names, SETTINGS_N);

	for (size_t i = 0; i < SETTINGS_N; i++) {
		if (strcmp(setting_names[i], key) != 0)
			continue;
		if (!fits(setting_types[i], value))
			return err_set(e, ERR_USAGE, "%s is %s, not %.60s", key, setting_types[i], value);
		return 0;
	}
	return err_set(e, ERR_NOT_FOUND, "unknown setting: %.60s%s%s%s", key,
	        nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

static void read_setting(struct config *c, struct config_lines *l)
{
	const char *key = strcmp(l->key, "colour") == 0 ? "color" : l->key;

	for (size_t i = 0; i < SETTINGS_N; i++) {
		if (strcmp(setting_names[i], key) != 0)
			continue;
		if (!fits(setting_types[i], l->value))
			config_lines_warn(
			        l, l->number, "%s is %s, not %.60s", l->key, setting_types[i], l->value);
		else
			entries_set(&c->settings, key, l->value);
		return;
	}
	config_lines_unknown(l, "key", l->key, text_nearest(l->key, setting_names, SETTINGS_N));
}

static void read_settings(struct config *c, const char *text, size_t len)
{
	struct config_lines l;

	config_lines_begin(&l, text, len, "config", &c->warnings);
	while (config_lines_next(&l)) {
		if (l.kind == CONFIG_PAIR)
			read_setting(c, &l);
		else if (l.kind == CONFIG_SECTION)
			config_lines_warn(&l, l.number, "this file has no sections: [%.40s]", l.key);
	}
}

/* In the state file a value is written so that it comes back whole: no comment in it, no blanks cut off. */
static void encode(struct buf *out, const char *value)
{
	for (const char *p = value; *p; p++) {
		bool at_end = p == value || p[1] == '\0';
		if (*p == '%' || *p == '#' || (at_end && (*p == ' ' || *p == '\t')))
			buf_printf(out, "%%%02x", (unsigned)*p);
		else
			buf_char(out, *p);
	}
}

static void decode(char *value)
{
	char *to = value;
	unsigned code;

	for (char *p = value; *p; p++, to++) {
		*to = *p;
		if (*p == '%' && strspn(p + 1, "0123456789abcdef") >= 2 && sscanf(p + 1, "%2x", &code) == 1 &&
		        code) {
			*to = (char)code;
			p += 2;
		}
	}
	*to = '\0';
}

/* Ours: whatever is in it that cannot be read is dropped without a word. */
static void read_remembered(struct config *c, const char *text, size_t len)
{
	struct config_lines l;

	config_lines_begin(&l, text, len, "dashboard", NULL);
	while (config_lines_next(&l)) {
		if (l.kind != CONFIG_PAIR || strlen(l.key) >= KEY_MAX_SIZE)
			continue;
		decode(l.value);
		entries_set(&c->remembered, l.key, l.value);
	}
}

static int read_file(const char *path, struct buf *text, struct err *e)
{
	return *path ? file_read_at(AT_FDCWD, path, text, e) : -1;
}

struct config *config_load(struct err *e)
{
	struct config *c = calloc(1, sizeof *c);
	char path[PATH_MAX];

	if (!c) {
		err_no_memory(e);
		return NULL;
	}
	cleanup_buf struct buf text = BUF_INIT_MAX(CONFIG_FILE_MAX);
	struct err why = ERR_INIT;
	if (read_file(config_path("config", path, sizeof path), &text, &why) == 0)
		read_settings(c, buf_str(&text), text.len);
	else if (*path && why.kind != ERR_NOT_FOUND)
		strv_add(&c->warnings, why.msg);
	buf_reset(&text);
	if (read_file(xdg_path("XDG_STATE_HOME", ".local/state", "dashboard", path, sizeof path), &text,
	            NULL) == 0)
		read_remembered(c, buf_str(&text), text.len);
	return c;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	entries_free(&c->settings);
	entries_free(&c->remembered);
	strv_free(c->warnings);
	free(c);
}

char *const *config_warnings(const struct config *c)
{
	static char *const none[] = {NULL};

	return c->warnings ? c->warnings : none;
}

const char *config_get(const struct config *c, const char *key, const char *dflt)
{
	const struct entry *e = entries_find(&c->remembered, key);

	if (!e)
		e = entries_find(&c->settings, key);
	return e ? e->value : dflt;
}

bool config_bool(const struct config *c, const char *key, bool dflt)
{
	const char *text = config_get(c, key, NULL);
	bool value;

	return text && config_parse_bool(text, &value) ? value : dflt;
}

long config_int(const struct config *c, const char *key, long dflt)
{
	const char *text = config_get(c, key, NULL);
	char *end;
	long v;

	if (!text || !*text)
		return dflt;
	errno = 0;
	v = strtol(text, &end, 10);
	return *end || errno ? dflt : v;
}

void config_remember(struct config *c, const char *key, const char *value)
{
	cleanup_buf struct buf written = BUF_INIT_MAX(VALUE_MAX);

	encode(&written, value);
	/* What would not come back the same is not remembered. */
	if (written.failed || strlen(key) >= KEY_MAX_SIZE || strpbrk(key, "=#[]\n\r") ||
	        strpbrk(value, "\n\r"))
		return;
	c->changed |= entries_set(&c->remembered, key, value);
}

int config_save(struct config *c, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(CONFIG_FILE_MAX);
	cleanup_fd int dirfd = -1;
	char dir[PATH_MAX];

	if (!c->changed)
		return 0;
	if (!*xdg_path("XDG_STATE_HOME", ".local/state", "", dir, sizeof dir))
		return err_set(
		        e, ERR_OTHER, "nowhere to remember settings: neither XDG_STATE_HOME nor HOME is set");
	buf_str_add(&text, "# Written by Tare's dashboard; your own settings belong in the file config.\n");
	for (size_t i = 0; i < c->remembered.n; i++) {
		buf_printf(&text, "%s = ", c->remembered.of[i].key);
		encode(&text, c->remembered.of[i].value);
		buf_char(&text, '\n');
	}
	if (text.failed)
		return err_set(e, ERR_OTHER, "more to remember than %d KiB", CONFIG_FILE_MAX >> 10);
	if (mkdir_all(dir, 0700))
		return err_sys(e, "cannot make %s", dir);
	if ((dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return err_sys(e, "cannot open %s", dir);
	if (file_write_at(dirfd, "dashboard", text.data, text.len, 0600, FILE_NO_SYNC, e))
		return -1;
	c->changed = false;
	return 0;
}
