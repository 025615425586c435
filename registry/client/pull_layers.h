/* The layers of an image on their way here: each is hashed while it arrives in partial/, and unpacked right
 * behind by a thread into a draft of its own. Nothing of it is visible until pull_layers_commit(). */
#ifndef TARE_REGISTRY_PULL_LAYERS_H
#define TARE_REGISTRY_PULL_LAYERS_H

#include <stdbool.h>

#include "engine/oci/image_config.h"
#include "engine/oci/manifest.h"
#include "engine/store/pull.h"
#include "engine/store/store.h"
#include "registry/client/remote.h"

struct err;
struct progress;
struct pull_layers;

struct pull_layers_options {
	const struct store *store;
	struct pull *pull; /* all digests are protected by it */
	struct http *http;
	struct remote *remote;
	const struct manifest *manifest;
	const struct image_config *config;
	struct progress *progress;
};
/* All borrowed for its life. NULL with e: the manifest and the config don't fit each other. */
struct pull_layers *pull_layers_new(const struct pull_layers_options *o, struct err *e);
/* Bring what is missing. On failure what has come stays in partial/. */
int pull_layers_run(struct pull_layers *l, struct err *e);
/* Name the unpacked ones; the file system has been synced. */
int pull_layers_commit(struct pull_layers *l, struct err *e);
/* The index names the image: what was kept for the next pull is not needed any more. */
void pull_layers_forget(const struct pull_layers *l);
/* Not while a download runs: free the remote first. */
void pull_layers_free(struct pull_layers *l);
void pull_layers_free_ptr(struct pull_layers **l);
#define cleanup_pull_layers __attribute__((cleanup(pull_layers_free_ptr)))

#endif
