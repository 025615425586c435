/* Reading theme files into a theme_source. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "tui/config_lines.h"
#include "tui/expression.h"
#include "tui/theme_file.h"

const char *const theme_element_names[THEME_N_ELEMENTS] = {
#define X(id, name) name,
        THEME_ELEMENTS(X)
#undef X
};

static const char *const sections[] = {"palette", "ui", "state", "graph", "log"};
enum { SECTION_PALETTE, SECTION_N = 5, SECTION_UNKNOWN = SECTION_N, SECTION_NONE };

bool theme_name_is_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n < THEME_NAME_SIZE && name[n] == '\0';
}

void theme_source_warn(const struct theme_source *s, const struct theme_value *at, const char *fmt, ...)
{
	struct config_lines l = {.warnings = s->warnings};
	char said[300];
	va_list ap;

	if (!s->warnings || strv_len(*s->warnings) > 2 * CONFIG_WARNINGS_MAX)
		return;
	l.name = at->file ? s->files[at->file - 1] : "theme";
	va_start(ap, fmt);
	vsnprintf(said, sizeof said, fmt, ap);
	va_end(ap);
	config_lines_warn(&l, at->line, "%s", said);
}

/* "# name: Midnight", "# inherits: default   variant: dark": a known word with a colon begins a value. */
static void read_heading(struct theme_source *s, struct config_lines *l)
{
	static const char *const words[] = {"name:", "inherits:", "variant:"};
	char value[3][THEME_NAME_SIZE] = {"", "", ""};

	for (size_t i = 0; i < 3; i++) {
		const char *from = strstr(l->value, words[i]), *to;
		if (!from || (from != l->value && from[-1] != ' ' && from[-1] != '\t'))
			continue;
		if (from != l->value && i == 0)
			continue; /* "name:" in a sentence */
		from += strlen(words[i]);
		to = from + strlen(from);
		for (size_t k = 0; k < 3; k++) {
			const char *next = strstr(from, words[k]);
			if (next && next < to)
				to = next;
		}
		char whole[CONFIG_LINE_MAX];
		snprintf(whole, sizeof whole, "%.*s", (int)(to - from), from);
		text_harmless_to(value[i], sizeof value[i], config_trim(whole));
	}
	if (value[0][0] && !s->title[0])
		memcpy(s->title, value[0], sizeof s->title);
	if (value[1][0]) {
		if (theme_name_is_valid(value[1]))
			memcpy(s->parent, value[1], sizeof s->parent);
		else
			config_lines_warn(l, l->number, "not a theme's name: %s", value[1]);
	}
	if (value[2][0] && strcmp(value[2], "light") != 0 && strcmp(value[2], "dark") != 0)
		config_lines_warn(l, l->number, "variant is dark or light, not %s", value[2]);
	else if (value[2][0] && !s->variant_given) {
		s->variant_given = true;
		s->light = strcmp(value[2], "light") == 0;
	}
}

/* Take the line's value, unless this file or a child of it gave one. */
static void give(struct theme_source *s, struct config_lines *l, struct theme_value *v, const char *text)
{
	if (v->file == s->n_files) {
		config_lines_warn(l, l->number, "%s is given twice; line %u counts", l->key, v->line);
		return;
	}
	if (v->file)
		return;
	if (strlen(text) >= sizeof v->text) {
		config_lines_warn(l, l->number, "the value of %s is too long", l->key);
		return;
	}
	strcpy(v->text, text);
	v->line = l->number;
	v->file = (unsigned char)s->n_files;
}

static void read_palette(struct theme_source *s, struct config_lines *l)
{
	size_t i;

	if (strlen(l->key) >= THEME_WORD_SIZE || strpbrk(l->key, " \t:\"#/")) {
		config_lines_warn(l, l->number, "not a name for a colour: %.60s", l->key);
		return;
	}
	for (i = 0; i < s->n_palette && strcmp(s->palette[i].name, l->key) != 0; i++)
		;
	if (i == s->palette_max) {
		config_lines_warn(l, l->number, "more than %d colours", THEME_PALETTE_MAX);
		return;
	}
	if (i == s->n_palette) {
		strcpy(s->palette[i].name, l->key);
		s->n_palette++;
	}
	give(s, l, &s->palette[i].value, l->value);
}

