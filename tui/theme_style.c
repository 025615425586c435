/* Evaluating the words of a theme: colours, their ladders, attributes, signs. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tui/theme_file.h"

enum {
	REFERENCES_MAX = 8, /* palette entries that name each other */
	WORDS_MAX = 16,
};

static const char *const basic_names[16] = {"black", "red", "green", "yellow", "blue", "magenta", "cyan",
        "white", "brightblack", "brightred", "brightgreen", "brightyellow", "brightblue", "brightmagenta",
        "brightcyan", "brightwhite"};
static const struct {
	const char *name;
	uint32_t bit;
} attributes[] = {
        {"bold", ATTR_BOLD},
        {"dim", ATTR_DIM},
        {"italic", ATTR_ITALIC},
        {"underline", ATTR_UNDERLINE},
        {"reverse", ATTR_REVERSE},
        {"strike", ATTR_STRIKE},
        {"none", 0},
};

/* The evaluation of one value. */
struct evaluation {
	const struct theme_source *source;
	const struct theme_value *at;
	enum colour_depth depth;
	unsigned references;
};

static bool parse_hex(const char *s, colour *c)
{
	char *end;
	unsigned long v;

	if (strlen(s) != 6 || strspn(s, "0123456789abcdefABCDEF") != 6)
		return false;
	v = strtoul(s, &end, 16);
	*c = COLOUR_RGB(v >> 16 & 0xff, v >> 8 & 0xff, v & 0xff);
	return true;
}

static bool parse_plain(const char *word, colour *c)
{
	if (word[0] == '#')
		return parse_hex(word + 1, c);
	if (strcmp(word, "default") == 0) {
		*c = COLOUR_DEFAULT;
		return true;
	}
	if (strcmp(word, "keep") == 0) {
		*c = COLOUR_KEEP;
		return true;
	}
	for (unsigned i = 0; i < 16; i++) {
		if (strcmp(word, basic_names[i]) == 0) {
			*c = COLOUR_INDEX(i);
			return true;
		}
	}
	size_t n = strspn(word, "0123456789");
	if (n == 0 || n > 3 || word[n] || atoi(word) > 255)
		return false;
	*c = COLOUR_INDEX((unsigned)atoi(word));
	return true;
}

static const struct theme_value *palette_find(const struct theme_source *s, const char *word)
{
	for (size_t i = 0; i < s->n_palette; i++) {
		if (strcmp(s->palette[i].name, word) == 0)
			return s->palette[i].value.file ? &s->palette[i].value : NULL;
	}
	return NULL;
}

static const char *nearest_colour(const struct theme_source *s, const char *word)
{
	const char *names[THEME_PALETTE_ROOM + 16 + 7];
	size_t n = 0;

	for (size_t i = 0; i < s->n_palette; i++)
		names[n++] = s->palette[i].name;
	for (size_t i = 0; i < 16; i++)
		names[n++] = basic_names[i];
	for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
		names[n++] = attributes[i].name;
	return text_nearest(word, names, n);
}

static bool ladder(struct evaluation *ev, const struct theme_value *entry, colour *c);

/* One colour: a palette entry (but not the one that is being evaluated: in "red = #f00 / 9 / red" the last is
 * the terminal's), or a colour itself. */
static bool one_colour(struct evaluation *ev, const char *word, const struct theme_value *inside, colour *c)
{
	const struct theme_value *entry = palette_find(ev->source, word);

	if (entry && entry != inside && ev->references < REFERENCES_MAX) {
		ev->references++;
		bool ok = ladder(ev, entry, c);
		ev->references--;
		return ok;
	}
	return parse_plain(word, c);
}

/* Which rung of n: the true colour, the one of 256, the one of 16; where one is missing, the one above
 * it, and the screen takes the nearest. */
static size_t rung(enum colour_depth depth, size_t n)
{
	size_t want = depth == DEPTH_256 ? 1 : depth == DEPTH_16 ? 2 : 0;

	return want < n ? want : n - 1;
}

