/* inject: runs a command and all that it starts, counts each process's system calls, and at a chosen one
 * kills or lets the call fail.
 *
 *   inject -o REPORT [-a PID] [-p PROCESS -n NUMBER [-c NR] (-k one|tree | -e ERRNO)] [-q QUIET-MS] [-t
 * SECONDS] COMMAND…
 *
 * With -a what runs already, a monitor, is followed instead of the command, which then only sets it going:
 * "m".
 *
 * With -c the number is the least one, and the call has to be NR: threads take their numbers by chance.
 *
 * A process is named by its way down from the command, which is "0": "0.1" is its first child, "0.1.2" that
 * one's second. So a call is found again in the next run whatever runs beside it. A process that executes a
 * program whose name doesn't begin with "tare" is let go: what runs in a container is not the matter. When
 * the command has ended and nothing was called for QUIET-MS, what still runs (a monitor) is let go as well.
 *
 * REPORT has one record a line: "call PROCESS NUMBER NR SITE PATH", "pid PID START-TIME PROCESS", "hit NR",
 * "end STATUS", "hang". SITE is the same for two calls when they come from the same place of the program by
 * the same way; it is told only when nothing is injected. */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATH_ROOM   48
#define MAX_TRACEES 256
#define STACK_WORDS 512 /* how far above the stack's pointer return addresses are looked for, */
#define SITE_FRAMES 4   /* and how many of them tell one call site from another */
#define TICK_US     5000

struct tracee {
	pid_t pid;
	char path[PATH_ROOM];
	unsigned children, calls;
	bool named, held, failing;
	uint64_t text, text_end; /* of its program; 0: not looked up yet */
};

struct inject {
	FILE *report;
	const char *process;
	unsigned number;
	long call;
	bool kill_one, kill_tree, hit;
	int error;
	unsigned quiet_ms, limit_s;
	pid_t root, attached;
	bool root_ended;
	struct tracee tracees[MAX_TRACEES];
	size_t n;
};

static _Noreturn void fatal(const char *what)
{
	perror(what);
	exit(99);
}

/* ------------------------------------------------------------------ who is traced */

static struct tracee *find(struct inject *j, pid_t pid)
{
	for (size_t i = 0; i < j->n; i++)
		if (j->tracees[i].pid == pid)
			return &j->tracees[i];
	if (j->n == MAX_TRACEES) {
		fputs("inject: too many processes\n", stderr);
		exit(99);
	}
	j->tracees[j->n] = (struct tracee){.pid = pid};
	return &j->tracees[j->n++];
}

static void forget(struct inject *j, pid_t pid)
{
	for (size_t i = 0; i < j->n; i++)
		if (j->tracees[i].pid == pid) {
			j->tracees[i] = j->tracees[--j->n];
			return;
		}
}

static unsigned long long start_time(pid_t pid)
{
	char name[32], text[1024];
	unsigned long long ticks = 0;

	snprintf(name, sizeof name, "/proc/%d/stat", pid);
	FILE *f = fopen(name, "re");
	if (!f)
		return 0;
	size_t n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = '\0';
	const char *p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (p)
		sscanf(p, " %llu", &ticks);
	return ticks;
}

static void give_name(struct inject *j, struct tracee *t, const char *path)
{
	snprintf(t->path, sizeof t->path, "%s", path);
	t->named = true;
	fprintf(j->report, "pid %d %llu %s\n", t->pid, start_time(t->pid), t->path);
}

static void go_on(const struct tracee *t, int signal)
{
	ptrace(PTRACE_SYSCALL, t->pid, NULL, (void *)(intptr_t)signal);
}

/* ------------------------------------------------------------------ one system call */

