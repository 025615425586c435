/* Images as verbs: list, inspect, tag, remove, prune, and finding the one that a run needs. What moves
 * archives is in image_archive*.c, which only tare-transfer links. */
#ifndef TARE_ENGINE_IMAGE_H
#define TARE_ENGINE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "engine/store/image_index.h"
#include "engine/store/store.h"
#include "engine/tare.h"

struct err;

/* For every verb that uses an image by name: image_find(), and when the image is not in the store but shipped
 * with Tare (images/NAME.tar for docker.io/library/NAME:latest), it is loaded first by tare-transfer. */
int image_ensure(const struct store *s, const char *ref, struct image *out, struct err *e);
/* What a run needs, and how far to go for it. */
struct image_want {
	const char *ref;
	enum tare_pull pull;
	const char *platform; /* "OS/ARCH[/VARIANT]" or NULL */
	bool quiet;           /* no progress on standard error */
};
/* The same, from a registry if need be, for who is about to make a record of it: the image is not swept until
 * `hold` is closed. An error without words has been told by tare-transfer. */
int image_ensure_held(
        const struct store *s, const struct image_want *want, struct image *out, int *hold, struct err *e);

/* `name` NULL: it has none. */
void image_event(const struct store *s, const char *action, const char *id, const char *name);

int images_list(const struct store *s, struct tare_image_list *out, struct err *e);
/* An entry without a name of an image that has one: left over when the name moved to other bytes of the same
 * image (compressed anew, another format of manifest). Nobody can mean it, and its id is the named one's, so
 * it is in no list, no prune takes it for an image of its own, and image_gc() and image_remove() drop it. */
bool image_is_spare(const struct image *list, size_t n, size_t at);
/* Docker's document, the caller's to put. */
int image_inspect(const struct store *s, const char *ref, json **out, struct err *e);
int image_tag(const struct store *s, const char *ref, const char *new_ref, struct err *e);
/* Docker's rules: a name is taken away, and with its last name the image goes, unless containers use it
 * (force: unless running ones do). `done` collects "Untagged: …" and "Deleted: …". */
int image_remove(const struct store *s, const char *ref, bool force, char ***done, struct err *e);
/* The sweep (store/gc.c), and with `partials` every partial download, however young. Bytes freed. */
int image_gc(const struct store *s, bool partials, uint64_t *bytes, struct err *e);
/* Untagged images that no container uses; with TARE_PRUNE_ALL every image that none uses. `removed` collects
 * what image_remove() says (with TARE_PRUNE_DRY_RUN names), bytes what was or would be freed. */
int image_prune(const struct store *s, unsigned flags, char ***removed, uint64_t *bytes, struct err *e);
/* Images, those that containers use, bytes of all layers (shared ones once), and of those nothing uses. */
int images_usage(const struct store *s, unsigned *total, unsigned *active, uint64_t *size,
        uint64_t *reclaimable, struct err *e);

#endif
