/* The user namespace of an ordinary user: made, found and looked at. Of rootless_entry.c. */
#ifndef TARE_STORE_ROOTLESS_NAMESPACE_H
#define TARE_STORE_ROOTLESS_NAMESPACE_H

#include <stdbool.h>
#include <sys/types.h>

struct err;

/* The process that keeps a new namespace alive until somebody has entered it. */
struct user_namespace_birth {
	pid_t pid;
	int hold_fd; /* its end of life: closed, it ends */
	bool made;
};
#define USER_NAMESPACE_BIRTH_INIT                                                                            \
	{                                                                                                    \
		.pid = -1, .hold_fd = -1                                                                     \
	}

/* A descriptor of the user namespace in which that process is: one beneath ours that this user made. -1. */
int user_namespace_of(pid_t pid);
/* The same, searched for among all processes by its inode; *pid is one that lives there. -1: none does. */
int user_namespace_search(ino_t inode, pid_t *pid);
/* A new one with all ids that the user may have: newuidmap and newgidmap write them. */
int user_namespace_create(struct user_namespace_birth *birth, pid_t *pid, struct err *e);
void user_namespace_birth_end(struct user_namespace_birth *birth);

#endif