/* "/regex/ STYLE": the pattern ends at the last slash that a blank or the end follows, so it may hold
 * slashes. */
static void read_highlight(struct theme_source *s, struct config_lines *l)
{
	char *end = NULL, why[80];
	regex_t regex;

	for (char *p = l->value; *p == '/' && (p = strchr(p + 1, '/'));) {
		if (p[1] == ' ' || p[1] == '\t' || p[1] == '\0')
			end = p;
	}
	if (!end || end == l->value + 1) {
		config_lines_warn(l, l->number, "write highlight = /regex/ STYLE");
		return;
	}
	*end = '\0';
	if (end - l->value >= THEME_PATTERN_SIZE) {
		config_lines_warn(l, l->number, "a pattern of more than %d bytes", THEME_PATTERN_SIZE - 2);
		return;
	}
	if (s->n_highlights == THEME_HIGHLIGHTS_MAX) {
		config_lines_warn(l, l->number, "more than %d highlights", THEME_HIGHLIGHTS_MAX);
		return;
	}
	if (expression_compile(&regex, l->value + 1, REG_NOSUB, why, sizeof why) < 0) {
		config_lines_warn(l, l->number, "/%s/: %s", l->value + 1, why);
		return;
	}
	regfree(&regex);
	strcpy(s->highlights[s->n_highlights].pattern, l->value + 1);
	give(s, l, &s->highlights[s->n_highlights].value, config_trim(end + 1));
	if (s->highlights[s->n_highlights].value.file)
		s->n_highlights++;
}

/* The keys of `section`, for "did you mean". */
static const char *nearest_key(const char *section, const char *word)
{
	const char *names[THEME_N_ELEMENTS + 2];
	size_t n = 0, prefix = strlen(section);

	for (size_t i = 0; i < THEME_N_ELEMENTS; i++) {
		if (strncmp(theme_element_names[i], section, prefix) == 0 &&
		        theme_element_names[i][prefix] == '.')
			names[n++] = theme_element_names[i] + prefix + 1;
	}
	if (strcmp(section, "graph") == 0)
		names[n++] = "symbols";
	if (strcmp(section, "log") == 0)
		names[n++] = "highlight";
	return text_nearest(word, names, n);
}

static void read_element(struct theme_source *s, struct config_lines *l, const char *section)
{
	char full[CONFIG_LINE_MAX + 16];

	snprintf(full, sizeof full, "%s.%s", section, l->key);
	if (strcmp(full, "graph.symbols") == 0) {
		give(s, l, &s->symbols, l->value);
		return;
	}
	if (strcmp(full, "log.highlight") == 0) {
		read_highlight(s, l);
		return;
	}
	for (size_t i = 0; i < THEME_N_ELEMENTS; i++) {
		if (strcmp(theme_element_names[i], full) == 0) {
			give(s, l, &s->elements[i], l->value);
			return;
		}
	}
	snprintf(full, sizeof full, "key in [%s]", section);
	config_lines_unknown(l, full, l->key, nearest_key(section, l->key));
}

static int find_section(struct config_lines *l)
{
	for (int i = 0; i < SECTION_N; i++) {
		if (strcmp(sections[i], l->key) == 0)
			return i;
	}
	config_lines_unknown(l, "section", l->key, text_nearest(l->key, sections, SECTION_N));
	return SECTION_UNKNOWN; /* what stands in it is not reported as well */
}

void theme_source_read(struct theme_source *s, const char *text, size_t len, const char *file)
{
	struct config_lines l;
	int section = SECTION_NONE;

	s->parent[0] = '\0';
	if (s->n_files == THEME_PARENTS_MAX)
		return;
	snprintf(s->files[s->n_files++], sizeof *s->files, "%s", file);
	config_lines_begin(&l, text, len, file, s->warnings);
	while (config_lines_next(&l)) {
		if (l.kind == CONFIG_SECTION)
			section = find_section(&l);
		else if (l.kind == CONFIG_COMMENT) {
			if (section == SECTION_NONE)
				read_heading(s, &l);
		} else if (section == SECTION_NONE)
			config_lines_warn(&l, l.number, "%s stands before the first [section]", l.key);
		else if (section == SECTION_PALETTE)
			read_palette(s, &l);
		else if (section != SECTION_UNKNOWN)
			read_element(s, &l, sections[section]);
	}
}
