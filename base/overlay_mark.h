/* The marks by which overlayfs knows what a layer's directory means, as this store's overlays read them:
 * trusted.overlay.*, and in a user namespace, where nobody may write those, user.overlay.*. */
#ifndef TARE_BASE_OVERLAY_MARK_H
#define TARE_BASE_OVERLAY_MARK_H

#include <stdbool.h>

/* Opaque: a directory that hides what lower layers have in its place. 0 or -1 with errno. */
int overlay_set_opaque(int dir);
bool overlay_is_opaque(int dir);
/* One that makes overlayfs look elsewhere for a file (redirect, metacopy): its name, or NULL. */
const char *overlay_strange_mark(int fd);

#endif
