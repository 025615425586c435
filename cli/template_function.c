/* The functions of templates, and how values look and compare. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "cli/template_tree.h"

/* What a call has: its values, and where it stands. */
struct arguments {
	const char *name;
	unsigned column;
	struct value *v;
	size_t n;
	struct err *e;
};

typedef int function(const struct arguments *a, struct value *out);

void value_drop(struct value *v)
{
	json_object_put(v->j);
	v->j = NULL;
}

bool value_true(const struct value *v)
{
	if (v->missing || !v->j)
		return false;
	switch (json_object_get_type(v->j)) {
	case json_type_null:
		return false;
	case json_type_boolean:
		return json_object_get_boolean(v->j);
	case json_type_int:
	case json_type_double:
		return json_object_get_double(v->j) != 0;
	case json_type_string:
		return json_object_get_string_len(v->j) > 0;
	case json_type_array:
		return json_object_array_length(v->j) > 0;
	case json_type_object:
		return json_object_object_length(v->j) > 0;
	}
	return false;
}

/* ------------------------------------------------------------------ printing */

static void print_list(struct buf *out, json *j, bool harmless)
{
	size_t n = json_object_array_length(j);

	buf_char(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_char(out, ' ');
		value_print(out, json_object_array_get_idx(j, i), harmless);
	}
	buf_char(out, ']');
}

static void print_map(struct buf *out, json *j, bool harmless)
{
	bool first = true;

	buf_str_add(out, "map[");
	json_object_object_foreach (j, key, member) {
		if (!first)
			buf_char(out, ' ');
		first = false;
		if (harmless)
			text_harmless(out, key, strlen(key));
		else
			buf_str_add(out, key);
		buf_char(out, ':');
		value_print(out, member, harmless);
	}
	buf_char(out, ']');
}

void value_print(struct buf *out, json *j, bool harmless)
{
	const char *s;
	size_t len;

	switch (j ? json_object_get_type(j) : json_type_null) {
	case json_type_null:
		buf_str_add(out, "<no value>");
		return;
	case json_type_array:
		print_list(out, j, harmless);
		return;
	case json_type_object:
		print_map(out, j, harmless);
		return;
	case json_type_string:
		s = json_object_get_string(j);
		len = (size_t)json_object_get_string_len(j);
		/* Line ends stay: a template may well have printed a text of several lines. */
		if (harmless)
			text_harmless_lines(out, s, len);
		else
			buf_add(out, s, len);
		return;
	default:
		buf_str_add(out, json_object_get_string(j));
	}
}

/* ------------------------------------------------------------------ arguments */

static int bad(const struct arguments *a, const char *what)
{
	return err_set(a->e, ERR_USAGE, "%s: %s (column %u of the format)", a->name, what, a->column);
}

static bool is_type(const struct value *v, json_type type)
{
	return v->j && json_object_is_type(v->j, type);
}

static const char *text_at(const struct arguments *a, size_t i)
{
	return i < a->n && is_type(&a->v[i], json_type_string) ? json_object_get_string(a->v[i].j) : NULL;
}

static int give_text(struct value *out, struct buf *text)
{
	out->j = json_object_new_string_len(buf_str(text), (int)text->len);
	return 0;
}

static int give_bool(struct value *out, bool v)
{
	out->j = json_object_new_boolean(v);
	return 0;
}

/* ------------------------------------------------------------------ comparing */

static bool is_number(const struct value *v)
{
	return is_type(v, json_type_int) || is_type(v, json_type_double);
}

/* -1, 0, 1; 2 when they cannot be compared. */
static int compare(const struct value *a, const struct value *b)
{
	int c;

	if (is_number(a) && is_number(b)) {
		double x = json_object_get_double(a->j), y = json_object_get_double(b->j);

		return (x > y) - (x < y);
	}
	if (is_type(a, json_type_string) && is_type(b, json_type_string)) {
		c = strcmp(json_object_get_string(a->j), json_object_get_string(b->j));
		return (c > 0) - (c < 0);
	}
	if (is_type(a, json_type_boolean) && is_type(b, json_type_boolean))
		return json_object_get_boolean(a->j) != json_object_get_boolean(b->j);
	if (!a->j && !b->j)
		return 0;
	return 2;
}

