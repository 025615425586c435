/* Where a push goes. */
#ifndef TARE_REGISTRY_PUSH_TARGET_H
#define TARE_REGISTRY_PUSH_TARGET_H

#include <stdbool.h>

#include "engine/oci/reference.h"
#include "engine/store/store.h"

struct err;

/* `name` as people write it becomes a reference with a tag. A name without a host means docker.io, but the
 * registry that `tare registry start` runs when one runs and nobody is logged in at docker.io: *local says
 * so. */
int push_target(const struct store *s, const char *name, const char *authfile, bool has_credential,
        struct reference *target, bool *local, struct err *e);

/* "docker.io/app", "localhost/app", "h:5000/app"; not "app", "team/app". */
bool push_target_has_host(const char *name);

#endif
