/* Themes: found by name, resolved for what the terminal can show, asked for while drawing. */
#include <dirent.h>
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
#include "tui/theme_file.h"

enum { LISTED_MAX = 500 };

struct theme {
	char name[THEME_NAME_SIZE], title[THEME_NAME_SIZE];
	bool light;
	struct style styles[THEME_N_ELEMENTS];
	uint32_t glyphs[GLYPH_N][2];
	enum graph_symbols symbols;
	struct theme_highlight highlights[THEME_HIGHLIGHTS_MAX];
	size_t n_highlights;
	char patterns[THEME_HIGHLIGHTS_MAX][THEME_PATTERN_SIZE];
};

/* What a theme does not say. */
static const uint32_t plain_glyphs[GLYPH_N][2] = {
        [GLYPH_RUNNING] = {0x25cf, '*'},
        [GLYPH_PAUSED] = {0x2016, '='},
        [GLYPH_CREATED] = {0x25cb, 'o'},
        [GLYPH_EXITED] = {0xb7, '-'},
        [GLYPH_FAILED] = {0x2717, 'x'},
        [GLYPH_RESTARTING] = {0x21bb, '~'},
        [GLYPH_DEAD] = {0x2020, '#'},
        [GLYPH_HEALTHY] = {0x2713, '+'},
        [GLYPH_UNHEALTHY] = {'!', '!'},
        [GLYPH_STARTING] = {0x2026, '?'},
        [GLYPH_OOM] = {0x25b2, 'M'},
        [GLYPH_MARK] = {0x2503, '*'},
        [GLYPH_OPEN] = {0x25be, 'v'},
        [GLYPH_CLOSED] = {0x25b8, '>'},
        [GLYPH_UP] = {0x2191, '^'},
        [GLYPH_DOWN] = {0x2193, 'v'},
        [GLYPH_ELLIPSIS] = {0x2026, '~'},
        [GLYPH_SCROLL] = {0x2588, '#'},
        [GLYPH_BELL] = {0x266a, '!'},
};
/* The states' elements and signs stand in the same order. */
_Static_assert(STATE_OOM - STATE_RUNNING == GLYPH_OOM - GLYPH_RUNNING, "states and signs");

static uint32_t *glyphs_of(struct theme *t, size_t element)
{
	if (element < STATE_RUNNING || element > STATE_OOM)
		return NULL;
	return t->glyphs[GLYPH_RUNNING + (element - STATE_RUNNING)];
}

/* Styles that are laid over what is drawn keep its background unless they name one; all others stand on the
 * theme's, which is ui.text's, or on that of the thing they belong to. */
static enum theme_element ground_of(size_t element)
{
	switch ((enum theme_element)element) {
	case UI_SELECTION:
	case UI_SELECTION_IDLE:
	case UI_MARK:
	case UI_MATCH:
	case UI_SHADE:
	case LOG_MATCH:
	case LOG_MATCH_CURRENT:
		return THEME_N_ELEMENTS;
	case UI_KEY:
		return UI_BAR;
	case UI_DIALOG_BORDER:
		return UI_DIALOG;
	default:
		return UI_TEXT;
	}
}

static void settle_grounds(struct theme *t)
{
	struct style *text = &t->styles[UI_TEXT];

	text->fg = text->fg == COLOUR_KEEP ? COLOUR_DEFAULT : text->fg;
	text->bg = text->bg == COLOUR_KEEP ? COLOUR_DEFAULT : text->bg;
	for (size_t i = 0; i < THEME_N_ELEMENTS; i++) {
		enum theme_element ground = ground_of(i);
		struct style *s = &t->styles[i];
		if (ground == THEME_N_ELEMENTS)
			continue;
		s->fg = s->fg == COLOUR_KEEP ? t->styles[ground].fg : s->fg;
		s->bg = s->bg == COLOUR_KEEP ? t->styles[ground].bg : s->bg;
	}
}

bool theme_use_symbols(struct theme *t, const char *symbols)
{
	static const char *const words[] = {"braille", "block", "ascii"};

	for (size_t i = 0; i < 3; i++) {
		if (strcmp(symbols, words[i]) == 0) {
			t->symbols = (enum graph_symbols)i;
			return true;
		}
	}
	return false;
}