static int fn_eq(const struct arguments *a, struct value *out)
{
	if (a->n < 2)
		return bad(a, "needs two values");
	for (size_t i = 1; i < a->n; i++)
		if (compare(&a->v[0], &a->v[i]) == 0)
			return give_bool(out, true);
	return give_bool(out, false);
}

static int fn_ne(const struct arguments *a, struct value *out)
{
	return a->n == 2 ? give_bool(out, compare(&a->v[0], &a->v[1]) != 0) : bad(a, "needs two values");
}

static int fn_order(const struct arguments *a, struct value *out)
{
	int c = a->n == 2 ? compare(&a->v[0], &a->v[1]) : 2;

	if (c == 2)
		return bad(a, "needs two numbers or two texts");
	if (a->name[0] == 'l')
		return give_bool(out, c < 0 || (a->name[1] == 'e' && c == 0));
	return give_bool(out, c > 0 || (a->name[1] == 'e' && c == 0));
}

static int fn_not(const struct arguments *a, struct value *out)
{
	return a->n == 1 ? give_bool(out, !value_true(&a->v[0])) : bad(a, "needs one value");
}

/* ------------------------------------------------------------------ lists and maps */

static int fn_len(const struct arguments *a, struct value *out)
{
	json *j = a->n == 1 ? a->v[0].j : NULL;
	int64_t n;

	if (a->n != 1 || (j && !is_type(a->v, json_type_string) && !is_type(a->v, json_type_array) &&
	                         !is_type(a->v, json_type_object)))
		return bad(a, "needs a text, a list or a map");
	n = !j                                ? 0
	    : is_type(a->v, json_type_string) ? json_object_get_string_len(j)
	    : is_type(a->v, json_type_array)  ? (int64_t)json_object_array_length(j)
	                                      : json_object_object_length(j);
	out->j = json_object_new_int64(n);
	return 0;
}

static int fn_index(const struct arguments *a, struct value *out)
{
	json *j = a->n ? a->v[0].j : NULL;

	if (a->n < 2)
		return bad(a, "needs a list or a map, and an index or key");
	for (size_t i = 1; i < a->n; i++) {
		const char *key = text_at(a, i);
		int64_t at = is_number(&a->v[i]) ? json_object_get_int64(a->v[i].j) : -1;

		if (j && json_object_is_type(j, json_type_object) && key) {
			j = json_get(j, key);
		} else if (j && json_object_is_type(j, json_type_array) && is_number(&a->v[i])) {
			if (at < 0 || (size_t)at >= json_object_array_length(j))
				return bad(a, "the list is shorter than that");
			j = json_object_array_get_idx(j, (size_t)at);
		} else if (j) {
			return bad(a, "lists take a number, maps a text in quotes");
		}
	}
	out->j = json_object_get(j);
	/* As in Docker, where labels are a map of texts: what is not there is empty. */
	if (!j && text_at(a, a->n - 1))
		out->j = json_object_new_string("");
	return 0;
}

static int fn_json(const struct arguments *a, struct value *out)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (a->n != 1)
		return bad(a, "needs one value");
	if (a->v[0].j)
		json_print(&text, a->v[0].j, JSON_COMPACT);
	else
		buf_str_add(&text, "null");
	return give_text(out, &text);
}

static int fn_join(const struct arguments *a, struct value *out)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *with = text_at(a, 1);
	size_t n;

	if (a->n != 2 || !with || (a->v[0].j && !is_type(&a->v[0], json_type_array)))
		return bad(a, "needs a list and a text, as in join .Args \",\"");
	n = a->v[0].j ? json_object_array_length(a->v[0].j) : 0;
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_str_add(&text, with);
		value_print(&text, json_object_array_get_idx(a->v[0].j, i), false);
	}
	return give_text(out, &text);
}

