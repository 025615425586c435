/* System calls that are newer than libseccomp's table. Left alone they would answer EPERM, and programs that
 * fall back on ENOSYS only (glibc's fchmodat2) break on every newer image. So a few instructions go before
 * the compiled filter: they apply the profile to the names known here, and answer ENOSYS above them. */
#ifndef TARE_RUNTIME_SECCOMP_PROLOGUE_H
#define TARE_RUNTIME_SECCOMP_PROLOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sock_filter;

#define SECCOMP_NEW_CALLS    32
#define SECCOMP_REFUSALS     16
#define SECCOMP_PROLOGUE_MAX (2 * SECCOMP_NEW_CALLS + 7 * SECCOMP_REFUSALS + 8)

/* One value of the lower 32 bits of one argument, which a call that is allowed otherwise must not have: the
 * kernel takes an int there and ignores the upper ones, and libseccomp can't say "all but". */
struct seccomp_refusal {
	uint32_t arch; /* AUDIT_ARCH_… */
	uint32_t nr, value, action;
	unsigned arg;
};

struct seccomp_prologue {
	uint32_t action[SECCOMP_NEW_CALLS]; /* by place in the table */
	uint32_t set;                       /* bits: which of them */
	struct seccomp_refusal refusals[SECCOMP_REFUSALS];
	size_t n_refusals;
};

/* A rule without argument checks; a name that is nowhere in the table is ignored. */
void seccomp_prologue_add(struct seccomp_prologue *p, const char *name, uint32_t action);
/* -1: there are too many. */
int seccomp_prologue_refuse(struct seccomp_prologue *p, const struct seccomp_refusal *r);
bool seccomp_prologue_knows(const char *name);
/* Before a whole filter, for who joins a container (engine/init/main.c, be_born_inside): whatever the profile
 * says of them, a clone with CLONE_PARENT, setsid and TIOCSCTTY pass that have the secret in the third and
 * fourth argument, which the kernel ignores (of TIOCSCTTY but for 1). So a profile that allows none of them
 * can be joined, and has its filter before anybody sees who joins. The count, SECCOMP_BIRTH_INSNS. */
#define SECCOMP_BIRTH_INSNS 19
size_t seccomp_prologue_birth(const uint64_t secret[2], struct sock_filter *out);
/* The instructions, at most SECCOMP_PROLOGUE_MAX; the count. */
size_t seccomp_prologue_write(
        const struct seccomp_prologue *p, uint32_t default_action, struct sock_filter *out);

#endif
