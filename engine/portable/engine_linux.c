/* What stands in for the Linux engine where there is no Linux: only the simulated one is left. */
#include "engine/tare.h"

struct tare_engine *tare_engine_linux(const char *root, const char *state, struct err *e)
{
	(void)root;
	(void)state;
	return err_set_null(e, ERR_UNSUPPORTED, "real containers need Linux; look around with: tare --demo");
}
