/* Colours in foreign text. Only SGR ("\e[1;31m") has an effect, and only on a style; every other sequence is
 * swallowed whole, so that nothing a container prints can reach the terminal or draw where it should not. */
#ifndef TARE_TUI_SGR_H
#define TARE_TUI_SGR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/style.h"

/* The style so far; {0} is the start of a line. `touched`: the text has brought colours of its own. */
struct sgr {
	struct style style;
	bool touched;
};

enum sgr_kind {
	SGR_PLAIN,   /* `len` bytes of printable ASCII, one column each */
	SGR_CHAR,    /* one character: cp, of cp_width() columns, never negative */
	SGR_TAB,     /* up to the next multiple of eight */
	SGR_NOTHING, /* a sequence: nothing to show */
};
struct sgr_part {
	enum sgr_kind kind;
	size_t len; /* bytes taken, at least 1 */
	uint32_t cp;
};

/* What stands at the start of s (len > 0 bytes). A sequence that the end cuts off is swallowed, too. Controls
 * come out as their pictures (U+2400 and on), ill-formed bytes and bidirectional marks as U+FFFD. */
struct sgr_part sgr_next(struct sgr *g, const char *s, size_t len);

/* Append the text without any sequence, controls replaced, to dst (always terminated); the bytes written. */
size_t sgr_strip(char *dst, size_t size, const char *s, size_t len);

#endif
