/* Which kernel settings a container may have for itself, and where they are: one check for the request and
 * for the moment of writing. */
#ifndef TARE_OCI_SYSCTL_H
#define TARE_OCI_SYSCTL_H

#include "engine/oci/runtime_spec.h"

struct err;

struct sysctl {
	const char *dir;   /* "net", "kernel" or "fs/mqueue": the subtree of /proc/sys that it must stay in */
	char path[256];    /* beneath that */
	const char *value; /* borrowed from the text */
};
/* "KEY=VALUE", refused unless the kernel keeps it per namespace and that namespace is one of the container's
 * own. In KEY dots part the components and a slash stands for a dot in a name, or, when the first of both is
 * a slash, the other way round, as with sysctl(8). */
int sysctl_parse(
        const char *text, const struct spec_namespace ns[NS_KIND_COUNT], struct sysctl *s, struct err *e);

#endif
