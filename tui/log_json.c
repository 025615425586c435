#include "tui/log_json.h"

#include <stdbool.h>
#include <string.h>

#define DEPTH_MOST 32
#define INDENT     2
#define SHORT      60 /* an array or object this short stays in one line */

struct layout {
	const char *s;
	size_t len, at;
	char *dst;
	size_t size, n;
	bool full;
};

static void put(struct layout *l, const char *s, size_t n)
{
	if (l->full || n > l->size - l->n) {
		l->full = true;
		return;
	}
	memcpy(l->dst + l->n, s, n);
	l->n += n;
}

static void new_line(struct layout *l, int depth)
{
	static const char blanks[DEPTH_MOST * INDENT + 1] =
	        "                                                                ";

	put(l, "\n", 1);
	put(l, blanks, (size_t)depth * INDENT);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t string_length(const char *s, size_t len)
{
	for (size_t i = 1; i < len; i++) {
		if (s[i] == '\\')
			i++;
		else if (s[i] == '"')
			return i + 1;
	}
	return len;
}

/* s begins with a bracket: the length up to its partner, or 0. */
static size_t bracket_length(const char *s, size_t len)
{
	char open[DEPTH_MOST];
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == '"') {
			i += string_length(s + i, len - i) - 1;
		} else if (c == '{' || c == '[') {
			if (depth == DEPTH_MOST)
				return 0;
			open[depth++] = c == '{' ? '}' : ']';
		} else if (c == '}' || c == ']') {
			if (!depth || open[--depth] != c)
				return 0;
			if (!depth)
				return i + 1;
		}
	}
	return 0;
}

static void copy_flat(struct layout *l, size_t n)
{
	size_t end = l->at + n;

	while (l->at < end) {
		char c = l->s[l->at];

		if (c == '"') {
			size_t k = string_length(l->s + l->at, end - l->at);
			put(l, l->s + l->at, k);
			l->at += k;
			continue;
		}
		if (!is_blank(c))
			put(l, &c, 1);
		if (c == ',' || c == ':')
			put(l, " ", 1);
		l->at++;
	}
}

static void lay_out(struct layout *l)
{
	int depth = 0;

	while (l->at < l->len && !l->full) {
		char c = l->s[l->at];

		if ((c == '{' || c == '[') && depth) {
			size_t n =
			        bracket_length(l->s + l->at, l->len - l->at < SHORT ? l->len - l->at : SHORT);
			if (n) {
				copy_flat(l, n);
				continue;
			}
		}
		if (c == '"') {
			size_t n = string_length(l->s + l->at, l->len - l->at);
			put(l, l->s + l->at, n);
			l->at += n;
			continue;
		}
		l->at++;
		if (is_blank(c))
			continue;
		if (c == '}' || c == ']')
			new_line(l, depth > 0 ? --depth : 0);
		put(l, &c, 1);
		if (c == '{' || c == '[')
			new_line(l, depth < DEPTH_MOST ? ++depth : depth);
		else if (c == ',')
			new_line(l, depth);
		else if (c == ':')
			put(l, " ", 1);
	}
}

/* An object with a key: not every brace in a line is JSON. */
static bool looks_like_json(const char *s, size_t len)
{
	size_t i = 1;

	while (i < len && is_blank(s[i]))
		i++;
	if (i >= len || s[i] != '"')
		return false;
	i += string_length(s + i, len - i);
	while (i < len && is_blank(s[i]))
		i++;
	return i < len && s[i] == ':';
}

size_t log_json_layout(const char *text, size_t len, char *dst, size_t size)
{
	while (len && (is_blank(text[len - 1]) || text[len - 1] == '\r'))
		len--;
	for (size_t i = 0; i < len && len <= size; i++) {
		const char *open = memchr(text + i, '{', len - i);
		if (!open)
			return 0;
		i = (size_t)(open - text);
		if (!looks_like_json(open, len - i) || bracket_length(open, len - i) != len - i)
			continue;
		struct layout l = {.s = open, .len = len - i, .dst = dst, .size = size};
		put(&l, text, i);
		lay_out(&l);
		return l.full ? 0 : l.n;
	}
	return 0;
}
