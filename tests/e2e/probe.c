/* probe - runs inside a container and tries what an attacker would try. One word says what; the answer is the
 * errno's name, or "allowed". Static, so that it runs in any image. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define X32_BIT      0x40000000
#define SCRATCH_SIZE 4096

static int answer(long result)
{
	printf("%s\n", result >= 0 ? "allowed" : strerrorname_np(errno));
	return 0;
}

/* A call by number with harmless arguments: only whether the filter lets it in is of interest. */
static int try_syscall(long number)
{
	static char scratch[SCRATCH_SIZE];
	return answer(syscall(number, scratch, scratch, 0, 0, 0, 0));
}

static const struct {
	const char *name;
	long number;
} calls[] = {
        {"io_uring_setup", SYS_io_uring_setup},
        {"userfaultfd", SYS_userfaultfd},
        {"add_key", SYS_add_key},
        {"keyctl", SYS_keyctl},
        {"request_key", SYS_request_key},
        {"bpf", SYS_bpf},
        {"perf_event_open", SYS_perf_event_open},
        {"open_by_handle_at", SYS_open_by_handle_at},
        {"kexec_load", SYS_kexec_load},
        {"init_module", SYS_init_module},
        {"swapon", SYS_swapon},
        {"reboot", SYS_reboot},
        {"settimeofday", SYS_settimeofday},
        {"mount", SYS_mount},
        {"umount2", SYS_umount2},
        {"pivot_root", SYS_pivot_root},
        {"fsopen", SYS_fsopen},
        {"open_tree", SYS_open_tree},
        {"setns", SYS_setns},
        {"quotactl", SYS_quotactl},
        {"syslog", SYS_syslog},
        {"clone3", SYS_clone3},
        {"getpid", SYS_getpid},
};

/* Types a command into whoever's terminal fd is, if the kernel lets us; also with a bit above the low 32,
 * which a filter that compares all 64 would miss (CVE-2019-10063). */
static int tiocsti(void)
{
	for (int fd = 0; fd < 3; fd++) {
		for (const char *c = "echo pwned\n"; *c; c++)
			ioctl(fd, TIOCSTI, c);
		for (const char *c = "echo pwned\n"; *c; c++)
			syscall(SYS_ioctl, fd, TIOCSTI | 1UL << 32, c);
	}
	puts("tried");
	return 0;
}

/* Everything that is open, but for 0, 1, 2 and what looking needs. */
static int descriptors(void)
{
	char path[64], target[4096];
	for (int fd = 3; fd < 4096; fd++) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, target, sizeof target - 1);
		if (n < 0)
			continue;
		target[n] = 0;
		printf("%d %s\n", fd, target);
	}
	return 0;
}

#ifdef __x86_64__
/* A 32-bit call through the old gate: number 20 is getpid there; 343 and above are what the filter must know.
 */
static int int80(long number)
{
	long result;
	/* The stack may be above 4 GiB: the arguments are zeros. */
	__asm__ volatile("int $0x80"
	                 : "=a"(result)
	                 : "a"(number), "b"(0L), "c"(0L), "d"(0L)
	                 : "memory", "r8", "r9", "r10", "r11");
	if (result < 0 && result > -4096) {
		errno = (int)-result;
		result = -1;
	}
	return answer(result);
}
#endif

static int make_device(const char *kind, const char *major, const char *minor)
{
	mode_t type = *kind == 'b' ? S_IFBLK : S_IFCHR;
	unlink("/tmp/device");
	if (mknod("/tmp/device", type | 0600, makedev(strtoul(major, NULL, 10), strtoul(minor, NULL, 10)))) {
		printf("mknod: ");
		return answer(-1);
	}
	int fd = open("/tmp/device", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	printf("open: ");
	return answer(fd);
}

static int main_by_word(const char *word, char **argv)
{
	if (!strcmp(word, "ioctl") && argv[0])
		return answer(syscall(SYS_ioctl, 0, strtoul(argv[0], NULL, 0), "x"));
	if (!strcmp(word, "tiocsti"))
		return tiocsti();
	if (!strcmp(word, "descriptors"))
		return descriptors();
	if (!strcmp(word, "userns"))
		return answer(unshare(CLONE_NEWUSER));
	if (!strcmp(word, "mountns"))
		return answer(unshare(CLONE_NEWNS));
	if (!strcmp(word, "socket") && argv[0])
		return answer(socket((int)strtol(argv[0], NULL, 10), argv[1] ? SOCK_RAW : SOCK_DGRAM, 0));
	if (!strcmp(word, "device") && argv[0] && argv[1] && argv[2])
		return make_device(argv[0], argv[1], argv[2]);
	if (!strcmp(word, "chroot"))
		return answer(chroot("/tmp"));
	if (!strcmp(word, "dumpable"))
		return printf("%d\n", prctl(PR_GET_DUMPABLE)) < 0;
	if (!strcmp(word, "allocate") && argv[0]) {
		size_t n = strtoull(argv[0], NULL, 10) << 20;
		char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return answer(-1);
		memset(p, 1, n);
		return answer(0);
	}
#ifdef __x86_64__
	if (!strcmp(word, "x32"))
		return answer(syscall(X32_BIT | SYS_getpid));
	if (!strcmp(word, "int80") && argv[0])
		return int80(strtol(argv[0], NULL, 10));
#endif
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		if (!strcmp(word, calls[i].name))
			return try_syscall(calls[i].number);
	fprintf(stderr, "probe: what is %s?\n", word);
	return 2;
}

int main(int argc, char **argv)
{
	return argc > 1 ? main_by_word(argv[1], argv + 2) : 2;
}