static void resolve_highlights(struct theme *t, const struct theme_source *s, enum colour_depth depth)
{
	t->n_highlights = s->n_highlights;
	for (size_t i = 0; i < s->n_highlights; i++) {
		memcpy(t->patterns[i], s->highlights[i].pattern, sizeof t->patterns[i]);
		t->highlights[i].pattern = t->patterns[i];
		t->highlights[i].style = theme_evaluate(s, &s->highlights[i].value, depth, NULL);
	}
}

/* Where there are no colours the theme's differences are gone: the look that lives on attributes alone takes
 * its place, and the theme keeps its signs, symbols and highlights. */
static void resolve_mono(struct theme *t)
{
	struct theme_source *mono = calloc(1, sizeof *mono);

	if (!mono)
		return;
	mono->palette_max = THEME_PALETTE_ROOM;
	theme_source_read(mono, theme_builtin_mono, strlen(theme_builtin_mono), "mono");
	for (size_t i = 0; i < THEME_N_ELEMENTS; i++)
		t->styles[i] = theme_evaluate(mono, &mono->elements[i], DEPTH_MONO, NULL);
	free(mono);
}

static struct theme *resolve(const struct theme_source *s, const char *name, enum colour_depth depth)
{
	struct theme *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	snprintf(t->name, sizeof t->name, "%s", name);
	snprintf(t->title, sizeof t->title, "%s", s->title[0] ? s->title : name);
	t->light = s->light;
	memcpy(t->glyphs, plain_glyphs, sizeof t->glyphs);
	for (size_t i = 0; i < THEME_N_ELEMENTS; i++)
		t->styles[i] = theme_evaluate(s, &s->elements[i], depth, glyphs_of(t, i));
	resolve_highlights(t, s, depth);
	if (!theme_use_symbols(t, s->symbols.text) && s->symbols.file)
		theme_source_warn(
		        s, &s->symbols, "symbols is braille, block or ascii, not %.40s", s->symbols.text);
	if (depth == DEPTH_MONO)
		resolve_mono(t);
	settle_grounds(t);
	return t;
}

/* The user's file of that name, else the shipped one. */
static int read_named(const char *name, struct buf *text, struct err *e)
{
	char file[THEME_NAME_SIZE + 16], path[PATH_MAX];

	if (!theme_name_is_valid(name))
		return err_set(
		        e, ERR_USAGE, "not a theme's name: %.60s (small letters, digits and dashes)", name);
	snprintf(file, sizeof file, "themes/%s.theme", name);
	if (*config_path(file, path, sizeof path) && file_read_at(AT_FDCWD, path, text, NULL) == 0)
		return 0;
	buf_reset(text);
	if (data_path(file, path, sizeof path, NULL))
		return err_set(e, ERR_NOT_FOUND, "no theme is called %s; T shows those there are", name);
	return file_read_at(AT_FDCWD, path, text, e);
}

/* What the theme says, then its parents, then the built-in. */
static void read_parents(struct theme_source *s)
{
	while (s->parent[0] && s->n_files < THEME_PARENTS_MAX - 1) {
		cleanup_buf struct buf text = BUF_INIT_MAX(CONFIG_FILE_MAX);
		struct theme_value at = {.line = 1, .file = (unsigned char)s->n_files};
		char name[THEME_NAME_SIZE], file[THEME_NAME_SIZE + 8];
		struct err e = ERR_INIT;
		memcpy(name, s->parent, sizeof name);
		if (read_named(name, &text, &e)) {
			theme_source_warn(s, &at, "inherits %s: %.200s", name, e.msg);
			break;
		}
		snprintf(file, sizeof file, "%s.theme", name);
		theme_source_read(s, buf_str(&text), text.len, file);
	}
	s->palette_max = THEME_PALETTE_ROOM;
	theme_source_read(s, theme_builtin_text, strlen(theme_builtin_text), "built-in");
}

