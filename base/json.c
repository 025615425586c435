/* JSON: the bounds around json-c. */
#include "base/json.h"

#include <limits.h>
#include <string.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"

#define MAX_DEPTH 64

/* What json-c needs of memory for each (measured, 0.16): a table, a list, one more value, a key beside it. */
#define OBJECT_COST 800
#define ARRAY_COST  160
#define VALUE_COST  100
#define KEY_COST    130
/* A document may cost this, and a large one so many times its length: an index of many tags needs 12. */
#define COST_FLOOR ((size_t)24 << 20)
#define COST_RATIO 16

void json_free(json **j)
{
	json_object_put(*j);
	*j = NULL;
}

static size_t line_of(const char *text, size_t offset)
{
	size_t line = 1;

	for (size_t i = 0; i < offset; i++)
		line += text[i] == '\n';
	return line;
}

/* The first line that is no UTF-8, of a text that isn't. */
static size_t line_of_bytes(const char *text, size_t len)
{
	size_t line = 1;

	for (const char *end; (end = memchr(text, '\n', len)) && utf8_valid(text, (size_t)(end - text));
	        line++) {
		len -= (size_t)(end + 1 - text);
		text = end + 1;
	}
	return line;
}

/* Where something other than white space begins at or after `at`; len when nowhere. */
static size_t skip_space(const char *text, size_t at, size_t len)
{
	while (at < len && text[at] && strchr(" \t\r\n", text[at]))
		at++;
	return at;
}

/* Where the text is no JSON (RFC 8259) although json-c, strict or not, takes it: strings in single quotes,
 * NaN and Infinity, raw control characters in strings. len when nowhere. */
static size_t find_lax(const char *text, size_t len)
{
	/* All that may stand outside strings: structure, numbers, true, false, null. */
	static const char outside[] = "{}[]:, \t\r\n0123456789+-.eEtrufalsn";
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"')
			in_string = !in_string;
		else if (in_string ? (unsigned char)text[i] < 0x20 : !text[i] || !strchr(outside, text[i]))
			return i;
		else if (in_string && text[i] == '\\')
			i++;
	}
	return len;
}

size_t json_cost(const char *text, size_t len)
{
	size_t cost = len;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"')
			in_string = !in_string;
		else if (in_string)
			i += text[i] == '\\';
		else if (text[i] == '{')
			cost += OBJECT_COST;
		else if (text[i] == '[')
			cost += ARRAY_COST;
		else if (text[i] == ',')
			cost += VALUE_COST;
		else if (text[i] == ':')
			cost += KEY_COST;
	}
	return cost;
}

/* Memory exhaustion (a manifest of four megabytes of "{}," is a gigabyte of tables, and again for each
 * command that looks at the image): refused before anything is made of it. tests/unit/test_base_json.c */
static bool is_too_dense(const char *text, size_t len)
{
	size_t most = len * COST_RATIO;

	if (!DEFENCE("json-cost"))
		return false;
	/* no text of this length could be */
	if (len < COST_FLOOR / (OBJECT_COST + 1))
		return false;
	return json_cost(text, len) > (most > COST_FLOOR ? most : COST_FLOOR);
}

static json *parse_with(
        struct json_tokener *tok, const char *text, size_t len, const char *what, struct err *e)
{
	cleanup_json json *doc = NULL;
	enum json_tokener_error code;
	size_t end;

	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	doc = json_tokener_parse_ex(tok, text, (int)len);
	code = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	/* A bare number at the end of the text is only complete once its end is seen. */
	if (code == json_tokener_continue) {
		doc = json_tokener_parse_ex(tok, "", 1);
		code = json_tokener_get_error(tok);
		end = len;
	}
	if (end > len)
		end = len;
	if (code == json_tokener_continue)
		return err_set_null(e, ERR_CORRUPT, "%s: line %zu: the JSON text ends too early", what,
		        line_of(text, end));
	if (code != json_tokener_success)
		return err_set_null(e, ERR_CORRUPT, "%s: line %zu: %s", what, line_of(text, end),
		        json_tokener_error_desc(code));
	end = skip_space(text, end, len);
	if (end < len)
		return err_set_null(e, ERR_CORRUPT, "%s: line %zu: text after the end of the JSON document",
		        what, line_of(text, end));
	if (!doc)
		return err_set_null(e, ERR_CORRUPT, "%s: line 1: null is no document", what);
	return steal_ptr(&doc);
}

json *json_parse(const char *text, size_t len, const char *what, struct err *e)
{
	struct json_tokener *tok;
	size_t lax;
	json *doc;

	if (len >= INT_MAX)
		return err_set_null(e, ERR_CORRUPT, "%s: line 1: too long for a JSON document", what);
	/* json-c looks at values only: a name in overlong bytes would be one to us and another to others. */
	if (!utf8_valid(text, len))
		return err_set_null(
		        e, ERR_CORRUPT, "%s: line %zu: it is not UTF-8", what, line_of_bytes(text, len));
	lax = find_lax(text, len);
	if (lax < len)
		return err_set_null(e, ERR_CORRUPT, "%s: line %zu: a character that JSON does not allow here",
		        what, line_of(text, lax));
	if (is_too_dense(text, len))
		return err_set_null(
		        e, ERR_CORRUPT, "%s: line 1: too many values for a document of its size", what);
	tok = json_tokener_new_ex(DEFENCE("json-depth") ? MAX_DEPTH : 1 << 20);
	if (!tok)
		return err_set_null(e, ERR_OTHER, "%s: out of memory", what);
	doc = parse_with(tok, text, len, what, e);
	json_tokener_free(tok);
	return doc;
}

