/* Profiles say what Linux is to keep a container from; elsewhere there is nothing that could. */
#include "engine/tare.h"

static int no_linux(json **out, struct err *e)
{
	*out = NULL;
	return err_set(e, ERR_UNSUPPORTED, "security profiles need Linux");
}

int tare_security_profile(const char *name, json **out, struct err *e)
{
	(void)name;
	return no_linux(out, e);
}

int tare_security_profiles(json **out, struct err *e)
{
	return no_linux(out, e);
}

int tare_security_check(const char *name, json **out, struct err *e)
{
	(void)name;
	return no_linux(out, e);
}
