/* Linked into every unit test program: TARE_UNIT_FILTER=PATTERN runs those of its tests only,
 * TARE_UNIT_SKIP=PATTERN all others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void choose_tests(void)
{
	const char *pattern = getenv("TARE_UNIT_FILTER"), *skip = getenv("TARE_UNIT_SKIP");

	if (pattern)
		cmocka_set_test_filter(pattern);
	if (skip)
		cmocka_set_skip_filter(skip);
}