json *json_read_at(int dirfd, const char *path, size_t max, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(max);

	if (file_read_at(dirfd, path, &text, e) < 0)
		return NULL;
	return json_parse(buf_str(&text), text.len, path, e);
}

json *json_get(json *obj, const char *key)
{
	json *val = NULL;

	if (json_object_is_type(obj, json_type_object))
		json_object_object_get_ex(obj, key, &val);
	return val;
}

json *json_path(json *obj, const char *dotted)
{
	char key[256];
	const char *dot;

	for (;; dotted = dot + 1) {
		dot = dotted + strcspn(dotted, ".");
		if ((size_t)(dot - dotted) >= sizeof(key))
			return NULL;
		memcpy(key, dotted, (size_t)(dot - dotted));
		key[dot - dotted] = '\0';
		obj = json_get(obj, key);
		if (!obj || !*dot)
			return obj;
	}
}

const char *json_str(json *obj, const char *key, const char *dflt)
{
	json *val = json_get(obj, key);

	return json_object_is_type(val, json_type_string) ? json_object_get_string(val) : dflt;
}

int64_t json_int(json *obj, const char *key, int64_t dflt)
{
	json *val = json_get(obj, key);

	return json_object_is_type(val, json_type_int) ? json_object_get_int64(val) : dflt;
}

double json_double(json *obj, const char *key, double dflt)
{
	json *val = json_get(obj, key);

	if (json_object_is_type(val, json_type_double) || json_object_is_type(val, json_type_int))
		return json_object_get_double(val);
	return dflt;
}

bool json_bool(json *obj, const char *key, bool dflt)
{
	json *val = json_get(obj, key);

	return json_object_is_type(val, json_type_boolean) ? json_object_get_boolean(val) : dflt;
}

/* By hand and not strv_add(): a hostile array of a million strings must not cost a million scans. */
char **json_strv(json *obj, const char *key)
{
	json *array = json_get(obj, key);
	cleanup_strv char **v = NULL;
	size_t n, used = 0;

	if (!json_object_is_type(array, json_type_array))
		return NULL;
	n = json_object_array_length(array);
	v = calloc(n + 1, sizeof(*v));
	for (size_t i = 0; v && i < n; i++) {
		json *member = json_object_array_get_idx(array, i);
		if (!json_object_is_type(member, json_type_string))
			continue;
		v[used] = strdup(json_object_get_string(member));
		if (!v[used++])
			return NULL;
	}
	return used ? steal_ptr(&v) : NULL;
}

void json_set(json *obj, const char *key, json *val)
{
	if (!json_object_is_type(obj, json_type_object) || json_object_object_add(obj, key, val) < 0)
		json_object_put(val);
}

void json_set_str(json *obj, const char *key, const char *s)
{
	json_set(obj, key, s ? json_object_new_string(s) : NULL);
}

void json_set_int(json *obj, const char *key, int64_t v)
{
	json_set(obj, key, json_object_new_int64(v));
}

void json_set_bool(json *obj, const char *key, bool v)
{
	json_set(obj, key, json_object_new_boolean(v));
}

void json_set_strv(json *obj, const char *key, char *const *v)
{
	json *array = json_object_new_array();

	strv_foreach (s, v)
		json_add_str(array, *s);
	json_set(obj, key, array);
}

void json_add_str(json *array, const char *s)
{
	json *val = s ? json_object_new_string(s) : NULL;

	if (!json_object_is_type(array, json_type_array) || json_object_array_add(array, val) < 0)
		json_object_put(val);
}

/* json-c puts the two brackets of an empty array or object on lines of their own. A string cannot hold a
 * newline as such, so a bracket, a newline, blanks and the other bracket are only ever that. */
static void add_collapsed(struct buf *out, const char *text, size_t len)
{
	size_t from = 0;

	for (size_t i = 0; i + 1 < len; i++) {
		if ((text[i] != '[' && text[i] != '{') || text[i + 1] != '\n')
			continue;
		size_t end = i + 1;
		while (end < len && (text[end] == '\n' || text[end] == ' '))
			end++;
		if (end == len || text[end] != text[i] + 2) /* ']' and '}' stand two behind '[' and '{' */
			continue;
		buf_add(out, text + from, i + 1 - from);
		from = end;
	}
	buf_add(out, text + from, len - from);
}

void json_print(struct buf *out, json *j, enum json_layout layout)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text;
	size_t len;

	if (layout == JSON_PRETTY)
		flags |= JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED;
	text = json_object_to_json_string_length(j, flags, &len);
	if (!text)
		buf_str_add(out, "null");
	else if (layout == JSON_PRETTY)
		add_collapsed(out, text, len);
	else
		buf_add(out, text, len);
}
