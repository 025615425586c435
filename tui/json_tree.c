/* A JSON document as lines that fold: see json_tree.h. The nodes stand in document order, so a subtree is a
 * range. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "tui/json_tree.h"

#define INDENT    2
#define DEPTH_MAX 64

/* ------------------------------------------------------------------ building */

static uint64_t hash_step(uint64_t h, const char *key, size_t index)
{
	/* FNV-1a */
	if (!key)
		return (h ^ (index + 1)) * UINT64_C(1099511628211) ^ 0x5b;
	for (; *key; key++)
		h = (h ^ (uint8_t)*key) * UINT64_C(1099511628211);
	return (h ^ '.') * UINT64_C(1099511628211);
}

static bool is_container(json *j)
{
	return json_object_is_type(j, json_type_object) || json_object_is_type(j, json_type_array);
}

static size_t members(json *j)
{
	if (json_object_is_type(j, json_type_object))
		return (size_t)json_object_object_length(j);
	return json_object_is_type(j, json_type_array) ? json_object_array_length(j) : 0;
}

static size_t count_nodes(json *j, unsigned depth)
{
	size_t n = 0;

	if (!is_container(j) || depth >= DEPTH_MAX)
		return 0;
	if (json_object_is_type(j, json_type_object)) {
		json_object_object_foreach (j, key, value) {
			(void)key;
			n += 1 + count_nodes(value, depth + 1);
		}
		return n;
	}
	for (size_t i = 0; i < json_object_array_length(j); i++)
		n += 1 + count_nodes(json_object_array_get_idx(j, i), depth + 1);
	return n;
}

struct build {
	struct json_tree *t;
	size_t cap;
	unsigned open_depth;
};

static void add_members(struct build *b, json *j, uint32_t parent, uint64_t path, unsigned depth);

static void add_node(struct build *b, json *value, const char *key, size_t index, uint32_t parent,
        uint64_t path, unsigned depth)
{
	if (b->t->n == b->cap) {
		b->t->cut = true;
		return;
	}
	uint32_t at = (uint32_t)b->t->n++;
	struct json_node *n = &b->t->nodes[at];
	*n = (struct json_node){.value = value,
	        .key = key,
	        .path = hash_step(path, key, index),
	        .parent = depth ? parent : at,
	        .index = (uint32_t)index,
	        .depth = (uint8_t)depth,
	        .folded = is_container(value) && members(value) > 0 && depth >= b->open_depth};
	if (!is_container(value) && !json_object_is_type(value, json_type_string))
		n->text = value ? json_object_get_string(value) : "null";
	if (depth + 1 < DEPTH_MAX)
		add_members(b, value, at, n->path, depth + 1);
	b->t->nodes[at].next = (uint32_t)b->t->n;
}

static void add_members(struct build *b, json *j, uint32_t parent, uint64_t path, unsigned depth)
{
	size_t i = 0;

	if (json_object_is_type(j, json_type_object)) {
		json_object_object_foreach (j, key, value)
			add_node(b, value, key, i++, parent, path, depth);
	} else if (json_object_is_type(j, json_type_array)) {
		for (; i < json_object_array_length(j); i++)
			add_node(b, json_object_array_get_idx(j, i), NULL, i, parent, path, depth);
	}
}

/* Which nodes are shown. */
static void list_lines(struct json_tree *t)
{
	t->n_lines = 0;
	for (uint32_t i = 0; i < t->n;) {
		t->lines[t->n_lines++] = i;
		i = t->nodes[i].folded ? t->nodes[i].next : i + 1;
	}
}

static int by_path(const void *a, const void *b)
{
	const struct json_node *x = a, *y = b;

	return x->path < y->path ? -1 : x->path > y->path;
}

/* Fold what was folded, open what was open. `old` gets sorted. */
static void take_folds(struct json_tree *t, struct json_node *old, size_t n_old)
{
	if (n_old == 0)
		return;
	qsort(old, n_old, sizeof *old, by_path);
	for (size_t i = 0; i < t->n; i++) {
		const struct json_node *was = bsearch(&t->nodes[i], old, n_old, sizeof *old, by_path);
		if (was && members(t->nodes[i].value) > 0)
			t->nodes[i].folded = was->folded;
	}
}

