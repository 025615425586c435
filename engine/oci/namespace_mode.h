/* What --network, --pid, --ipc, --uts and --cgroupns can say: one table for the check of a request and for
 * the making of a spec. */
#ifndef TARE_OCI_NAMESPACE_MODE_H
#define TARE_OCI_NAMESPACE_MODE_H

#include "engine/oci/runtime_spec.h"

struct err;

/* NULL is the default, a private one. *container: REF of "container:REF" (mode NS_JOIN), borrowed from
 * `value`; else NULL. */
int namespace_mode_parse(enum spec_namespace_kind kind, const char *value, enum spec_namespace_mode *mode,
        const char **container, struct err *e);
/* "--network" and so on. */
const char *namespace_mode_flag(enum spec_namespace_kind kind);

#endif
