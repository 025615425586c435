/* tare-init: the last stage inside the container, for the first process and for every exec.
 *
 * Its binary is a detached read-only mount or a sealed memory file (CVE-2019-5736), it has three descriptors
 * beside 0-2, no heap, no environment. It gives up rights in the order that runc and crun came to: limits,
 * AppArmor, working directory, [seccomp], bounding set, groups, gid, uid, capability sets, no_new_privs,
 * [seccomp], descriptors. Where others live in the pid namespace already, all this happens outside, and only
 * then it is born inside (be_born_inside). Then execve. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/defence.h"
#include "engine/init/block.h"
#include "engine/init/handoff.h"
#include "engine/init/reaper.h"

static _Noreturn void fail(enum init_stage stage)
{
	struct init_report r = {INIT_SAYS_FAILED, stage, errno};

	(void)!write(INIT_REPORT_FD, &r, sizeof r);
	_exit(125);
}

static void say(enum init_word word, long value)
{
	struct init_report r = {word, 0, (int32_t)value};

	(void)!write(INIT_REPORT_FD, &r, sizeof r);
}

/* By number: not every C library has close_range(2). */
static void close_from(unsigned first)
{
	if (!DEFENCE("caller-descriptors"))
		return;
	syscall(SYS_close_range, first, ~0U, 0);
}

static void apply_rlimits(const struct init_plan *p)
{
	for (uint32_t i = 0; i < p->block->n_rlimits; i++) {
		struct init_rlimit r;
		memcpy(&r, p->rlimits + i * sizeof r, sizeof r);
		struct rlimit v = {r.soft, r.hard};
		if (setrlimit((int)r.resource, &v))
			fail(INIT_STAGE_RLIMIT);
	}
}

/* The label of the coming execve, written through a procfs that no mount of the container can cover
 * (CVE-2019-19921, CVE-2025-52881). The kernel wants the writer to have opened the file with its present
 * memory, so the launcher can't do it for us. Who stays as process 1 never executes: it changes at once, or
 * what joins the container would take over that it has none. Test: apparmor.bats. */
static void apply_apparmor(const struct init_plan *p)
{
	static const char *const files[2][2] = {{"self/attr/apparmor/exec", "self/attr/exec"},
	        {"self/attr/apparmor/current", "self/attr/current"}};
	bool stays = p->block->flags & INIT_STAY;
	const char *verb = stays ? "changeprofile " : "exec ";
	char text[512];
	size_t len = strlen(p->apparmor), n = strlen(verb);

	if (!len)
		return;
	errno = ENAMETOOLONG;
	if (n + len > sizeof text)
		fail(INIT_STAGE_APPARMOR);
	memcpy(text, verb, n);
	memcpy(text + n, p->apparmor, len);
	int fd = openat(INIT_PROC_FD, files[stays][0], O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		fd = openat(INIT_PROC_FD, files[stays][1], O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, n + len) != (ssize_t)(n + len))
		fail(INIT_STAGE_APPARMOR);
	close(fd);
}

/* CVE-2024-21626: a working directory such as /proc/self/fd/7 leads into a directory of the host that was
 * left open. After chdir the kernel must name it from the container's root ("(unreachable)…" otherwise).
 * Test: test_runtime_launch.c, a_working_directory_outside_is_refused. */
static void check_cwd_inside(void)
{
	char path[4096];
	long n = syscall(SYS_getcwd, path, sizeof path);

	if (n < 0 && errno == ERANGE)
		return; /* deeper than PATH_MAX, but reachable: unreachable ones fit */
	if (DEFENCE("cwd-inside") && (n < 1 || path[0] != '/')) {
		errno = EXDEV;
		fail(INIT_STAGE_CWD_OUTSIDE);
	}
}

static bool enter_cwd(const struct init_plan *p)
{
	if (chdir(p->cwd))
		return false;
	check_cwd_inside();
	return true;
}

static void load_seccomp(const struct init_plan *p)
{
	struct sock_fprog prog = {(unsigned short)p->block->n_filter, p->filter};

	if (!prog.len || !DEFENCE("seccomp"))
		return;
	unsigned long flags = p->block->flags & INIT_SECCOMP_LOG ? SECCOMP_FILTER_FLAG_LOG : 0;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog))
		fail(INIT_STAGE_SECCOMP);
}

static void drop_bounding(uint64_t keep)
{
	for (unsigned long cap = 0; DEFENCE("bounding") && cap < 64; cap++) {
		if (keep >> cap & 1 || !prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			continue;
		if (errno == EINVAL)
			return; /* above the kernel's last capability */
		fail(INIT_STAGE_BOUNDING);
	}
}

/* An ordinary user without ranges of ids may map its own group only, and the price of that is that no group
 * can be dropped (attack 25: a file's mode may shut a group out). Group 1 is not there then. */
static bool only_own_group(void)
{
	return errno == EPERM && syscall(SYS_setresgid, -1, 1, -1) && errno == EINVAL;
}

static void change_user(const struct init_plan *p)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		fail(INIT_STAGE_CAPS);
	if (syscall(SYS_setgroups, (size_t)p->block->n_groups, p->groups) && !only_own_group())
		fail(INIT_STAGE_GROUPS);
	if (syscall(SYS_setresgid, p->block->gid, p->block->gid, p->block->gid))
		fail(INIT_STAGE_GID);
	if (syscall(SYS_setresuid, p->block->uid, p->block->uid, p->block->uid))
		fail(INIT_STAGE_UID);
}

/* Nothing stays inheritable unless asked for (CVE-2022-24769, CVE-2022-29162). A user other than root starts
 * with its ambient set alone, as setuid would leave it; the bounding set stays for setuid programs. */
