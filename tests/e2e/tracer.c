/* tracer N: in a container, takes over N processes that are stopped (see newborn.c), and tells what each has,
 * or can do, that this one can't: "seized" or why not, then a line for each find, then "end". It lets them go
 * as they were. */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined __x86_64__
#define PC(r) ((r).rip)
#define SP(r) ((r).rsp)
/* syscall; int3 */
static const unsigned char call_and_stop[] = {0x0f, 0x05, 0xcc, 0, 0, 0, 0, 0};
static void set_call(struct user_regs_struct *r, long nr, const long a[4])
{
	r->rax = (unsigned long)nr;
	r->orig_rax = ~0UL; /* nothing to restart */
	r->rdi = (unsigned long)a[0];
	r->rsi = (unsigned long)a[1];
	r->rdx = (unsigned long)a[2];
	r->r10 = (unsigned long)a[3];
	r->r8 = 0;
}
#define RESULT(r) ((long)(r).rax)
#elif defined __aarch64__
#define PC(r)     ((r).pc)
#define SP(r)     ((r).sp)
/* svc #0; brk #0 */
static const unsigned char call_and_stop[] = {0x01, 0, 0, 0xd4, 0, 0, 0x20, 0xd4};
static void set_call(struct user_regs_struct *r, long nr, const long a[4])
{
	r->regs[8] = (unsigned long)nr;
	for (int i = 0; i < 4; i++)
		r->regs[i] = (unsigned long)a[i];
	r->regs[4] = 0;
}
#define RESULT(r) ((long)(r).regs[0])
#endif

struct victim {
	pid_t pid;
	struct user_regs_struct saved;
	unsigned long room; /* for strings, below its stack */
};

static bool get_registers(pid_t pid, struct user_regs_struct *r)
{
	struct iovec v = {r, sizeof *r};
	return ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v) == 0;
}

static bool set_registers(pid_t pid, struct user_regs_struct *r)
{
	struct iovec v = {r, sizeof *r};
	return ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v) == 0;
}

static void put(pid_t pid, unsigned long at, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i += sizeof(long)) {
		long word = 0;
		memcpy(&word, (const char *)data + i, len - i < sizeof word ? len - i : sizeof word);
		ptrace(PTRACE_POKEDATA, pid, at + i, word);
	}
}

/* A system call of the victim's. Its result, as the kernel gives it. */
static long call(struct victim *v, long nr, long a, long b, long c, long d)
{
	struct user_regs_struct r = v->saved;
	unsigned long at = PC(r) & ~7UL;
	long kept = ptrace(PTRACE_PEEKTEXT, v->pid, at, 0);
	int status;

	put(v->pid, at, call_and_stop, sizeof call_and_stop);
	PC(r) = at;
	set_call(&r, nr, (long[]){a, b, c, d});
	set_registers(v->pid, &r);
	do {
		ptrace(PTRACE_CONT, v->pid, 0, 0);
		if (waitpid(v->pid, &status, __WALL) < 0 || !WIFSTOPPED(status))
			return -ECHILD;
	} while (WSTOPSIG(status) != SIGTRAP || status >> 16);
	get_registers(v->pid, &r);
	ptrace(PTRACE_POKETEXT, v->pid, at, kept);
	return RESULT(r);
}

static unsigned long text(struct victim *v, const char *s)
{
	v->room -= (strlen(s) + 16) & ~15UL;
	put(v->pid, v->room, s, strlen(s) + 1);
	return v->room;
}

/* -------------------------------------------------------------- what it can do */

static void try(struct victim *v)
{
	long none = (long)text(v, "tmpfs"), dir = (long)text(v, "/mnt"), node = (long)text(v, "/disk");

	if (call(v, SYS_mount, none, dir, none, 0) == 0)
		puts("it can mount");
	call(v, SYS_mknodat, AT_FDCWD, node, S_IFBLK | 0600, (long)makedev(254, 0));
	long fd = call(v, SYS_openat, AT_FDCWD, node, O_RDONLY, 0);
	if (fd >= 0 || fd == -ENXIO)
		puts("it can open devices");
	if (call(v, SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0) >= 0)
		puts("it has no filter");
	if (call(v, SYS_sethostname, none, 5, 0, 0) == 0)
		puts("it can set the host name");
}

/* -------------------------------------------------------------- what it has */

static const char *status_of(pid_t pid, const char *key, char line[200])
{
	char path[32];

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	FILE *f = fopen(path, "re");
	do
		*line = 0;
	while (f && fgets(line, 200, f) && strncmp(line, key, strlen(key)) != 0);
	if (f)
		fclose(f);
	return line;
}

