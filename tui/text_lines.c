/* Lines of styled text: see text_lines.h. */
#include <string.h>

#include "base/text.h"
#include "tui/text_lines.h"

void text_line_add(struct text_line *l, const char *text, size_t len, struct style s)
{
	if (l->n == TEXT_SPANS_MAX || len == 0)
		return;
	if (len > TEXT_LINE_MAX)
		len = TEXT_LINE_MAX;
	l->spans[l->n++] = (struct text_span){text, len, s};
}

/* The character at `text`: its bytes and columns. A control is drawn as one replacement character. */
static size_t step(const char *text, size_t len, int *cols)
{
	uint32_t cp;
	size_t used = utf8_decode(text, len, &cp);
	int w = cp_width(cp);

	*cols = w < 0 ? 1 : w;
	return used;
}

int text_columns(const char *text, size_t len)
{
	int total = 0, w;

	for (size_t i = 0; i < len; total += w)
		i += step(text + i, len - i, &w);
	return total;
}

bool text_line_ended(const struct text_line *l, const struct text_place *at)
{
	return at->span >= l->n;
}

int text_line_advance(const struct text_line *l, struct text_place *at, int cols)
{
	int passed = 0, w;

	while (!text_line_ended(l, at)) {
		const struct text_span *s = &l->spans[at->span];
		if (at->byte >= s->len) {
			at->span++;
			at->byte = 0;
			continue;
		}
		size_t used = step(s->text + at->byte, s->len - at->byte, &w);
		if (passed + w > cols && passed > 0)
			break;
		passed += w;
		at->byte += used;
		at->flat += used;
		if (passed > cols)
			break;
	}
	return passed;
}

size_t text_line_rows(const struct text_line *l, int cols)
{
	struct text_place at = {0};
	size_t rows = 0;

	do {
		text_line_advance(l, &at, cols > 0 ? cols : 1);
		rows++;
	} while (!text_line_ended(l, &at));
	return rows;
}

struct text_place text_line_row(const struct text_line *l, size_t row, int cols)
{
	struct text_place at = {0};

	for (size_t i = 0; i < row && !text_line_ended(l, &at); i++)
		text_line_advance(l, &at, cols > 0 ? cols : 1);
	return at;
}

/* ------------------------------------------------------------------ finding */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

const char *text_find(const char *text, size_t len, const char *needle)
{
	size_t n = strlen(needle);
	bool exact = false;

	for (const char *p = needle; *p; p++)
		exact |= *p >= 'A' && *p <= 'Z';
	if (n == 0 || n > len)
		return NULL;
	for (size_t i = 0; i + n <= len; i++) {
		size_t k = 0;
		while (k < n && (text[i + k] == needle[k] || (!exact && lower(text[i + k]) == needle[k])))
			k++;
		if (k == n)
			return text + i;
	}
	return NULL;
}

bool text_line_matches(const struct text_line *l, const char *needle)
{
	for (size_t i = 0; i < l->n; i++)
		if (text_find(l->spans[i].text, l->spans[i].len, needle))
			return true;
	return false;
}
