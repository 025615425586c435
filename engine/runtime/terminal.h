/* A terminal in the container's own devpts: the host's pts numbers and ioctls stay out of it. */
#ifndef TARE_RUNTIME_TERMINAL_H
#define TARE_RUNTIME_TERMINAL_H

#include <sys/types.h>

struct err;

/* The root of the devpts attached at /dev/pts of the container; -1 with e. */
int terminal_devpts(int root_fd, struct err *e);
/* A new pair with the given size (0: left alone). Neither becomes a controlling terminal. */
int terminal_open(int devpts_fd, unsigned rows, unsigned cols, int *master, int *slave, struct err *e);
/* Session leader: the slave becomes controlling terminal and descriptors 0-2, owned by uid. */
int terminal_adopt(int slave, uid_t uid, struct err *e);
/* The same without making it the controlling one. */
int terminal_connect(int slave, uid_t uid, struct err *e);

#endif
