/* Which containers stand on which images. Only for image*.c. */
#ifndef TARE_ENGINE_IMAGE_USERS_H
#define TARE_ENGINE_IMAGE_USERS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/oci/digest.h"
#include "engine/store/store.h"
#include "engine/tare.h"

struct err;

struct image_user {
	char id[TARE_ID_LEN + 1];
	struct digest image; /* the config's */
	bool running;
};
struct image_users {
	struct image_user *list;
	size_t n;
};
#define IMAGE_USERS_INIT                                                                                     \
	{                                                                                                    \
		0                                                                                            \
	}
void image_users_free(struct image_users *u);
#define cleanup_image_users __attribute__((cleanup(image_users_free)))
int image_users_read(const struct store *s, struct image_users *u, struct err *e);
/* How many use it; *first is one of them, a running one if there is any (NULL allowed). */
unsigned image_users_count(
        const struct image_users *u, const struct digest *image, const struct image_user **first);

#endif