static int fn_split(const struct arguments *a, struct value *out)
{
	const char *s = text_at(a, 0), *at = text_at(a, 1), *next;

	if (!s || !at || !*at || a->n != 2)
		return bad(a, "needs two texts, as in split .Image \":\"");
	out->j = json_object_new_array();
	while ((next = strstr(s, at))) {
		json_object_array_add(out->j, json_object_new_string_len(s, (int)(next - s)));
		s = next + strlen(at);
	}
	json_object_array_add(out->j, json_object_new_string(s));
	return 0;
}

/* ------------------------------------------------------------------ texts */

/* upper, lower, title; letters of ASCII only. */
static int fn_case(const struct arguments *a, struct value *out)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *s = text_at(a, 0);
	bool start = true;

	if (!s || a->n != 1)
		return bad(a, "needs one text");
	for (; *s; s++) {
		bool up = a->name[0] == 'u' || (a->name[0] == 't' && start);
		unsigned char c = (unsigned char)*s;

		buf_char(&text, (char)(up ? toupper(c) : a->name[0] == 'l' ? tolower(c) : c));
		start = isspace(c);
	}
	return give_text(out, &text);
}

/* slice TEXT|LIST [FROM [TO]], bytes of a text as in Go, but never a part of a character. */
static int fn_slice(const struct arguments *a, struct value *out)
{
	const char *s = text_at(a, 0);
	json *j = a->n ? a->v[0].j : NULL;
	bool list = j && json_object_is_type(j, json_type_array);
	int64_t len = s ? (int64_t)strlen(s) : list ? (int64_t)json_object_array_length(j) : -1;
	int64_t at[2] = {0, len};

	if (len < 0 || a->n > 3)
		return bad(a, "needs a text or a list, and where it begins and ends, as in slice .ID 0 12");
	for (size_t i = 1; i < a->n; i++) {
		if (!is_number(&a->v[i]))
			return bad(a, "needs numbers, as in slice .ID 0 12");
		at[i - 1] = json_object_get_int64(a->v[i].j);
	}
	if (at[0] < 0 || at[0] > at[1] || at[1] > len)
		return bad(a, list ? "the list is shorter than that" : "the text is shorter than that");
	if (s && !utf8_valid(s + at[0], (size_t)(at[1] - at[0])))
		return bad(a, "that would cut a character in two");
	if (s) {
		out->j = json_object_new_string_len(s + at[0], (int)(at[1] - at[0]));
		return 0;
	}
	out->j = json_object_new_array();
	for (int64_t i = at[0]; i < at[1]; i++)
		json_object_array_add(out->j, json_object_get(json_object_array_get_idx(j, (size_t)i)));
	return 0;
}

static int fn_truncate(const struct arguments *a, struct value *out)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *s = text_at(a, 0);
	size_t len = 0;

	if (!s || a->n != 2 || !is_number(&a->v[1]))
		return bad(a, "needs a text and a number, as in truncate .ID 4");
	for (int64_t left = json_object_get_int64(a->v[1].j); left > 0 && s[len]; left--) {
		uint32_t cp;

		len += utf8_decode(s + len, strlen(s + len), &cp);
	}
	buf_add(&text, s, len);
	return give_text(out, &text);
}

static int fn_pad(const struct arguments *a, struct value *out)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(1 << 20);
	const char *s = text_at(a, 0);

	if (!s || a->n != 3 || !is_number(&a->v[1]) || !is_number(&a->v[2]))
		return bad(a, "needs a text and two numbers, as in pad .Name 2 2");
	for (int64_t n = json_object_get_int64(a->v[1].j); n > 0 && !text.failed; n--)
		buf_char(&text, ' ');
	buf_str_add(&text, *s ? s : "");
	for (int64_t n = json_object_get_int64(a->v[2].j); n > 0 && !text.failed; n--)
		buf_char(&text, ' ');
	return give_text(out, &text);
}

static int fn_print(const struct arguments *a, struct value *out)
{
	cleanup_buf struct buf text = BUF_INIT;
	bool line = strcmp(a->name, "println") == 0;

	for (size_t i = 0; i < a->n; i++) {
		if (i && line)
			buf_char(&text, ' ');
		value_print(&text, a->v[i].j, false);
	}
	if (line)
		buf_char(&text, '\n');
	return give_text(out, &text);
}

