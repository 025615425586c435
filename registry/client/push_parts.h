/* What is to be pushed of an image: its blobs, compressed where they were not, and the manifest that names
 * them. */
#ifndef TARE_REGISTRY_PUSH_PARTS_H
#define TARE_REGISTRY_PUSH_PARTS_H

#include "base/buf.h"
#include "engine/oci/manifest.h"
#include "engine/store/blob.h"
#include "engine/store/image_index.h"
#include "engine/store/pull.h"
#include "registry/client/push.h"

struct err;

struct push_part {
	struct descriptor blob;  /* as it is pushed */
	struct digest stored;    /* as the store has it */
	struct blob_draft draft; /* compressed for this push; fd -1: none */
	char label[16];          /* for progress: as the store calls it */
};
struct push_parts {
	const struct store *store;
	struct pull pull;       /* keeps all of it from being swept */
	struct push_part *list; /* each blob once, the config last */
	size_t n;
	struct buf document; /* the manifest */
	struct descriptor manifest;
};
#define PUSH_PARTS_INIT                                                                                      \
	{                                                                                                    \
		.pull = PULL_INIT                                                                            \
	}
/* `image` is read before; compresses what is to be compressed, by as many threads as there are cores. */
int push_parts_make(struct push_parts *p, const struct store *s, const struct image *image,
        const struct push_options *o, struct err *e);
void push_parts_free(struct push_parts *p);
#define cleanup_push_parts __attribute__((cleanup(push_parts_free)))
/* For reading from 0; the caller's to close. -1 with e. */
int push_part_open(const struct push_parts *p, const struct push_part *part, struct err *e);

#endif
