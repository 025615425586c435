/* Archives of Docker before 1.10: no manifest, no config; `repositories` names the top layer of each image,
 * ID/json is what a layer knows of itself and its parent, ID/layer.tar its content. Config and manifest are
 * made of that. */
#ifndef TARE_ENGINE_IMAGE_ARCHIVE_LEGACY_H
#define TARE_ENGINE_IMAGE_ARCHIVE_LEGACY_H

#include "engine/image_archive_members.h"

/* What manifest.json would have said (an array of Config, RepoTags and Layers), the caller's to put, with the
 * configs stored as blobs: "Config" is a digest instead of a file name. NULL with e. */
json *legacy_manifest(
        struct arrival *a, const struct members *m, const struct member *repositories, struct err *e);

#endif
