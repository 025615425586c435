/* Namespaces: which are new, which are joined, and the little that has to be set up inside them. */
#ifndef TARE_RUNTIME_NAMESPACE_H
#define TARE_RUNTIME_NAMESPACE_H

#include <stdint.h>
#include <sys/types.h>

#include "engine/oci/runtime_spec.h"

struct err;
struct container_root;

int namespace_flag(enum spec_namespace_kind k); /* CLONE_NEW… */

/* CLONE_NEW… of all private ones. */
uint64_t namespace_private_flags(const struct runtime_spec *spec);

/* In the launcher: open what is to be joined; -1 where nothing is. */
int namespace_open_joined(const struct runtime_spec *spec, int fds[NS_KIND_COUNT], struct err *e);
/* In the child: join all of them; of a pid namespace become the members that are born from now on. */
int namespace_join(const int fds[NS_KIND_COUNT], struct err *e);

/* In the launcher: be in those that are joined, but for the pid namespace, until namespace_restore(). */
struct namespaces {
	int fds[NS_KIND_COUNT]; /* its own, -1: never left */
};
#define NAMESPACES_INIT                                                                                      \
	{                                                                                                    \
		.fds = { -1, -1, -1, -1, -1, -1, -1 }                                                        \
	}
int namespace_enter(const int fds[NS_KIND_COUNT], struct namespaces *own, struct err *e);
void namespace_restore(struct namespaces *own);

/* In the child: host name, loopback interface, sysctls. */
int namespace_set_names(const struct runtime_spec *spec, struct err *e);
int namespace_loopback_up(const struct runtime_spec *spec, struct err *e);
int namespace_set_sysctls(struct container_root *r, const struct runtime_spec *spec, struct err *e);
/* A session keyring of its own, so that keys of the caller's session don't leak (attack 23). */
void namespace_new_keyring(void);

#endif
