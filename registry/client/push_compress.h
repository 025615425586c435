/* The layers of a push that lie in the store without compression are compressed into drafts. */
#ifndef TARE_REGISTRY_PUSH_COMPRESS_H
#define TARE_REGISTRY_PUSH_COMPRESS_H

#include "registry/client/push_parts.h"

/* Each part that needs it gets its draft, and its descriptor says what that is. */
int push_compress(struct push_parts *p, const struct push_options *o, struct err *e);

#endif
