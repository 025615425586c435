/* The lines of a TOML text: headers and pairs. */
#include "registry/client/toml.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "registry/client/toml_reader.h"

void toml_free(struct toml *t)
{
	while (t) {
		struct toml *next = t->next;
		toml_free(t->first);
		free(t->key);
		free(t->string);
		free(t);
		t = next;
	}
}

void toml_free_ptr(struct toml **t)
{
	toml_free(*t);
	*t = NULL;
}

struct toml *toml_get(const struct toml *t, const char *key)
{
	for (struct toml *c = t && t->kind == TOML_TABLE ? t->first : NULL; c; c = c->next)
		if (strcmp(c->key, key) == 0)
			return c;
	return NULL;
}

const char *toml_kind_name(const struct toml *t)
{
	static const char *const names[] = {
	        "a table", "an array", "a string", "an integer", "a truth value", "a number or date"};
	return names[t->kind];
}

int toml_wrong(struct toml_reader *r, const char *what)
{
	return err_set(r->e, ERR_CORRUPT, "%s:%u: %s", r->file, r->line, what);
}

void toml_skip_blank(struct toml_reader *r)
{
	while (toml_peek(r, 0) == ' ' || toml_peek(r, 0) == '\t')
		r->at++;
}

int toml_skip_comment(struct toml_reader *r)
{
	if (toml_peek(r, 0) != '#')
		return 0;
	while (r->at < r->len && toml_peek(r, 0) != '\n') {
		unsigned char c = (unsigned char)r->text[r->at++];
		bool end = c == '\r' && toml_peek(r, 0) == '\n';
		if ((c < 0x20 && c != '\t' && !end) || c == 0x7f)
			return toml_wrong(r, "a control character in a comment");
	}
	return 0;
}

/* "\n" or "\r\n". */
static bool skip_newline(struct toml_reader *r)
{
	size_t n = toml_peek(r, 0) == '\r' ? 1 : 0;
	if (toml_peek(r, n) != '\n')
		return false;
	r->at += n + 1;
	r->line++;
	return true;
}

int toml_skip_space(struct toml_reader *r)
{
	do {
		toml_skip_blank(r);
		if (toml_skip_comment(r) < 0)
			return -1;
	} while (skip_newline(r));
	return 0;
}

/* Memory is bounded by the number of values, whatever the text nests or repeats.
 * Test: test_registry_toml.c, test_bounds. */
struct toml *toml_add(struct toml_reader *r, struct toml *parent, char *key, enum toml_kind kind)
{
	cleanup_free char *own = key;
	if (++r->values > TOML_VALUES) {
		toml_wrong(r, "too many values");
		return NULL;
	}
	struct toml *t = calloc(1, sizeof(*t));
	if (!t) {
		err_no_memory(r->e);
		return NULL;
	}
	t->kind = kind;
	t->line = r->line;
	t->key = steal_ptr(&own);
	if (parent->last)
		parent->last->next = t;
	else
		parent->first = t;
	parent->last = t;
	return t;
}

/* ------------------------------------------------------------------ keys */

static bool is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '-';
}

static char *read_key(struct toml_reader *r)
{
	size_t start = r->at;
	if (toml_peek(r, 0) == '"' || toml_peek(r, 0) == '\'')
		return toml_string(r, false);
	while (is_bare(toml_peek(r, 0)))
		r->at++;
	if (r->at == start) {
		toml_wrong(r, "a key is expected, like location = \"…\"");
		return NULL;
	}
	char *key = strndup(r->text + start, r->at - start);
	if (!key)
		err_no_memory(r->e);
	return key;
}

/* Behind a part of a key: is there a '.' and a further part? */
static bool another_part(struct toml_reader *r)
{
	toml_skip_blank(r);
	if (toml_peek(r, 0) != '.')
		return false;
	r->at++;
	toml_skip_blank(r);
	return true;
}

static int twice(struct toml_reader *r, const char *key, const struct toml *first)
{
	return err_set(r->e, ERR_CORRUPT, "%s:%u: \"%.100s\" is there already, in line %u", r->file, r->line,
	        key, first->line);
}

/* The table that a.b of a.b.c = … stands for. */
static struct toml *enter_dotted(struct toml_reader *r, struct toml *table, char *key)
{
	struct toml *t = toml_get(table, key);
	if (!t) {
		t = toml_add(r, table, key, TOML_TABLE);
		if (t)
			t->dotted = true;
		return t;
	}
	bool open = t->kind == TOML_TABLE && t->dotted && !t->closed;
	if (!open)
		twice(r, key, t);
	free(key);
	return open ? t : NULL;
}

