/* Filters of lists: "web state:running !~^tmp". Terms stand between blanks and must all match. A plain term
 * is fuzzy; "~" or "re:" begins a regular expression; "!" turns a term round; "key:value" asks for one
 * property. */
#ifndef TARE_TUI_FILTER_H
#define TARE_TUI_FILTER_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "tui/fuzzy.h"

#define FILTER_TERMS_MAX 8
#define FILTER_TEXT_MAX  128 /* bytes of one term */

enum filter_kind { FILTER_FUZZY, FILTER_REGEX, FILTER_PROPERTY };

struct filter_term {
	enum filter_kind kind;
	bool negated;
	bool broken;  /* a regular expression that cannot be: matches everything */
	int property; /* index into the keys */
	char text[FILTER_TEXT_MAX];
	regex_t regex;
};

struct filter {
	struct filter_term terms[FILTER_TERMS_MAX];
	size_t n;
	char error[96]; /* "" or what is wrong, for people */
};

/* `keys` is a NULL-terminated list of property names. The filter is freed first; a zeroed one is an empty
 * one. */
void filter_parse(struct filter *f, const char *text, const char *const *keys);
void filter_free(struct filter *f);

/* What a row shows to a filter. */
struct filter_row {
	const char *texts[4]; /* what plain terms and expressions look at, the name first; NULL ends */
	/* Does property `key` match? Called for FILTER_PROPERTY terms. */
	bool (*has)(const void *row, int property, const char *value);
	const void *row;
};
bool filter_match(const struct filter *f, const struct filter_row *row);
/* Where to highlight in a name: bytes [from[i], from[i] + len[i]). Returns how many, at most `max`. */
struct filter_span {
	unsigned from, len;
};
size_t filter_spans(const struct filter *f, const char *name, struct filter_span *spans, size_t max);

/* Is `value` somewhere in `text`, whatever the case of ASCII letters? */
bool filter_contains(const char *text, const char *value);
/* "label:KEY": there is such a label; "label:KEY=VALUE": with exactly this value. */
bool filter_label(json *labels, const char *value);

#endif
