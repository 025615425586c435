/* Fuzzy matching: a few letters of a name, in their order, find it. For the jump, the pickers and the filters
 * of lists. Allocates nothing. */
#ifndef TARE_TUI_FUZZY_H
#define TARE_TUI_FUZZY_H

#include <stddef.h>
#include <stdint.h>

#define FUZZY_PATTERN_MAX 48  /* bytes of a pattern that count */
#define FUZZY_TEXT_MAX    256 /* bytes of a text that are looked at */

/* Where the letters of the pattern were found: byte offsets into the text, ascending. */
struct fuzzy_hits {
	uint16_t at[FUZZY_PATTERN_MAX];
	size_t n;
};

/* How well `pattern` matches `text`: 0 not at all, more is better. Blanks separate words that must all match,
 * in any order. Small letters match both cases, capitals only themselves. Beginnings of words, letters in a
 * row and short texts count more. An empty pattern matches everything with 1. `hits` may be NULL. */
int fuzzy_score(const char *pattern, const char *text, struct fuzzy_hits *hits);

#endif
