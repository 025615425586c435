/* Filters of lists: any text as a filter, any text as a name. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tui/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has(const void *row, int property, const char *value)
{
	return property == 0 ? filter_contains(row, value) : filter_label(NULL, value);
}

/* Up to the first zero byte the filter, then the name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = {"state", "label", NULL};
	char *text = malloc(size + 1);
	const char *name;
	struct filter f = {.n = 0};
	struct filter_span spans[8];

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	name = strlen(text) < size ? text + strlen(text) + 1 : "web-1";
	if (strlen(text) > 400 || strlen(name) > 400) {
		free(text); /* names and lines being typed are short */
		return 0;
	}
	filter_parse(&f, text, keys);
	filter_match(&f, &(struct filter_row){{name, "nginx:1.27"}, has, name});
	for (size_t i = filter_spans(&f, name, spans, 8); i-- > 0;)
		if (spans[i].from + spans[i].len > strlen(name))
			abort();
	filter_free(&f);
	free(text);
	return 0;
}
