#include "engine/runtime/seccomp_prologue.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

/* From 424 on a call has the same number on every architecture that we build for
 * (linux/scripts/syscall.tbl). Ascending, without gaps. */
static const struct {
	const char *name;
	uint32_t nr;
} calls[] = {
        {"cachestat", 451},
        {"fchmodat2", 452},
        {"map_shadow_stack", 453},
        {"futex_wake", 454},
        {"futex_wait", 455},
        {"futex_requeue", 456},
        {"statmount", 457},
        {"listmount", 458},
        {"lsm_get_self_attr", 459},
        {"lsm_set_self_attr", 460},
        {"lsm_list_modules", 461},
        {"mseal", 462},
        {"setxattrat", 463},
        {"getxattrat", 464},
        {"listxattrat", 465},
        {"removexattrat", 466},
        {"open_tree_attr", 467},
        {"file_getattr", 468},
        {"file_setattr", 469},
        {"listns", 470},
};
#define N_CALLS (sizeof calls / sizeof calls[0])
_Static_assert(N_CALLS <= SECCOMP_NEW_CALLS, "the bit set is too small");

void seccomp_prologue_add(struct seccomp_prologue *p, const char *name, uint32_t action)
{
	for (size_t i = 0; i < N_CALLS; i++) {
		if (strcmp(calls[i].name, name) || p->set >> i & 1)
			continue;
		p->action[i] = action;
		p->set |= 1u << i;
	}
}

int seccomp_prologue_refuse(struct seccomp_prologue *p, const struct seccomp_refusal *r)
{
	if (p->n_refusals == SECCOMP_REFUSALS)
		return -1;
	p->refusals[p->n_refusals++] = *r;
	return 0;
}

#define LOAD(what) ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (what)))
/* On when equal, otherwise over `skip` instructions. */
#define ONLY(value, skip) ((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip)))
#define RETURN(action)    ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (action)))

/* TIOCSTI types into the terminal that a process shares with a mightier one; CVE-2019-10063: the comparison
 * must see what the kernel sees, the lower half. Test: test_runtime_seccomp.c,
 * "terminals_are_not_typed_into"; isolation.bats. */
static size_t write_refusal(const struct seccomp_refusal *r, struct sock_filter *out)
{
	const uint32_t low = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0;
	size_t n = 0;

	out[n++] = LOAD(offsetof(struct seccomp_data, nr));
	out[n++] = ONLY(r->nr, 5);
	out[n++] = LOAD(offsetof(struct seccomp_data, arch));
	out[n++] = ONLY(r->arch, 3);
	out[n++] = LOAD((uint32_t)offsetof(struct seccomp_data, args) + 8 * r->arg + low);
	out[n++] = ONLY(r->value, 1);
	out[n++] = RETURN(r->action);
	return n;
}

/* To the instruction `yes` when equal, otherwise to `no`; it is itself the one at `at`. */
#define BRANCH(at, value, yes, no)                                                                           \
	((struct sock_filter)BPF_JUMP(                                                                       \
	        BPF_JMP | BPF_JEQ | BPF_K, (value), (uint8_t)((yes) - (at)-1), (uint8_t)((no) - (at)-1)))

size_t seccomp_prologue_birth(const uint64_t secret[2], struct sock_filter *out)
{
	enum { CLONE = 6, IOCTL = 8, SECRET = 10, END = SECCOMP_BIRTH_INSNS };
	const uint32_t low = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0;
	const uint32_t args = offsetof(struct seccomp_data, args);
	const struct sock_filter which[SECRET] = {
	        LOAD(offsetof(struct seccomp_data, arch)),
	        BRANCH(1, seccomp_arch_native(), 2, END),
	        LOAD(offsetof(struct seccomp_data, nr)),
	        BRANCH(3, SYS_setsid, SECRET, 4),
	        BRANCH(4, SYS_ioctl, IOCTL, 5),
	        BRANCH(5, SYS_clone, CLONE, END),
	        LOAD(args + low),
	        BRANCH(7, CLONE_PARENT | SIGCHLD, SECRET, END),
	        LOAD(args + 8 + low),
	        BRANCH(9, TIOCSCTTY, SECRET, END),
	};
	size_t n = SECRET;

	memcpy(out, which, sizeof which);
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t half = (uint32_t)(secret[i / 2] >> i % 2 * 32);
		out[n++] = LOAD(args + 16 + (i * 4 ^ low));
		out[n] = BRANCH(n, half, n + 1, END);
		n++;
	}
	out[n++] = RETURN(SECCOMP_RET_ALLOW);
	return n;
}

bool seccomp_prologue_knows(const char *name)
{
	/* Of one architecture only, so not in the table; the kernel lets uretprobe and uprobe pass by itself.
	 */
	static const char *const elsewhere[] = {"riscv_flush_icache", "riscv_hwprobe", "uretprobe", "uprobe"};

	for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
		if (!strcmp(elsewhere[i], name))
			return true;
	for (size_t i = 0; i < N_CALLS; i++)
		if (!strcmp(calls[i].name, name))
			return true;
	return false;
}

/* The refusals; load nr; below the first unknown call: on to the filter; each known one: its action; the
 * rest: ENOSYS. */
size_t seccomp_prologue_write(
        const struct seccomp_prologue *p, uint32_t default_action, struct sock_filter *out)
{
	size_t n = 0, first = 0;

	while (first < N_CALLS && seccomp_syscall_resolve_name(calls[first].name) != __NR_SCMP_ERROR)
		first++;
	uint32_t lowest = first < N_CALLS ? calls[first].nr : calls[N_CALLS - 1].nr + 1;
	size_t body = 2 * (N_CALLS - first) + 1;
	for (size_t i = 0; i < p->n_refusals; i++)
		n += write_refusal(&p->refusals[i], out + n);
	out[n++] = LOAD(offsetof(struct seccomp_data, nr));
	out[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, lowest, 0, (uint8_t)body);
	for (size_t i = first; i < N_CALLS; i++) {
		out[n++] = ONLY(calls[i].nr, 1);
		out[n++] = RETURN(p->set >> i & 1 ? p->action[i] : default_action);
	}
	out[n++] = RETURN(SECCOMP_RET_ERRNO | ENOSYS);
	return n;
}
