/* system check: all that a crash can have left behind, and what of this host keeps networks from working. */
#include "engine/debris.h"
#include "engine/engine.h"
#include "engine/network.h"

static void tell_debris(const struct debris *d, void *arg)
{
	tare_check_result_add(arg, d->removed, d->what, d->problem, NULL);
}

int engine_check(struct tare_engine *t, bool repair, struct tare_check_result *out, struct err *e)
{
	const struct store *s = engine_store(t);

	*out = (struct tare_check_result){0};
	debris_sweep(s, repair, tell_debris, out);
	if (network_check(s, repair, out, e) == 0)
		return 0;
	tare_check_result_free(out);
	return -1;
}
