/* One record of a log file, "2026-01-31T10:00:00.123456789Z stdout F text\n" (the CRI log format), and what
 * its text says about itself. Never trusts the bytes: what is not of this form is text as a whole. */
#ifndef TARE_TUI_LOG_RECORD_H
#define TARE_TUI_LOG_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_head {
	int64_t time; /* ns since the epoch; 0: not of the format */
	size_t text;  /* where the text begins */
	bool err;     /* standard error */
	bool partial; /* the stream's next record goes on with this line */
};

/* s: a record without its newline. */
struct log_head log_head_parse(const char *s, size_t len);

/* How serious a line calls itself. */
enum log_level_word { LOG_WORD_NONE, LOG_WORD_DEBUG, LOG_WORD_INFO, LOG_WORD_WARN, LOG_WORD_ERROR };
/* "ERROR", "[warn]", level=info, "level":"error" … within the first bytes of the text; where the word stands.
 */
enum log_level_word log_level_find(const char *text, size_t len, size_t *at, size_t *n);

#endif
