/* --filter KEY=VALUE: one table of keys per kind of row. Values of one key are alternatives (labels must all
 * be there), different keys must all hold, as in Docker. */
#ifndef TARE_CLI_FILTER_H
#define TARE_CLI_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

struct err;

struct filter_key {
	const char *name;
	bool (*match)(const void *row, const char *value, const void *context);
	bool all; /* every value must match, not just one */
	/* Refuses bad values, or NULL. */
	int (*check)(const char *value, const void *context, struct err *e);
};

/* Are all texts KEY=VALUE with a known key and a good value? `keys` ends with a name NULL. */
int filter_check(char *const *filters, const struct filter_key *keys, const void *context, struct err *e);
bool filters_match(char *const *filters, const struct filter_key *keys, const void *row, const void *context);
/* The value of the first filter with this key, or NULL. */
const char *filter_value(char *const *filters, const char *key);

/* "key" or "key=value" against an object of strings. */
bool filter_has_label(json *labels, const char *text);
/* A POSIX extended expression, found anywhere in the text. */
bool filter_regex(const char *pattern, const char *text);
int filter_check_regex(const char *value, const void *context, struct err *e);
/* true, false, 1, 0 */
int filter_check_bool(const char *value, const void *context, struct err *e);
bool filter_bool(const char *value);

#endif
