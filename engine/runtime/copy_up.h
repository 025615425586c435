/* Filling an empty volume from the image's directory that it is going to cover. */
#ifndef TARE_RUNTIME_COPY_UP_H
#define TARE_RUNTIME_COPY_UP_H

struct err;

/* `image` and `volume` are O_PATH directory descriptors. Nothing happens when the volume isn't empty. Owner,
 * mode, times and extended attributes are kept; links are copied, never followed (attack 38). Two starters
 * don't meet: the volume is locked while it is filled. */
int copy_up(int image, int volume, struct err *e);

#endif
