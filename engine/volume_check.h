/* What a crash left of volumes: half made, half removed, half restored, mounted without a user, limited
 * without a directory. */
#ifndef TARE_ENGINE_VOLUME_CHECK_H
#define TARE_ENGINE_VOLUME_CHECK_H

#include "engine/debris.h"

/* As debris_sweep(), which calls it. A record that cannot be read is kept beside the new one. */
void volumes_sweep(const struct store *s, bool remove, debris_fn fn, void *arg);

/* The next command that makes or (`restores`, too) lists volumes removes what nobody is at work on any more.
 */
void volumes_tidy(const struct store *s, bool restores);

#endif
