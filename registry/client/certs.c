#include "registry/client/certs.h"

int certs_find(const struct registries *r, const char *domain, struct registry_endpoint *p, struct err *e)
{
	(void)r;
	(void)domain;
	(void)p;
	(void)e;
	return 0;
}
