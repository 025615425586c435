/* A JSON document as lines that fold: one line per member, children indented beneath. */
#ifndef TARE_TUI_JSON_TREE_H
#define TARE_TUI_JSON_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "tui/style.h"
#include "tui/text_lines.h"

struct buf;

#define JSON_TREE_MAX 200000 /* members */

struct json_node {
	json *value;           /* borrowed from the document */
	const char *key;       /* NULL: an element of an array */
	const char *text;      /* of a number or a word; strings are shown from `value` */
	uint64_t path;         /* hash of the keys from the top, to find it again in another document */
	uint32_t parent, next; /* indices; next: the one after all beneath it. The top's parent is itself */
	uint32_t index;        /* within its parent */
	uint8_t depth;
	bool folded;
};

struct json_tree {
	json *document;
	struct json_node *nodes;
	size_t n;
	uint32_t *lines; /* the nodes that are shown */
	size_t n_lines;
	bool cut;
};

struct json_tree_styles {
	struct style key, string, number, word, mark;
	uint32_t open, closed; /* glyphs */
};

/* Takes the document. What was folded before stays folded; what is new starts folded from `depth` on, 0 being
 * the first level. */
int json_tree_set(struct json_tree *t, json *document, unsigned depth);
void json_tree_free(struct json_tree *t);
/* The text of line i. `scratch` holds what is made for it and must live as long as the line. */
#define JSON_SCRATCH 192
void json_tree_line(const struct json_tree *t, size_t i, const struct json_tree_styles *s, char *scratch,
        struct text_line *out);
bool json_tree_can_fold(const struct json_tree *t, size_t line);
void json_tree_fold(struct json_tree *t, size_t line, bool folded);
size_t json_tree_parent_line(const struct json_tree *t, size_t line);
/* Open the node of these keys, "State.Health", and all above and beneath it. */
void json_tree_open(struct json_tree *t, const char *path);
/* Open everything above nodes in which `needle` is found. */
void json_tree_reveal(struct json_tree *t, const char *needle);
/* "State.Health.Status", "Mounts[0].Source". */
void json_tree_path(const struct json_tree *t, size_t line, struct buf *out);
/* The value: a string as it is, anything else as JSON. */
void json_tree_value(const struct json_tree *t, size_t line, struct buf *out);
/* The line of the node with this path, or of its nearest shown ancestor. */
size_t json_tree_find(const struct json_tree *t, uint64_t path, size_t fallback);
uint64_t json_tree_line_path(const struct json_tree *t, size_t line);

#endif
