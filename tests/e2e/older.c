/* older CALL… -- COMMAND [ARGUMENT…]: runs COMMAND, and all that it starts, as on a kernel that lacks these
 * calls: a seccomp filter answers them as such a kernel does. "all": each that the table has, but those
 * without which an ordinary user has no containers. The names are the first column of tests/vm/fallbacks.tsv.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A call, or only those whose argument has certain bits. Numbers from 424 on are the same everywhere. */
static const struct newer {
	const char *name;
	unsigned nr, last, argument, mask, value;
	int answer;
	bool needed;
} table[] = {
        {"close_range_cloexec", 436, 436, 2, 1u << 2, 1u << 2, EINVAL, false}, /* CLOSE_RANGE_CLOEXEC: 5.11 */
        {"mount_setattr", 442, 442, 0, 0, 0, ENOSYS, false},                   /* 5.12 */
        {"landlock", 444, 446, 0, 0, 0, ENOSYS, false},                        /* 5.13 */
        {"quotactl_fd", 443, 443, 0, 0, 0, ENOSYS, false},                     /* 5.14 */
        {"layer_fd", 431, 431, 1, ~0u, 5, EINVAL, false}, /* FSCONFIG_SET_FD of overlay: 6.13 */
        {"pidfd_get_info", SYS_ioctl, SYS_ioctl, 1, 0xffff, 0xff0b, ENOTTY, false}, /* 6.15 */
        /* Of an overlay: 6.10 */
        {"nameless_file", SYS_openat, SYS_openat, 2, O_TMPFILE, O_TMPFILE, EOPNOTSUPP, false},
        /* FSCONFIG_CMD_CREATE of an overlay in a user namespace: 5.11 */
        {"user_overlay", 431, 431, 1, ~0u, 6, EPERM, true},
};
#define ROWS (sizeof table / sizeof table[0])
#define STEP 7 /* instructions of one row */

/* Only the lower half of an argument is looked at: all of them are 32 bits wide. */
static struct sock_filter *add(struct sock_filter *f, const struct newer *n)
{
	const unsigned at = offsetof(struct seccomp_data, args) + 8 * n->argument;
	const struct sock_filter row[STEP] = {
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, n->nr, 0, STEP - 2),
	        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, n->last, STEP - 3, 0),
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),
	        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, n->mask),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, n->value, 0, 1),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)n->answer),
	};
	return (struct sock_filter *)memcpy(f, row, sizeof row) + STEP;
}

int main(int argc, char **argv)
{
	struct sock_filter filter[ROWS * STEP + 1], *end = filter;
	int i = 1;

	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		struct sock_filter *before = end;
		for (size_t r = 0; r < ROWS && end - filter < (long)(ROWS * STEP); r++)
			if (!strcmp(argv[i], table[r].name) || (!strcmp(argv[i], "all") && !table[r].needed))
				end = add(end, &table[r]);
		if (end == before)
			return fprintf(stderr, "older: unknown call %s\n", argv[i]), 2;
	}
	if (end == filter || i + 1 >= argc)
		return fprintf(stderr, "usage: older CALL… -- COMMAND [ARGUMENT…]\n"), 2;
	*end++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {.len = (unsigned short)(end - filter), .filter = filter};
	/* Without no_new_privs, which would be inherited, too: that needs root, as all these tests do. */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return perror("older: seccomp"), 2;
	execvp(argv[i + 1], argv + i + 1);
	return perror(argv[i + 1]), 127;
}
