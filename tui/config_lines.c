/* Lines of people's files, with bounds and warnings. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/text.h"
#include "tui/config_lines.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

char *config_trim(char *s)
{
	size_t n;

	while (is_blank(*s))
		s++;
	for (n = strlen(s); n > 0 && is_blank(s[n - 1]); n--)
		;
	s[n] = '\0';
	return s;
}

void config_lines_begin(
        struct config_lines *l, const char *text, size_t len, const char *name, char ***warnings)
{
	*l = (struct config_lines){.name = name, .at = text, .end = text + len, .warnings = warnings};
	if (len > CONFIG_FILE_MAX) {
		l->end = text + CONFIG_FILE_MAX;
		config_lines_warn(l, 1, "longer than %d KiB; the rest is not read", CONFIG_FILE_MAX >> 10);
	}
	if (l->end - l->at >= 3 && memcmp(l->at, "\xef\xbb\xbf", 3) == 0)
		l->at += 3; /* an editor's byte order mark */
}

void config_lines_warn(struct config_lines *l, unsigned number, const char *fmt, ...)
{
	char said[400], clean[480], whole[600];
	va_list ap;

	if (!l->warnings || l->n_warnings > CONFIG_WARNINGS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(said, sizeof said, fmt, ap);
	va_end(ap);
	if (l->n_warnings++ == CONFIG_WARNINGS_MAX)
		snprintf(said, sizeof said, "more mistakes follow");
	text_harmless_to(clean, sizeof clean, said);
	snprintf(whole, sizeof whole, "%.80s:%u: %s", l->name, number, clean);
	strv_add(l->warnings, whole); /* without memory a warning is the least that is lost */
}

void config_lines_unknown(struct config_lines *l, const char *what, const char *word, const char *nearest)
{
	if (nearest)
		config_lines_warn(l, l->number, "unknown %s: %s; did you mean %s?", what, word, nearest);
	else
		config_lines_warn(l, l->number, "unknown %s: %s", what, word);
}

/* "value  # why": only a lone hash with blanks around it, so that #7aa2f7 and the key "#" stay what they are.
 */
static void cut_comment(char *s)
{
	for (char *p = s; (p = strchr(p, '#')); p++) {
		if (p > s && is_blank(p[-1]) && is_blank(p[1])) {
			*p = '\0';
			return;
		}
	}
}

/* Copies the next line into l->text; false: at the end. *ok: it is text and short enough. */
static bool take_line(struct config_lines *l, bool *ok)
{
	const char *newline;
	size_t n;

	if (l->at >= l->end)
		return false;
	newline = memchr(l->at, '\n', (size_t)(l->end - l->at));
	n = (size_t)((newline ? newline : l->end) - l->at);
	l->number++;
	*ok = n < sizeof l->text && !memchr(l->at, '\0', n);
	if (n >= sizeof l->text)
		config_lines_warn(l, l->number, "longer than %zu bytes; not read", sizeof l->text - 1);
	else if (!*ok)
		config_lines_warn(l, l->number, "not text; not read");
	if (*ok) {
		memcpy(l->text, l->at, n);
		l->text[n] = '\0';
	}
	l->at = newline ? newline + 1 : l->end;
	return true;
}

/* "key = value"; an "=" as the very key ("= = …") is nobody's name, so the first one parts them. */
static bool split_pair(struct config_lines *l, char *s)
{
	char *equals = strchr(s, '=');

	if (!equals || equals == s) {
		config_lines_warn(l, l->number, "not \"key = value\": %.60s", s);
		return false;
	}
	*equals = '\0';
	l->kind = CONFIG_PAIR;
	l->key = config_trim(s);
	cut_comment(equals + 1);
	l->value = config_trim(equals + 1);
	return true;
}

static bool classify(struct config_lines *l)
{
	char *s = config_trim(l->text), *close;

	if (*s == '\0')
		return false;
	if (*s == '#') {
		l->kind = CONFIG_COMMENT;
		l->value = config_trim(s + 1);
		return true;
	}
	if (*s != '[')
		return split_pair(l, s);
	close = strchr(s, ']');
	if (!close) {
		config_lines_warn(l, l->number, "a section without its \"]\": %.60s", s);
		return false;
	}
	*close = '\0';
	l->kind = CONFIG_SECTION;
	l->key = config_trim(s + 1);
	char *rest = config_trim(close + 1);
	if (*rest && *rest != '#')
		config_lines_warn(l, l->number, "write what belongs to [%.40s] on lines of its own", l->key);
	return true;
}

bool config_lines_next(struct config_lines *l)
{
	bool ok;

	while (take_line(l, &ok)) {
		if (ok && classify(l))
			return true;
	}
	return false;
}

bool config_parse_bool(const char *text, bool *value)
{
	static const char *const words[] = {"no", "yes", "off", "on", "false", "true", "0", "1"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcasecmp(text, words[i]) == 0) {
			*value = i & 1;
			return true;
		}
	}
	return false;
}