/* Which argument of a call is a path worth telling; -1: none. */
static int path_argument(uint64_t nr)
{
	switch (nr) {
	case SYS_openat:
	case SYS_mkdirat:
	case SYS_unlinkat:
	case SYS_renameat2:
	case SYS_mknodat:
	case SYS_faccessat:
	case SYS_faccessat2:
	case SYS_fchmodat:
	case SYS_newfstatat:
	case SYS_readlinkat:
	case SYS_linkat:
	case SYS_openat2:
	case SYS_execveat:
	case SYS_utimensat:
	case SYS_statx:
	case SYS_name_to_handle_at:
		return 1;
	case SYS_symlinkat:
		return 2;
	case SYS_execve:
	case SYS_fsopen:
	case SYS_statfs:
		return 0;
#ifdef __x86_64__
	case SYS_open:
	case SYS_mkdir:
	case SYS_rmdir:
	case SYS_unlink:
	case SYS_rename:
	case SYS_access:
	case SYS_readlink:
	case SYS_symlink:
		return 0;
	case SYS_renameat:
		return 1;
#endif
	default:
		return -1;
	}
}

static void read_path(pid_t pid, uint64_t at, char *dst, size_t size)
{
	struct iovec to = {dst, size - 1}, from = {(void *)(uintptr_t)at, size - 1};
	ssize_t n;

	/* the string may end right before a page that isn't there */
	while ((n = process_vm_readv(pid, &to, 1, &from, 1, 0)) < 0 && from.iov_len > 1)
		to.iov_len = from.iov_len = from.iov_len / 2;
	dst[n < 0 ? 0 : n] = '\0';
	for (char *p = dst; *p; p++)
		if (*p <= ' ' || *p > '~')
			*p = '?';
}

static bool is_about_descriptor(uint64_t nr)
{
	return nr == SYS_read || nr == SYS_write || nr == SYS_pread64 || nr == SYS_pwrite64 ||
	       nr == SYS_fsync || nr == SYS_fdatasync || nr == SYS_ftruncate || nr == SYS_getdents64 ||
	       nr == SYS_flock || nr == SYS_fchmod || nr == SYS_fchown || nr == SYS_fallocate ||
	       nr == SYS_copy_file_range;
}

static void read_descriptor(pid_t pid, uint64_t fd, char *dst, size_t size)
{
	char name[48];

	snprintf(name, sizeof name, "/proc/%d/fd/%d", pid, (int)fd);
	ssize_t n = readlink(name, dst, size - 1);
	dst[n < 0 ? 0 : n] = '\0';
}

/* Where the code of its program is. */
static void find_text(struct tracee *t)
{
	char name[48], program[256], line[512];
	unsigned long long start, end;

	t->text = t->text_end = 1;
	snprintf(name, sizeof name, "/proc/%d/exe", t->pid);
	ssize_t n = readlink(name, program, sizeof program - 1);
	snprintf(name, sizeof name, "/proc/%d/maps", t->pid);
	FILE *f = n < 0 ? NULL : fopen(name, "re");
	if (!f)
		return;
	program[n] = '\0';
	while (fgets(line, sizeof line, f))
		if (strstr(line, program) && strstr(line, " r-xp ") &&
		        sscanf(line, "%llx-%llx", &start, &end) == 2) {
			t->text = start;
			t->text_end = end;
			break;
		}
	fclose(f);
}

/* The innermost return addresses into the program, as one number. */
static uint64_t call_site(struct tracee *t, uint64_t stack)
{
	uint64_t words[STACK_WORDS], site = 14695981039346656037U;
	struct iovec to = {words, sizeof words}, from = {(void *)(uintptr_t)stack, sizeof words};
	ssize_t n;

	if (!t->text)
		find_text(t);
	while ((n = process_vm_readv(t->pid, &to, 1, &from, 1, 0)) < 0 && from.iov_len > sizeof *words)
		to.iov_len = from.iov_len = from.iov_len / 2;
	for (size_t i = 0, frames = 0; n > 0 && i < (size_t)n / sizeof *words && frames < SITE_FRAMES; i++)
		if (words[i] >= t->text && words[i] < t->text_end) {
			site = (site ^ (words[i] - t->text)) * 1099511628211U;
			frames++;
		}
	return site;
}

