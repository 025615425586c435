/* The images of the store: index.json of the OCI image layout, whose entries are manifests named by the
 * annotation org.opencontainers.image.ref.name (full reference: docker.io/library/busybox:latest).
 * Changes are made under the lock `index.lock`, by temporary file, fsync and rename. Readers take no lock. */
#ifndef TARE_STORE_IMAGE_INDEX_H
#define TARE_STORE_IMAGE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/oci/image_config.h"
#include "engine/oci/manifest.h"
#include "engine/store/store.h"

struct err;

/* An image, read whole: what a run needs. Starts as IMAGE_INIT; image_free frees. */
struct image {
	struct digest manifest_digest, config_digest;
	struct digest pulled; /* of the registry's index that led to it; unset: none did */
	char *media_type;     /* of the manifest */
	char *reference;      /* full, or NULL */
	struct manifest manifest;
	struct image_config config;
	uint64_t size; /* bytes of the unpacked layers, from layers/…/size; 0 unknown */
};
#define IMAGE_INIT                                                                                           \
	{                                                                                                    \
		0                                                                                            \
	}
void image_free(struct image *i);
#define cleanup_image __attribute__((cleanup(image_free)))

/* By reference (familiar or full, with :latest understood), digest, or (start of) image id. NOT_FOUND says
 * what to do. Ambiguous ids are a CONFLICT. */
int image_find(const struct store *s, const char *ref, struct image *out, struct err *e);
/* All, one entry per reference, untagged ones once. `config` and `manifest` filled; caller frees each and the
 * array. */
int image_list(const struct store *s, struct image **out, size_t *n, struct err *e);
/* Point `reference` (full) at the manifest; an entry that had it loses it and stays untagged. reference NULL:
 * untagged. */
int image_index_add(
        const struct store *s, const char *reference, const struct descriptor *manifest, struct err *e);
/* The same for many by one write: all of them or none. */
struct index_entry {
	const char *reference;      /* borrowed, as is the media type; NULL: untagged */
	struct descriptor manifest; /* and its `pulled` */
};
int image_index_add_all(const struct store *s, const struct index_entry *list, size_t n, struct err *e);
/* Remove the name; the last one: also entry. `deleted` tells that the image itself lost its last entry. */
int image_index_remove(const struct store *s, const char *reference_or_digest, bool *deleted, struct err *e);

/* Take the name away; the image stays, untagged when this was its last name. */
int image_index_untag(const struct store *s, const char *reference, struct err *e);

/* Bytes of the unpacked layers; image_list() fills `size` with it, image_find() leaves that to who needs it.
 */
uint64_t image_unpacked_size(const struct store *s, const struct image *i);

/* Unpacked layer directories, top first, as O_PATH descriptors into fds (room for n_layers): what overlay
 * wants. */
int image_open_layers(const struct store *s, const struct image *i, int *fds, struct err *e);

/* index.json itself, empty when there is none yet. */
int image_index_read(const struct store *s, struct oci_index *idx, struct err *e);

/* Every digest that the index reaches: manifests, configs, layers as blobs and as diffIDs. `add` returns
 * non-zero when memory is short. */
typedef int image_root_fn(void *arg, const struct digest *d);
int image_index_roots(const struct store *s, image_root_fn *add, void *arg, struct err *e);

/* Remove blobs and layers that no index entry reaches (and no lock under pulls/ protects); bytes freed. */
int image_sweep(const struct store *s, uint64_t *freed, struct err *e);
/* How many it would remove that are older than what a pull that was cut still needs, drafts of layers
 * included. 0 as well while somebody is at work on images. */
size_t image_unreached(const struct store *s);

/* The file that tells other programs what the store is: there, and cut short. */
bool image_layout_is_damaged(const struct store *s);
bool image_layout_repair(const struct store *s);

#endif
