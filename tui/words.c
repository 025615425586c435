#include "tui/words.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

static const char *word_end(const char *s, struct buf *word, bool *is_open)
{
	char quote = '\0';

	for (; *s && (quote || (*s != ' ' && *s != '\t')); s++) {
		if (quote == '\'' ? *s == quote : quote == '"' ? *s == quote : *s == '\'' || *s == '"') {
			quote = quote ? '\0' : *s;
			continue;
		}
		if (*s == '\\' && s[1] && quote != '\'' && (!quote || strchr("\"\\$`", s[1])))
			s++;
		buf_char(word, *s);
	}
	*is_open = quote != '\0';
	return s;
}

char **words_split(const char *text, struct err *e)
{
	cleanup_strv char **words = NULL;

	for (const char *s = text;;) {
		struct buf word = BUF_INIT;
		bool is_open;

		s += strspn(s, " \t");
		if (!*s)
			break;
		s = word_end(s, &word, &is_open);
		if (is_open) {
			buf_free(&word);
			return err_set_null(e, ERR_USAGE, "a quote is not closed");
		}
		if (strv_take(&words, buf_take(&word)) < 0)
			return err_no_memory(e), NULL;
	}
	return steal_ptr(&words);
}
