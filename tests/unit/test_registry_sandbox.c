/* What a hostile worker of the registry can't do. Each test is a child that enters the sandbox and tries. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "registry/server/sandbox.h"

static char dir[] = "/tmp/tare-sandbox.XXXXXX";

static int make(void **state)
{
	(void)state;
	if (!mkdtemp(dir) || chdir(dir) < 0 || mkdir("storage", 0700) < 0 || mkdir("storage/a", 0700) < 0 ||
	        mkdir("storage/b", 0700) < 0 || mkdir("images", 0700) < 0)
		return -1;
	close(open("outside", O_CREAT | O_WRONLY, 0600));
	close(open("images/f", O_CREAT | O_WRONLY, 0600));
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	return chdir("/") < 0 ? -1 : remove_tree_at(AT_FDCWD, dir);
}

/* The child's exit code: 0, or the line that was wrong. */
#define WANT(what)                                                                                           \
	do {                                                                                                 \
		if (!(what))                                                                                 \
			return __LINE__ & 255;                                                               \
	} while (0)

static struct sandbox_state got;
static int images_fd;

static void in_child(int (*try)(int storage), bool read_only)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int storage = open("storage", O_RDONLY | O_DIRECTORY),
		    images = open("images", O_RDONLY | O_DIRECTORY);
		images_fd = images;
		struct sandbox box = {
		        .storage_fd = storage, .read_only = read_only, .read_fds = &images, .n_read = 1};
		struct err e = ERR_INIT;

		if (sandbox_enter(&box, &got, &e) < 0)
			_exit(254);
		_exit(try(storage));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("status %x: line %d (modulo 256)", status, WEXITSTATUS(status));
}

/* What only the filter keeps away. A sanitizer's runtime needs more calls than it could let through. */
static void needs_filter(void)
{
#ifdef __SANITIZE_ADDRESS__
	print_message("no filter in a sanitized build\n");
	skip();
#endif
}

static bool landlocked(void)
{
	return got.landlock > 0;
}

static int storage_work(int storage)
{
	int fd = openat(storage, "a/new", O_CREAT | O_EXCL | O_RDWR, 0600);

	WANT(fd >= 0);
	WANT(write(fd, "x", 1) == 1 && fsync(fd) == 0);
	WANT(linkat(storage, "a/new", storage, "b/link", 0) == 0);
	WANT(renameat(storage, "a/new", storage, "b/moved") == 0);
	WANT(unlinkat(storage, "b/link", 0) == 0 && unlinkat(storage, "b/moved", 0) == 0);
	WANT(mkdirat(storage, "c", 0700) == 0 && unlinkat(storage, "c", AT_REMOVEDIR) == 0);
	fd = openat(storage, ".", O_TMPFILE | O_RDWR, 0600);
	WANT(fd >= 0);
	return 0;
}

static void the_storage_can_be_worked_on(void **state)
{
	(void)state;
	in_child(storage_work, false);
}

static int read_storage(int storage)
{
	if (landlocked())
		WANT(openat(storage, "a/new", O_CREAT | O_WRONLY, 0600) < 0);
	WANT(openat(storage, "a", O_RDONLY | O_DIRECTORY) >= 0);
	return 0;
}

static void a_read_only_one_only_read(void **state)
{
	(void)state;
	in_child(read_storage, true);
}

static int look_outside(int storage)
{
	struct stat st;

	WANT(openat(images_fd, "f", O_RDONLY) >= 0);
	/* without Landlock, too */
	WANT(open("outside", O_RDONLY) < 0);
	WANT(openat(storage, "../outside", O_RDONLY) < 0);
	WANT(open("/etc/passwd", O_RDONLY) < 0);
	if (!landlocked())
		return 0;
	WANT(openat(images_fd, "../outside", O_RDONLY) < 0);
	WANT(open("/proc/self/environ", O_RDONLY) < 0);
	WANT(openat(images_fd, "f", O_WRONLY) < 0);
	WANT(openat(images_fd, "new", O_CREAT | O_WRONLY, 0600) < 0);
	WANT(unlinkat(images_fd, "f", 0) < 0 && renameat(images_fd, "f", storage, "a/x") < 0 &&
	        linkat(images_fd, "f", storage, "a/x", 0) < 0);
	WANT(fstatat(storage, "a/x", &st, 0) < 0);
	return 0;
}

