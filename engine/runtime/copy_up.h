/* Filling an empty volume from the image's directory that it is going to cover. */
#ifndef TARE_RUNTIME_COPY_UP_H
#define TARE_RUNTIME_COPY_UP_H

#include <stdbool.h>

struct err;

/* `image` and `volume` are O_PATH directory descriptors. Nothing happens when the volume isn't empty, unless
 * what is in it is a fill that failed or was killed: that is cleared and done anew. Owner, mode, times and
 * extended attributes are kept; links are copied, never followed (attack 38). Two starters don't meet: the
 * volume is locked while it is filled. */
int copy_up(int image, int volume, struct err *e);
/* Whether a volume's data directory (a path of the host) waits for being filled anew. */
bool copy_up_is_unfinished(const char *path);
/* The volume is going to be used as it is: nothing that is written to it now may be cleared later. */
void copy_up_give_up(int volume);

#endif
