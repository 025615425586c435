#include "engine/oci/health_check.h"

#include "base/buf.h"

void health_check_free(struct health_check *h)
{
	strv_free(h->test);
	*h = (struct health_check){0};
}