static void apply_caps(const struct init_block *b)
{
	struct {
		uint32_t version;
		int pid;
	} head = {0x20080522, 0};
	struct {
		uint32_t effective, permitted, inheritable;
	} data[2];
	uint64_t permitted = b->uid ? b->ambient : b->permitted | b->effective | b->ambient;
	uint64_t effective = b->uid ? b->ambient : b->effective | b->ambient;
	uint64_t inheritable = b->inheritable | b->ambient;
	if (!DEFENCE("inheritable"))
		inheritable = b->bounding;

	for (int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(effective >> 32 * i);
		data[i].permitted = (uint32_t)(permitted >> 32 * i);
		data[i].inheritable = (uint32_t)(inheritable >> 32 * i);
	}
	if (syscall(SYS_capset, &head, data))
		fail(INIT_STAGE_CAPS);
	for (unsigned long cap = 0; cap < 64; cap++)
		if (b->ambient >> cap & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0))
			fail(INIT_STAGE_CAPS);
}

/* execve has no errno for "is a directory" but EACCES, and ENOENT also means that a script's interpreter
 * or the loader is missing: the launcher's message sorts that out by the stage. */
static _Noreturn void execute(const struct init_plan *p)
{
	const char *path = init_plan_path(p);
	size_t name_len = strlen(p->args[0]);
	bool denied = false;
	char full[4096];

	if (!name_len) {
		errno = ENOENT;
		fail(INIT_STAGE_FIND);
	}
	if (strchr(p->args[0], '/')) {
		execve(p->args[0], p->args, p->env);
		fail(INIT_STAGE_EXEC);
	}
	for (const char *end; path; path = *end ? end + 1 : NULL) {
		end = strchrnul(path, ':');
		size_t len = (size_t)(end - path);
		if (len + name_len + 2 > sizeof full)
			continue;
		memcpy(full, path, len);
		if (len)
			full[len++] = '/';
		memcpy(full + len, p->args[0], name_len + 1);
		execve(full, p->args, p->env);
		if (errno == EACCES)
			denied = true;
		else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != ENAMETOOLONG)
			fail(INIT_STAGE_EXEC);
		else if (errno == ENOENT && !faccessat(AT_FDCWD, full, F_OK, 0)) {
			errno = ENOENT; /* there, but its interpreter is not */
			fail(INIT_STAGE_EXEC);
		}
	}
	errno = denied ? EACCES : ENOENT;
	fail(denied ? INIT_STAGE_EXEC : INIT_STAGE_FIND);
}

static void run_command(const struct init_plan *p)
{
	say(INIT_SAYS_READY, 0);
	/* No descriptor of the host crosses into the command, whoever opened it. */
	close_from(INIT_PROC_FD);
	close(INIT_BLOCK_FD);
	execute(p);
}

static void give_up_rights(const struct init_plan *p)
{
	const struct init_block *b = p->block;
	bool nnp = b->flags & INIT_NO_NEW_PRIVS;

	apply_rlimits(p);
	apply_apparmor(p);
	umask(b->umask);
	bool in_cwd = enter_cwd(p);
	if (!nnp)
		load_seccomp(p);
	drop_bounding(b->bounding);
	change_user(p);
	apply_caps(b);
	if (!in_cwd && !enter_cwd(p)) /* a directory that only the user may enter (NFS without root) */
		fail(INIT_STAGE_CWD);
	if (nnp && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		fail(INIT_STAGE_NO_NEW_PRIVS);
	if (nnp)
		load_seccomp(p);
}

/* Attack 28, CVE-2016-9962, CVE-2019-5736: with CAP_SYS_PTRACE a container may take over each process that it
 * can see, or read its memory and descriptors. So who joins gives up all that the container lacks where
 * nobody of it can see him, and only then appears, as a child of the launcher's, with the container's
 * capabilities, filter, limits and root, and of the host nothing but the pipe and, unreadable, our binary.
 * The filter must stand before: a process without one is worth as much. Test: isolation.bats, "who joins
 * holds nothing that the container lacks". */
static void be_born_inside(const struct init_plan *p)
{
	const struct init_block *b = p->block;

	if (!(b->flags & INIT_JOIN))
		return;
	if (DEFENCE("born-last")) {
		close(INIT_BLOCK_FD);
		close_from(INIT_PROC_FD);
	}
	long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, b->secret[0], b->secret[1], 0);
	if (pid < 0)
		fail(INIT_STAGE_JOIN);
	if (pid > 0) {
		say(INIT_SAYS_BORN, pid);
		_exit(0);
	}
	syscall(SYS_setsid, 0, 0, b->secret[0], b->secret[1]);
	if (b->flags & INIT_TERMINAL && syscall(SYS_ioctl, 0, TIOCSCTTY, b->secret[0], b->secret[1]))
		fail(INIT_STAGE_TERMINAL);
}

int main(void)
{
	struct init_plan plan;

	/* A process of the container must not look into us while we hold more than it (attack 28). */
	prctl(PR_SET_DUMPABLE, DEFENCE("joining-undumpable") ? 0 : 1, 0, 0, 0);
	fcntl(INIT_REPORT_FD, F_SETFD, FD_CLOEXEC);
	if (init_plan_read(INIT_BLOCK_FD, &plan))
		fail(INIT_STAGE_BLOCK);
	if (!DEFENCE("born-last"))
		be_born_inside(&plan);
	give_up_rights(&plan);
	if (DEFENCE("born-last"))
		be_born_inside(&plan);
	/* The launcher's death killed us so far; from here on the container outlives it. */
	prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	if (plan.block->flags & INIT_STAY) {
		pid_t child = reaper_fork();
		if (child < 0)
			fail(INIT_STAGE_FORK);
		if (child > 0) {
			close_from(3);
			reaper_run(child);
		}
	}
	run_command(&plan);
}
