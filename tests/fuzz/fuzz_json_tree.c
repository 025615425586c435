/* Documents of an image or a container, as the Inspect tab shows them: any JSON, its lines, folds and paths.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/json_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_line(const struct json_tree *t, size_t i)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct json_tree_styles styles = {.open = 'v', .closed = '>'};
	struct text_line line = {0};
	char scratch[JSON_SCRATCH];

	json_tree_line(t, i, &styles, scratch, &line);
	json_tree_path(t, i, &text);
	json_tree_value(t, i, &text);
	if (json_tree_parent_line(t, i) > i || json_tree_find(t, json_tree_line_path(t, i), 0) >= t->n_lines)
		abort();
}

/* The first byte chooses a line to fold and the depth, the rest is the document. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	struct json_tree tree = {0};
	json *document;

	if (size < 1)
		return 0;
	document = json_parse((const char *)data + 1, size - 1, "fuzz", &e);
	if (!document)
		return 0;
	if (json_tree_set(&tree, document, data[0] & 3) == 0 && tree.n_lines) {
		size_t line = (data[0] >> 2) % tree.n_lines;

		if (json_tree_can_fold(&tree, line))
			json_tree_fold(&tree, line, data[0] & 1);
		json_tree_reveal(&tree, "a");
		for (size_t i = 0; i < tree.n_lines; i++)
			look_at_line(&tree, i);
	}
	json_tree_free(&tree);
	return 0;
}
