#include "tui/log_spans.h"

#include <string.h>

#include "tui/log_paint.h"
#include "tui/log_pattern.h"
#include "tui/log_record.h"

#define MARGIN 256 /* bytes beside the visible part that a match may begin in */

static void add(struct log_spans *s, size_t from, size_t to, struct style over)
{
	if (s->n == LOG_SPANS_MAX || from >= to)
		return;
	s->v[s->n].from = from;
	s->v[s->n].to = to;
	s->v[s->n++].over = over;
}

static struct style element(const struct log_look *look, enum theme_element el)
{
	return theme_style(look->theme, el);
}

/* A foreground alone, so that the selected line keeps its background. */
static struct style ink(struct style s)
{
	if (s.bg == COLOUR_DEFAULT)
		s.bg = COLOUR_KEEP;
	return s;
}

/* ------------------------------------------------------------------ levels, keys */

static void add_level(struct log_spans *s, const struct log_look *look, const char *text, size_t len)
{
	static const enum theme_element elements[] = {
	        [LOG_WORD_DEBUG] = LOG_DEBUG,
	        [LOG_WORD_INFO] = LOG_INFO,
	        [LOG_WORD_WARN] = LOG_WARN,
	        [LOG_WORD_ERROR] = LOG_ERROR,
	};
	size_t at, n;
	enum log_level_word level = log_level_find(text, len, &at, &n);

	if (level == LOG_WORD_NONE)
		return;
	struct style st = ink(element(look, elements[level]));
	/* Errors and warnings stand out as a whole line, debugging stays behind; of the others the word is
	 * enough. */
	if (level != LOG_WORD_INFO)
		s->base = style_over(
		        s->base, (struct style){st.fg, COLOUR_KEEP, st.attr & ~(uint32_t)ATTR_REVERSE});
	st.attr |= level >= LOG_WORD_WARN ? ATTR_BOLD : 0;
	add(s, at, at + n, st);
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '-' || c == '.' || c == '/' || c == '@';
}

static size_t string_end(const char *text, size_t i, size_t to)
{
	for (i++; i < to && text[i] != '"'; i++)
		if (text[i] == '\\')
			i++;
	return i < to ? i + 1 : to;
}

static size_t skip_blanks(const char *text, size_t i, size_t to)
{
	while (i < to && text[i] == ' ')
		i++;
	return i;
}

static bool is_number(const char *text, size_t from, size_t to)
{
	if (from < to && text[from] == '-')
		from++;
	if (from >= to || text[from] < '0' || text[from] > '9')
		return false;
	for (; from < to; from++)
		if (!strchr("0123456789.eE+-", text[from]))
			return false;
	return true;
}

/* "key": value of JSON, key=value of logfmt. */
static void add_keys(
        struct log_spans *s, const struct log_look *look, const char *text, size_t from, size_t to)
{
	const struct style key = ink(element(look, LOG_KEY)), string = ink(element(look, LOG_STRING)),
	                   number = ink(element(look, LOG_NUMBER));

	for (size_t i = from; i < to;) {
		size_t start = i;

		if (text[i] == '"') {
			i = string_end(text, i, to);
			size_t after = skip_blanks(text, i, to);
			add(s, start, i, after < to && text[after] == ':' ? key : string);
		} else if (is_name(text[i])) {
			while (i < to && is_name(text[i]))
				i++;
			if (i + 1 < to && text[i] == '=' && text[i + 1] != '=' && text[i + 1] != ' ')
				add(s, start, i++, key);
			else if (is_number(text, start, i) && (!start || strchr(" :=,[", text[start - 1])))
				add(s, start, i, number);
		} else {
			i++;
		}
	}
}

/* ------------------------------------------------------------------ rules, hits */

static void add_rule(struct log_spans *s, const regex_t *regex, struct style over, const char *text,
        size_t from, size_t to)
{
#ifdef REG_STARTEND
	while (from < to) {
		regmatch_t m = {.rm_so = (regoff_t)from, .rm_eo = (regoff_t)to};

		if (regexec(regex, text, 1, &m, REG_STARTEND | (from ? REG_NOTBOL : 0)))
			return;
		add(s, (size_t)m.rm_so, (size_t)m.rm_eo, over);
		from = (size_t)m.rm_eo + (m.rm_eo == m.rm_so);
	}
#else
	char copy[2048];
	size_t n = to - from < sizeof(copy) - 1 ? to - from : sizeof(copy) - 1;
	regmatch_t m;

	memcpy(copy, text + from, n);
	copy[n] = '\0';
	for (size_t i = 0; i < n; i += (size_t)m.rm_eo + (m.rm_eo == m.rm_so)) {
		if (regexec(regex, copy + i, 1, &m, from + i ? REG_NOTBOL : 0))
			return;
		add(s, from + i + (size_t)m.rm_so, from + i + (size_t)m.rm_eo, over);
	}
#endif
}

static void add_hits(
        struct log_spans *s, const struct log_look *look, const char *text, size_t from, size_t to)
{
	struct style over = element(look, look->current ? LOG_MATCH_CURRENT : LOG_MATCH);
	size_t a, b;

	/* the selection takes the background of its line: what it takes it from here is then the text's
	 * colour */
	if (look->current && over.bg != COLOUR_KEEP && over.bg != COLOUR_DEFAULT) {
		over.fg = over.bg;
		over.bg = COLOUR_KEEP;
		over.attr |= ATTR_REVERSE;
	}
	while (from < to && log_pattern_match(look->search, text, to, from, &a, &b)) {
		add(s, a, b, over);
		from = b > a ? b : a + 1;
		if (s->n == LOG_SPANS_MAX)
			return;
	}
}

void log_spans_find(struct log_spans *s, const struct log_look *look, const char *text, size_t len,
        size_t from, size_t to)
{
	s->n = 0;
	s->base = element(look, look->dim ? UI_MUTED : UI_TEXT);
	from = from > MARGIN ? from - MARGIN : 0;
	to = to + MARGIN < len ? to + MARGIN : len;
	if (!look->dim)
		add_level(s, look, text, len);
	if (look->keys && !look->dim)
		add_keys(s, look, text, from, to);
	for (size_t i = 0; look->rules && i < look->rules->n && !look->dim; i++)
		add_rule(s, &look->rules->v[i].regex, look->rules->v[i].style, text, from, to);
	if (look->search)
		add_hits(s, look, text, from, to);
}

struct style log_spans_at(const struct log_spans *s, struct style own, size_t at, size_t *until)
{
	struct style st = s->base;

	/* What the container coloured itself goes before our base, and what we mark goes before both. */
	if (own.fg != COLOUR_DEFAULT)
		st.fg = own.fg;
	if (own.bg != COLOUR_DEFAULT)
		st.bg = own.bg;
	st.attr |= own.attr;
	for (size_t i = 0; i < s->n; i++) {
		if (at < s->v[i].from) {
			if (s->v[i].from < *until)
				*until = s->v[i].from;
		} else if (at < s->v[i].to) {
			st = style_over(st, s->v[i].over);
			if (s->v[i].to < *until)
				*until = s->v[i].to;
		}
	}
	return st;
}
