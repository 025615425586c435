/* Fuzz target: sizes, durations, numbers and times as people type them. What is taken is within its bounds;
 * the rest is quoted in one line without control characters. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/units.h"

#define NOW INT64_C(1700000000000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int rc, const struct err *e)
{
	if (rc != 0 && (!*e->msg || strchr(e->msg, '\n') || strchr(e->msg, '\033')))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	struct err e = ERR_INIT;
	uint64_t bytes;
	int64_t n = 0;

	check(size_parse(text, &bytes, &e), &e);
	check(size_parse_unlimited(text, &n, &e), &e);
	check(duration_parse(text, &n, &e), &e);
	check(time_parse(text, NOW, &n, &e), &e);
	check(decimal_parse(text, 0, 1000, "number", &n, &e), &e);
	if (int_parse(text, -5, 5, "number", &n, &e) == 0 && (n < -5 || n > 5))
		abort();
	return 0;
}
