/* Who the command runs as: the container's own passwd and group files, read as bytes (no NSS:
 * CVE-2019-14271). */
#ifndef TARE_RUNTIME_USER_H
#define TARE_RUNTIME_USER_H

#include <stddef.h>

#include "engine/runtime/last_stage.h"

struct err;
struct id_maps;

/* `user` is "", "name", "uid", "name:group", "uid:gid" and so on; `groups` are further names or numbers. The
 * texts are the contents of /etc/passwd and /etc/group. A number needs no entry; group 0 and home "" then.
 * out->groups is allocated. */
int user_resolve(const char *passwd, const char *group, const char *user, char *const *groups,
        struct identity *out, struct err *e);
/* The same, reading the two files beneath the container's root. */
/* In a user namespace there are the ids of its maps only: ERR_USAGE for a user or group beyond them; further
 * groups of the image's that are not there are left out. */
int user_fit(struct identity *who, const struct id_maps *ids, struct err *e);
int user_lookup(int root_fd, const char *user, char *const *groups, struct identity *out, struct err *e);

#endif
