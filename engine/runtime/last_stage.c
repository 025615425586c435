#include "engine/runtime/last_stage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/init/handoff.h"
#include "engine/oci/rlimit.h"
#include "engine/oci/runtime_spec.h"
#include "engine/runtime/launch.h"
#include "engine/runtime/seccomp_prologue.h"

/* Executed by all, read by none but its owner (the Makefile gives it this mode, too): a process whose program
 * it may not read is closed to a user namespace's root, with CAP_SYS_PTRACE as well, from execve on (attack
 * 28). Test: userns.bats, "who joins is closed to root inside". */
#define INIT_MODE 0711

/* CVE-2019-5736: a container that gets hold of the running tare-init (/proc/self/exe as interpreter, or
 * /proc/PID/exe) finds a file on a detached mount that is read-only for good: nobody has a path to
 * remount it by. Test: test_runtime_launch.c, container_cannot_write_to_init. */
static int seal_by_mount(const char *path)
{
	const uint64_t sealed = DEFENCE("sealed-mount") ? MOUNT_ATTR_RDONLY : 0;
	struct mount_attr attr = {.attr_set = sealed | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
	cleanup_fd int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0 || mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof attr))
		return -1;
	return steal_fd(&fd);
}

/* The same for kernels before 5.12: a copy in memory that is sealed against every change. */
static int seal_by_memfd(const char *path)
{
	cleanup_fd int from = open(path, O_RDONLY | O_CLOEXEC);
	cleanup_fd int fd = memfd_create("tare-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;

	if (from < 0 || fd < 0 || fstat(from, &st))
		return -1;
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = sendfile(fd, from, NULL, (size_t)left);
		if (n <= 0)
			return -1;
		left -= n;
	}
	if (fchmod(fd, DEFENCE("unreadable") ? INIT_MODE & ~S_IWUSR : 0555))
		return -1;
	if (DEFENCE("sealed-memfd") &&
	        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE))
		return -1;
	return steal_fd(&fd);
}

/* Before 5.12, an ordinary user: a file of somebody else's, who lets us execute it and no more. We cannot
 * copy it, and no process of ours can change it, so it needs no seal. */
static int leave_to_owner(const char *path)
{
	cleanup_fd int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return -1;
	if (st.st_uid == geteuid() || !faccessat(AT_FDCWD, path, W_OK, AT_EACCESS)) {
		errno = EACCES;
		return -1;
	}
	return steal_fd(&fd);
}

int last_stage_open(const char *init_path, enum last_stage_seal seal, struct err *e)
{
	int fd = -1;

	if (!DEFENCE("unreadable")) /* the file has its mode from elsewhere */
		seal = LAST_STAGE_MEMFD;
	if (seal != LAST_STAGE_MEMFD)
		fd = seal_by_mount(init_path);
	if (fd < 0 && (seal == LAST_STAGE_MEMFD || (seal == LAST_STAGE_BEST && errno == ENOSYS)))
		fd = seal_by_memfd(init_path);
	if (fd < 0 && seal == LAST_STAGE_BEST && errno == EACCES)
		fd = leave_to_owner(init_path);
	if (fd < 0)
		return err_sys(e, "cannot open %s sealed against the container", init_path);
	return fd;
}

static const char *limit_text(uint64_t v, char dst[24])
{
	if (v == RLIM_INFINITY)
		return "unlimited";
	snprintf(dst, 24, "%llu", (unsigned long long)v);
	return dst;
}

static void warn_of_limit(const struct spec_rlimit *want, uint64_t most)
{
	const char *name = rlimit_name(want->resource);
	char asked[24], given[24];

	log_line(LOG_LEVEL_WARN,
	        "ulimit %s: %s is more than the %s that this process may give without CAP_SYS_RESOURCE; "
	        "using "
	        "%s",
	        name ? name : "?", limit_text(want->hard, asked), limit_text(most, given), given);
}

/* A limit above our own hard one can't be had without CAP_SYS_RESOURCE: give what there is. */
static struct init_rlimit rlimit_possible(const struct spec_rlimit *want)
{
	struct init_rlimit r = {(uint64_t)want->resource, want->soft, want->hard};
	struct rlimit now;

	if (prlimit(0, (__rlimit_resource_t)want->resource, NULL, &now) || r.hard <= now.rlim_max)
		return r;
	struct rlimit try = {r.soft, r.hard};
	if (!prlimit(0, (__rlimit_resource_t)want->resource, &try, NULL))
		return r;
	warn_of_limit(want, now.rlim_max);
	r.hard = now.rlim_max;
	if (r.soft > r.hard)
		r.soft = r.hard;
	return r;
}

static void add_string(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s) + 1);
}

/* Of the environment only what the image and the user gave: the caller's has his secrets. Test:
 * test_runtime_launch.c, env_is_the_containers_alone. */
static void add_strings(struct buf *b, const struct last_stage *s, uint32_t *n_env)
{
	bool home = false;

	add_string(b, s->spec->cwd && *s->spec->cwd ? s->spec->cwd : "/");
	add_string(b, s->proc_fd >= 0 && s->spec->apparmor ? s->spec->apparmor : "");
	strv_foreach (arg, s->spec->args)
		add_string(b, *arg);
	for (char **v = environ; !DEFENCE("environment") && *v; v++, ++*n_env)
		add_string(b, *v);
	strv_foreach (v, s->spec->env) {
		home |= !strncmp(*v, "HOME=", 5);
		add_string(b, *v);
	}
	if (!home) {
		buf_str_add(b, "HOME=");
		add_string(b, *s->who->home ? s->who->home : "/");
		++*n_env;
	}
}

