/* Buffers that hold secrets are wiped when their scope ends. Reserve their room first: a buffer that grows
 * leaves a copy behind. */
#ifndef TARE_REGISTRY_SECRET_H
#define TARE_REGISTRY_SECRET_H

#include <string.h>

#include "base/buf.h"

static inline void secret_wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}
#define cleanup_secret __attribute__((cleanup(secret_wipe)))

#endif
