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

static int merge_text(char **dst, const char *src)
{
	char *copy = src ? strdup(src) : NULL;

	if (!src)
		return 0;
	if (!copy)
		return -1;
	free(*dst);
	*dst = copy;
	return 0;
}

static int merge_io(struct resources *r, struct io_limit l)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_io; i++) {
		const struct io_limit *old = &r->io[i];
		if (old->kind != l.kind || old->major != l.major || old->minor != l.minor)
			r->io[n++] = *old;
	}
	r->n_io = n;
	return l.value ? resources_add_io(r, l) : 0;
}

int resources_merge(struct resources *r, const struct resources *change)
{
#define TAKE(field) r->field = change->field ? change->field : r->field
	TAKE(memory);
	TAKE(memory_swap);
	TAKE(memory_reservation);
	TAKE(swappiness);
	TAKE(oom_kill_disable);
	TAKE(cpu_shares);
	TAKE(cpu_quota_us);
	TAKE(cpu_period_us);
	TAKE(pids);
	TAKE(blkio_weight);
#undef TAKE
	for (size_t i = 0; i < change->n_io; i++)
		if (merge_io(r, change->io[i]) != 0)
			return -1;
	return merge_text(&r->cpuset_cpus, change->cpuset_cpus) != 0
	               ? -1
	               : merge_text(&r->cpuset_mems, change->cpuset_mems);
}
