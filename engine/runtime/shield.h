/* Masked and read-only paths: what of /proc and /sys a container must not see or change (attack 20). */
#ifndef TARE_RUNTIME_SHIELD_H
#define TARE_RUNTIME_SHIELD_H

#include "engine/runtime/mount_tree.h"

struct err;
struct runtime_spec;

int shield_apply(struct container_root *r, const struct runtime_spec *spec, struct err *e);

#endif
