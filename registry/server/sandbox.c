/* The sandbox: the process that reads what any client sends has nothing that is worth taking but the storage.
 *
 * It has no capability and can't gain one (no_new_privs), so that it is the plain owner of the storage's
 * files and of nothing else; sees no file but those beneath the storage (Landlock, where the kernel has it);
 * starts no program, makes no socket, signals and traces nobody, and has no memory that it can write and
 * execute (seccomp). Attack: whatever a bug in a parser lets a client run. Proven by registry.bats "sandbox".
 */
#include "registry/server/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"

/* ---------------------------------------------------------------- rights */

static int drop_rights(struct err *e)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};
	struct rlimit no_core = {0, 0};

	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &no_core) < 0)
		return err_sys(e, "cannot give up the server's privileges");
	return 0;
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
#define LANDLOCK_FIRST        444 /* the same number on every architecture */
#define LANDLOCK_RULE_BENEATH 1
#define FS(bit)               (UINT64_C(1) << (bit))
#define FS_WRITE_FILE         FS(1)
#define FS_READ               (FS(2) | FS(3)) /* files, directories */
/* write, remove and make files and directories, link between directories, truncate */
#define FS_KEEP        (FS_WRITE_FILE | FS_READ | FS(4) | FS(5) | FS(7) | FS(8) | FS(13) | FS(14))
#define NET_ALL        UINT64_C(3) /* bind, connect */
#define SCOPE_ALL      UINT64_C(3) /* abstract sockets, signals */
#define VERSION_USEFUL 2           /* the first forbids all links and renames between directories */

/* What each version of the interface knows of the file system (landlock(7)). */
static uint64_t fs_rights(int version)
{
	unsigned bits = version >= 5 ? 16 : version >= 3 ? 15 : 14;

	return FS(bits) - 1;
}

static int allow(int rules, int fd, uint64_t rights)
{
	struct landlock_beneath b = {rights, fd};

	return (int)syscall(LANDLOCK_FIRST + 1, rules, LANDLOCK_RULE_BENEATH, &b, 0);
}

/* The version in force, 0 without. */
static int landlock_enter(const struct sandbox *s, struct err *e)
{
	int version = (int)syscall(LANDLOCK_FIRST, NULL, 0, 1);
	uint64_t known = fs_rights(version);
	struct landlock_rules r = {known, version >= 4 ? NET_ALL : 0, version >= 6 ? SCOPE_ALL : 0};

	if (version < VERSION_USEFUL)
		return 0;
	cleanup_fd int rules = (int)syscall(LANDLOCK_FIRST, &r, sizeof r, 0);
	if (rules < 0 || allow(rules, s->storage_fd, (s->read_only ? FS_READ : FS_KEEP) & known) < 0)
		return err_sys(e, "cannot put the server under Landlock");
	for (size_t i = 0; i < s->n_read; i++)
		if (allow(rules, s->read_fds[i], FS_READ) < 0 && allow(rules, s->read_fds[i], FS(2)) < 0)
			return err_sys(e, "cannot put the server under Landlock");
	if (syscall(LANDLOCK_FIRST + 2, rules, 0) < 0)
		return err_sys(e, "cannot put the server under Landlock");
	return version;
}

/* ---------------------------------------------------------------- system calls */

static const char *const calls[] = {
        /* connections */
        "accept",
        "accept4",
        "recvfrom",
        "recvmsg",
        "sendto",
        "sendmsg",
        "shutdown",
        "getsockopt",
        "setsockopt",
        "getsockname",
        "getpeername",
        "poll",
        "ppoll",
        "epoll_wait",
        "epoll_pwait",
        "epoll_ctl",
        "eventfd2",
        "pipe2",
        "sendfile",
        "sendfile64",
        "select",
        "pselect6",
        /* the storage */
        "openat",
        "openat2",
        "close",
        "read",
        "readv",
        "pread64",
        "write",
        "writev",
        "pwrite64",
        "pwritev",
        "lseek",
        "_llseek",
        "fstat",
        "fstat64",
        "fstatat64",
        "newfstatat",
        "statx",
        "stat",
        "lstat",
        "access",
        "faccessat",
        "faccessat2",
        "readlink",
        "readlinkat",
        "getdents64",
        "linkat",
        "unlinkat",
        "renameat",
        "renameat2",
        "mkdirat",
        "fchmod",
        "fchmodat",
        "ftruncate",
        "ftruncate64",
        "fallocate",
        "fsync",
        "fdatasync",
        "syncfs",
        "sync_file_range",
        "flock",
        "utimensat",
        "copy_file_range",
        "splice",
        "fadvise64",
        "readahead",
        "fstatfs",
        "fstatfs64",
        "fcntl",
        "fcntl64",
        "dup",
        "dup3",
        "close_range",
        /* threads and memory */
        "futex",
        "futex_time64",
        "set_robust_list",
        "rseq",
        "set_tid_address",
        "sched_yield",
        "sched_getaffinity",
        "membarrier",
        "gettid",
        "getpid",
        "brk",
        "munmap",
        "mremap",
        "madvise",
        "exit",
        "exit_group",
        "sigaltstack",
        "rt_sigaction",
        "rt_sigprocmask",
        "rt_sigreturn",
        "rt_sigtimedwait",
        "restart_syscall",
        "getrusage",
        "sysinfo",
        "getrandom",
        "umask",
        "getuid",
        "geteuid",
        "getgid",
        "getegid",
        /* time */
        "clock_gettime",
        "clock_gettime64",
        "clock_nanosleep",
        "clock_nanosleep_time64",
        "clock_getres",
        "nanosleep",
        "gettimeofday",
        "time",
};

