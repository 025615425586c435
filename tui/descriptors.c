/* How many descriptors we may have, and how many a child may. */
#include <sys/resource.h>

#include "tui/descriptors.h"

void descriptors_raise(struct descriptors *d)
{
	struct rlimit r;

	*d = (struct descriptors){0};
	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= r.rlim_max)
		return;
	d->children = r.rlim_cur;
	d->ours = r.rlim_max;
	descriptors_use(d->ours);
}

void descriptors_use(unsigned long soft)
{
	struct rlimit r;

	if (!soft || getrlimit(RLIMIT_NOFILE, &r) != 0)
		return;
	r.rlim_cur = soft;
	setrlimit(RLIMIT_NOFILE, &r);
}
