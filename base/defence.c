#include "base/defence.h"

#ifdef TARE_TEST_SWITCHES
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SWITCH "TARE_WITHOUT"

bool defence_is_in(const char *name)
{
	const char *without = getenv(SWITCH);

	return !without || strcmp(without, name) != 0;
}

char *const *defence_environment(void)
{
	static char text[100];
	static char *environment[] = {text, NULL};
	const char *without = getenv(SWITCH);

	snprintf(text, sizeof text, SWITCH "=%s", without ? without : "");
	return environment;
}
#endif
