/* Layers: unpacked, shared, immutable directories layers/ALG/DIFFID, with the bytes of their files in
 * layers/ALG/DIFFID.size. They are made as layers/tmp-RANDOM, locked, and renamed when whole. */
#ifndef TARE_STORE_LAYER_H
#define TARE_STORE_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/oci/digest.h"
#include "engine/store/store.h"

struct err;

/* O_PATH descriptor of the unpacked layer; -1 with errno. */
int layer_open(const struct store *s, const struct digest *diff_id);
/* The same for a diffID as records have it, "sha256:…"; EINVAL when it is none. */
int layer_open_text(const struct store *s, const char *diff_id);
bool layer_exists(const struct store *s, const struct digest *diff_id);
/* Bytes of the unpacked layer; 0 unknown. */
uint64_t layer_size(const struct store *s, const struct digest *diff_id);
/* For the sweep: out of the way by rename to layers/tmp-ALG-HEX, so that nobody ever finds half a layer
 * under its diffID, its bytes added to *freed; then away for good. */
int layer_hide(const struct store *s, const struct digest *diff_id, uint64_t *freed);
void layer_discard(const struct store *s, const struct digest *diff_id);

/* A layer under way. */
struct layer_draft {
	int fd; /* the directory, to unpack into */
	char name[40];
};
#define LAYER_DRAFT_INIT                                                                                     \
	{                                                                                                    \
		.fd = -1                                                                                     \
	}
int layer_draft_open(const struct store *s, struct layer_draft *d, struct err *e);
/* Make the draft the layer `diff_id`; one that is there already stays and the draft is removed.
 * The caller has synced the file system (syncfs) or does so before the layer gets into the index. */
int layer_draft_commit(const struct store *s, struct layer_draft *d, const struct digest *diff_id,
        uint64_t size, struct err *e);
void layer_draft_drop(const struct store *s, struct layer_draft *d);

#endif
