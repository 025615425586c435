#include "base/defence.h"

#ifdef TARE_TEST_SWITCHES
#include <stdlib.h>
#include <string.h>

bool defence_is_in(const char *name)
{
	const char *without = getenv("TARE_WITHOUT");

	return !without || strcmp(without, name) != 0;
}
#endif
