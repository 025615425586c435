/* Locks: flock(2) on a file or directory; gone with the descriptor, so no crash leaves one behind.
 * Order, always: network, volume, image, container. There is no global lock. */
#ifndef TARE_BASE_LOCK_H
#define TARE_BASE_LOCK_H

struct err;

enum lock_mode { LOCK_SHARED, LOCK_EXCLUSIVE };
/* Lock a new open file description of `path` beneath dirfd (made when missing unless it is a directory),
 * waiting. The descriptor IS the lock: close it to unlock. -1 with e. */
int lock_take(int dirfd, const char *path, enum lock_mode mode, struct err *e);
/* Without waiting: -1 with errno EWOULDBLOCK when someone has it. */
int lock_try(int dirfd, const char *path, enum lock_mode mode);

#endif
