/* Which parts of a log line get which style. */
#ifndef TARE_TUI_LOG_SPANS_H
#define TARE_TUI_LOG_SPANS_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/style.h"

struct log_look;

#define LOG_SPANS_MAX 96

struct log_spans {
	struct style base;
	size_t n;
	struct {
		size_t from, to;
		struct style over;
	} v[LOG_SPANS_MAX]; /* later ones lie on top */
};

/* Of text[from, to), the part that can be seen; the level is looked for at the start of the line. */
void log_spans_find(struct log_spans *s, const struct log_look *look, const char *text, size_t len,
        size_t from, size_t to);
/* The style of byte `at`, and up to where it stays the same. */
struct style log_spans_at(const struct log_spans *s, struct style own, size_t at, size_t *until);

#endif
