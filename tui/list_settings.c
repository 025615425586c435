/* What is remembered of a list: columns, order, grouping. */
#include <stdio.h>
#include <string.h>

#include "tui/config.h"
#include "tui/list_view.h"

#define KEY_SIZE 64

static const char *key_of(const struct list_view *l, const char *what, char dst[KEY_SIZE])
{
	snprintf(dst, KEY_SIZE, "%s.%s", l->ops->name, what);
	return dst;
}

/* "cpu desc" */
static void recall_sort(struct list_view *l, const char *text)
{
	size_t len = strcspn(text, " ");

	l->sort = l->ops->n_columns;
	l->reverse = false;
	for (size_t i = 0; i < l->ops->n_columns; i++) {
		const struct column *col = &l->ops->columns[i];

		if (strlen(col->id) != len || strncmp(col->id, text, len) != 0 || !col->compare)
			continue;
		l->sort = i;
		l->reverse = !strcmp(text + len, " desc");
	}
}

void list_recall(struct list_view *l)
{
	struct config *config = app_config(l->v.app);
	const char *dflt = l->ops->sort ? l->ops->sort : "";
	char key[KEY_SIZE];

	columns_parse(&l->choice, l->ops->columns, l->ops->n_columns,
	        config_get(config, key_of(l, "columns", key), ""));
	recall_sort(l, config_get(config, key_of(l, "sort", key), dflt));
	l->grouped = l->ops->group && list_recall_flag(l, "group", false);
}

void list_remember(struct list_view *l)
{
	struct config *config = app_config(l->v.app);
	char key[KEY_SIZE], text[512];

	columns_print(&l->choice, l->ops->columns, text, sizeof text);
	config_remember(config, key_of(l, "columns", key), text);
	snprintf(text, sizeof text, "%s%s",
	        l->sort < l->ops->n_columns ? l->ops->columns[l->sort].id : "none",
	        l->reverse ? " desc" : "");
	config_remember(config, key_of(l, "sort", key), text);
	if (l->ops->group)
		list_remember_flag(l, "group", l->grouped);
}

bool list_recall_flag(struct list_view *l, const char *what, bool dflt)
{
	char key[KEY_SIZE];

	return config_bool(app_config(l->v.app), key_of(l, what, key), dflt);
}

void list_remember_flag(struct list_view *l, const char *what, bool on)
{
	char key[KEY_SIZE];

	config_remember(app_config(l->v.app), key_of(l, what, key), on ? "yes" : "no");
}