int json_tree_set(struct json_tree *t, json *document, unsigned depth)
{
	struct json_tree fresh = {.document = document};
	struct build b = {&fresh, count_nodes(document, 0), depth};

	if (b.cap > JSON_TREE_MAX)
		b.cap = JSON_TREE_MAX;
	fresh.nodes = calloc(b.cap + 1, sizeof *fresh.nodes);
	fresh.lines = calloc(b.cap + 1, sizeof *fresh.lines);
	if (!fresh.nodes || !fresh.lines) {
		json_tree_free(&fresh);
		return -1;
	}
	add_members(&b, document, 0, UINT64_C(14695981039346656037), 0);
	take_folds(&fresh, t->nodes, t->n);
	list_lines(&fresh);
	json_tree_free(t);
	*t = fresh;
	return 0;
}

void json_tree_free(struct json_tree *t)
{
	json_free(&t->document);
	free(t->nodes);
	free(t->lines);
	*t = (struct json_tree){.n = 0};
}

/* ------------------------------------------------------------------ lines */

static const struct json_node *node_at(const struct json_tree *t, size_t line)
{
	return line < t->n_lines ? &t->nodes[t->lines[line]] : NULL;
}

static void add_value(const struct json_node *n, const struct json_tree_styles *s, char *scratch, size_t size,
        struct text_line *out)
{
	size_t count = members(n->value);

	if (json_object_is_type(n->value, json_type_string)) {
		int len = json_object_get_string_len(n->value);
		if (len == 0)
			text_line_add(out, "\"\"", 2, s->mark);
		text_line_add(out, json_object_get_string(n->value), (size_t)len, s->string);
	} else if (is_container(n->value)) {
		bool is_array = json_object_is_type(n->value, json_type_array);
		if (!n->folded && count > 0)
			return;
		int len = count == 0 ? snprintf(scratch, size, is_array ? "[]" : "{}")
		                     : snprintf(scratch, size, is_array ? "[%zu]" : "{%zu}", count);
		text_line_add(out, scratch, (size_t)len, s->mark);
	} else {
		bool is_number = json_object_is_type(n->value, json_type_int) ||
		                 json_object_is_type(n->value, json_type_double);
		text_line_add(out, n->text, strlen(n->text), is_number ? s->number : s->word);
	}
}

void json_tree_line(const struct json_tree *t, size_t i, const struct json_tree_styles *s, char *scratch,
        struct text_line *out)
{
	const struct json_node *n = node_at(t, i);
	size_t used;

	if (!n)
		return;
	used = (size_t)n->depth * INDENT;
	memset(scratch, ' ', used);
	if (members(n->value) > 0)
		used += utf8_encode(n->folded ? s->closed : s->open, scratch + used);
	else
		scratch[used++] = ' ';
	scratch[used++] = ' ';
	text_line_add(out, scratch, used, s->mark);
	if (n->key) {
		text_line_add(out, n->key, strlen(n->key), s->key);
	} else {
		int len = snprintf(scratch + used, JSON_SCRATCH - used, "[%u]", n->index);
		text_line_add(out, scratch + used, (size_t)len, s->mark);
		used += (size_t)len;
	}
	text_line_add(out, "  ", 2, s->mark);
	add_value(n, s, scratch + used, JSON_SCRATCH - used, out);
}

/* ------------------------------------------------------------------ folding */

bool json_tree_can_fold(const struct json_tree *t, size_t line)
{
	const struct json_node *n = node_at(t, line);

	return n && members(n->value) > 0 && n->depth + 1 < DEPTH_MAX;
}

void json_tree_fold(struct json_tree *t, size_t line, bool folded)
{
	if (!json_tree_can_fold(t, line))
		return;
	t->nodes[t->lines[line]].folded = folded;
	list_lines(t);
}

