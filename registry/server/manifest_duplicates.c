/* Names that an object has twice. json-c keeps the last of them, other readers the first: who signs one and
 * runs the other is cheated, so there must be none. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "registry/server/manifest_check.h"

#define DEPTH_MAX 64 /* json_parse()'s */

/* Hashes of the names of all objects that are open, the innermost last: 64 bits with a random start, so that
 * nobody makes two names fall together on purpose. */
struct names {
	uint64_t *hash;
	size_t n, room;
	size_t begin[DEPTH_MAX + 1]; /* of each open object; an array has none of its own */
	bool object[DEPTH_MAX + 1];
	size_t depth;
	bool found;
};

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static void add(struct names *v, uint64_t hash)
{
	if (v->n == v->room) {
		size_t room = v->room ? 2 * v->room : 64;
		uint64_t *grown = realloc(v->hash, room * sizeof(*grown));
		if (!grown) {
			v->found = true; /* without memory nothing is taken */
			return;
		}
		v->hash = grown;
		v->room = room;
	}
	v->hash[v->n++] = hash;
}

static void open_level(struct names *v, bool object)
{
	if (v->depth >= DEPTH_MAX) {
		v->found = true;
		return;
	}
	v->object[v->depth] = object;
	v->begin[v->depth++] = v->n;
}

static void close_level(struct names *v)
{
	if (v->depth == 0)
		return;
	size_t begin = v->begin[--v->depth];
	if (v->n > begin + 1)
		qsort(v->hash + begin, v->n - begin, sizeof(*v->hash), by_value);
	for (size_t i = begin + 1; i < v->n; i++)
		v->found |= v->hash[i] == v->hash[i - 1];
	v->n = begin;
}

/* The end of the string that begins at text[at] == '"'. */
static size_t string_end(const char *text, size_t at, size_t len)
{
	for (at++; at < len && text[at] != '"'; at++)
		if (text[at] == '\\')
			at++;
	return at < len ? at + 1 : len;
}

static bool is_name(const char *text, size_t at, size_t len)
{
	while (at < len && text[at] && strchr(" \t\r\n", text[at]))
		at++;
	return at < len && text[at] == ':';
}

/* Of what the name says, not of how it is escaped ("l\u0061yers" is "layers"). */
static uint64_t hash_name(const char *text, size_t begin, size_t end, uint64_t seed)
{
	uint64_t h = seed;
	cleanup_json json *plain = NULL;
	const char *s = text + begin + 1;
	size_t len = end - begin - 2;
	if (memchr(s, '\\', len)) {
		plain = json_parse(text + begin, end - begin, "name", NULL);
		if (json_object_is_type(plain, json_type_string)) {
			s = json_object_get_string(plain);
			len = (size_t)json_object_get_string_len(plain);
		}
	}
	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)s[i]) * UINT64_C(1099511628211);
	return h ^ h >> 29;
}

bool json_has_duplicates(const char *text, size_t len)
{
	struct names v = {0};
	uint64_t seed =
	        (uint64_t)(uintptr_t)&v * UINT64_C(0x9e3779b97f4a7c15); /* where the stack is: random */
	for (size_t i = 0; i < len && !v.found;) {
		if (text[i] == '"') {
			size_t end = string_end(text, i, len);
			if (v.depth && v.object[v.depth - 1] && end > i + 1 && is_name(text, end, len))
				add(&v, hash_name(text, i, end, seed));
			i = end;
			continue;
		}
		if (text[i] == '{' || text[i] == '[')
			open_level(&v, text[i] == '{');
		else if (text[i] == '}' || text[i] == ']')
			close_level(&v);
		i++;
	}
	free(v.hash);
	return v.found;
}
