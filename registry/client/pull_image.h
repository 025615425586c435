/* One image of a registry, whose digest is known: its documents, then its layers, then its name. Only for
 * pull*.c. */
#ifndef TARE_REGISTRY_PULL_IMAGE_H
#define TARE_REGISTRY_PULL_IMAGE_H

#include "engine/store/store.h"
#include "registry/client/platform.h"
#include "registry/client/pull.h"
#include "registry/client/remote.h"

struct pull_image {
	const struct store *store;
	struct progress *progress;
	const struct platform *platform;
	struct http *http;
	struct remote **remote;          /* freed after a failure */
	const char *reference;           /* the name that it gets */
	const struct descriptor *target; /* what the registry says the name is: manifest or index */
};

/* Is it here, whole, for that platform? Then it is described in *out (and NAMED tells if by that name). */
bool pull_image_is_here(const struct pull_image *i, struct pulled *out, bool *named);
/* Fetch it and name it. */
int pull_image_fetch(const struct pull_image *i, struct pulled *out, struct err *e);
/* Give the name to what is here. */
int pull_image_name(const struct pull_image *i, struct err *e);

#endif