/* The line that shows a node, by binary search: lines are ascending; else the one before. */
static size_t line_of(const struct json_tree *t, uint32_t node)
{
	size_t low = 0, high = t->n_lines;

	while (low + 1 < high) {
		size_t middle = (low + high) / 2;
		if (t->lines[middle] <= node)
			low = middle;
		else
			high = middle;
	}
	return low;
}

size_t json_tree_parent_line(const struct json_tree *t, size_t line)
{
	const struct json_node *n = node_at(t, line);

	return n ? line_of(t, n->parent) : 0;
}

static bool node_matches(const struct json_node *n, const char *needle)
{
	const char *text = n->text;
	size_t len = text ? strlen(text) : 0;

	if (n->key && text_find(n->key, strlen(n->key), needle))
		return true;
	if (json_object_is_type(n->value, json_type_string)) {
		text = json_object_get_string(n->value);
		len = (size_t)json_object_get_string_len(n->value);
	}
	/* a line shows no more of it */
	return text && text_find(text, len < TEXT_LINE_MAX ? len : TEXT_LINE_MAX, needle);
}

void json_tree_reveal(struct json_tree *t, const char *needle)
{
	if (!*needle)
		return;
	for (size_t i = 0; i < t->n; i++) {
		if (!node_matches(&t->nodes[i], needle))
			continue;
		for (uint32_t up = (uint32_t)i; t->nodes[up].parent != up;) {
			up = t->nodes[up].parent;
			t->nodes[up].folded = false;
		}
	}
	list_lines(t);
}

/* Of the nodes from `from` to `end` that are beside each other, the one with the key; `end`: there is none.
 */
static uint32_t node_called(
        const struct json_tree *t, uint32_t from, uint32_t end, const char *key, size_t len)
{
	for (; from < end; from = t->nodes[from].next)
		if (t->nodes[from].key && strncmp(t->nodes[from].key, key, len) == 0 &&
		        !t->nodes[from].key[len])
			break;
	return from < end ? from : end;
}

void json_tree_open(struct json_tree *t, const char *path)
{
	uint32_t node = 0, end = (uint32_t)t->n;

	while (*path && node < end) {
		size_t len = strcspn(path, ".");

		node = node_called(t, node, end, path, len);
		if (node == end)
			return;
		end = t->nodes[node].next;
		t->nodes[node].folded = false;
		path += len + (path[len] == '.');
		node += *path != '\0';
	}
	for (; node < end; node++)
		t->nodes[node].folded = false;
	list_lines(t);
}

/* ------------------------------------------------------------------ what is selected */

static void add_path(const struct json_tree *t, uint32_t node, struct buf *out)
{
	const struct json_node *n = &t->nodes[node];

	if (n->parent != node)
		add_path(t, n->parent, out);
	if (!n->key)
		buf_printf(out, "[%u]", n->index);
	else
		buf_printf(out, "%s%s", n->parent != node ? "." : "", n->key);
}

void json_tree_path(const struct json_tree *t, size_t line, struct buf *out)
{
	if (line < t->n_lines)
		add_path(t, t->lines[line], out);
}

void json_tree_value(const struct json_tree *t, size_t line, struct buf *out)
{
	const struct json_node *n = node_at(t, line);

	if (!n)
		return;
	if (json_object_is_type(n->value, json_type_string))
		buf_add(out, json_object_get_string(n->value), (size_t)json_object_get_string_len(n->value));
	else if (n->text)
		buf_str_add(out, n->text);
	else
		json_print(out, n->value, JSON_PRETTY);
}

uint64_t json_tree_line_path(const struct json_tree *t, size_t line)
{
	const struct json_node *n = node_at(t, line);

	return n ? n->path : 0;
}

size_t json_tree_find(const struct json_tree *t, uint64_t path, size_t fallback)
{
	for (size_t i = 0; i < t->n_lines; i++)
		if (t->nodes[t->lines[i]].path == path)
			return i;
	return fallback < t->n_lines ? fallback : t->n_lines ? t->n_lines - 1 : 0;
}
