/* What the parsers of -v, --mount and --tmpfs share. */
#ifndef TARE_ENGINE_REQUEST_MOUNT_H
#define TARE_ENGINE_REQUEST_MOUNT_H

#include "engine/tare.h"

void request_mount_drop(struct tare_mount *m);
#define cleanup_mount __attribute__((cleanup(request_mount_drop)))

/* `text` is what the user wrote, for the error. */
int request_mount_set_target(struct tare_mount *m, const char *path, const char *text, struct err *e);
/* A bind's source must exist, unless m->make_source. */
int request_mount_set_bind(struct tare_mount *m, const char *path, struct err *e);
int request_mount_set_volume(struct tare_mount *m, const char *name, struct err *e);
bool request_mount_is_propagation(const char *word);
int request_mount_set_propagation(struct tare_mount *m, const char *word, struct err *e);
/* "1777" */
int request_mount_mode(const char *text, unsigned *mode, struct err *e);
/* Takes over what m holds. */
int request_mount_add(struct tare_create *c, struct tare_mount *m, struct err *e);

#endif