int toml_pair(struct toml_reader *r, struct toml *table)
{
	cleanup_free char *key = read_key(r);
	unsigned parts = 1;
	while (key && another_part(r)) {
		if (++parts > TOML_DEPTH)
			return toml_wrong(r, "nested too deeply");
		table = enter_dotted(r, table, steal_ptr(&key));
		if (!table)
			return -1;
		key = read_key(r);
	}
	if (!key)
		return -1;
	if (toml_get(table, key))
		return twice(r, key, toml_get(table, key));
	if (toml_peek(r, 0) != '=')
		return toml_wrong(r, "'=' is expected behind a key");
	r->at++;
	toml_skip_blank(r);
	return toml_value(r, table, steal_ptr(&key));
}

/* ------------------------------------------------------------------ headers */

/* A part of a header that isn't the last: the table of that name, or the last of an array of tables. */
static struct toml *enter(struct toml_reader *r, struct toml *table, char *key)
{
	struct toml *t = toml_get(table, key);
	if (!t)
		return toml_add(r, table, key, TOML_TABLE);
	struct toml *in = t->kind == TOML_ARRAY && !t->closed ? t->last : t;
	bool open = in && in->kind == TOML_TABLE && !in->closed;
	if (!open)
		twice(r, key, t);
	free(key);
	return open ? in : NULL;
}

static struct toml *define_table(struct toml_reader *r, struct toml *parent, char *key)
{
	struct toml *t = toml_get(parent, key);
	if (!t) {
		t = toml_add(r, parent, key, TOML_TABLE);
		if (t)
			t->defined = true;
		return t;
	}
	bool fresh = t->kind == TOML_TABLE && !t->closed && !t->defined && !t->dotted;
	if (!fresh)
		twice(r, key, t);
	free(key);
	if (!fresh)
		return NULL;
	t->defined = true;
	return t;
}

static struct toml *add_to_array(struct toml_reader *r, struct toml *parent, char *key)
{
	struct toml *array = toml_get(parent, key);
	if (!array) {
		array = toml_add(r, parent, key, TOML_ARRAY);
	} else {
		bool open = array->kind == TOML_ARRAY && !array->closed;
		if (!open)
			twice(r, key, array);
		free(key);
		if (!open)
			return NULL;
	}
	struct toml *t = array ? toml_add(r, array, NULL, TOML_TABLE) : NULL;
	if (t)
		t->defined = true;
	return t;
}

/* [a.b] or [[a.b]]: the table that the pairs behind it go to. */
static struct toml *read_header(struct toml_reader *r, struct toml *root)
{
	bool array = toml_peek(r, 1) == '[';
	struct toml *table = root;
	unsigned parts = 1;
	r->at += array ? 2 : 1;
	toml_skip_blank(r);
	cleanup_free char *key = read_key(r);
	while (key && another_part(r)) {
		if (++parts > TOML_DEPTH)
			return toml_wrong(r, "nested too deeply"), NULL;
		table = enter(r, table, steal_ptr(&key));
		if (!table)
			return NULL;
		key = read_key(r);
	}
	if (!key)
		return NULL;
	if (toml_peek(r, 0) != ']' || (array && toml_peek(r, 1) != ']'))
		return toml_wrong(r, array ? "\"]]\" is expected" : "\"]\" is expected"), NULL;
	r->at += array ? 2 : 1;
	return array ? add_to_array(r, table, steal_ptr(&key)) : define_table(r, table, steal_ptr(&key));
}

/* Nothing but a comment may follow on the line. */
static int end_line(struct toml_reader *r)
{
	toml_skip_blank(r);
	if (toml_skip_comment(r) < 0)
		return -1;
	if (r->at == r->len || skip_newline(r))
		return 0;
	return toml_wrong(r, "text behind a value or header");
}

static int read_lines(struct toml_reader *r, struct toml *root)
{
	struct toml *table = root;
	for (;;) {
		if (toml_skip_space(r) < 0)
			return -1;
		if (r->at == r->len)
			return 0;
		if (toml_peek(r, 0) == '[') {
			table = read_header(r, root);
			if (!table)
				return -1;
		} else if (toml_pair(r, table) < 0) {
			return -1;
		}
		if (end_line(r) < 0)
			return -1;
	}
}

struct toml *toml_parse(const char *text, size_t len, const char *file, struct err *e)
{
	struct toml_reader r = {.text = text, .len = len, .line = 1, .file = file, .e = e};
	cleanup_toml struct toml *root = calloc(1, sizeof(*root));
	if (!root)
		return err_no_memory(e), NULL;
	if (len > TOML_MAX_BYTES)
		return err_set_null(e, ERR_CORRUPT, "%s is larger than %d bytes", file, TOML_MAX_BYTES);
	if (memchr(text, '\0', len) || !utf8_valid(text, len))
		return err_set_null(e, ERR_CORRUPT, "%s is not UTF-8 text", file);
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		r.at = 3;
	root->kind = TOML_TABLE;
	root->line = 1;
	if (read_lines(&r, root) < 0)
		return NULL;
	return steal_ptr(&root);
}
