/* Regular expressions that people type, or write into a theme: POSIX extended ones, but none that makes the C
 * library take all memory or time. regcomp() copies what is repeated, "{n}" n times and "+" once more, and
 * references back to groups make regexec() try every combination. */
#ifndef TARE_TUI_EXPRESSION_H
#define TARE_TUI_EXPRESSION_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

/* As regcomp() with REG_EXTENDED and `flags`. Negative: `error` says why not, and there is nothing to free.
 */
int expression_compile(regex_t *r, const char *pattern, int flags, char *error, size_t size);
/* A pattern without capitals finds capitals, too. */
bool expression_has_capital(const char *pattern);

#endif
