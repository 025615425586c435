/* Are the images whole? Each manifest and config can be read, each layer is there, packed with the size that
 * it should have and unpacked. Nothing is hashed: this is for what a crash or a full disk takes away. */
#ifndef TARE_STORE_IMAGE_CHECK_H
#define TARE_STORE_IMAGE_CHECK_H

struct err;
struct store;

/* `name`: the reference, or the manifest's digest. */
typedef void (*image_damage_fn)(void *arg, const char *name, const char *problem);
int image_check(const struct store *s, image_damage_fn tell, void *arg, struct err *e);

#endif
