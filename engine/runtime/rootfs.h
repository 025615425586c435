/* Inside rootfs_mount_overlay(): the ways that kernels of different age want to be told of the layers. */
#ifndef TARE_RUNTIME_ROOTFS_H
#define TARE_RUNTIME_ROOTFS_H

#include "engine/runtime/launch.h"

enum rootfs_way {
	ROOTFS_BEST,       /* the first of the following that works here */
	ROOTFS_LAYER_FD,   /* "lowerdir+" by descriptor: 6.13 */
	ROOTFS_LAYER_PATH, /* "lowerdir+" by /proc/self/fd/N: 6.8 */
	ROOTFS_ONE_STRING, /* one "lowerdir" of at most 255 bytes */
	ROOTFS_OLD_MOUNT,  /* mount(2): one page of options, up to the kernel's 500 layers */
};

/* Said explicitly, so that an image behaves the same whatever the host's module parameters are. No redirect
 * is followed: a layer's forged xattr could point at any directory of the upper file system (attack 19). Ends
 * with NULL. */
extern const char *const rootfs_fixed_options[][2];

/* mount(2) knows paths only (rootfs_old_mount.c). A detached mount, or -1 with e. */
int rootfs_old_mount(const struct rootfs_overlay *o, struct err *e);

/* A detached copy of the detached `tree` that nobody can write through, before 5.12. -1 with e. */
int rootfs_old_readonly(int tree, struct err *e);

/* A user's overlay was forbidden: -1 with what says so. */
int rootfs_no_user_overlay(struct err *e);

/* A detached mount of one of the lower layers, its ids mapped when that is asked for. */
int rootfs_copy_lower(const struct rootfs_overlay *o, size_t i, struct err *e);

int rootfs_mount_overlay_by(enum rootfs_way way, const struct rootfs_overlay *o, struct err *e);

#endif
