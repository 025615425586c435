/* The entries stand in one line, with tabs between: a text field never holds one. */
#include "tui/prompt_history.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "tui/config.h"

#define HISTORY_BYTES 8192

static const char *key_of(const char *name, char dst[64])
{
	snprintf(dst, 64, "history.%s", name);
	return dst;
}

char **prompt_history(const struct config *c, const char *name)
{
	char key[64];
	const char *s = config_get(c, key_of(name, key), "");
	char **entries = NULL;

	while (*s) {
		size_t n = strcspn(s, "\t");

		if (n && strv_take(&entries, str_printf("%.*s", (int)n, s)) < 0)
			break;
		s += n;
		s += strspn(s, "\t");
	}
	return entries;
}

void prompt_history_add(struct config *c, const char *name, const char *text)
{
	cleanup_strv char **old = prompt_history(c, name);
	cleanup_buf struct buf line = BUF_INIT_MAX(HISTORY_BYTES + 8192);
	size_t n = strv_len(old), skip = n >= PROMPT_HISTORY_MAX ? n - PROMPT_HISTORY_MAX + 1 : 0,
	       bytes = strlen(text);
	char key[64];

	if (!*text || strchr(text, '\t'))
		return;
	for (size_t i = n; i-- > skip;) {
		bytes += strlen(old[i]) + 1;
		if (bytes > HISTORY_BYTES)
			skip = i + 1;
	}
	for (size_t i = skip; i < n; i++)
		if (strcmp(old[i], text))
			buf_printf(&line, "%s\t", old[i]);
	buf_str_add(&line, text);
	if (!line.failed)
		config_remember(c, key_of(name, key), buf_str(&line));
}
