/* Images on their way in: what import and load share. Only for image_archive*.c.
 *
 * An arrival protects everything that it adds (store/pull.h) until the index names it. Blobs are stored at
 * once under the digest that they really have; layers are unpacked as drafts, checked against the diffIDs of
 * the config, synced and named all together; the index comes last. So a failure at any point leaves nothing
 * that a reader could find, and arrival_end() sweeps the rest away. */
#ifndef TARE_ENGINE_IMAGE_ARCHIVE_H
#define TARE_ENGINE_IMAGE_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "engine/archive/inflate.h"
#include "engine/oci/image_config.h"
#include "engine/oci/manifest.h"
#include "engine/store/image_index.h"
#include "engine/store/layer.h"
#include "engine/store/pull.h"
#include "engine/store/store.h"

struct err;
struct progress;

struct arrival {
	struct store store;
	struct pull pull;
	struct progress *progress; /* may be NULL */
	bool changed;              /* something was added to the store */
};
#define ARRIVAL_INIT                                                                                         \
	{                                                                                                    \
		.pull = PULL_INIT                                                                            \
	}
int arrival_begin(struct arrival *a, const char *root, const char *state, struct progress *p, struct err *e);
/* Ends the protection and removes what no image needs. */
void arrival_end(struct arrival *a);
#define cleanup_arrival __attribute__((cleanup(arrival_end)))

/* A small document (config, manifest) becomes a blob. */
int arrival_add_document(
        struct arrival *a, json *document, struct digest *digest, uint64_t *size, struct err *e);
/* Protect and name a finished blob draft. */
struct blob_draft;
int arrival_add_blob(struct arrival *a, struct blob_draft *d, const struct digest *digest, struct err *e);
/* Unpack the layers of m, checked against c, and name them. All blobs of m are in the store, and the
 * digests under which they are are known to be true. */
int arrival_add_layers(
        struct arrival *a, const struct manifest *m, const struct image_config *c, struct err *e);
/* Put the images into the index by one write. From then on the signals by which a user interrupts are blocked
 * for good: they come too late, and what ends by them says that nothing was changed. */
int arrival_name(struct arrival *a, const struct index_entry *list, size_t n, struct err *e);
/* Everything written so far is on the disk. */
int arrival_sync(const struct arrival *a, struct err *e);

/* The layer's media type for a compression, NULL when OCI has none. */
const char *layer_media_type(enum compression c);
/* When a new image says it was made. */
int64_t image_creation_time(void);
/* The full form of a name that an image is to have; NULL stays NULL. */
int image_full_name(const char *name, char **full, struct err *e);
/* Open `file` for reading ("-": standard input); its size, or 0 unknown. A terminal is refused. */
int archive_open(const char *file, uint64_t *size, struct err *e);

#endif
