/* What is searched for in logs: POSIX extended regular expressions, with a quick way for plain text. A
 * pattern without capitals finds capitals, too. One thread at a time may use a pattern; log_pattern_copy()
 * makes another. */
#ifndef TARE_TUI_LOG_PATTERN_H
#define TARE_TUI_LOG_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct log_pattern;

#define LOG_PATTERN_MAX 1024

/* NULL with e when it is no regular expression. */
struct log_pattern *log_pattern_new(const char *text, struct err *e);
struct log_pattern *log_pattern_copy(const struct log_pattern *p, struct err *e);
void log_pattern_free(struct log_pattern *p);
const char *log_pattern_text(const struct log_pattern *p);
bool log_pattern_is_literal(const struct log_pattern *p);

/* Does the line match, and where (from, to may be NULL)? `start`: look from there on; ^ is the line's
 * beginning. */
bool log_pattern_match(
        const struct log_pattern *p, const char *line, size_t len, size_t start, size_t *from, size_t *to);
/* A literal in any bytes: where it is, or `len`. */
size_t log_pattern_find(const struct log_pattern *p, const char *s, size_t len);

#endif
