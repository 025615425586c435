/* What the name service may still do once it has started: tried by a child in its place. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "net/dns/sandbox.h"

#define CONF "/etc/resolv.conf"

static bool sanitized(void)
{
#ifdef __SANITIZE_ADDRESS__
	return true;
#else
	return false;
#endif
}

/* In a child that has entered the sandbox with `dir` for the networks; its answer is its exit code. */
static void in_sandbox(bool (*fn)(int dir))
{
	char dir[] = "/tmp/tare-sandbox-XXXXXX", file[64];
	int status;
	pid_t pid;

	if (geteuid())
		skip();
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	snprintf(file, sizeof file, "%s/leases", dir);
	close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	pid = fork();
	if (!pid) {
		int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dns_sandbox_enter(fd, CONF) < 0)
			_exit(2);
		_exit(fn(fd) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	remove_tree_at(AT_FDCWD, dir);
	assert_int_equal(status, 0);
}

static bool reads(int dir)
{
	int fd = openat(dir, "leases", O_RDONLY), conf = open(CONF, O_RDONLY);

	return fd >= 0 && (conf >= 0 || errno == ENOENT);
}

static void it_reads_leases_and_resolvers(void **state)
{
	(void)state;
	in_sandbox(reads);
}

static bool reads_nothing_else(int dir)
{
	(void)dir;
	return open("/proc/version", O_RDONLY) < 0 && errno == EACCES && open("/bin/sh", O_RDONLY) < 0 &&
	       open("/tmp", O_RDONLY | O_DIRECTORY) < 0 && open("/etc/shadow", O_RDONLY) < 0;
}

static void it_reads_nothing_else(void **state)
{
	(void)state;
	if (syscall(444, NULL, 0, 1) < 1) /* a kernel without Landlock */
		skip();
	in_sandbox(reads_nothing_else);
}

static bool has_few_calls(int dir)
{
	uid_t real, effective, saved;

	(void)dir;
	return getresuid(&real, &effective, &saved) < 0 && errno == EPERM && chdir("/") < 0 && errno == EPERM;
}

static void it_has_the_calls_of_its_loop_alone(void **state)
{
	(void)state;
	if (sanitized())
		skip();
	in_sandbox(has_few_calls);
}

static bool writes_nothing(int dir)
{
	return openat(dir, "new", O_CREAT | O_WRONLY, 0600) < 0 && openat(dir, "leases", O_WRONLY) < 0 &&
	       unlinkat(dir, "leases", 0) < 0 && mkdirat(dir, "new", 0755) < 0;
}

static void it_writes_nothing(void **state)
{
	(void)state;
	in_sandbox(writes_nothing);
}

static bool starts_nothing(int dir)
{
	char *argv[] = {"true", NULL};

	(void)dir;
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) < 0 && execv("/bin/true", argv) < 0 &&
	       kill(getppid(), 0) < 0 && unshare(CLONE_NEWUSER) < 0;
}

static void it_starts_nothing(void **state)
{
	(void)state;
	if (sanitized())
		skip();
	in_sandbox(starts_nothing);
}

static bool has_two_families(int dir)
{
	static const int others[] = {AF_UNIX, AF_NETLINK, AF_PACKET, AF_ALG, AF_VSOCK};

	(void)dir;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (socket(others[i], SOCK_DGRAM, 0) >= 0 || errno != EPERM)
			return false;
	return socket(AF_INET, SOCK_DGRAM, 0) >= 0 && socket(AF_INET, SOCK_STREAM, 0) >= 0 &&
	       socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) < 0;
}

static void it_has_sockets_of_two_families(void **state)
{
	(void)state;
	if (sanitized())
		skip();
	in_sandbox(has_two_families);
}

/* Another service of the host's is not for it to reach: Landlock since Linux 6.7. */
static bool connects_to_53_alone(int dir)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	(void)dir;
	to.sin_port = htons(22);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno != EACCES)
		return false;
	to.sin_port = htons(53);
	return connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno != EACCES;
}

static void it_connects_to_port_53_alone(void **state)
{
	(void)state;
	if (syscall(444, NULL, 0, 1) < 4)
		skip();
	in_sandbox(connects_to_53_alone);
}

static bool has_no_code(int dir)
{
	void *own = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)dir;
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	               MAP_FAILED &&
	       own != MAP_FAILED && mprotect(own, 4096, PROT_READ | PROT_WRITE) == 0 &&
	       mprotect(own, 4096, PROT_READ | PROT_EXEC) < 0;
}

static void it_has_no_memory_for_new_code(void **state)
{
	(void)state;
	if (sanitized())
		skip();
	in_sandbox(has_no_code);
}

/* What the kernel says of it, read by somebody else. */
static void it_is_nobody_without_rights(void **state)
{
	(void)state;
	static const char *const lines[] = {"\nUid:\t65534\t65534\t65534\t65534\n",
	        "\nGid:\t65534\t65534\t65534\t65534\n", "\nGroups:\t \n", "\nCapPrm:\t0000000000000000\n",
	        "\nCapEff:\t0000000000000000\n", "\nCapBnd:\t0000000000000000\n", "\nNoNewPrivs:\t1\n"};
	char path[64], text[8192];
	int status, ends[2];
	struct stat st;

	if (geteuid())
		skip();
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (!pid) {
		close(ends[0]);
		if (dns_sandbox_enter(open("/tmp", O_PATH), CONF) < 0)
			_exit(2);
		close(ends[1]);
		for (;;)
			recv(-1, NULL, 0, 0);
	}
	close(ends[1]);
	read(ends[0], &status, 1); /* until it is in */
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	assert_true(file_read_small(AT_FDCWD, path, text, sizeof text) > 0);
	/* not dumpable: others of that uid can't trace it, its files are root's */
	snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
	assert_int_equal(stat(path, &st), 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		if (!strstr(text, lines[i]))
			fail_msg("no%s in\n%s", lines[i], text);
	assert_int_equal(st.st_uid, 0);
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(it_reads_leases_and_resolvers),
	        cmocka_unit_test(it_reads_nothing_else),
	        cmocka_unit_test(it_has_the_calls_of_its_loop_alone),
	        cmocka_unit_test(it_writes_nothing),
	        cmocka_unit_test(it_starts_nothing),
	        cmocka_unit_test(it_has_sockets_of_two_families),
	        cmocka_unit_test(it_connects_to_port_53_alone),
	        cmocka_unit_test(it_has_no_memory_for_new_code),
	        cmocka_unit_test(it_is_nobody_without_rights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