static void compare_status(pid_t pid)
{
	static const char *const keys[] = {"Uid:", "Gid:", "Groups:", "CapInh:", "CapPrm:", "CapEff:",
	        "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:"};
	char ours[200], its[200];

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strcmp(status_of(getpid(), keys[i], ours), status_of(pid, keys[i], its)) != 0)
			printf("its %s", its);
}

static void compare_namespaces(pid_t pid)
{
	static const char *const names[] = {
	        "root/.", "ns/mnt", "ns/pid", "ns/net", "ns/uts", "ns/ipc", "ns/cgroup", "ns/user"};
	char path[64];
	struct stat ours, its;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "/proc/self/%s", names[i]);
		int rc = stat(path, &ours);
		snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, names[i]);
		if (rc || stat(path, &its) || ours.st_dev != its.st_dev || ours.st_ino != its.st_ino)
			printf("another %s\n", names[i]);
	}
}

static void compare_limits(pid_t pid)
{
	struct rlimit ours, its;

	for (int i = 0; i < RLIM_NLIMITS; i++)
		if (prlimit(0, i, NULL, &ours) || prlimit(pid, i, NULL, &its) || its.rlim_max > ours.rlim_max)
			printf("limit %d is higher\n", i);
}

static void look_at_descriptors(pid_t pid)
{
	char path[300], target[300];

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, target, sizeof target - 1);
		if (n < 0)
			continue;
		target[n] = 0;
		if (strncmp(target, "pipe:", 5) != 0 && strncmp(target, "/dev/", 5) != 0)
			printf("descriptor %s: %s\n", e->d_name, target);
	}
	if (!d || closedir(d))
		puts("no descriptors to be seen");
}

/* A copy in memory (before 5.12) can be opened and its mode belongs to the container, but its bytes are
 * sealed: a hole behind its end would change nothing, and is refused. */
static bool can_be_changed(const char *exe)
{
	char target[16] = "";
	bool copy = readlink(exe, target, sizeof target - 1) > 0 && !strncmp(target, "/memfd:", 7);
	int fd = open(exe, O_WRONLY | O_CLOEXEC);

	if (!copy)
		return fd >= 0 || fchmodat(AT_FDCWD, exe, 0777, 0) == 0;
	return fd >= 0 && fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1 << 30, 4096) == 0;
}

static void look_at_files(pid_t pid)
{
	char path[64], target[300];

	snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
	if (can_be_changed(path))
		puts("its program can be changed");
	snprintf(path, sizeof path, "/proc/%d/cwd", (int)pid);
	ssize_t n = readlink(path, target, sizeof target - 1);
	if (n < 1 || *target != '/')
		puts("its working directory is outside");
	snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (read(fd, target, sizeof target) > 0 && strncmp(target, "TARE_WITHOUT=", 13) != 0)
		puts("it has an environment");
}

/* -------------------------------------------------------------- all of it */

static pid_t await_stopped(void)
{
	for (;; usleep(2000)) {
		char line[200];
		DIR *d = opendir("/proc");
		for (struct dirent *e; d && (e = readdir(d));) {
			pid_t pid = atoi(e->d_name);
			if (pid > 0 && strchr(status_of(pid, "State:", line), 'T')) {
				closedir(d);
				return pid;
			}
		}
		if (d)
			closedir(d);
	}
}

static void attack(pid_t pid)
{
	struct victim v = {.pid = pid};
	int status;

	if (ptrace(PTRACE_SEIZE, pid, 0, 0)) {
		printf("not seized: %s\n", strerrorname_np(errno));
	} else if (waitpid(pid, &status, __WALL) == pid && get_registers(pid, &v.saved)) {
		puts("seized");
		v.room = SP(v.saved) - 4096;
		compare_status(pid);
		compare_namespaces(pid);
		compare_limits(pid);
		look_at_descriptors(pid);
		look_at_files(pid);
		try(&v);
		set_registers(pid, &v.saved);
		ptrace(PTRACE_DETACH, pid, 0, 0);
	}
	puts("end");
	fflush(stdout);
	kill(pid, SIGCONT);
}

int main(int argc, char **argv)
{
	for (int n = argc > 1 ? atoi(argv[1]) : 1; n > 0; n--) {
		pid_t pid = await_stopped();
		char line[200];
		attack(pid);
		while (*status_of(pid, "State:", line)) /* our end would be its end */
			usleep(1000);
	}
	return 0;
}
