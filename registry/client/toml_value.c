/* TOML's values. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "registry/client/toml_reader.h"

/* Recursion is bounded, so that a text of brackets cannot exhaust the stack.
 * Test: test_registry_toml.c, test_bounds. */
static int deeper(struct toml_reader *r)
{
	if (r->depth >= TOML_DEPTH)
		return toml_wrong(r, "nested too deeply");
	r->depth++;
	return 0;
}

static int read_array(struct toml_reader *r, struct toml *array)
{
	r->at++;
	for (;;) {
		if (toml_skip_space(r) < 0)
			return -1;
		if (toml_peek(r, 0) == ']')
			break;
		if (toml_value(r, array, NULL) < 0 || toml_skip_space(r) < 0)
			return -1;
		if (toml_peek(r, 0) == ',')
			r->at++;
		else if (toml_peek(r, 0) != ']')
			return toml_wrong(r, "',' or ']' is expected in an array");
	}
	r->at++;
	return 0;
}

static int read_inline_table(struct toml_reader *r, struct toml *table)
{
	r->at++;
	toml_skip_blank(r);
	if (toml_peek(r, 0) == '}') {
		r->at++;
		return 0;
	}
	for (;;) {
		toml_skip_blank(r);
		if (toml_pair(r, table) < 0)
			return -1;
		toml_skip_blank(r);
		char c = toml_peek(r, 0);
		if (c != ',' && c != '}')
			return toml_wrong(r, "',' or '}' is expected in a table of one line");
		r->at++;
		if (c == '}')
			return 0;
	}
}

static int read_nested(struct toml_reader *r, struct toml *parent, char *key)
{
	bool table = toml_peek(r, 0) == '{';
	struct toml *t = toml_add(r, parent, key, table ? TOML_TABLE : TOML_ARRAY);
	if (!t || deeper(r) < 0)
		return -1;
	int rc = table ? read_inline_table(r, t) : read_array(r, t);
	t->closed = true;
	r->depth--;
	return rc;
}

static int read_string(struct toml_reader *r, struct toml *parent, char *key)
{
	struct toml *t = toml_add(r, parent, key, TOML_STRING);
	if (!t)
		return -1;
	t->string = toml_string(r, true);
	return t->string ? 0 : -1;
}

/* The signs of numbers and dates, and of nothing else. */
static size_t word_len(const struct toml_reader *r)
{
	size_t n = 0;
	for (char c; (c = toml_peek(r, n)); n++)
		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		        !strchr("+-_.:", c))
			break;
	return n;
}

/* Underscores may stand between digits. False when it isn't an integer of 64 bits. */
static bool integer(const char *word, size_t len, int64_t *v)
{
	char digits[80];
	size_t n = 0, i = 0;
	int base = 10;
	char *end;
	if (len > 2 && word[0] == '0' && strchr("xob", word[1])) {
		base = word[1] == 'x' ? 16 : word[1] == 'o' ? 8 : 2;
		i = 2;
	}
	for (size_t start = i; i < len && n + 1 < sizeof(digits); i++) {
		if (word[i] != '_')
			digits[n++] = word[i];
		else if (i == start || i + 1 == len || word[i + 1] == '_' || word[i - 1] == '_')
			return false;
	}
	digits[n] = '\0';
	size_t sign = base == 10 && (digits[0] == '+' || digits[0] == '-');
	if (i < len || n == sign || strchr("+-", digits[sign]))
		return false;
	if (base == 10 && digits[sign] == '0' && n > sign + 1)
		return false;
	errno = 0;
	*v = strtoll(digits, &end, base);
	return *end == '\0' && errno == 0;
}

/* Floats and dates: nothing reads them, so that they begin like one is enough. */
static bool looks_like_a_number(const char *word, size_t len)
{
	size_t sign = len > 0 && strchr("+-", word[0]);
	if (len - sign == 3 && (memcmp(word + sign, "inf", 3) == 0 || memcmp(word + sign, "nan", 3) == 0))
		return true;
	bool other = memchr(word, '.', len) || memchr(word, ':', len) || memchr(word, 'e', len) ||
	             memchr(word, 'E', len) || (len == 10 && word[4] == '-');
	return other && len > sign && word[sign] >= '0' && word[sign] <= '9' && word[len - 1] != '.';
}

static int read_word(struct toml_reader *r, struct toml *parent, char *key)
{
	const char *word = r->text + r->at;
	size_t len = word_len(r);
	struct toml *t = toml_add(r, parent, key, TOML_OTHER);
	if (!t)
		return -1;
	bool yes = len == 4 && memcmp(word, "true", 4) == 0, no = len == 5 && memcmp(word, "false", 5) == 0;
	if (yes || no) {
		t->kind = TOML_BOOL;
		t->boolean = yes;
	} else if (len > 0 && integer(word, len, &t->integer)) {
		t->kind = TOML_INTEGER;
	} else if (len == 0 || !looks_like_a_number(word, len)) {
		return toml_wrong(r, "a value is expected: \"text\", true, false, a number or […]");
	}
	r->at += len;
	return 0;
}

int toml_value(struct toml_reader *r, struct toml *parent, char *key)
{
	switch (toml_peek(r, 0)) {
	case '"':
	case '\'':
		return read_string(r, parent, key);
	case '[':
	case '{':
		return read_nested(r, parent, key);
	default:
		return read_word(r, parent, key);
	}
}
