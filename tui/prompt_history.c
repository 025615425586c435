#include "tui/prompt_history.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "tui/config.h"

#define KEY_SIZE  80
#define ENTRY_MAX 400 /* a remembered value is a line of bounded length */

static const char *key_of(const char *name, size_t i, char dst[KEY_SIZE])
{
	snprintf(dst, KEY_SIZE, "history.%.40s.%zu", name, i);
	return dst;
}

char **prompt_history(const struct config *c, const char *name)
{
	char key[KEY_SIZE], **entries = NULL;

	for (size_t i = PROMPT_HISTORY_MAX; i-- > 0;) {
		const char *s = config_get(c, key_of(name, i, key), "");

		if (*s)
			strv_add(&entries, s);
	}
	return entries;
}

void prompt_history_add(struct config *c, const char *name, const char *text)
{
	cleanup_strv char **old = prompt_history(c, name);
	char key[KEY_SIZE];
	size_t to = 1;

	/* " # " would begin a comment there */
	if (!*text || strlen(text) > ENTRY_MAX || strstr(text, " # "))
		return;
	config_remember(c, key_of(name, 0, key), text);
	for (size_t i = strv_len(old); i-- > 0 && to < PROMPT_HISTORY_MAX;)
		if (strcmp(old[i], text) != 0)
			config_remember(c, key_of(name, to++, key), old[i]);
}