struct theme *theme_parse(const char *text, size_t len, const char *name, enum colour_depth depth,
        char ***warnings, struct err *e)
{
	struct theme_source *s = calloc(1, sizeof *s);
	char file[THEME_NAME_SIZE + 8];
	struct theme *t;

	if (!s) {
		err_no_memory(e);
		return NULL;
	}
	s->warnings = warnings;
	s->palette_max = THEME_PALETTE_MAX;
	snprintf(file, sizeof file, "%.47s.theme", name);
	theme_source_read(s, text, len, file);
	read_parents(s);
	t = resolve(s, name, depth == DEPTH_AUTO ? DEPTH_TRUE : depth);
	free(s);
	if (!t)
		err_no_memory(e);
	return t;
}

struct theme *theme_load(const char *name, enum colour_depth depth, char ***warnings, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(CONFIG_FILE_MAX);

	if (strcmp(name, "auto") == 0)
		name = theme_auto();
	if (read_named(name, &text, e))
		return NULL;
	return theme_parse(buf_str(&text), text.len, name, depth, warnings, e);
}

struct theme *theme_builtin(enum colour_depth depth)
{
	return theme_parse("", 0, "tare-dark", depth, NULL, NULL);
}

struct theme *theme_choose(
        const struct config *c, const char *name, enum colour_depth depth, bool ascii, char ***warnings)
{
	const char *symbols = config_get(c, "graph", NULL);
	struct err e = ERR_INIT;
	struct theme *t;

	t = theme_load(name ? name : config_get(c, "theme", "auto"), depth, warnings, &e);
	if (!t && warnings)
		strv_add(warnings, e.msg);
	if (!t)
		t = theme_builtin(depth);
	if (t && ascii)
		theme_use_symbols(t, "ascii");
	else if (t && symbols)
		theme_use_symbols(t, symbols);
	return t;
}

_Static_assert(DEPTH_AUTO == 0 && DEPTH_MONO == 1 && DEPTH_TRUE == 4, "the order of the words below");

enum colour_depth theme_depth(const struct config *c)
{
	static const char *const words[] = {"auto", "mono", "16", "256", "true"};
	const char *word = config_get(c, "color", "auto");

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(word, words[i]) == 0)
			return (enum colour_depth)i;
	}
	return DEPTH_AUTO;
}

void theme_free(struct theme *t)
{
	free(t);
}

struct style theme_style(const struct theme *t, enum theme_element el)
{
	return t->styles[el];
}

uint32_t theme_glyph(const struct theme *t, enum glyph g, bool ascii)
{
	return t->glyphs[g][ascii];
}

enum graph_symbols theme_symbols(const struct theme *t)
{
	return t->symbols;
}

const struct theme_highlight *theme_highlights(const struct theme *t, size_t *n)
{
	*n = t->n_highlights;
	return t->highlights;
}

const char *theme_name(const struct theme *t)
{
	return t->name;
}

const char *theme_title(const struct theme *t)
{
	return t->title;
}

bool theme_is_light(const struct theme *t)
{
	return t->light;
}

/* COLORFGBG is "fg;bg" or "fg;default;bg" in the sixteen colours: 7 and 9..15 are light grounds. */
const char *theme_auto(void)
{
	const char *var = getenv("COLORFGBG"), *last = var ? strrchr(var, ';') : NULL;
	int ground = last && last[1] >= '0' && last[1] <= '9' ? atoi(last + 1) : 0;

	return ground == 7 || (ground > 8 && ground < 16) ? "tare-light" : "tare-dark";
}

static void list_directory(const char *path, char ***names)
{
	cleanup_dir DIR *d = opendir(path);
	struct dirent *entry;

	while (d && strv_len(*names) < LISTED_MAX && (entry = readdir(d))) {
		char name[THEME_NAME_SIZE];
		size_t n = strlen(entry->d_name);
		if (n <= 6 || n - 6 >= sizeof name || strcmp(entry->d_name + n - 6, ".theme") != 0)
			continue;
		memcpy(name, entry->d_name, n - 6);
		name[n - 6] = '\0';
		if (theme_name_is_valid(name) && !strv_has(*names, name))
			strv_add(names, name);
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **theme_list(void)
{
	char path[PATH_MAX], **names = NULL;

	if (*config_path("themes", path, sizeof path))
		list_directory(path, &names);
	if (data_path("themes", path, sizeof path, NULL) == 0)
		list_directory(path, &names);
	if (names)
		qsort(names, strv_len(names), sizeof *names, by_name);
	return names;
}