/* One %-word of printf: "%-10s". */
static int print_verb(
        const struct arguments *a, struct buf *text, const char *spec, size_t len, struct value *v)
{
	cleanup_buf struct buf plain = BUF_INIT;
	int width = atoi(spec + 1 + (spec[1] == '-'));
	bool left = spec[1] == '-';

	switch (spec[len - 1]) {
	case 'q':
		if (v->j && is_type(v, json_type_string))
			buf_str_add(
			        &plain, json_object_to_json_string_ext(v->j, JSON_C_TO_STRING_NOSLASHESCAPE));
		break;
	case 'd':
		if (!is_number(v))
			return bad(a, "%d needs a number");
		buf_printf(&plain, "%" PRId64, json_object_get_int64(v->j));
		break;
	case 'f':
		if (!is_number(v))
			return bad(a, "%f needs a number");
		buf_printf(&plain, "%f", json_object_get_double(v->j));
		break;
	case 's':
	case 'v':
	case 't':
		value_print(&plain, v->j, false);
		break;
	default:
		return bad(a, "knows %s, %d, %f, %q and %v");
	}
	if (width > 1000)
		return bad(a, "the width is more than 1000");
	buf_printf(text, left ? "%-*s" : "%*s", width, buf_str(&plain));
	return 0;
}

static int fn_printf(const struct arguments *a, struct value *out)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *s = text_at(a, 0);
	size_t next = 1;

	if (!s)
		return bad(a, "needs a format, as in printf \"%s\" .Name");
	while (*s) {
		size_t len = strcspn(s, "%");

		buf_add(&text, s, len);
		s += len;
		if (!*s)
			break;
		if (s[1] == '%') {
			buf_char(&text, '%');
			s += 2;
			continue;
		}
		len = 1 + strspn(s + 1, "-0123456789");
		if (!s[len] || next >= a->n)
			return bad(a, "has fewer values than its format asks for");
		if (print_verb(a, &text, s, len + 1, &a->v[next++]) < 0)
			return -1;
		s += len + 1;
	}
	if (next < a->n)
		return bad(a, "has more values than its format asks for");
	return give_text(out, &text);
}

static const struct {
	const char *name;
	function *fn; /* NULL: the evaluation does it itself */
	bool takes_missing;
} functions[] = {
        {"and", NULL, true},
        {"or", NULL, true},
        {"not", fn_not, true},
        {"eq", fn_eq, true},
        {"ne", fn_ne, true},
        {"lt", fn_order, false},
        {"le", fn_order, false},
        {"gt", fn_order, false},
        {"ge", fn_order, false},
        {"len", fn_len, false},
        {"index", fn_index, false},
        {"json", fn_json, false},
        {"join", fn_join, false},
        {"split", fn_split, false},
        {"upper", fn_case, false},
        {"lower", fn_case, false},
        {"title", fn_case, false},
        {"slice", fn_slice, false},
        {"truncate", fn_truncate, false},
        {"pad", fn_pad, false},
        {"print", fn_print, false},
        {"println", fn_print, false},
        {"printf", fn_printf, false},
};
#define N_FUNCTIONS (sizeof(functions) / sizeof(*functions))

bool template_has_function(const char *name)
{
	for (size_t i = 0; i < N_FUNCTIONS; i++)
		if (strcmp(functions[i].name, name) == 0)
			return true;
	return false;
}

int template_call(
        const char *name, unsigned column, struct value *args, size_t n, struct value *out, struct err *e)
{
	struct arguments a = {.name = name, .column = column, .v = args, .n = n, .e = e};
	size_t i = 0;

	while (i < N_FUNCTIONS - 1 && strcmp(functions[i].name, name) != 0)
		i++;
	*out = (struct value){.column = column};
	if (!functions[i].fn)
		return bad(&a, "needs values");
	for (size_t k = 0; k < n && !functions[i].takes_missing; k++)
		if (args[k].missing)
			return err_set(e, ERR_USAGE, "there is no field .%s (column %u of the format)",
			        args[k].missing, args[k].column);
	return functions[i].fn(&a, out);
}
