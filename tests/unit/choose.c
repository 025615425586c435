/* Linked into every unit test program: TARE_UNIT_FILTER=PATTERN runs those of its tests only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void choose_tests(void)
{
	const char *pattern = getenv("TARE_UNIT_FILTER");

	if (pattern)
		cmocka_set_test_filter(pattern);
}
