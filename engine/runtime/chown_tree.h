/* Giving a tree to another owner. */
#ifndef TARE_RUNTIME_CHOWN_TREE_H
#define TARE_RUNTIME_CHOWN_TREE_H

#include <sys/types.h>

struct err;

/* The file or directory behind fd (O_PATH) and all that is beneath it, without following a link and without
 * entering another file system. */
int chown_tree(int fd, uid_t uid, gid_t gid, struct err *e);

#endif