static struct init_block block_head(const struct last_stage *s)
{
	const struct runtime_spec *spec = s->spec;
	uint64_t may = capability_bounding();
	uint32_t flags = 0;

	if (s->stay)
		flags |= INIT_STAY;
	if (spec->no_new_privileges)
		flags |= INIT_NO_NEW_PRIVS;
	if (s->proc_fd >= 0)
		flags |= INIT_HAS_PROC;
	if (spec->seccomp_log)
		flags |= INIT_SECCOMP_LOG;
	if (s->join)
		flags |= INIT_JOIN;
	if (s->terminal)
		flags |= INIT_TERMINAL;
	return (struct init_block){
	        .magic = INIT_MAGIC,
	        .flags = flags,
	        .uid = s->who->uid,
	        .gid = s->who->gid,
	        .umask = spec->umask,
	        .n_rlimits = (uint32_t)spec->n_rlimits,
	        .n_filter = s->seccomp ? (uint32_t)s->seccomp->n_insns : 0,
	        .n_groups = (uint32_t)s->who->n_groups,
	        .n_args = (uint32_t)strv_len(spec->args),
	        .n_env = (uint32_t)strv_len(spec->env),
	        .bounding = spec->caps.bounding & may,
	        .effective = spec->caps.effective & may,
	        .permitted = spec->caps.permitted & may,
	        .inheritable = spec->caps.inheritable & may,
	        .ambient = spec->caps.ambient & may,
	};
}

/* The filter, for who joins with its own birth allowed. */
static int add_filter(struct buf *b, const struct last_stage *s, struct init_block *head, struct err *e)
{
	struct sock_filter birth[SECCOMP_BIRTH_INSNS];

	if (!head->n_filter)
		return 0;
	if (s->join && head->n_filter + SECCOMP_BIRTH_INSNS <= INIT_FILTER_MAX) {
		if (getrandom(head->secret, sizeof head->secret, 0) != sizeof head->secret)
			return err_sys(e, "cannot get random bytes");
		head->n_filter += (uint32_t)seccomp_prologue_birth(head->secret, birth);
		buf_add(b, birth, sizeof birth);
	}
	buf_add(b, s->seccomp->insns, s->seccomp->n_insns * sizeof(struct sock_filter));
	return 0;
}

static int write_block(const struct last_stage *s, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(INIT_BLOCK_MAX);
	cleanup_fd int fd = memfd_create("block", MFD_CLOEXEC);
	struct init_block head = block_head(s);

	buf_add(&b, &head, sizeof head);
	for (size_t i = 0; i < s->spec->n_rlimits; i++) {
		struct init_rlimit r = rlimit_possible(&s->spec->rlimits[i]);
		buf_add(&b, &r, sizeof r);
	}
	if (add_filter(&b, s, &head, e))
		return -1;
	buf_add(&b, s->who->groups, head.n_groups * sizeof(uint32_t));
	size_t strings_at = b.len;
	add_strings(&b, s, &head.n_env);
	if (b.failed)
		return err_set(e, ERR_NOT_EXECUTABLE, "arguments and environment are too long");
	head.strings = (uint32_t)(b.len - strings_at);
	head.size = (uint32_t)b.len;
	memcpy(b.data, &head, sizeof head);
	if (fd < 0 || write_all(fd, b.data, b.len))
		return err_sys(e, "cannot write the hand-over block");
	return steal_fd(&fd);
}

/* Move to a number that none of init's fixed ones can overwrite. */
static int move_high(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 16);
}

/* Signals that the launcher ignores or blocks would stay so in the command. By the system call: the C library
 * refuses the signals that it keeps for its threads, which programs started by make have ignored. */
static void reset_signals(void)
{
	/* All zero is SIG_DFL, no flags and an empty mask, whatever the kernel's structure looks like here.
	 */
	const unsigned long dfl[8] = {0};
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, dfl, NULL, (size_t)(NSIG - 1) / 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int last_stage_exec(const struct last_stage *s, struct err *e)
{
	char *argv[] = {(char[]){"tare-init"}, NULL};
	int block = write_block(s, e);

	if (block < 0)
		return -1;
	reset_signals();
	/* R3: whatever the calling program had open, nothing but our three crosses into init. (Before 5.11
	 * only what birth() has marked by way of /proc, which here is the container's.) */
	int high_block = move_high(block), report = move_high(s->report_fd), proc = move_high(s->proc_fd);
	int init = move_high(s->init_fd);
	if (DEFENCE("caller-descriptors"))
		close_fd_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	if (dup2(high_block, INIT_BLOCK_FD) < 0 || dup2(report, INIT_REPORT_FD) < 0 ||
	        (proc >= 0 && dup2(proc, INIT_PROC_FD) < 0))
		return err_sys(e, "cannot arrange descriptors for tare-init");
	syscall(SYS_execveat, init, "", argv, NO_ENVIRONMENT, AT_EMPTY_PATH);
	return err_sys(e, "cannot execute tare-init");
}
