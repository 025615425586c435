/* Lines that are JSON, or end in it, over several lines. */
#ifndef TARE_TUI_LOG_JSON_H
#define TARE_TUI_LOG_JSON_H

#include <stddef.h>

/* The line laid out in dst (not terminated), its lines separated by newlines, and its length; 0: it has no
 * JSON object, is not worth it, or does not fit. Allocates nothing. */
size_t log_json_layout(const char *text, size_t len, char *dst, size_t size);

#endif