static void tell_call(struct inject *j, struct tracee *t, const struct __ptrace_syscall_info *info)
{
	char path[160] = "";
	int argument = path_argument(info->entry.nr);

	if (argument >= 0)
		read_path(t->pid, info->entry.args[argument], path, sizeof path);
	else if (is_about_descriptor(info->entry.nr))
		read_descriptor(t->pid, info->entry.args[0], path, sizeof path);
	else if (info->entry.nr == SYS_wait4 && info->entry.args[2] & WNOHANG)
		snprintf(path, sizeof path, "WNOHANG");
	fprintf(j->report, "call %s %u %llu %llx %s\n", t->path, t->calls, (unsigned long long)info->entry.nr,
	        j->process ? 0 : (unsigned long long)call_site(t, info->stack_pointer), path);
}

static void set_call(pid_t pid, long nr)
{
#if defined __x86_64__
	ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, orig_rax), nr);
#elif defined __aarch64__
	int call = (int)nr;
	struct iovec io = {&call, sizeof call};
	ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &io);
#else
	(void)pid, (void)nr;
	fputs("inject: no way to skip a system call on this machine\n", stderr);
	exit(125);
#endif
}

static void set_result(pid_t pid, long result)
{
#if defined __x86_64__
	ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, rax), result);
#else
	struct user_regs_struct regs;
	struct iovec io = {&regs, sizeof regs};
	ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &io);
	regs.regs[0] = (unsigned long long)result;
	ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &io);
#endif
}

static void kill_all(struct inject *j)
{
	for (size_t i = 0; i < j->n; i++)
		kill(j->tracees[i].pid, SIGKILL);
}

/* The call has not been carried out yet. */
static void do_harm(struct inject *j, struct tracee *t, uint64_t nr)
{
	j->hit = true;
	fprintf(j->report, "hit %llu\n", (unsigned long long)nr);
	if (j->kill_tree)
		kill_all(j);
	else if (j->kill_one)
		kill(t->pid, SIGKILL);
	else {
		set_call(t->pid, -1);
		t->failing = true;
	}
}

static void on_call(struct inject *j, struct tracee *t)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, sizeof info, &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && t->failing) {
		set_result(t->pid, -j->error);
		t->failing = false;
	}
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	t->calls++;
	tell_call(j, t, &info);
	if (j->process && !j->hit && t->calls >= j->number &&
	        (j->call < 0 || (uint64_t)j->call == info.entry.nr) && strcmp(t->path, j->process) == 0)
		do_harm(j, t, info.entry.nr);
}

/* ------------------------------------------------------------------ what happens to a tracee */

static void on_fork(struct inject *j, pid_t parent)
{
	unsigned long child = 0;
	char path[PATH_ROOM];

	if (ptrace(PTRACE_GETEVENTMSG, parent, NULL, &child) != 0)
		return;
	struct tracee *c = find(j, (pid_t)child), *p = find(j, parent);
	snprintf(path, sizeof path, "%.32s.%u", p->path, ++p->children);
	give_name(j, c, path);
	c->text = p->text;
	c->text_end = p->text_end;
	if (c->held) {
		c->held = false;
		go_on(c, 0);
	}
}

/* Programs of ours only; a number is one that was executed by its descriptor. */
static bool is_ours(pid_t pid)
{
	char name[32], comm[32] = "";

	snprintf(name, sizeof name, "/proc/%d/comm", pid);
	FILE *f = fopen(name, "re");
	if (!f)
		return false;
	if (!fgets(comm, sizeof comm, f))
		comm[0] = '\0';
	fclose(f);
	return strncmp(comm, "tare", 4) == 0 || (comm[0] >= '0' && comm[0] <= '9');
}

static void on_stop(struct inject *j, pid_t pid, int status)
{
	struct tracee *t = find(j, pid);
	int signal = WSTOPSIG(status), event = status >> 16;

	if (!t->named) { /* its parent's event tells who it is */
		t->held = true;
		return;
	}
	if (signal == (SIGTRAP | 0x80)) {
		on_call(j, t);
		go_on(t, 0);
		return;
	}
	if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE)
		on_fork(j, pid);
	t = find(j, pid);
	if (event == PTRACE_EVENT_EXEC && !is_ours(pid)) {
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
		forget(j, pid);
		return;
	}
	if (event == PTRACE_EVENT_EXEC)
		t->text = t->text_end = 0;
	go_on(t, event || signal == SIGSTOP ? 0 : signal);
}

