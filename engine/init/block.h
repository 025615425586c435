/* The block of handoff.h, read and checked: every count is bounded, every string ends inside. */
#ifndef TARE_INIT_BLOCK_H
#define TARE_INIT_BLOCK_H

#include <stddef.h>

#include "engine/init/handoff.h"

struct sock_filter;

struct init_plan {
	const struct init_block *block;
	const unsigned char *rlimits; /* n_rlimits struct init_rlimit, unaligned */
	struct sock_filter *filter;
	const uint32_t *groups;
	const char *cwd, *apparmor;
	char **args, **env; /* NULL-terminated, in memory of their own */
};

/* 0, or -1 with errno (EBADMSG: not a sound block). */
int init_plan_read(int fd, struct init_plan *p);
/* The same from memory, which must outlive the plan; `len` is what is really there. */
int init_plan_parse(void *data, size_t len, struct init_plan *p);
/* PATH of the container's environment, or the usual one. */
const char *init_plan_path(const struct init_plan *p);

#endif
