/* Reading registries.conf. */
#include "registry/client/registry_rules.h"

int registries_read_files(struct registries *r, struct err *e)
{
	(void)r;
	(void)e;
	return 0;
}