static int add(
        scmp_filter_ctx f, uint32_t action, const char *name, unsigned n, const struct scmp_arg_cmp *args)
{
	int nr = seccomp_syscall_resolve_name(name);

	/* What this architecture doesn't have needs no rule. */
	if (nr < 0)
		return 0;
	return seccomp_rule_add_array(f, action, nr, n, args);
}

#define EQUAL(arg, value)      ((struct scmp_arg_cmp){(arg), SCMP_CMP_EQ, (value), 0})
#define BITS(arg, mask, value) ((struct scmp_arg_cmp){(arg), SCMP_CMP_MASKED_EQ, (mask), (value)})
#define CONDITION(...)                                                                                       \
	(1), (const struct scmp_arg_cmp[])                                                                   \
	{                                                                                                    \
		__VA_ARGS__                                                                                  \
	}

static int add_conditions(scmp_filter_ctx f)
{
	const uint32_t yes = SCMP_ACT_ALLOW;
	int bad = 0;

	/* threads, no processes; the C library takes clone(2) when clone3(2), whose arguments no filter can
	 * see, isn't there */
	bad |= add(f, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
	bad |= add(f, yes, "clone", CONDITION(BITS(0, CLONE_THREAD, CLONE_THREAD)));
	/* no memory that can be executed */
	bad |= add(f, yes, "mmap", CONDITION(BITS(2, PROT_EXEC, 0)));
	bad |= add(f, yes, "mmap2", CONDITION(BITS(2, PROT_EXEC, 0)));
	bad |= add(f, yes, "mprotect", CONDITION(BITS(2, PROT_EXEC, 0)));
	/* a thread's name; pairs of sockets that lead nowhere; abort(); its own limits */
	bad |= add(f, yes, "prctl", CONDITION(EQUAL(0, PR_SET_NAME)));
	bad |= add(f, yes, "socketpair", CONDITION(EQUAL(0, AF_UNIX)));
	bad |= add(f, yes, "tgkill", CONDITION(EQUAL(0, (scmp_datum_t)getpid())));
	bad |= add(f, yes, "prlimit64", CONDITION(EQUAL(0, 0)));
	return bad;
}

static int seccomp_enter(struct sandbox_state *state, struct err *e)
{
#if !defined __SANITIZE_ADDRESS__
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc = f ? 0 : -ENOMEM;

	for (size_t i = 0; rc == 0 && i < sizeof calls / sizeof *calls; i++)
		rc = add(f, SCMP_ACT_ALLOW, calls[i], 0, NULL);
	if (rc == 0)
		rc = add_conditions(f);
#ifdef SCMP_FLTATR_CTL_OPTIMIZE
	if (rc == 0)
		seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree: few steps for each call */
#endif
	if (rc == 0)
		rc = seccomp_load(f);
	seccomp_release(f);
	if (rc < 0) {
		errno = -rc;
		return err_sys(e, "cannot put the server under seccomp");
	}
	state->seccomp = true;
#else
	(void)state; /* the sanitizers need more calls than can be listed */
	(void)e;
	(void)calls;
	(void)add_conditions;
#endif
	return 0;
}

/* Neither capabilities nor Landlock reach the threads that are there already. */
static int check_alone(struct err *e)
{
	cleanup_dir DIR *d = opendir("/proc/self/task");
	unsigned threads = 0;

	for (struct dirent *entry; d && (entry = readdir(d));)
		threads += entry->d_name[0] != '.';
	if (threads > 1)
		return err_set(
		        e, ERR_OTHER, "the server has %u threads before it is in its sandbox", threads);
	return 0;
}

/* Where there is no Landlock, the user who owns the storage is often root, to whom most files belong even
 * without a capability: so no path leads out of the storage. (Landlock says the same more strictly where it
 * is.) Whoever may not do this has no root's files to lose. Proven by registry.bats "sandbox". */
static void confine(const struct sandbox *s)
{
	if (fchdir(s->storage_fd) == 0 && chroot(".") == 0)
		return;
	if (errno != EPERM)
		log_line(
		        LOG_LEVEL_WARN, "the server sees more than its storage: chroot: %s", strerror(errno));
}

int sandbox_enter(const struct sandbox *s, struct sandbox_state *state, struct err *e)
{
	memset(state, 0, sizeof *state);
	if (check_alone(e) < 0)
		return -1;
	confine(s);
	if (drop_rights(e) < 0)
		return -1;
	state->capabilities = true;
	state->landlock = landlock_enter(s, e);
	return state->landlock < 0 ? -1 : seccomp_enter(state, e);
}
