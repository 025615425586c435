/* The sandbox: a program that reads what any container sends has nothing that is worth taking.
 *
 * It is nobody, without capabilities, can't gain any (no_new_privs), can't be traced by others of that uid
 * (not dumpable), starts no process, writes no file, reads leases and resolv.conf alone (Landlock, where the
 * kernel has it), connects by TCP to port 53 alone (Linux 6.7) and has the system calls of its loop. */
#include "net/dns/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/defence.h"
#include "base/file.h"

#define NOBODY     65534
#define MEMORY_MAX ((rlim_t)512 << 20)
#define DNS_PORT   53

/* ---------------------------------------------------------------- rights */

static int drop_rights(void)
{
	if (!DEFENCE("dns-rights"))
		return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};

	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	                              setresuid(NOBODY, NOBODY, NOBODY) < 0))
		return -1;
	if (syscall(SYS_capset, &head, none) < 0)
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -1 : 0;
}

static int limit(int what, rlim_t most)
{
	struct rlimit r;

	if (getrlimit(what, &r) < 0)
		return -1;
	r.rlim_max = r.rlim_max < most ? r.rlim_max : most;
	r.rlim_cur = r.rlim_max;
	return setrlimit(what, &r);
}

static int limit_all(void)
{
	bool ok = limit(RLIMIT_NOFILE, SANDBOX_FILES) == 0 && limit(RLIMIT_NPROC, 0) == 0 &&
	          limit(RLIMIT_FSIZE, 0) == 0 && limit(RLIMIT_CORE, 0) == 0;

#ifndef __SANITIZE_ADDRESS__ /* whose shadow is larger than any limit */
	ok = ok && limit(RLIMIT_AS, MEMORY_MAX) == 0;
#endif
	return ok ? 0 : -1;
}

/* ---------------------------------------------------------------- Landlock */

/* linux/landlock.h of the kernel that has them all; an older header lacks the last two. */
struct landlock_rules {
	uint64_t fs, net, scoped;
};
struct __attribute__((packed)) landlock_beneath {
	uint64_t allowed;
	int32_t parent_fd;
};
struct landlock_port {
	uint64_t allowed, port;
};
#define LANDLOCK_RULE_BENEATH 1
#define LANDLOCK_RULE_PORT    2
#define LANDLOCK_READ_FILE    (UINT64_C(1) << 2)
#define LANDLOCK_CONNECT_TCP  (UINT64_C(1) << 1)
#define LANDLOCK_NET_ALL      UINT64_C(3) /* bind, connect */
#define LANDLOCK_SCOPE_ALL    UINT64_C(3) /* abstract sockets, signals */
#define LANDLOCK_FIRST        444         /* the same number on every architecture */

static int landlock_create(const struct landlock_rules *r, size_t size, unsigned flags)
{
	return (int)syscall(LANDLOCK_FIRST, r, size, flags);
}

static void allow_reading(int rules, int fd)
{
	struct landlock_beneath b = {LANDLOCK_READ_FILE, fd};

	if (fd >= 0)
		syscall(LANDLOCK_FIRST + 1, rules, LANDLOCK_RULE_BENEATH, &b, 0);
}

static void allow_reading_path(int rules, const char *path)
{
	cleanup_fd int fd = open(path, O_PATH | O_CLOEXEC);

	allow_reading(rules, fd);
}

/* A resolv.conf is replaced by a new one in its directory, so that is what may be read; a link may lead to
 * the directories of those who write it. */
static void allow_conf(int rules, const char *conf)
{
	static const char *const writers[] = {"/etc", "/run/systemd/resolve", "/run/resolvconf",
	        "/run/NetworkManager", "/run/connman", "/run/netconfig"};
	char path[PATH_MAX], *slash;

	for (size_t i = 0; i < sizeof writers / sizeof *writers; i++)
		allow_reading_path(rules, writers[i]);
	if (!realpath(conf, path) || !(slash = strrchr(path, '/')) || slash == path)
		return;
	*slash = '\0';
	allow_reading_path(rules, path);
}

