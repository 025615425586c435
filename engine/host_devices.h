/* Devices of the host, given to a container: the node inside and the rule that allows it. */
#ifndef TARE_ENGINE_HOST_DEVICES_H
#define TARE_ENGINE_HOST_DEVICES_H

#include <sys/stat.h>

struct err;
struct runtime_spec;

int host_device_add(struct runtime_spec *spec, const struct stat *st, const char *path, const char *access,
        struct err *e);
/* Every device beneath a directory (--device /dev/snd). */
int host_devices_beneath(
        struct runtime_spec *spec, const char *dir, const char *inside, const char *access, struct err *e);
/* --privileged: every device of /dev but terminals' and those that the container has anyway; all access
 * allowed. */
int host_devices_all(struct runtime_spec *spec, struct err *e);

#endif
