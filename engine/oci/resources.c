#include "engine/oci/resources.h"

#include <stdlib.h>
#include <string.h>

void resources_free(struct resources *r)
{
	free(r->cpuset_cpus);
	free(r->cpuset_mems);
	free(r->io);
	free(r->devices);
	*r = (struct resources){0};
}

int resources_add_io(struct resources *r, struct io_limit l)
{
	struct io_limit *v = realloc(r->io, (r->n_io + 1) * sizeof *v);

	if (!v)
		return -1;
	r->io = v;
	v[r->n_io++] = l;
	return 0;
}

int resources_add_device(struct resources *r, struct device_rule d)
{
	struct device_rule *v = realloc(r->devices, (r->n_devices + 1) * sizeof *v);

	if (!v)
		return -1;
	r->devices = v;
	v[r->n_devices++] = d;
	return 0;
}

static int copy_text(char **dst, const char *src)
{
	*dst = src ? strdup(src) : NULL;
	return src && !*dst ? -1 : 0;
}

int resources_copy(struct resources *dst, const struct resources *src)
{
	int rc = 0;

	*dst = *src;
	dst->io = NULL;
	dst->devices = NULL;
	dst->n_io = dst->n_devices = 0;
	rc |= copy_text(&dst->cpuset_cpus, src->cpuset_cpus);
	rc |= copy_text(&dst->cpuset_mems, src->cpuset_mems);
	for (size_t i = 0; !rc && i < src->n_io; i++)
		rc = resources_add_io(dst, src->io[i]);
	for (size_t i = 0; !rc && i < src->n_devices; i++)
		rc = resources_add_device(dst, src->devices[i]);
	if (rc)
		resources_free(dst);
	return rc;
}
