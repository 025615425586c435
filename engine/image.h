/* Images as the engine's verbs see them. */
#ifndef TARE_ENGINE_IMAGE_H
#define TARE_ENGINE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/store/image_index.h"
#include "engine/tare.h"

/* Find it in the store; an embedded image (images/NAME.tar) is loaded first. NOT_FOUND says how to get it. */
int image_ensure(const struct store *s, const char *ref, struct image *out, struct err *e);
int images_list(const struct store *s, struct tare_image_list *out, struct err *e);
int image_inspect(const struct store *s, const char *ref, json **out, struct err *e);
int image_tag(const struct store *s, const char *ref, const char *new_ref, struct err *e);
int image_remove(const struct store *s, const char *ref, bool force, char ***done, struct err *e);
/* Untagged images that no container uses, with `all` every unused one. Adds to *removed and *bytes. */
int image_prune(const struct store *s, bool all, char ***removed, uint64_t *bytes, struct err *e);
/* For `system df`: layers that images share count once. */
int images_usage(const struct store *s, unsigned *total, unsigned *active, uint64_t *size,
        uint64_t *reclaimable, struct err *e);

#endif