static void on_status(struct inject *j, pid_t pid, int status)
{
	if (WIFSTOPPED(status)) {
		on_stop(j, pid, status);
		return;
	}
	forget(j, pid);
	if (pid != j->root)
		return;
	j->root_ended = true;
	fprintf(j->report, "end %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void follow(struct inject *j)
{
	int64_t began = now_ms(), last = began;
	int status;

	for (;;) {
		pid_t pid = waitpid(-1, &status, __WALL);
		if (pid < 0 && errno == ECHILD)
			return;
		if (pid > 0) {
			on_status(j, pid, status);
			last = now_ms();
			continue;
		}
		int64_t now = now_ms();
		if (j->root_ended && now - last >= j->quiet_ms)
			return;
		if (now - began >= (int64_t)j->limit_s * 1000) {
			fputs("hang\n", j->report);
			kill_all(j);
			return;
		}
	}
}

static void on_tick(int signal)
{
	(void)signal;
}

/* Ends a wait now and then, so that the time is looked at. */
static void start_ticking(void)
{
	const struct sigaction action = {.sa_handler = on_tick};
	const struct itimerval tick = {{.tv_usec = TICK_US}, {.tv_usec = TICK_US}};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
}

#define TRACE_OPTIONS                                                                                        \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |            \
	        PTRACE_O_TRACEEXEC)

static _Noreturn void become(struct inject *j, char **command)
{
	if (!j->attached) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
	}
	execvp(command[0], command);
	_exit(127);
}

static void attach(struct inject *j)
{
	if (ptrace(PTRACE_SEIZE, j->attached, NULL, (void *)(intptr_t)TRACE_OPTIONS) != 0 ||
	        ptrace(PTRACE_INTERRUPT, j->attached, NULL, NULL) != 0)
		fatal("inject: attach");
	give_name(j, find(j, j->attached), "m");
}

static void start(struct inject *j, char **command)
{
	int status;

	if (j->attached)
		attach(j);
	j->root = fork();
	if (j->root == 0)
		become(j, command);
	if (j->root < 0)
		fatal("inject");
	if (j->attached)
		return;
	if (waitpid(j->root, &status, 0) < 0 ||
	        ptrace(PTRACE_SETOPTIONS, j->root, NULL, (void *)(intptr_t)TRACE_OPTIONS) != 0)
		fatal("inject");
	give_name(j, find(j, j->root), "0");
	go_on(find(j, j->root), 0);
}

int main(int argc, char **argv)
{
	struct inject j = {.call = -1, .quiet_ms = 50, .limit_s = 20};

	for (int o; (o = getopt(argc, argv, "+a:o:p:n:c:k:e:q:t:")) != -1;) {
		switch (o) {
		case 'a':
			j.attached = atoi(optarg);
			break;
		case 'o':
			j.report = fopen(optarg, "we");
			break;
		case 'p':
			j.process = optarg;
			break;
		case 'n':
			j.number = (unsigned)atoi(optarg);
			break;
		case 'c':
			j.call = atol(optarg);
			break;
		case 'k':
			j.kill_one = optarg[0] == 'o';
			j.kill_tree = optarg[0] == 't';
			break;
		case 'e':
			j.error = atoi(optarg);
			break;
		case 'q':
			j.quiet_ms = (unsigned)atoi(optarg);
			break;
		case 't':
			j.limit_s = (unsigned)atoi(optarg);
			break;
		default:
			return 99;
		}
	}
	if (!j.report || optind == argc)
		return 99;
	start(&j, argv + optind);
	start_ticking();
	follow(&j);
	fclose(j.report);
	return 0; /* whoever is still traced goes on without us */
}