static void nothing_outside_can_be_seen(void **state)
{
	(void)state;
	in_child(look_outside, false);
}

static int run_something(int storage)
{
	char *const argv[] = {"true", NULL};

	(void)storage;
	WANT(execve("/bin/true", argv, NULL) < 0 && errno == EPERM);
	WANT(syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, NULL, 0) < 0);
	WANT(fork() < 0);
#ifdef SYS_vfork
	WANT(syscall(SYS_fork) < 0);
#endif
	WANT(syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS);
	WANT(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	WANT(p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) < 0);
	return 0;
}

static void no_program_is_started(void **state)
{
	(void)state;
	needs_filter();
	in_child(run_something, false);
}

static int reach_out(int storage)
{
	int pair[2];

	(void)storage;
	WANT(socket(AF_INET, SOCK_STREAM, 0) < 0 && socket(AF_UNIX, SOCK_STREAM, 0) < 0 &&
	        socket(AF_NETLINK, SOCK_RAW, 0) < 0);
	WANT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	WANT(kill(getppid(), 0) < 0 && kill(getpid(), SIGKILL) < 0);
	WANT(syscall(SYS_tgkill, getppid(), getppid(), 0) < 0);
	WANT(ptrace(PTRACE_ATTACH, getppid(), 0, 0) < 0);
	WANT(syscall(SYS_pidfd_open, getppid(), 0) < 0);
	WANT(setuid(0) < 0 && setgid(0) < 0 && chroot(".") < 0);
	WANT(syscall(SYS_mount, "a", "b", "c", 0, 0) < 0 && syscall(SYS_unshare, 0) < 0);
	WANT(syscall(SYS_bpf, 0, 0, 0) < 0 && syscall(SYS_io_uring_setup, 1, 0) < 0);
	return 0;
}

static void nobody_is_reached(void **state)
{
	(void)state;
	needs_filter();
	in_child(reach_out, false);
}

static void *thread(void *arg)
{
	*(int *)arg = open("/etc/passwd", O_RDONLY) < 0 ? socket(AF_INET, SOCK_STREAM, 0) : 9;
	return NULL;
}

static int make_thread(int storage)
{
	pthread_t t;
	int result = 0;

	(void)storage;
	WANT(pthread_create(&t, NULL, thread, &result) == 0 && pthread_join(t, NULL) == 0);
	WANT(result == -1 || !landlocked() || (!got.seccomp && result != 9));
	return 0;
}

static void threads_are_in_it_too(void **state)
{
	(void)state;
	in_child(make_thread, false);
}

static void *idle(void *arg)
{
	(void)arg;
	pause();
	return NULL;
}

/* One that was there before would stay outside. */
static void it_is_entered_alone(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		int storage = open("storage", O_RDONLY | O_DIRECTORY);
		struct sandbox box = {.storage_fd = storage};
		struct err e = ERR_INIT;
		pthread_t t;

		pthread_create(&t, NULL, idle, NULL);
		_exit(sandbox_enter(&box, &got, &e) < 0 && strstr(e.msg, "2 threads") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_storage_can_be_worked_on),
	        cmocka_unit_test(a_read_only_one_only_read),
	        cmocka_unit_test(nothing_outside_can_be_seen),
	        cmocka_unit_test(no_program_is_started),
	        cmocka_unit_test(nobody_is_reached),
	        cmocka_unit_test(threads_are_in_it_too),
	        cmocka_unit_test(it_is_entered_alone),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
