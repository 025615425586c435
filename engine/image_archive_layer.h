/* A tree on disk becomes a layer of the store: its tar stream is compressed into a blob and, at the same
 * time, unpacked again as the layer that other machines will get from that blob. Only for image_archive*.c.
 */
#ifndef TARE_ENGINE_IMAGE_ARCHIVE_LAYER_H
#define TARE_ENGINE_IMAGE_ARCHIVE_LAYER_H

#include "engine/archive/layer_pack.h"
#include "engine/image_archive.h"
#include "engine/store/blob.h"

struct new_layer {
	struct blob_draft blob;
	struct layer_draft layer;
	struct digest digest, diff_id; /* of the blob; of the tar stream */
	uint64_t size, bytes;          /* of the blob; of the files */
	uint64_t skipped;              /* entries that no layer can hold; each was reported */
};
#define NEW_LAYER_INIT                                                                                       \
	{                                                                                                    \
		.blob = BLOB_DRAFT_INIT, .layer = LAYER_DRAFT_INIT                                           \
	}
/* Make both drafts of the tree `dirfd`. */
int new_layer_make(
        struct arrival *a, int dirfd, const char *const *placeholders, struct new_layer *l, struct err *e);
/* Name them. */
int new_layer_keep(struct arrival *a, struct new_layer *l, struct err *e);
void new_layer_drop(struct arrival *a, struct new_layer *l);

#endif