/* "#7aa2f7 / 75 / blue" */
static bool ladder(struct evaluation *ev, const struct theme_value *entry, colour *c)
{
	char text[THEME_VALUE_SIZE], *rungs[3], *save = NULL;
	size_t n = 0;

	strcpy(text, entry->text);
	for (char *p = strtok_r(text, "/", &save); p; p = strtok_r(NULL, "/", &save)) {
		p += strspn(p, " \t");
		p[strcspn(p, " \t")] = '\0';
		if (n == 3)
			return false;
		rungs[n++] = p;
	}
	if (n == 0)
		return false;
	/* "green" on the third rung is the terminal's, whatever the palette calls so */
	if (n == 3 && ev->depth == DEPTH_16 && parse_plain(rungs[2], c))
		return true;
	return one_colour(ev, rungs[rung(ev->depth, n)], entry, c);
}

static void set_colour(struct evaluation *ev, const char *word, colour *c)
{
	const char *near;
	colour parsed;

	if (one_colour(ev, word, NULL, &parsed)) {
		*c = ev->depth == DEPTH_MONO && parsed != COLOUR_KEEP ? COLOUR_DEFAULT : parsed;
		return;
	}
	if (palette_find(ev->source, word)) {
		theme_source_warn(ev->source, palette_find(ev->source, word), "not a colour: %.60s",
		        palette_find(ev->source, word)->text);
		return;
	}
	near = nearest_colour(ev->source, word);
	if (near)
		theme_source_warn(ev->source, ev->at, "unknown colour: %.60s; did you mean %s?", word, near);
	else
		theme_source_warn(ev->source, ev->at, "unknown colour: %.60s", word);
}

static bool set_attribute(struct style *style, const char *word)
{
	for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
		if (strcmp(word, attributes[i].name) == 0) {
			style->attr |= attributes[i].bit;
			return true;
		}
	}
	return false;
}

/* A sign is one column wide and nothing that acts on a terminal; the second is for ASCII. */
static void set_glyph(struct evaluation *ev, const char *text, size_t index, uint32_t *glyphs)
{
	uint32_t cp;
	size_t n = strlen(text);

	if (!glyphs)
		theme_source_warn(ev->source, ev->at, "only states have a sign: \"%.16s\"", text);
	else if (index > 1)
		theme_source_warn(ev->source, ev->at, "a state has two signs, the second for ASCII");
	else if (n == 0 || utf8_decode(text, n, &cp) != n || cp == 0xfffd || cp_width(cp) != 1)
		theme_source_warn(
		        ev->source, ev->at, "a sign is one character, one column wide: \"%.16s\"", text);
	else if (index == 1 && (cp <= 0x20 || cp >= 0x7f))
		theme_source_warn(ev->source, ev->at, "the second sign must be ASCII: \"%.16s\"", text);
	else
		glyphs[index] = cp;
}

/* The next word of *at, cut off in place; a quoted one keeps its blanks. NULL at the end. */
static char *next_word(char **at, bool *quoted)
{
	char *word = *at + strspn(*at, " \t");
	size_t n;

	*quoted = *word == '"';
	if (*quoted)
		word++;
	n = strcspn(word, *quoted ? "\"" : " \t");
	if (!*quoted && n == 0)
		return NULL;
	*at = word + n + (word[n] != '\0');
	word[n] = '\0';
	return word;
}

struct style theme_evaluate(const struct theme_source *s, const struct theme_value *v,
        enum colour_depth depth, uint32_t glyphs[2])
{
	struct evaluation ev = {.source = s, .at = v, .depth = depth};
	struct style style = {COLOUR_KEEP, COLOUR_KEEP, 0};
	char text[THEME_VALUE_SIZE], *at = text, *word;
	size_t n_glyphs = 0;
	bool quoted;

	strcpy(text, v->text);
	for (unsigned i = 0; (word = next_word(&at, &quoted)); i++) {
		if (i == WORDS_MAX) {
			theme_source_warn(s, v, "more than %d words", WORDS_MAX);
			break;
		}
		if (quoted)
			set_glyph(&ev, word, n_glyphs++, glyphs);
		else if (strncmp(word, "on:", 3) == 0)
			set_colour(&ev, word + 3, &style.bg);
		else if (strncmp(word, "fg:", 3) == 0)
			set_colour(&ev, word + 3, &style.fg);
		else if (!set_attribute(&style, word))
			set_colour(&ev, word, &style.fg);
	}
	return style;
}