/* What each version of the interface knows of the file system (landlock(7)). */
static uint64_t landlock_fs_rights(int version)
{
	unsigned bits = version >= 5 ? 16 : version >= 3 ? 15 : version >= 2 ? 14 : 13;

	return (UINT64_C(1) << bits) - 1;
}

static int landlock_enter(int networks_fd, const char *conf)
{
	struct landlock_port dns = {LANDLOCK_CONNECT_TCP, DNS_PORT};
	int version = landlock_create(NULL, 0, 1);
	struct landlock_rules r = {landlock_fs_rights(version), version >= 4 ? LANDLOCK_NET_ALL : 0,
	        version >= 6 ? LANDLOCK_SCOPE_ALL : 0};

	if (version < 1 || !DEFENCE("dns-landlock"))
		return 0;
	cleanup_fd int rules = landlock_create(&r, sizeof r, 0);
	if (rules < 0)
		return -1;
	allow_reading(rules, networks_fd);
	allow_conf(rules, conf);
	if (version >= 4)
		syscall(LANDLOCK_FIRST + 1, rules, LANDLOCK_RULE_PORT, &dns, 0);
	return (int)syscall(LANDLOCK_FIRST + 2, rules, 0);
}

/* ---------------------------------------------------------------- system calls */

#if defined __x86_64__
#define ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define ARCH AUDIT_ARCH_AARCH64
#elif defined __riscv
#define ARCH AUDIT_ARCH_RISCV64
#endif

#define LOAD(field)   BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
/* The next `n` instructions are for this value alone. */
#define IF(value, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, n)
#define ALLOW(name)  IF(__NR_##name, 1), RETURN(SECCOMP_RET_ALLOW)
#define REFUSE       SECCOMP_RET_ERRNO | EPERM

static int seccomp_enter(void)
{
	if (!DEFENCE("dns-seccomp"))
		return 0;
#if defined ARCH && !defined __SANITIZE_ADDRESS__
	struct sock_filter filter[] = {
	        LOAD(arch),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
	        RETURN(SECCOMP_RET_KILL_PROCESS),
	        LOAD(nr),
	        /* the loop */
	        ALLOW(epoll_pwait),
	        ALLOW(epoll_ctl),
	        ALLOW(recvmmsg),
	        ALLOW(sendto),
	        ALLOW(recvfrom),
	        ALLOW(sendmsg),
	        ALLOW(recvmsg),
	        ALLOW(accept4),
	        ALLOW(connect),
	        ALLOW(close),
	        ALLOW(getsockopt),
	        ALLOW(getrandom),
	        ALLOW(getpid),
	        ALLOW(clock_gettime),
	        /* leases, resolv.conf */
	        ALLOW(openat),
	        ALLOW(fstat),
	        ALLOW(newfstatat),
	        ALLOW(statx),
	        ALLOW(read),
	        ALLOW(fcntl),
	        /* memory */
	        ALLOW(brk),
	        ALLOW(munmap),
	        ALLOW(mremap),
	        ALLOW(madvise),
	        ALLOW(exit_group),
	        ALLOW(rt_sigreturn),
	        ALLOW(restart_syscall),
#ifdef __NR_epoll_wait /* older architectures have these beside the newer ones */
	        ALLOW(epoll_wait),
	        ALLOW(open),
	        ALLOW(stat),
#endif
	        /* no socket but of the two families */
	        IF(__NR_socket, 4),
	        LOAD(args[0]),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 1, 0),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 5),
	        RETURN(SECCOMP_RET_ALLOW),
	        /* no memory that can be executed; musl's malloc protects and opens its own where brk fails */
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_mprotect, 1, 0),
	        IF(__NR_mmap, 2),
	        LOAD(args[2]),
	        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 4 /* PROT_EXEC */, 0, 1),
	        RETURN(REFUSE),
	        RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
#else
	return 0;
#endif
}

int dns_sandbox_enter(int networks_fd, const char *conf)
{
	if (drop_rights() < 0 || limit_all() < 0 || landlock_enter(networks_fd, conf) < 0)
		return -1;
	return seccomp_enter();
}
